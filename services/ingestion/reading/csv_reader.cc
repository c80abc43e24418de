#include "services/ingestion/reading/csv_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr char kDelimiters[] = {',', ';', '\t'};

struct Magic {
  absl::string_view start;
  const char* name;
};
// Built from literals with embedded NULs, so lengths are given.
constexpr Magic kMagics[] = {
    {absl::string_view("PK\x03\x04", 4), "một tệp Excel (.xlsx) hoặc tệp nén (.zip)"},
    {absl::string_view("PK\x05\x06", 4), "một tệp nén (.zip) rỗng"},
    {absl::string_view("\xD0\xCF\x11\xE0", 4), "một tệp Excel cũ (.xls)"},
    {absl::string_view("\xFF\xFE", 2), "văn bản Unicode (UTF-16)"},
    {absl::string_view("\xFE\xFF", 2), "văn bản Unicode (UTF-16)"},
    {absl::string_view("%PDF", 4), "một tệp PDF"},
    {absl::string_view("\x1F\x8B", 2), "một tệp nén (.gz)"},
    {absl::string_view("Rar!", 4), "một tệp nén (.rar)"},
    {absl::string_view("7z\xBC\xAF", 4), "một tệp nén (.7z)"},
};

absl::Status NotCsv(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "Tệp này là ", what, ", không phải CSV. Hãy lưu thành \"CSV UTF-8\" rồi tải lại."));
}

// Whether the start of a file is text of the kind we read.
absl::Status CheckStart(absl::string_view head) {
  for (const Magic& magic : kMagics) {
    if (absl::StartsWith(head, magic.start)) return NotCsv(magic.name);
  }
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(head);
  if (text.empty()) return absl::InvalidArgumentError("Tệp rỗng, không có dòng nào.");
  if (absl::StrContains(head, '\0')) return NotCsv("tệp nhị phân hoặc văn bản UTF-16");
  if (absl::StrContains(head, '\r') && !absl::StrContains(head, '\n')) {
    return absl::InvalidArgumentError(
        "Tệp xuống dòng kiểu máy Mac cũ (chỉ có CR). Hãy lưu thành \"CSV UTF-8\" rồi tải lại.");
  }
  if (text.front() == '<') return NotCsv("một trang HTML hoặc XML (tệp .xls do trang web xuất ra)");
  return absl::OkStatus();
}

// The cells of the first rows of `head` under one delimiter.
struct HeadRows {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
};

int ScoreHead(absl::string_view head, char delimiter, const CsvReader::HeaderScore& score) {
  HeadRows out;
  csv_parser parser;
  csv_init(&parser, 0);
  csv_set_delim(&parser, static_cast<unsigned char>(delimiter));
  const auto on_cell = [](void* data, size_t size, void* self) {
    auto& head_rows = *static_cast<HeadRows*>(self);
    if (head_rows.rows.size() > kCsvTitleRowsMax || head_rows.row.size() >= kCsvColumnsMax) return;
    head_rows.row.emplace_back(static_cast<const char*>(data), size);
  };
  const auto on_row = [](int, void* self) {
    auto& head_rows = *static_cast<HeadRows*>(self);
    if (head_rows.rows.size() <= kCsvTitleRowsMax) {
      head_rows.rows.push_back(std::move(head_rows.row));
    }
    head_rows.row.clear();
  };
  csv_parse(&parser, head.data(), head.size(), on_cell, on_row, &out);
  csv_fini(&parser, on_cell, on_row, &out);
  csv_free(&parser);
  int best = 0;
  for (const std::vector<std::string>& row : out.rows) {
    const std::vector<absl::string_view> cells(row.begin(), row.end());
    // A title with commas in it has more columns than one, but recognises none.
    best = std::max(best, score(cells) * 1000 + static_cast<int>(cells.size()));
  }
  return best;
}

}  // namespace

absl::string_view CsvProblemText(CsvRow::Problem problem) {
  switch (problem) {
    case CsvRow::Problem::kNone:
      return "";
    case CsvRow::Problem::kUnclosedQuote:
      return "Dấu ngoặc kép trong dòng này không được đóng lại, hoặc dòng dài quá 65.536 byte.";
    case CsvRow::Problem::kRowBytes:
      return "Dòng dài quá 65.536 byte.";
    case CsvRow::Problem::kCellBytes:
      return "Có ô dài quá 32.768 byte.";
    case CsvRow::Problem::kColumns:
      return "Dòng có quá 512 cột.";
    case CsvRow::Problem::kEncoding:
      return "Dòng có ký tự không phải UTF-8.";
    case CsvRow::Problem::kShifted:
      return "Dòng có nhiều ô hơn dòng tiêu đề nên có thể bị lệch cột; hãy xem lại dấu phẩy và dấu "
             "ngoặc kép trong dòng.";
  }
  return "";
}

CsvReader::CsvReader(HeaderScore score, Sink sink)
    : score_(std::move(score)), sink_(std::move(sink)) {
  csv_init(&parser_, CSV_REPALL_NL);
}

CsvReader::~CsvReader() { csv_free(&parser_); }

absl::Status CsvReader::Feed(absl::string_view piece) {
  if (!started_) {
    head_.append(piece.data(), piece.size());
    if (head_.size() < kCsvHeadBytesMax) return absl::OkStatus();
    return Start();
  }
  return FeedLines(piece);
}

absl::Status CsvReader::Finish() {
  if (!started_) RETURN_IF_ERROR(Start());
  // A last line without a line break ends like any other.
  if (!line_.empty()) RETURN_IF_ERROR(FeedLines("\n"));
  while (!row_raw_.empty()) RETURN_IF_ERROR(GiveUpRow());
  return absl::OkStatus();
}

absl::Status CsvReader::Start() {
  started_ = true;
  std::string head = std::move(head_);
  head_.clear();
  absl::string_view text = head;
  RETURN_IF_ERROR(CheckStart(text));
  if (absl::StartsWith(text, kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  int best = -1;
  for (const char delimiter : kDelimiters) {
    const int score = ScoreHead(text, delimiter, score_);
    if (score > best) {
      best = score;
      delimiter_ = delimiter;
    }
  }
  csv_set_delim(&parser_, static_cast<unsigned char>(delimiter_));
  return FeedLines(text);
}

// The parser gets whole lines, so that the bytes since the last row's end are known and a quote
// that is never closed costs one row and not the rest of the file.
absl::Status CsvReader::FeedLines(absl::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const bool whole = end != absl::string_view::npos;
    if (skipping_line_) {
      skipping_line_ = !whole;
      text.remove_prefix(whole ? end + 1 : text.size());
      continue;
    }
    const absl::string_view part = text.substr(0, whole ? end + 1 : absl::string_view::npos);
    text.remove_prefix(part.size());
    if (whole && line_.empty()) {
      RETURN_IF_ERROR(FeedLine(part));
      continue;
    }
    line_.append(part.data(), part.size());
    // A line of more bytes than any row may have is not waited for.
    if (!whole && line_.size() <= kCsvRowBytesMax) continue;
    const std::string line = std::move(line_);
    line_.clear();
    RETURN_IF_ERROR(FeedLine(line));
  }
  return absl::OkStatus();
}

absl::Status CsvReader::FeedLine(absl::string_view line) {
  if (line.size() > kCsvRowBytesMax && row_raw_.empty()) {
    // Whether it came whole or the rest of it is still to be passed over.
    skipping_line_ = line.back() != '\n';
    problem_ = CsvRow::Problem::kRowBytes;
    EmitRow();
    return sink_status_;
  }
  if (row_raw_.size() + line.size() > kCsvRowBytesMax && !row_raw_.empty()) {
    row_raw_.append(line.data(), line.size());
    return GiveUpRow();
  }
  if (row_raw_.empty() && SplitPlainLine(line)) {
    after_carriage_return_ = false;
    row_.number = ++row_number_;
    row_.problem = CsvRow::Problem::kNone;
    // Delimiters and quotes are ASCII, so the cells are text just when the line is.
    EmitCells(IsUtf8(line) && !absl::StrContains(line, '\0'));
    return sink_status_;
  }
  if (csv_parse(&parser_, line.data(), line.size(), &OnCell, &OnRowEnd, this) != line.size()) {
    return absl::ResourceExhaustedError(csv_strerror(csv_error(&parser_)));
  }
  RETURN_IF_ERROR(sink_status_);
  constexpr int kRowNotBegun = 0;
  if (parser_.pstate == kRowNotBegun) {
    row_raw_.clear();
    return absl::OkStatus();
  }
  row_raw_.append(line.data(), line.size());
  return absl::OkStatus();
}

// Splits into row_.cells a line that is a row by itself and in which quotes only stand around whole
// cells. False for any other: it is the parser's. Most lines of most files are such lines, and for
// them the result is the parser's, cheaper.
bool CsvReader::SplitPlainLine(absl::string_view line) {
  if (line.empty() || line.back() != '\n' || line.size() > kCsvCellBytesMax) return false;
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty() || absl::StrContains(line, '\r')) return false;
  row_.cells.clear();
  for (bool more = true; more;) {
    if (row_.cells.size() == kCsvColumnsMax) return false;
    const bool quoted = !line.empty() && line.front() == '"';
    if (quoted) line.remove_prefix(1);
    const size_t end = line.find(quoted ? '"' : delimiter_);
    if (quoted && end == absl::string_view::npos) return false;
    const absl::string_view cell = line.substr(0, end);
    if (!quoted && absl::StrContains(cell, '"')) return false;
    row_.cells.push_back(Trim(cell));
    line.remove_prefix(cell.size());
    if (quoted) line.remove_prefix(1);
    more = !line.empty();
    if (more && line.front() != delimiter_) return false;
    if (more) line.remove_prefix(1);
    // A delimiter at the end has an empty cell after it.
    if (more && line.empty()) {
      if (row_.cells.size() == kCsvColumnsMax) return false;
      row_.cells.push_back(line);
      more = false;
    }
  }
  return true;
}

// The row in hand does not end where a row may: its first line becomes a row with a problem, and
// the lines after it are read again as rows of their own.
absl::Status CsvReader::GiveUpRow() {
  if (++unclosed_rows_ > kCsvUnclosedRowsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tệp có quá ", kCsvUnclosedRowsMax,
                     " dòng không đóng dấu ngoặc kép hoặc quá dài; tệp có thể không phải CSV."));
  }
  const std::string raw = std::move(row_raw_);
  Reset();
  // There is one: a longer line is no part of a row.
  const size_t end = raw.find('\n');
  problem_ = CsvRow::Problem::kUnclosedQuote;
  EmitRow();
  RETURN_IF_ERROR(sink_status_);
  const std::string rest = raw.substr(end + 1);
  for (absl::string_view text = rest; !text.empty();) {
    const size_t next = text.find('\n');
    const absl::string_view part =
        text.substr(0, next == absl::string_view::npos ? next : next + 1);
    text.remove_prefix(part.size());
    RETURN_IF_ERROR(FeedLine(part));
  }
  return absl::OkStatus();
}

void CsvReader::Reset() {
  csv_free(&parser_);
  csv_init(&parser_, CSV_REPALL_NL);
  csv_set_delim(&parser_, static_cast<unsigned char>(delimiter_));
  row_raw_.clear();
  cells_.clear();
  cell_ends_.clear();
  problem_ = CsvRow::Problem::kNone;
  after_carriage_return_ = false;
}

void CsvReader::OnCell(void* data, size_t size, void* self) {
  CsvReader& reader = *static_cast<CsvReader*>(self);
  if (!reader.sink_status_.ok()) return;
  if (reader.cell_ends_.size() >= kCsvColumnsMax) {
    reader.problem_ = CsvRow::Problem::kColumns;
    return;
  }
  if (size > kCsvCellBytesMax) {
    reader.problem_ = CsvRow::Problem::kCellBytes;
    size = 0;
  }
  if (reader.cells_.size() + size > kCsvRowBytesMax) {
    reader.problem_ = CsvRow::Problem::kRowBytes;
    size = 0;
  }
  if (size > 0) reader.cells_.append(static_cast<const char*>(data), size);
  reader.cell_ends_.push_back(reader.cells_.size());
}

void CsvReader::OnRowEnd(int terminator, void* self) {
  CsvReader& reader = *static_cast<CsvReader*>(self);
  if (!reader.sink_status_.ok()) return;
  // "\r\n" is reported as two row ends; the second is none.
  const bool second_half =
      terminator == '\n' && reader.after_carriage_return_ && reader.cell_ends_.empty();
  reader.after_carriage_return_ = terminator == '\r';
  if (!second_half) reader.EmitRow();
}

void CsvReader::EmitRow() {
  row_.number = ++row_number_;
  row_.problem = problem_;
  row_.cells.clear();
  bool text = true;
  size_t start = 0;
  for (const size_t end : cell_ends_) {
    row_.cells.push_back(Trim(absl::string_view(cells_).substr(start, end - start)));
    // Cell by cell: a delimiter inside a character leaves halves that would be whole together.
    text = text && IsUtf8(row_.cells.back()) && !absl::StrContains(row_.cells.back(), '\0');
    start = end;
  }
  EmitCells(text);
  cells_.clear();
  cell_ends_.clear();
  problem_ = CsvRow::Problem::kNone;
}

// Hands row_ on; `text` tells whether all of its cells are.
void CsvReader::EmitCells(bool text) {
  if (row_.problem == CsvRow::Problem::kNone && !text) row_.problem = CsvRow::Problem::kEncoding;
  const bool any = row_.problem != CsvRow::Problem::kNone ||
                   std::any_of(row_.cells.begin(), row_.cells.end(),
                               [](absl::string_view cell) { return !cell.empty(); });
  if (any) sink_status_ = sink_(row_);
}

}  // namespace dondoc::ingestion
