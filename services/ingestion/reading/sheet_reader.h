#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/csv_reader.h"
#include "services/ingestion/reading/html_table_reader.h"
#include "services/ingestion/reading/sheet_row.h"
#include "services/ingestion/reading/spool.h"
#include "services/ingestion/reading/text_decoder.h"
#include "services/ingestion/reading/xlsx_reader.h"

namespace dondoc::ingestion {

// A file that holds rows, as its bytes stream in: its format is told by its content, never by its
// name. CSV in any encoding of DetectEncoding and web pages give their rows as they come; a
// workbook is kept in an unlinked file and gives its rows in Finish. Not thread-safe.
class SheetReader {
 public:
  struct Options {
    std::string spool_folder = "/tmp";
    XlsxLimits xlsx;
    // Set from any thread: reading ends with kCancelled, in a workbook also between its rows. May
    // be null; outlives the reader.
    const std::atomic<bool>* stop = nullptr;
  };

  // `score` as CsvReader has it.
  SheetReader(CsvReader::HeaderScore score, SheetSink sink, Options options);
  ~SheetReader();
  SheetReader(const SheetReader&) = delete;
  SheetReader& operator=(const SheetReader&) = delete;

  // kInvalidArgument with a Vietnamese message: no such file, damaged, or beyond a limit. Other
  // errors are the sink's or the spool's. After an error no other call may follow.
  absl::Status Feed(absl::string_view piece);
  absl::Status Finish();

  // Once started, for text and web pages.
  std::optional<Encoding> encoding() const { return encoding_; }
  // Once finished.
  const XlsxNotes& xlsx_notes() const { return xlsx_notes_; }

 private:
  absl::Status Start();
  absl::Status Pass(absl::string_view piece);
  absl::Status Decode(absl::string_view piece, bool last);

  const CsvReader::HeaderScore score_;
  const SheetSink sink_;
  const Options options_;
  bool started_ = false;
  std::string head_;  // before the start is decided
  std::optional<Encoding> encoding_;
  std::unique_ptr<TextDecoder> decoder_;
  // One of these.
  std::unique_ptr<CsvReader> csv_;
  std::unique_ptr<HtmlTableReader> html_;
  std::optional<Spool> spool_;
  XlsxNotes xlsx_notes_;
};

}  // namespace dondoc::ingestion
