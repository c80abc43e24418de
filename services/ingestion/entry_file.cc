#include "services/ingestion/entry_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr int kTitleRowsMax = 30;
constexpr size_t kHeaderBytesMax = 200;
constexpr size_t kCellBytesMax = 16 << 10;

SheetReader::Options ReaderOptions(const std::string& spool_folder) {
  SheetReader::Options options;
  options.spool_folder = spool_folder;
  options.xlsx.inflated_bytes_max = int64_t{512} << 20;
  options.xlsx.shared_string_bytes_max = 64 << 20;
  return options;
}

absl::Status OfBody(const absl::Status& status) {
  if (!absl::IsInvalidArgument(status) || absl::StartsWith(status.message(), "body: ")) {
    return status;
  }
  return absl::InvalidArgumentError(absl::StrCat("body: ", status.message()));
}

// Column of the file by column of the form, -1 = none.
std::vector<int> ColumnsOf(const EntryForm& form, const std::vector<std::string>& keys) {
  std::vector<int> column_of;
  for (const EntryForm::Column& column : form.columns) {
    int found = -1;
    for (size_t i = 0; i < keys.size() && found < 0; ++i) {
      for (const char* const key : column.keys) {
        if (keys[i] == key) found = static_cast<int>(i);
      }
    }
    column_of.push_back(found);
  }
  return column_of;
}

bool HasRequired(const EntryForm& form, const std::vector<int>& column_of) {
  for (size_t i = 0; i < column_of.size(); ++i) {
    if (form.columns[i].required && column_of[i] < 0) return false;
  }
  return true;
}

// "(1) | (2) | (3)" below a header.
bool IsColumnNumbers(const SheetRow& row) {
  return std::all_of(row.cells.begin(), row.cells.end(), [](absl::string_view cell) {
    return std::all_of(cell.begin(), cell.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '(' || c == ')';
    });
  });
}

}  // namespace

absl::Status BadRow(int64_t number, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("body: dòng ", number, ": ", what));
}

absl::StatusOr<std::string> DayOfCell(absl::string_view cell) {
  ASSIGN_OR_RETURN(const std::optional<absl::Time> time, ParseCellTime(SerialToIso(cell)));
  return time ? FormatDay(DayOf(*time)) : std::string();
}

EntryFile::EntryFile(absl::Span<const EntryForm> forms, const std::string& spool_folder)
    : forms_(forms),
      reader_(
          [this](absl::Span<const absl::string_view> cells) {
            std::vector<std::string> keys;
            for (const absl::string_view cell : cells)
              keys.push_back(TextKey(cell.substr(0, kHeaderBytesMax)));
            int score = 0;
            for (const EntryForm& form : forms_) {
              const std::vector<int> column_of = ColumnsOf(form, keys);
              score = std::max(
                  score, static_cast<int>(std::count_if(column_of.begin(), column_of.end(),
                                                        [](int column) { return column >= 0; })));
            }
            return score;
          },
          [this](const SheetRow& row) { return OnRow(row); }, ReaderOptions(spool_folder)) {}

absl::Status EntryFile::Feed(absl::string_view piece) {
  bytes_ += piece.size();
  if (bytes_ > kEntryFileBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("body: tệp lớn hơn ", kEntryFileBytesMax >> 20, " MiB"));
  }
  return OfBody(reader_.Feed(piece));
}

absl::StatusOr<EntryTable> EntryFile::Finish() {
  RETURN_IF_ERROR(OfBody(reader_.Finish()));
  if (!found_) {
    std::vector<std::string> wanted;
    for (const EntryForm& form : forms_) {
      std::vector<absl::string_view> names;
      for (const EntryForm::Column& column : form.columns) {
        if (column.required) names.push_back(column.meaning);
      }
      wanted.push_back(absl::StrJoin(names, ", "));
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "body: không tìm thấy dòng tiêu đề; cần có các cột: ", absl::StrJoin(wanted, " — hoặc: ")));
  }
  if (table_.rows.empty())
    return absl::InvalidArgumentError("body: dưới tiêu đề không có dòng nào");
  return std::move(table_);
}

bool EntryFile::FindHeader(const SheetRow& row) {
  std::vector<std::string> keys;
  for (const absl::string_view cell : row.cells) {
    keys.push_back(TextKey(cell.substr(0, kHeaderBytesMax)));
  }
  size_t most = 0;
  for (size_t form = 0; form < forms_.size(); ++form) {
    std::vector<int> column_of = ColumnsOf(forms_[form], keys);
    const size_t columns = static_cast<size_t>(
        std::count_if(column_of.begin(), column_of.end(), [](int column) { return column >= 0; }));
    if (!HasRequired(forms_[form], column_of) || columns <= most) continue;
    most = columns;
    found_ = true;
    table_.form = form;
    column_of_ = std::move(column_of);
  }
  if (!found_) return false;
  table_.has.clear();
  for (const int column : column_of_) table_.has.push_back(column >= 0);
  for (size_t i = 0; i < row.cells.size(); ++i) {
    v1::FileColumn& column = table_.columns.emplace_back();
    column.set_header(ToUtf8(row.cells[i], kHeaderBytesMax));
    column.set_meaning("ignored");
    for (size_t c = 0; c < column_of_.size(); ++c) {
      if (column_of_[c] == static_cast<int>(i)) {
        column.set_meaning(forms_[table_.form].columns[c].meaning);
      }
    }
  }
  sheet_ = row.sheet;
  after_header_ = true;
  return true;
}

absl::Status EntryFile::OnRow(const SheetRow& row) {
  if (!found_) {
    if (++title_rows_ <= kTitleRowsMax) FindHeader(row);
    return absl::OkStatus();
  }
  // One table a file: other sheets are notes.
  return row.sheet == sheet_ ? TakeRow(row) : absl::OkStatus();
}

absl::Status EntryFile::TakeRow(const SheetRow& row) {
  if (row.problem != CsvRow::Problem::kNone) {
    return BadRow(row.number, "không đọc được (dấu nháy không đóng, hoặc quá dài)");
  }
  if (std::exchange(after_header_, false) && IsColumnNumbers(row)) return absl::OkStatus();
  std::set<absl::string_view> texts;
  int filled = 0;
  for (const absl::string_view cell : row.cells) {
    if (cell.empty()) continue;
    ++filled;
    texts.insert(cell);
  }
  EntryTable::Row taken{row.number, {}};
  bool other = false;
  for (size_t c = 0; c < column_of_.size(); ++c) {
    const int column = column_of_[c];
    const bool there = column >= 0 && static_cast<size_t>(column) < row.cells.size();
    const absl::string_view cell = there ? row.cells[static_cast<size_t>(column)] : "";
    if (cell.size() > kCellBytesMax || !IsUtf8(cell)) {
      return BadRow(row.number, absl::StrCat("ô ", forms_[table_.form].columns[c].meaning,
                                             " quá dài hoặc không phải UTF-8"));
    }
    other = other || (c > 0 && !cell.empty());
    taken.cells.push_back(ToNfc(Trim(cell)));
  }
  // A section or a signature: one text, perhaps over merged cells.
  if (texts.size() <= 1 && (filled > 1 || taken.cells[0].empty())) return absl::OkStatus();
  if (taken.cells[0].empty()) {
    if (!other) return absl::OkStatus();
    return BadRow(row.number, absl::StrCat("thiếu ", forms_[table_.form].columns[0].meaning));
  }
  if (table_.rows.size() >= kEntryRowsMax) {
    return absl::InvalidArgumentError(absl::StrCat("body: nhiều hơn ", kEntryRowsMax, " dòng"));
  }
  table_.rows.push_back(std::move(taken));
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
