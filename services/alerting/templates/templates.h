#pragma once

#include <vector>

#include "absl/strings/string_view.h"

// The Mustache templates of this folder, compiled in by CMakeLists.txt.

namespace dondoc::alerting {

struct BuiltInTemplate {
  absl::string_view name;  // "reminder.html": the file's name without ".mustache"
  absl::string_view source;
};

// In order of their names.
const std::vector<BuiltInTemplate>& BuiltInTemplates();

}  // namespace dondoc::alerting
