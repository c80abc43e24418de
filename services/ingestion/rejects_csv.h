#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "dondoc/v1/imports.pb.h"

namespace dondoc::ingestion {

// Rejects as CSV that any spreadsheet opens: byte order mark, comma, every cell quoted, and no cell
// that a spreadsheet would run as a formula.
std::string RejectsCsvHeader();
std::string RejectsCsvRow(const v1::Reject& reject);

// One quoted cell; text beginning with = + - @ tab or CR gets an apostrophe before it.
std::string SafeCsvCell(absl::string_view text);

}  // namespace dondoc::ingestion
