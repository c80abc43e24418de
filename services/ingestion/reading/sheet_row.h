#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/csv_reader.h"

namespace dondoc::ingestion {

// One row of a sheet, whatever file it came from.
struct SheetRow {
  // Counts the file's sheets (of a web page its tables and the text between them) from 0.
  int sheet = 0;
  absl::string_view sheet_name;  // empty where the format has none
  // As a spreadsheet shows it. Rows of one sheet come in ascending order; rows without any text do
  // not come.
  int64_t number = 0;
  bool hidden = false;
  // Trimmed UTF-8; a merged cell's text in every cell it covers. Valid until the sink returns.
  std::vector<absl::string_view> cells;
  CsvRow::Problem problem = CsvRow::Problem::kNone;
};

// Gets every row; its error stops the reader and is what Feed or Finish returns.
using SheetSink = std::function<absl::Status(const SheetRow& row)>;

}  // namespace dondoc::ingestion
