#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "services/alerting/message_request.h"

namespace dondoc::alerting {

struct ReminderText {
  std::string subject;
  std::string text;
  std::string html;
};

// Sources to be used instead of the built-in ones, by their names ("reminder.html").
using TemplateSources = std::map<std::string, std::string>;

// Which templates write a kind: "reminder", "notice" or "digest".
absl::string_view TemplateFamily(MessageKind kind);

// In Vietnamese, numbers as vi-VN writes them. `attached` is the attachment's name; empty = none.
// kInternal when a template is broken, which a test and the check before one is stored exclude.
absl::StatusOr<ReminderText> RenderMessage(MessageKind kind, const ReminderFacts& facts,
                                           const std::string& attached,
                                           const TemplateSources& changed);

// One template with `source`.
absl::StatusOr<std::string> RenderSource(absl::string_view name, const std::string& source,
                                         MessageKind kind, const ReminderFacts& facts);

// A kReminder by the built-in templates.
absl::StatusOr<ReminderText> RenderReminder(const ReminderFacts& facts);

}  // namespace dondoc::alerting
