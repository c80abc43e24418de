#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dondoc::ctl {

inline constexpr size_t kCsvCellsMax = 4'000'000;

// A cell as RFC 4180 writes it: quoted only when it has to be.
std::string CsvCell(absl::string_view text);

// The rows of a small CSV file (RFC 4180, commas, LF or CRLF, an optional byte order mark). Empty
// lines are left out. kInvalidArgument "row <n>: …" for stray quotes, an unclosed quote or more
// than kCsvCellsMax cells; rows count from 1.
absl::StatusOr<std::vector<std::vector<std::string>>> ParseCsv(absl::string_view text);

}  // namespace dondoc::ctl
