#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dondoc/v1/units.pb.h"
#include "services/ingestion/reading/sheet_reader.h"

// Files that a person keeps of units or procedures: small, read whole, all or none.

namespace dondoc::ingestion {

inline constexpr size_t kEntryFileBytesMax = 16 << 20;
inline constexpr size_t kEntryRowsMax = 100'000;

// One form that a file may have.
struct EntryForm {
  struct Column {
    const char* meaning;  // as FileColumn.meaning
    bool required;
    std::vector<const char*> keys;  // headers by match key
  };
  std::vector<Column> columns;  // the first names the entry
};

// What a file holds.
struct EntryTable {
  struct Row {
    int64_t number;                  // as a spreadsheet shows it
    std::vector<std::string> cells;  // one per column of the form; "" where the file has none
  };
  size_t form = 0;        // index among the forms asked for
  std::vector<bool> has;  // one per column of the form: whether the file has it
  std::vector<v1::FileColumn> columns;
  std::vector<Row> rows;
};

// Reads a file of one of several forms, told by its headers; titles above the header, sections and
// signatures are passed over. Not thread-safe.
class EntryFile {
 public:
  // `forms` and `spool_folder` as SheetReader has it; both outlive the file.
  EntryFile(absl::Span<const EntryForm> forms, const std::string& spool_folder);

  // kInvalidArgument, in Vietnamese with "body: " before it: no such file, no such table, or a row
  // that cannot be read. Other errors are the spool's. After an error no other call may follow.
  absl::Status Feed(absl::string_view piece);
  // The table; call once.
  absl::StatusOr<EntryTable> Finish();

 private:
  absl::Status OnRow(const SheetRow& row);
  bool FindHeader(const SheetRow& row);
  absl::Status TakeRow(const SheetRow& row);

  const absl::Span<const EntryForm> forms_;
  size_t bytes_ = 0;
  int title_rows_ = 0;
  bool found_ = false;
  bool after_header_ = false;
  int sheet_ = 0;               // of the table
  std::vector<int> column_of_;  // index in the file by column of the form, -1 = none
  EntryTable table_;
  SheetReader reader_;
};

// kInvalidArgument "body: dòng 7: …".
absl::Status BadRow(int64_t number, absl::string_view what);
// An ISO day of a cell in any form that exports use; "" for an empty cell. The error says why.
absl::StatusOr<std::string> DayOfCell(absl::string_view cell);

}  // namespace dondoc::ingestion
