#pragma once

#include <csv.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dondoc::ingestion {

inline constexpr size_t kCsvCellBytesMax = 32 << 10;  // what a spreadsheet cell can hold
inline constexpr size_t kCsvRowBytesMax = 64 << 10;
inline constexpr size_t kCsvColumnsMax = 512;
// Bytes looked at to tell the delimiter.
inline constexpr size_t kCsvHeadBytesMax = 64 << 10;
// Rows looked at for the header line: title rows above it are at most this many.
inline constexpr int kCsvTitleRowsMax = 30;
// Rows whose quotes are not closed within kCsvRowBytesMax; each costs reading those bytes again.
inline constexpr int kCsvUnclosedRowsMax = 100;

struct CsvRow {
  enum class Problem {
    kNone,
    kUnclosedQuote,
    kRowBytes,
    kCellBytes,
    kColumns,
    kEncoding,
    // More cells than the table's header: an unquoted comma may have moved them, so that a personal
    // cell stands where another belongs. TableFinder says so; such a row may still make sense.
    kShifted,
  };

  // As a spreadsheet shows it: lines from 1, a quoted line break inside a row is not counted.
  int64_t number = 0;
  // Trimmed. Valid until the sink returns. With a problem, as far as they were read; not UTF-8 when
  // the problem is kEncoding.
  std::vector<absl::string_view> cells;
  Problem problem = Problem::kNone;
};

// Vietnamese, for a reject's message.
absl::string_view CsvProblemText(CsvRow::Problem problem);

// A CSV file as it streams in: UTF-8 with or without byte order mark, delimited by comma, semicolon
// or tab. Rows without any text are passed over, but counted in row numbers. Not thread-safe.
class CsvReader {
 public:
  // How much a row looks like the header; the delimiter under which the best row of the head looks
  // most like one is chosen.
  using HeaderScore = std::function<int(absl::Span<const absl::string_view> cells)>;
  // Gets every row; its error stops the reader and is what Feed or Finish returns.
  using Sink = std::function<absl::Status(const CsvRow& row)>;

  CsvReader(HeaderScore score, Sink sink);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // kInvalidArgument with a Vietnamese message when the file is not such a file at all (it says
  // what it looks like) or not readable as one. After an error no other call may follow.
  absl::Status Feed(absl::string_view piece);
  absl::Status Finish();

 private:
  // libcsv's callbacks.
  static void OnCell(void* data, size_t size, void* self);
  static void OnRowEnd(int terminator, void* self);

  absl::Status Start();
  absl::Status FeedLines(absl::string_view text);
  absl::Status FeedLine(absl::string_view line);
  bool SplitPlainLine(absl::string_view line);
  absl::Status GiveUpRow();
  void EmitRow();
  void EmitCells(bool text);
  void Reset();

  const HeaderScore score_;
  const Sink sink_;
  csv_parser parser_;
  absl::Status sink_status_;
  char delimiter_ = ',';
  bool started_ = false;
  int unclosed_rows_ = 0;
  int64_t row_number_ = 0;
  bool after_carriage_return_ = false;
  bool skipping_line_ = false;

  std::string head_;     // before the start is decided
  std::string line_;     // an unfinished line
  std::string row_raw_;  // the lines fed since the last row's end
  CsvRow row_;           // kept for its memory
  // The row's cells one after the other and where each ends.
  std::string cells_;
  std::vector<size_t> cell_ends_;
  CsvRow::Problem problem_ = CsvRow::Problem::kNone;
};

}  // namespace dondoc::ingestion
