#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// Abseil flags with one precedence for every binary: command line > environment (DONDOC_<FLAG>) >
// --flagfile > default.

namespace dondoc {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitBadConfig = 2;

// Sets the flags defined in this binary's own sources from all places and returns the words that
// are not flags (argv[0] left out). `about` is what --help prints first; --help and --version print
// and exit 0. A flag or DONDOC_ variable that does not exist, or a value that cannot be read,
// prints one line that names it and its place on stderr and exits 2: nothing has started yet.
std::vector<std::string> ParseFlags(int argc, char** argv, absl::string_view about);

// Every flag of this binary with its value, one "name=value" each, secrets masked (names with
// password, secret, key, token), for the line printed at start.
std::vector<std::string> DescribeFlags();

// Prints `status` as one line "<binary>: <message>" and returns `exit_code`.
int ExitWith(int exit_code, const absl::Status& status);

}  // namespace dondoc
