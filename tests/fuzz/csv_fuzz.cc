#include <cstdint>

#include "services/ingestion/reading/csv_reader.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {

// Rows are in ascending order, trimmed, and UTF-8 unless they say otherwise.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  int64_t last = 0;
  CsvReader reader(
      [](absl::Span<const absl::string_view> cells) { return MapHeader(cells).recognised; },
      [&last](const CsvRow& row) {
        if (row.number <= last || row.cells.size() > kCsvColumnsMax) __builtin_trap();
        last = row.number;
        for (const absl::string_view cell : row.cells) {
          if (row.problem == CsvRow::Problem::kNone && !IsUtf8(cell)) __builtin_trap();
        }
        return absl::OkStatus();
      });
  const size_t piece_bytes = size_t{1} + data[0];
  absl::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    if (!reader.Feed(rest.substr(0, piece_bytes)).ok()) return 0;
    rest.remove_prefix(std::min(piece_bytes, rest.size()));
  }
  (void)reader.Finish();  // any answer will do
  return 0;
}

}  // namespace dondoc::ingestion
