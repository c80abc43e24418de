#pragma once

#include <algorithm>

#include "absl/strings/string_view.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/sheet_reader.h"
#include "services/ingestion/reading/table_finder.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {

// A file as an import reads it, down to its dates; rows never share a number.
inline void ReadAnyFile(absl::string_view bytes, size_t piece_bytes) {
  int64_t rows = 0;
  TableFinder finder({}, {[](const ColumnPlan&) { return absl::OkStatus(); },
                          [&rows](const MeaningCells& cells, int64_t number, CsvRow::Problem) {
                            if (number <= 0) __builtin_trap();
                            ++rows;
                            (void)ParseCellTime(cells[static_cast<size_t>(Meaning::kReceived)]);
                            return absl::OkStatus();
                          },
                          [](const StatementRow& row) {
                            const bool right = row.reason == v1::RejectReason::UNSPECIFIED;
                            const int64_t parts =
                                row.online + row.counter + row.postal + row.unknown;
                            if (right && parts != row.total) __builtin_trap();
                            return absl::OkStatus();
                          }});
  SheetReader::Options options;
  options.xlsx.ratio_free_bytes = 1 << 20;
  options.xlsx.inflated_bytes_max = 16 << 20;
  int sheet = 0;
  int64_t number = 0;
  SheetReader reader(
      [&finder](absl::Span<const absl::string_view> cells) { return finder.Score(cells); },
      [&](const SheetRow& row) {
        if (row.sheet == sheet && row.number <= number) __builtin_trap();
        sheet = row.sheet;
        number = row.number;
        return finder.OnRow(row);
      },
      options);
  while (!bytes.empty()) {
    if (!reader.Feed(bytes.substr(0, piece_bytes)).ok()) return;
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
  }
  if (reader.Finish().ok()) (void)finder.Finish();
}

}  // namespace dondoc::ingestion
