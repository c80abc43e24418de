#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dondoc::alerting {

inline constexpr size_t kTemplateBytesMax = 64 << 10;

// What the templates of a family ("reminder", …) may name: all that the built-in ones do. Sorted.
std::vector<std::string> TemplateVariables(absl::string_view family);

// Whether `source` can stand for the template `name`. kNotFound for a name that is none of ours;
// kInvalidArgument says what is wrong and at which byte: too long, not UTF-8, not Mustache, a name
// that means nothing, a partial or other delimiters, a section inside one of the same name (its
// output would grow as a power), and in ".html" an unescaped value.
absl::Status CheckTemplate(absl::string_view name, absl::string_view source);

}  // namespace dondoc::alerting
