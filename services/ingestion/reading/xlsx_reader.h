#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/sheet_row.h"

namespace dondoc::ingestion {

struct XlsxLimits {
  int64_t entries_max = 10'000;  // of the zip
  int sheets_max = 200;
  // Inflated, all together; and as a multiple of the file once it is beyond `ratio_free_bytes`.
  int64_t inflated_bytes_max = int64_t{16} << 30;
  int64_t inflated_ratio_max = 300;
  int64_t ratio_free_bytes = 64 << 20;
  // The only part of a workbook that has to be in memory.
  int64_t shared_string_bytes_max = 256 << 20;
  int64_t shared_strings_max = 8 << 20;
  int64_t part_bytes_max = 16 << 20;  // workbook, relations, styles: each
  size_t merges_max = 10'000;         // of a sheet; the rest are not filled
};

// What a workbook has that an officer should know of.
struct XlsxNotes {
  int64_t hidden_rows = 0;
  int64_t formulas_without_value = 0;
  int64_t first_formula_row = 0;
  std::vector<std::string> hidden_sheets;  // not read
};

// Reads the workbook (.xlsx, .xlsm) in the file `fd`, sheet after sheet in the workbook's order;
// each sheet's rows stream through, so memory is that of the shared strings. `fd` stays the
// caller's. kInvalidArgument, in Vietnamese: not a workbook, damaged, or beyond a limit; kCancelled
// soon after `stop` (may be null) is set; else the sink's error.
absl::Status ReadXlsx(int fd, const XlsxLimits& limits, const SheetSink& sink, XlsxNotes& notes,
                      const std::atomic<bool>* stop = nullptr);

}  // namespace dondoc::ingestion
