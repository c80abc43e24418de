#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

// Foreign text in our messages: error messages, log lines. Whatever it holds, what comes out is
// valid UTF-8 without control characters.

namespace dondoc {

inline constexpr size_t kQuotedBytesMax = 80;

// 'text' in single quotes for an error message: control characters, line separators, quotes and
// backslashes escaped (\n, \', \\, \u0007), bytes that are not UTF-8 as \xff, cut with "…" after
// kQuotedBytesMax bytes.
std::string Quoted(absl::string_view text);

// A JSON string with its double quotes: as RFC 8259 wants it, and DEL, C1 controls and the line
// separators U+2028 and U+2029 escaped as well; each byte that is not UTF-8 becomes U+FFFD. Cut
// with "…" after `bytes_max` bytes of `text`.
std::string JsonQuoted(absl::string_view text, size_t bytes_max);

}  // namespace dondoc
