#include "services/ctl/csv.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace dondoc::ctl {
namespace {

// One pass over the text; `at_` stands on the next character to read.
class CsvParser {
 public:
  explicit CsvParser(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<std::vector<std::string>>> Parse() {
    absl::ConsumePrefix(&text_, "\xEF\xBB\xBF");
    while (at_ < text_.size()) {
      ++row_number_;
      std::vector<std::string> row;
      bool more = true;
      while (more) {
        std::string cell;
        absl::Status status = text_[at_] == '"' ? ReadQuoted(cell) : ReadPlain(cell);
        if (!status.ok()) return status;
        row.push_back(std::move(cell));
        if (++cells_ > kCsvCellsMax)
          return Error(absl::StrCat("more than ", kCsvCellsMax, " cells"));
        more = at_ < text_.size() && text_[at_] == ',';
        if (more && ++at_ == text_.size()) {
          row.emplace_back();  // a comma at the very end
          more = false;
        }
      }
      SkipLineEnd();
      if (row.size() > 1 || !row[0].empty()) rows_.push_back(std::move(row));
    }
    return std::move(rows_);
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("row ", row_number_, ": ", what));
  }
  bool AtLineEnd() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  void SkipLineEnd() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
  }

  absl::Status ReadPlain(std::string& cell) {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && !AtLineEnd()) {
      if (text_[at_] == '"') return Error("a quote inside a cell that is not quoted");
      ++at_;
    }
    cell = std::string(text_.substr(start, at_ - start));
    return absl::OkStatus();
  }

  absl::Status ReadQuoted(std::string& cell) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        cell.push_back(text_[at_]);
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        cell.push_back('"');
        ++at_;
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && !AtLineEnd()) {
          return Error("text after a closing quote");
        }
        return absl::OkStatus();
      }
    }
    return Error("a quote is not closed");
  }

  absl::string_view text_;
  size_t at_ = 0;
  size_t cells_ = 0;
  size_t row_number_ = 0;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

std::string CsvCell(absl::string_view text) {
  if (text.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

absl::StatusOr<std::vector<std::vector<std::string>>> ParseCsv(absl::string_view text) {
  return CsvParser(text).Parse();
}

}  // namespace dondoc::ctl
