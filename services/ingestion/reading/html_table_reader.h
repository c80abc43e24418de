#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/sheet_row.h"

using xmlParserCtxt = struct _xmlParserCtxt;

namespace dondoc::ingestion {

inline constexpr int kHtmlDepthMax = 512;        // open elements
inline constexpr size_t kHtmlTablesOpenMax = 8;  // tables within tables
inline constexpr int64_t kHtmlRowSpanMax = 65'536;
// A tag, comment or the like that is not at its end after this many bytes.
inline constexpr int64_t kHtmlTokenBytesMax = 1 << 20;

// The tables of a web page (an ".xls" that a web system wrote) as it streams in, through libxml2.
// Text between tables comes as rows of one cell, because titles stand there. A table is a sheet;
// rows are numbered through the page. Not thread-safe.
class HtmlTableReader {
 public:
  explicit HtmlTableReader(SheetSink sink);
  ~HtmlTableReader();
  HtmlTableReader(const HtmlTableReader&) = delete;
  HtmlTableReader& operator=(const HtmlTableReader&) = delete;

  // UTF-8; what the page says of its encoding is not looked at.
  absl::Status Feed(absl::string_view utf8);
  absl::Status Finish();

 private:
  struct Span {
    std::string text;
    int64_t rows_left = 0;
  };
  struct Table {
    int sheet = 0;
    bool in_row = false;
    bool in_cell = false;
    CsvRow::Problem problem = CsvRow::Problem::kNone;
    int64_t colspan = 1;
    int64_t rowspan = 1;
    std::string cell;
    std::vector<std::string> cells;
    size_t row_bytes = 0;
    std::map<int, Span> spans;  // columns that a cell of an earlier row still covers
  };

  // libxml2's callbacks.
  static void OnStart(void* self, const unsigned char* name, const unsigned char** attributes);
  static void OnEnd(void* self, const unsigned char* name);
  static void OnText(void* self, const unsigned char* text, int size);

  void Start(absl::string_view name, const unsigned char** attributes);
  void End(absl::string_view name);
  void Text(absl::string_view text);
  void StartCell(const unsigned char** attributes);
  void EndCell();
  void EndRow();
  void EndTable();
  void EndOutsideText();
  void TakeSpans(Table& table);
  void Put(Table& table, absl::string_view text);
  void Emit(int sheet, const std::vector<std::string>& cells, CsvRow::Problem problem);
  absl::Status ParseChunk(absl::string_view bytes, bool last);

  const SheetSink sink_;
  xmlParserCtxt* parser_ = nullptr;
  absl::Status status_;
  std::vector<Table> tables_;
  int sheets_ = 0;
  int64_t row_number_ = 0;
  int depth_ = 0;
  int silent_ = 0;       // inside head, style, script
  std::string outside_;  // text between tables
};

}  // namespace dondoc::ingestion
