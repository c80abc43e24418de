#include "services/ingestion/reading/sheet_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kHeadBytes = 64 << 10;
// What a decoder gets at once, so that what comes out of it stays small.
constexpr size_t kPieceBytes = 64 << 10;

struct Magic {
  absl::string_view start;
  const char* name;
};
// Built from literals with embedded NULs, so lengths are given.
constexpr Magic kRefused[] = {
    {absl::string_view("PK\x05\x06", 4), "một tệp nén (.zip) rỗng"},
    {absl::string_view("\xD0\xCF\x11\xE0", 4), "một tệp Excel cũ (.xls) hoặc có mật khẩu"},
    {absl::string_view("%PDF", 4), "một tệp PDF"},
    {absl::string_view("\x1F\x8B", 2), "một tệp nén (.gz)"},
    {absl::string_view("Rar!", 4), "một tệp nén (.rar)"},
    {absl::string_view("7z\xBC\xAF", 4), "một tệp nén (.7z)"},
    {absl::string_view("\x09\x08\x10\x00", 4), "một tệp Excel cũ (.xls)"},
    {absl::string_view("\x09\x04\x06\x00", 4), "một tệp Excel cũ (.xls)"},
};
constexpr absl::string_view kZip("PK\x03\x04", 4);

bool ContainsNoCase(absl::string_view text, absl::string_view lower_word) {
  return absl::StrContains(absl::AsciiStrToLower(text), lower_word);
}

absl::Status NotASheet(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "Tệp này là ", what, ". Hãy mở bằng Excel, lưu thành .xlsx hoặc \"CSV UTF-8\" rồi tải lại."));
}

// Whether decoded text is a web page. A CSV may hold a '<' anywhere but at its start.
bool IsHtml(absl::string_view text) {
  text = Trim(text);
  if (!absl::StartsWith(text, "<")) return false;
  return ContainsNoCase(text, "<html") || ContainsNoCase(text, "<table") ||
         ContainsNoCase(text, "urn:schemas-microsoft-com") ||
         ContainsNoCase(text, "<!doctype html");
}

}  // namespace

SheetReader::SheetReader(CsvReader::HeaderScore score, SheetSink sink, Options options)
    : score_(std::move(score)), sink_(std::move(sink)), options_(std::move(options)) {}

SheetReader::~SheetReader() = default;

absl::Status SheetReader::Feed(absl::string_view piece) {
  if (started_) return Pass(piece);
  head_.append(piece.data(), piece.size());
  return head_.size() < kHeadBytes ? absl::OkStatus() : Start();
}

absl::Status SheetReader::Finish() {
  if (!started_) RETURN_IF_ERROR(Start());
  if (spool_.has_value()) {
    return ReadXlsx(spool_->fd(), options_.xlsx, sink_, xlsx_notes_, options_.stop);
  }
  RETURN_IF_ERROR(Decode("", true));
  return csv_ != nullptr ? csv_->Finish() : html_->Finish();
}

absl::Status SheetReader::Start() {
  started_ = true;
  const std::string head = std::move(head_);
  head_.clear();
  if (head.empty()) return absl::InvalidArgumentError("Tệp rỗng, không có dòng nào.");
  if (absl::StartsWith(head, kZip)) {
    ASSIGN_OR_RETURN(spool_, Spool::Create(options_.spool_folder));
    return Pass(head);
  }
  for (const Magic& magic : kRefused) {
    if (absl::StartsWith(head, magic.start)) return NotASheet(magic.name);
  }
  ASSIGN_OR_RETURN(encoding_, DetectEncoding(head));
  decoder_ = std::make_unique<TextDecoder>(*encoding_);
  const std::string text = TextDecoder(*encoding_).Decode(head.substr(0, kHeadBytes), false);
  if (ContainsNoCase(text, "<workbook")) return NotASheet("một bảng tính XML 2003");
  if (IsHtml(text)) {
    html_ = std::make_unique<HtmlTableReader>(sink_);
  } else {
    csv_ = std::make_unique<CsvReader>(score_, [this](const CsvRow& csv_row) {
      SheetRow row;
      row.number = csv_row.number;
      row.cells = csv_row.cells;
      row.problem = csv_row.problem;
      return sink_(row);
    });
  }
  return Pass(head);
}

absl::Status SheetReader::Pass(absl::string_view piece) {
  if (spool_.has_value()) return spool_->Append(piece);
  while (!piece.empty()) {
    RETURN_IF_ERROR(Decode(piece.substr(0, kPieceBytes), false));
    piece.remove_prefix(std::min(piece.size(), kPieceBytes));
  }
  return absl::OkStatus();
}

absl::Status SheetReader::Decode(absl::string_view piece, bool last) {
  const std::string text = decoder_->Decode(piece, last);
  if (text.empty()) return absl::OkStatus();
  return csv_ != nullptr ? csv_->Feed(text) : html_->Feed(text);
}

}  // namespace dondoc::ingestion
