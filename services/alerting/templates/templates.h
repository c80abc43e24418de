#pragma once

#include "absl/strings/string_view.h"

// The Mustache templates of this folder, compiled in by CMakeLists.txt.

namespace dondoc::alerting {

absl::string_view SubjectTemplate();
absl::string_view ReminderTextTemplate();
absl::string_view ReminderHtmlTemplate();

}  // namespace dondoc::alerting
