#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace dondoc::gateway {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view text);

// Appends `text` as a quoted JSON string. Bytes that are not UTF-8 become U+FFFD: what we echo from
// a hostile request must not make our own answer invalid. U+2028 and U+2029 are escaped, so that
// the answer is also valid JavaScript.
void AppendJsonString(absl::string_view text, std::string& out);

}  // namespace dondoc::gateway
