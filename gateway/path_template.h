#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// The path of a google.api.http rule:
//   "/" Segment { "/" Segment } [ ":" verb ]
//   Segment = literal | "*" | "**" | "{" field.path [ "=" Segment { "/" Segment } ] "}"

namespace dondoc::gateway {

struct PathTemplate {
  enum class Kind { kLiteral, kSingle, kRest };
  struct Segment {
    Kind kind = Kind::kLiteral;
    std::string literal;  // for kLiteral
  };
  // Segments [first, last) of the template bind to `field_path`; a kRest in them takes all that
  // remains.
  struct Variable {
    std::string field_path;
    size_t first = 0;
    size_t last = 0;
  };
  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;  // custom verb, without the colon; empty = none

  // kInvalidArgument says what is wrong and where. "**" is allowed in the last place only.
  static absl::StatusOr<PathTemplate> Parse(absl::string_view text);
};

// Undoes %XX. With `keep_slashes`, "%2F" stays as it is: in a value of several segments it is not
// the same as "/" (http.proto). kInvalidArgument for a '%' without two hex digits, a NUL or bytes
// that are not UTF-8.
absl::StatusOr<std::string> PercentDecode(absl::string_view text, bool keep_slashes,
                                          bool plus_is_space);

}  // namespace dondoc::gateway
