#include "services/ingestion/reading/xlsx_reader.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/merges.h"
#include "services/ingestion/reading/number_format.h"
#include "services/ingestion/reading/text_key.h"
#include "services/ingestion/reading/xlsx_package.h"
#include "services/ingestion/reading/xlsx_workbook.h"

namespace dondoc::ingestion {
namespace {

constexpr int64_t kSheetRowsMax = 1 << 20;

// "C12" → column 2, row 12; false when it is no such reference.
bool ReadReference(absl::string_view text, int& column, int64_t& row) {
  column = 0;
  size_t i = 0;
  for (; i < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[i])); ++i) {
    if (i > 3) return false;
    column = column * 26 + (absl::ascii_toupper(static_cast<unsigned char>(text[i])) - 'A' + 1);
  }
  --column;
  return column >= 0 && absl::SimpleAtoi(text.substr(i), &row) && row >= 1;
}

// Merged cells stand behind the rows they concern: they are looked for first, as text, because only
// inflating is cheap enough to be done twice.
class MergeScan {
 public:
  MergeScan(Merges& merges, size_t merges_max) : merges_(merges), merges_max_(merges_max) {}

  absl::Status Feed(absl::string_view piece) {
    static constexpr absl::string_view kTag = "mergeCell ";
    static constexpr size_t kTagBytesMax = 128;
    text_.append(piece.data(), piece.size());
    size_t from = 0;
    while (true) {
      const size_t tag = text_.find(kTag.data(), from, kTag.size());
      if (tag == std::string::npos) break;
      const size_t end = text_.find('>', tag);
      if (end == std::string::npos) {
        from = tag;
        break;
      }
      Read(absl::string_view(text_).substr(tag, end - tag));
      from = end;
    }
    // What may be the start of a tag stays.
    const size_t keep = std::min(text_.size() - from, kTagBytesMax);
    text_.erase(0, text_.size() - keep);
    return absl::OkStatus();
  }

 private:
  void Read(absl::string_view tag) {
    const size_t start = tag.find("ref=");
    if (start == absl::string_view::npos || start + 5 > tag.size()) return;
    const char quote = tag[start + 4];
    absl::string_view area = tag.substr(start + 5);
    area = area.substr(0, area.find(quote));
    const size_t colon = area.find(':');
    if (colon == absl::string_view::npos) return;
    Merges::Area merge;
    if (!ReadReference(area.substr(0, colon), merge.first_column, merge.first_row) ||
        !ReadReference(area.substr(colon + 1), merge.last_column, merge.last_row)) {
      return;
    }
    if (merges_.size() < merges_max_) merges_.Add(merge);
  }

  Merges& merges_;
  const size_t merges_max_;
  std::string text_;
};

class SheetHandler : public XmlStream::Handler {
 public:
  SheetHandler(const Workbook& book, int sheet, absl::string_view name, Merges& merges,
               const SheetSink& sink, XlsxNotes& notes)
      : book_(book), merges_(merges), sink_(sink), notes_(notes) {
    row_.sheet = sheet;
    row_.sheet_name = name;
  }

  absl::Status OnStart(absl::string_view name, const char** attributes) override {
    if (name == "row") return StartRow(attributes);
    if (!in_row_) return absl::OkStatus();
    if (name == "c") {
      StartCell(attributes);
    } else if (name == "v") {
      has_value_ = in_value_ = true;
      text_.clear();
    } else if (name == "f") {
      has_formula_ = true;
    } else if (name == "rPh") {
      in_phonetic_ = true;
    } else if (name == "t" && !in_phonetic_) {
      has_value_ = in_value_ = true;  // runs add up
    }
    return absl::OkStatus();
  }

  absl::Status OnEnd(absl::string_view name) override {
    if (!in_row_) return absl::OkStatus();
    if (name == "v" || name == "t") in_value_ = false;
    if (name == "rPh") in_phonetic_ = false;
    if (name == "c") EndCell();
    return name == "row" ? EndRow() : absl::OkStatus();
  }

  absl::Status OnText(absl::string_view text) override {
    if (in_value_ && text_.size() <= kCsvCellBytesMax) text_.append(text.data(), text.size());
    return absl::OkStatus();
  }

 private:
  absl::Status StartRow(const char** attributes) {
    int64_t number = row_.number + 1;
    if (const char* const text = FindAttribute(attributes, "r")) {
      if (!absl::SimpleAtoi(text, &number)) number = 0;
    }
    if (number <= row_.number || number > kSheetRowsMax) {
      return absl::InvalidArgumentError(
          "Tệp Excel bị hỏng (số thứ tự dòng sai). Hãy mở bằng Excel, lưu lại rồi tải lại.");
    }
    row_.number = number;
    const char* const hidden = FindAttribute(attributes, "hidden");
    row_.hidden = hidden != nullptr && (*hidden == '1' || *hidden == 't');
    row_.problem = CsvRow::Problem::kNone;
    cells_.clear();
    column_ = -1;
    row_bytes_ = 0;
    in_row_ = true;
    return absl::OkStatus();
  }

  void StartCell(const char** attributes) {
    ++column_;
    int64_t row = 0;
    int column = 0;
    const char* const reference = FindAttribute(attributes, "r");
    if (reference != nullptr && ReadReference(reference, column, row)) column_ = column;
    const char* const type = FindAttribute(attributes, "t");
    type_ = type == nullptr ? "n" : type;
    style_ = 0;
    const char* const style = FindAttribute(attributes, "s");
    if (style != nullptr && !absl::SimpleAtoi(style, &style_)) style_ = 0;
    text_.clear();
    has_value_ = has_formula_ = in_value_ = in_phonetic_ = false;
  }

  void EndCell() {
    if (has_formula_ && text_.empty() && type_ != "str") {
      if (notes_.formulas_without_value++ == 0) notes_.first_formula_row = row_.number;
    }
    if (!has_value_) return;
    std::string value = Value();
    if (value.empty()) return;
    if (column_ >= static_cast<int>(kCsvColumnsMax)) {
      row_.problem = CsvRow::Problem::kColumns;
      return;
    }
    if (value.size() > kCsvCellBytesMax) {
      row_.problem = CsvRow::Problem::kCellBytes;
      return;
    }
    row_bytes_ += value.size();
    if (row_bytes_ > kCsvRowBytesMax) {
      row_.problem = CsvRow::Problem::kRowBytes;
      return;
    }
    const size_t at = static_cast<size_t>(column_);
    if (cells_.size() <= at) cells_.resize(at + 1);
    cells_[at] = std::move(value);
  }

  std::string Value() const {
    if (type_ == "s") {
      uint32_t index = 0;
      if (!absl::SimpleAtoi(text_, &index) || index >= book_.shared_strings.size()) return "";
      return std::string(book_.shared_strings.at(index));
    }
    if (type_ == "b") return text_ == "1" ? "TRUE" : "FALSE";
    if (type_ == "inlineStr" || type_ == "str" || type_ == "e" || type_ == "d") return text_;
    double number = 0;
    if (!absl::SimpleAtod(text_, &number)) return text_;
    const size_t style = static_cast<size_t>(std::max(style_, 0));
    if (style < book_.date_styles.size() && book_.date_styles[style]) {
      if (auto day = SerialToText(number, book_.epoch_1904)) return *std::move(day);
    }
    return NumberToText(number);
  }

  absl::Status EndRow() {
    in_row_ = false;
    merges_.Fill(row_.number, cells_);
    row_.cells.clear();
    bool any = row_.problem != CsvRow::Problem::kNone;
    for (const std::string& cell : cells_) {
      row_.cells.push_back(Trim(cell));
      any = any || !row_.cells.back().empty();
    }
    if (!any) return absl::OkStatus();
    return sink_(row_);
  }

  const Workbook& book_;
  Merges& merges_;
  const SheetSink& sink_;
  XlsxNotes& notes_;

  SheetRow row_;
  std::vector<std::string> cells_;
  size_t row_bytes_ = 0;
  bool in_row_ = false;

  int column_ = -1;
  std::string type_;
  int style_ = 0;
  std::string text_;
  bool has_value_ = false;
  bool has_formula_ = false;
  bool in_value_ = false;
  bool in_phonetic_ = false;
};

}  // namespace

absl::Status ReadXlsx(int fd, const XlsxLimits& limits, const SheetSink& sink, XlsxNotes& notes,
                      const std::atomic<bool>* stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<XlsxPackage> package, XlsxPackage::Open(fd, limits, stop));
  ASSIGN_OR_RETURN(const Workbook book, ReadWorkbook(*package));
  int index = 0;
  for (const Workbook::Sheet& sheet : book.sheets) {
    if (sheet.hidden) {
      notes.hidden_sheets.push_back(sheet.name);
      continue;
    }
    Merges merges;
    MergeScan scan(merges, limits.merges_max);
    RETURN_IF_ERROR(package->Read(sheet.part, limits.inflated_bytes_max,
                                  [&scan](absl::string_view piece) { return scan.Feed(piece); }));
    merges.Sort();
    SheetHandler handler(book, index++, sheet.name, merges, sink, notes);
    RETURN_IF_ERROR(package->ReadXml(sheet.part, limits.inflated_bytes_max, handler));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
