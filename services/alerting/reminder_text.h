#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/alerting/message_request.h"

namespace dondoc::alerting {

struct ReminderText {
  std::string subject;
  std::string text;
  std::string html;
};

// In Vietnamese, numbers as vi-VN writes them. kInternal when a template is broken, which a test
// excludes.
absl::StatusOr<ReminderText> RenderReminder(const ReminderFacts& facts);

}  // namespace dondoc::alerting
