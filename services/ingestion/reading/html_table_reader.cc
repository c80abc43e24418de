#include "services/ingestion/reading/html_table_reader.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr int64_t kColumnsMax = static_cast<int64_t>(kCsvColumnsMax);
constexpr size_t kOutsideBytesMax = 4 << 10;

const char* Chars(const unsigned char* text) { return reinterpret_cast<const char*>(text); }

bool IsSilent(absl::string_view name) {
  return name == "style" || name == "script" || name == "title" || name == "noscript";
}

bool EndsLine(absl::string_view name) {
  static constexpr absl::string_view kBlocks[] = {"p",  "div", "br", "h1", "h2", "h3", "h4",
                                                  "h5", "h6",  "li", "tr", "td", "th", "center"};
  return std::find(std::begin(kBlocks), std::end(kBlocks), name) != std::end(kBlocks);
}

// A whole number of at least 1; else 1.
int64_t SpanOf(const unsigned char** attributes, const char* name, int64_t max) {
  for (; attributes != nullptr && *attributes != nullptr; attributes += 2) {
    int64_t span = 0;
    if (absl::EqualsIgnoreCase(Chars(attributes[0]), name) && attributes[1] != nullptr &&
        absl::SimpleAtoi(Chars(attributes[1]), &span)) {
      return std::clamp<int64_t>(span, 1, max);
    }
  }
  return 1;
}

// Any run of white space is one space, as a browser shows it.
void AppendCollapsed(absl::string_view text, size_t bytes_max, std::string& out) {
  for (const char c : text) {
    if (out.size() > bytes_max) return;
    const bool space = absl::ascii_isspace(static_cast<unsigned char>(c));
    if (!space) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
}

}  // namespace

HtmlTableReader::HtmlTableReader(SheetSink sink) : sink_(std::move(sink)) {
  htmlSAXHandler handler;
  std::memset(&handler, 0, sizeof(handler));
  handler.startElement = &OnStart;
  handler.endElement = &OnEnd;
  handler.characters = &OnText;
  handler.cdataBlock = &OnText;
  handler.ignorableWhitespace = &OnText;
  parser_ = htmlCreatePushParserCtxt(&handler, this, nullptr, 0, nullptr, XML_CHAR_ENCODING_UTF8);
  if (parser_ != nullptr) {
    htmlCtxtUseOptions(parser_, HTML_PARSE_IGNORE_ENC | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                                    HTML_PARSE_NOWARNING | HTML_PARSE_RECOVER);
  }
}

HtmlTableReader::~HtmlTableReader() {
  if (parser_ != nullptr) htmlFreeParserCtxt(parser_);
}

absl::Status HtmlTableReader::Feed(absl::string_view utf8) { return ParseChunk(utf8, false); }

absl::Status HtmlTableReader::Finish() {
  if (absl::Status parsed = ParseChunk("", true); !parsed.ok()) return parsed;
  while (!tables_.empty() && status_.ok()) EndTable();
  EndOutsideText();
  return status_;
}

absl::Status HtmlTableReader::ParseChunk(absl::string_view bytes, bool last) {
  if (parser_ == nullptr) return absl::ResourceExhaustedError("no memory for an HTML parser");
  if (!status_.ok()) return status_;
  // Its errors are of the kind every page has; the text is read all the same.
  htmlParseChunk(parser_, bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0);
  if (!status_.ok()) return status_;
  if (parser_->input != nullptr && parser_->input->end - parser_->input->cur > kHtmlTokenBytesMax) {
    status_ = absl::InvalidArgumentError("Trang HTML có một thẻ dài quá 1.048.576 byte.");
  }
  return status_;
}

void HtmlTableReader::OnStart(void* self, const unsigned char* name,
                              const unsigned char** attributes) {
  HtmlTableReader& reader = *static_cast<HtmlTableReader*>(self);
  if (!reader.status_.ok()) return;
  if (++reader.depth_ > kHtmlDepthMax) {
    reader.status_ = absl::InvalidArgumentError("Trang HTML có thẻ lồng nhau quá 512 lớp.");
    xmlStopParser(reader.parser_);
    return;
  }
  reader.Start(absl::AsciiStrToLower(Chars(name)), attributes);
}

void HtmlTableReader::OnEnd(void* self, const unsigned char* name) {
  HtmlTableReader& reader = *static_cast<HtmlTableReader*>(self);
  if (!reader.status_.ok()) return;
  --reader.depth_;
  reader.End(absl::AsciiStrToLower(Chars(name)));
  if (!reader.status_.ok()) xmlStopParser(reader.parser_);
}

void HtmlTableReader::OnText(void* self, const unsigned char* text, int size) {
  HtmlTableReader& reader = *static_cast<HtmlTableReader*>(self);
  if (reader.status_.ok() && size > 0) {
    reader.Text(absl::string_view(Chars(text), static_cast<size_t>(size)));
  }
}

void HtmlTableReader::Start(absl::string_view name, const unsigned char** attributes) {
  if (IsSilent(name)) ++silent_;
  if (name == "table") {
    EndOutsideText();
    if (tables_.size() >= kHtmlTablesOpenMax) {
      status_ = absl::InvalidArgumentError("Trang HTML có bảng lồng nhau quá 8 lớp.");
      return;
    }
    tables_.emplace_back().sheet = ++sheets_;
  } else if (tables_.empty()) {
    if (EndsLine(name)) EndOutsideText();
  } else if (name == "tr") {
    EndRow();
    tables_.back().in_row = true;
  } else if (name == "td" || name == "th") {
    StartCell(attributes);
  } else if (EndsLine(name)) {
    Text(" ");
  }
}

void HtmlTableReader::End(absl::string_view name) {
  if (IsSilent(name)) silent_ = std::max(silent_ - 1, 0);
  if (tables_.empty()) {
    if (EndsLine(name)) EndOutsideText();
  } else if (name == "table") {
    EndTable();
  } else if (name == "tr") {
    EndRow();
  } else if (name == "td" || name == "th") {
    EndCell();
  } else if (EndsLine(name)) {
    Text(" ");
  }
}

void HtmlTableReader::Text(absl::string_view text) {
  if (silent_ > 0) return;
  if (tables_.empty()) {
    AppendCollapsed(text, kOutsideBytesMax, outside_);
    return;
  }
  Table& table = tables_.back();
  if (table.in_cell) AppendCollapsed(text, kCsvCellBytesMax + 1, table.cell);
}

void HtmlTableReader::StartCell(const unsigned char** attributes) {
  EndCell();
  Table& table = tables_.back();
  table.in_row = true;
  table.in_cell = true;
  table.cell.clear();
  table.colspan = SpanOf(attributes, "colspan", kColumnsMax);
  table.rowspan = SpanOf(attributes, "rowspan", kHtmlRowSpanMax);
}

// Cells of earlier rows that reach down to where the row is now.
void HtmlTableReader::TakeSpans(Table& table) {
  while (true) {
    const auto span = table.spans.find(static_cast<int>(table.cells.size()));
    if (span == table.spans.end()) return;
    Put(table, span->second.text);
    if (table.problem == CsvRow::Problem::kColumns) return;
    if (--span->second.rows_left <= 0) table.spans.erase(span);
  }
}

void HtmlTableReader::Put(Table& table, absl::string_view text) {
  if (table.cells.size() >= kCsvColumnsMax) {
    table.problem = CsvRow::Problem::kColumns;
    return;
  }
  if (text.size() > kCsvCellBytesMax) {
    table.problem = CsvRow::Problem::kCellBytes;
    text = "";
  }
  if (table.row_bytes + text.size() > kCsvRowBytesMax) {
    table.problem = CsvRow::Problem::kRowBytes;
    text = "";
  }
  table.row_bytes += text.size();
  table.cells.emplace_back(text);
}

void HtmlTableReader::EndCell() {
  Table& table = tables_.back();
  if (!table.in_cell) return;
  table.in_cell = false;
  TakeSpans(table);
  const std::string text(Trim(table.cell));
  for (int64_t i = 0; i < table.colspan; ++i) {
    if (table.rowspan > 1 && table.cells.size() < kCsvColumnsMax && text.size() <= 256) {
      table.spans[static_cast<int>(table.cells.size())] = {text, table.rowspan - 1};
    }
    // A cell over many columns is one text in many cells; a long one is in the first only.
    Put(table, i == 0 || text.size() <= 256 ? absl::string_view(text) : "");
    if (table.problem == CsvRow::Problem::kColumns) break;
  }
}

void HtmlTableReader::EndRow() {
  EndCell();
  Table& table = tables_.back();
  if (!table.in_row) return;
  table.in_row = false;
  // Spans to the right of the last cell, with blanks between.
  while (!table.spans.empty() &&
         table.spans.rbegin()->first >= static_cast<int>(table.cells.size()) &&
         table.problem == CsvRow::Problem::kNone) {
    TakeSpans(table);
    if (table.spans.lower_bound(static_cast<int>(table.cells.size())) != table.spans.end()) {
      Put(table, "");
    }
  }
  Emit(table.sheet, table.cells, table.problem);
  table.cells.clear();
  table.row_bytes = 0;
  table.problem = CsvRow::Problem::kNone;
}

void HtmlTableReader::EndTable() {
  EndRow();
  tables_.pop_back();
  // What follows belongs to no table.
  ++sheets_;
}

void HtmlTableReader::EndOutsideText() {
  const std::string text = std::move(outside_);
  outside_.clear();
  if (!Trim(text).empty()) Emit(sheets_, {text}, CsvRow::Problem::kNone);
}

void HtmlTableReader::Emit(int sheet, const std::vector<std::string>& cells,
                           CsvRow::Problem problem) {
  ++row_number_;
  if (!status_.ok()) return;
  SheetRow row;
  row.sheet = sheet;
  row.number = row_number_;
  row.problem = problem;
  bool any = problem != CsvRow::Problem::kNone;
  for (const std::string& cell : cells) {
    row.cells.push_back(Trim(cell));
    any = any || !row.cells.back().empty();
  }
  if (any) status_ = sink_(row);
}

}  // namespace dondoc::ingestion
