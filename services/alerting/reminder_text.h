#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/campaigns.pb.h"

namespace dondoc::alerting {

// Everything a reminder says. Texts are as stored: hostile until rendered.
struct ReminderFacts {
  std::string subject_prefix;
  std::string office_name;
  std::string public_url;  // http(s); empty = no link

  v1::Campaign campaign;
  v1::Target target;  // of the unit's level
  v1::Flag flag;      // of the unit, with percent and missing as computed
  v1::Window window;
  std::string definition_name;
  int32_t definition_version = 0;
  std::string definition_id;
  std::string ledger_id;
  int64_t sequence = 0;

  absl::CivilDay today;
  // The last day whose data the unit has; shown when it is before the window's end.
  absl::CivilDay unit_last_day;
  // From today to the last counted day, both included; 0 or less once the deadline has passed.
  int64_t days_left = 0;
  int64_t working_days_left = 0;
};

struct ReminderText {
  std::string subject;
  std::string text;
  std::string html;
};

// In Vietnamese, numbers as vi-VN writes them. kInternal when a template is broken, which a test
// excludes.
absl::StatusOr<ReminderText> RenderReminder(const ReminderFacts& facts);

}  // namespace dondoc::alerting
