#include "services/ingestion/reading/table_finder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/ingestion/reading/row_words.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

std::vector<absl::string_view> Views(const std::vector<std::string>& cells) {
  return {cells.begin(), cells.end()};
}

absl::string_view CellAt(absl::Span<const absl::string_view> cells, int column) {
  return column >= 0 && static_cast<size_t>(column) < cells.size()
             ? cells[static_cast<size_t>(column)]
             : absl::string_view();
}

// "C" for the third column.
std::string ColumnLetters(int column) {
  std::string letters;
  for (int rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
  }
  return letters;
}

// Whether there is text beyond the header's last column.
bool IsWider(absl::Span<const absl::string_view> cells, const ColumnPlan& plan) {
  if (cells.size() <= plan.columns.size()) return false;
  return std::any_of(cells.begin() + static_cast<std::ptrdiff_t>(plan.columns.size()), cells.end(),
                     [](absl::string_view cell) { return !cell.empty(); });
}

bool IsKnownHeader(absl::string_view text, const ColumnSynonyms* synonyms) {
  const ColumnPlan plan = MapHeader({text}, synonyms);
  return plan.recognised > 0;
}

// The header of each column out of the last `rows` rows: all of them read together, else the
// lowest, else the one above, whichever is known; a blank under a merged cell of the row above is
// filled from the left where the file has lost the merge.
std::vector<std::string> JoinHeader(absl::Span<const std::vector<std::string>> rows,
                                    const ColumnSynonyms* synonyms) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.size());
  std::vector<std::string> joined(width);
  for (size_t column = 0; column < width; ++column) {
    std::vector<std::string> labels;
    for (const auto& row : rows) {
      if (column >= row.size() || row[column].empty()) continue;
      if (labels.empty() || labels.back() != row[column]) labels.push_back(row[column]);
    }
    if (labels.empty()) continue;
    std::string all;
    for (const std::string& label : labels) absl::StrAppend(&all, all.empty() ? "" : " ", label);
    joined[column] = all;
    if (IsKnownHeader(all, synonyms)) continue;
    for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
      if (!IsKnownHeader(*label, synonyms)) continue;
      joined[column] = *label;
      break;
    }
  }
  return joined;
}

}  // namespace

TableFinder::TableFinder(Options options, Sinks sinks)
    : options_(std::move(options)), sinks_(std::move(sinks)) {}

int TableFinder::Score(absl::Span<const absl::string_view> cells) const {
  const std::vector<std::string> row(cells.begin(), cells.end());
  const StatementPlan plan = MapStatementHeader({row});
  int parts = 0;
  for (const int column : plan.column_of) parts += column >= 0 ? 1 : 0;
  return std::max(MapHeader(cells, options_.synonyms).recognised, parts);
}

absl::Status TableFinder::OnRow(const SheetRow& row) {
  if (row.sheet != sheet_) RETURN_IF_ERROR(StartSheet(row));
  if (state_ == State::kSkipping) return absl::OkStatus();
  if (state_ == State::kSearching) {
    // A title row with a problem is a title row.
    if (row.problem != CsvRow::Problem::kNone) return absl::OkStatus();
    return Search(row, Mend(row));
  }
  return kind_ == Kind::kDossiers ? OnDossierRow(row) : OnStatementRow(row);
}

absl::Status TableFinder::Finish() {
  if (sheet_ >= 0) RETURN_IF_ERROR(EndSheet());
  return DecideOrder(DayOrder::kDayFirst);
}

absl::Status TableFinder::StartSheet(const SheetRow& row) {
  if (sheet_ >= 0) RETURN_IF_ERROR(EndSheet());
  sheet_ = row.sheet;
  sheet_name_ = std::string(row.sheet_name);
  sheet_title_ = SheetTitle();
  state_ = State::kSearching;
  title_rows_ = 0;
  recent_.clear();
  legacy_ = Legacy::kNone;
  return absl::OkStatus();
}

void TableFinder::StartTable(const SheetRow& row) {
  state_ = State::kInTable;
  after_header_ = true;
  after_total_ = false;
  if (legacy_ != Legacy::kNone) notes_.legacy = legacy_;
  // The rows of a web page are numbered through.
  if (row.sheet == numbered_sheet_ || sheet_name_.empty()) return;
  numbered_sheet_ = row.sheet;
  number_offset_ = static_cast<int64_t>(notes_.sheets.size()) * kSheetRowNumbers;
  notes_.sheets.push_back(sheet_name_);
}

absl::Status TableFinder::EndSheet() {
  if (state_ != State::kInTable || kind_ != Kind::kStatements) return absl::OkStatus();
  if (section_claim_.has_value()) RETURN_IF_ERROR(CheckTotal(*section_claim_, true));
  section_claim_.reset();
  if (sheet_claim_.has_value()) RETURN_IF_ERROR(CheckTotal(*sheet_claim_, false));
  sheet_claim_.reset();
  return absl::OkStatus();
}

// The row's text, converted where it is of a font encoding.
std::vector<std::string> TableFinder::Mend(const SheetRow& row) {
  std::vector<std::string> cells(row.cells.begin(), row.cells.end());
  std::string all;
  for (const absl::string_view cell : row.cells) absl::StrAppend(&all, cell, " ");
  const Legacy guess = GuessLegacy(absl::string_view(all).substr(0, 4 << 10));
  if (guess == Legacy::kNone) return cells;
  legacy_ = guess;
  for (std::string& cell : cells) {
    if (IsLatin1Range(cell)) cell = FromLegacy(guess, cell);
  }
  return cells;
}

absl::Status TableFinder::Search(const SheetRow& row, std::vector<std::string> cells) {
  const std::vector<absl::string_view> views = Views(cells);
  for (size_t i = 0; i < views.size(); ++i) {
    // A merged title is read once.
    if (i == 0 || views[i] != views[i - 1]) {
      ReadTitle(views[i], notes_.title);
      ReadTitle(views[i], sheet_title_);
    }
  }
  recent_.push_back(std::move(cells));
  if (recent_.size() > kHeaderRowsMax) recent_.erase(recent_.begin());
  ColumnPlan plan;
  if (FindDossierHeader(plan)) return StartDossiers(std::move(plan), row);
  for (size_t rows = 1; rows <= recent_.size(); ++rows) {
    StatementPlan statements =
        MapStatementHeader(absl::MakeSpan(recent_).subspan(recent_.size() - rows));
    // A sheet with codes lists dossiers, whatever else it has.
    if (statements.complete() && plan.column(Meaning::kCode) < 0) {
      return StartStatements(std::move(statements), row);
    }
  }
  if (!best_title_.has_value() || plan.recognised > best_title_->recognised) {
    best_title_ = std::move(plan);
  }
  if (++title_rows_ > kCsvTitleRowsMax) state_ = State::kSkipping;
  return absl::OkStatus();
}

// The best of the last rows, one to three of them, in `plan`; whether it is a header.
bool TableFinder::FindDossierHeader(ColumnPlan& plan) const {
  bool first = true;
  for (size_t rows = 1; rows <= recent_.size(); ++rows) {
    const absl::Span<const std::vector<std::string>> last =
        absl::MakeConstSpan(recent_).subspan(recent_.size() - rows);
    const std::vector<std::string> header =
        rows == 1 ? last[0] : JoinHeader(last, options_.synonyms);
    ColumnPlan candidate = MapHeader(Views(header), options_.synonyms);
    const bool complete = candidate.missing.empty();
    if (first || complete) plan = std::move(candidate);
    if (complete) return true;
    first = false;
  }
  return false;
}

// A row below a complete header that only names columns belongs to it.
bool TableFinder::IsSubHeader(const std::vector<std::string>& cells) const {
  int filled = 0;
  for (const std::string& cell : cells) {
    if (cell.empty()) continue;
    if (!IsKnownHeader(cell, options_.synonyms)) return false;
    ++filled;
  }
  return filled > 0;
}

void TableFinder::ChooseUnitColumn(ColumnPlan& plan) const {
  if (options_.unit_column.empty() || options_.unit_column == "receiving") return;
  int& unit = plan.column_of[static_cast<size_t>(Meaning::kUnit)];
  int& handling = plan.column_of[static_cast<size_t>(Meaning::kHandlingUnit)];
  int chosen = -1;
  if (options_.unit_column == "handling") {
    chosen = handling;
  } else {
    const std::string key = TextKey(options_.unit_column);
    for (size_t i = 0; i < plan.columns.size(); ++i) {
      if (TextKey(plan.columns[i].header()) == key) chosen = static_cast<int>(i);
    }
  }
  if (chosen < 0 || chosen == unit) return;
  const int before = unit;
  unit = chosen;
  if (handling == chosen) handling = before;
  plan.columns[static_cast<size_t>(chosen)].set_meaning(std::string(MeaningName(Meaning::kUnit)));
  if (before >= 0) {
    const Meaning now = handling == before ? Meaning::kHandlingUnit : Meaning::kIgnored;
    plan.columns[static_cast<size_t>(before)].set_meaning(std::string(MeaningName(now)));
  }
}

absl::Status TableFinder::StartDossiers(ColumnPlan plan, const SheetRow& row) {
  if (kind_ == Kind::kStatements) {
    notes_.sheets_skipped.push_back(sheet_name_);
    state_ = State::kSkipping;
    return absl::OkStatus();
  }
  if (++tables_ > kSheetTablesMax) {
    return absl::InvalidArgumentError("Tệp có quá 1.000 bảng.");
  }
  kind_ = Kind::kDossiers;
  StartTable(row);
  ChooseUnitColumn(plan);
  plan_ = std::move(plan);
  return sinks_.header(plan_);
}

absl::Status TableFinder::StartStatements(StatementPlan plan, const SheetRow& row) {
  if (kind_ == Kind::kDossiers) {
    notes_.sheets_skipped.push_back(sheet_name_);
    state_ = State::kSkipping;
    return absl::OkStatus();
  }
  if (++tables_ > kSheetTablesMax) {
    return absl::InvalidArgumentError("Tệp có quá 1.000 bảng.");
  }
  kind_ = Kind::kStatements;
  StartTable(row);
  statement_plan_ = std::move(plan);
  sheet_sums_ = section_sums_ = Sums();
  return absl::OkStatus();
}

absl::Status TableFinder::OnDossierRow(const SheetRow& row) {
  const bool after_header = after_header_;
  if (row.problem == CsvRow::Problem::kNone) {
    if (after_header && IsColumnNumbers(row.cells)) return absl::OkStatus();
    // A header again, as on every printed page. Codes have digits, headers of codes do not.
    const absl::string_view code_cell = CellAt(row.cells, plan_.column(Meaning::kCode));
    const bool repeated = !code_cell.empty() &&
                          code_cell.find_first_of("0123456789") == absl::string_view::npos &&
                          MapHeader(row.cells, options_.synonyms).missing.empty();
    if (repeated) return absl::OkStatus();
    if (after_header && recent_.size() < kHeaderRowsMax + 1) {
      std::vector<std::string> cells = Mend(row);
      if (IsSubHeader(cells)) {
        recent_.push_back(std::move(cells));
        const size_t last = recent_.size();
        ColumnPlan plan = MapHeader(
            Views(JoinHeader(absl::MakeSpan(recent_).subspan(last - 2), options_.synonyms)),
            options_.synonyms);
        if (plan.missing.empty()) {
          ChooseUnitColumn(plan);
          plan_ = std::move(plan);
          return sinks_.header(plan_);
        }
      }
    }
    if (CellAt(row.cells, plan_.column(Meaning::kCode)).empty() || row.cells.size() == 1) {
      const absl::string_view text = FirstText(row.cells);
      const bool total = IsTotalText(text);
      const bool footer = IsFooterText(text);
      after_total_ = after_total_ || total || footer;
      if (total || footer || after_total_ || IsSectionText(text)) return absl::OkStatus();
    } else {
      const absl::string_view code = CellAt(row.cells, plan_.column(Meaning::kCode));
      // A section or a total merged over several columns, or alone in the code's.
      const absl::string_view unit = CellAt(row.cells, plan_.column(Meaning::kUnit));
      const bool one_text = unit.empty() || code == unit;
      if (one_text && (IsSectionText(code) || IsTotalText(code) || IsFooterText(code))) {
        after_total_ = after_total_ || !IsSectionText(code);
        return absl::OkStatus();
      }
    }
  }
  after_header_ = false;
  if (row.hidden && notes_.hidden_rows++ == 0) notes_.first_hidden_row = Number(row);
  MeaningCells cells;
  std::vector<std::string> mended;
  mended.reserve(kMeaningCount);
  for (int meaning = 0; meaning < kMeaningCount; ++meaning) {
    const size_t slot = static_cast<size_t>(meaning);
    cells[slot] = CellAt(row.cells, plan_.column_of[slot]);
    const bool ascii = std::none_of(cells[slot].begin(), cells[slot].end(),
                                    [](char c) { return (c & 0x80) != 0; });
    if (ascii || !IsUtf8(cells[slot]) || !IsLatin1Range(cells[slot])) continue;
    const Legacy legacy = legacy_ != Legacy::kNone ? legacy_ : GuessLegacy(cells[slot]);
    if (legacy == Legacy::kNone) continue;
    notes_.legacy = legacy;
    mended.push_back(FromLegacy(legacy, cells[slot]));
    cells[slot] = mended.back();
  }
  const bool shifted = row.problem == CsvRow::Problem::kNone && IsWider(row.cells, plan_);
  return PassDossier(cells, Number(row), shifted ? CsvRow::Problem::kShifted : row.problem);
}

absl::Status TableFinder::PassDossier(const MeaningCells& cells, int64_t row_number,
                                      CsvRow::Problem problem) {
  // The last one is only warned about: it does not tell the order.
  static constexpr Meaning kDates[] = {Meaning::kReceived, Meaning::kUpdated, Meaning::kDone};
  MeaningCells tidy = cells;
  std::string texts[3];
  for (size_t i = 0; i < 2; ++i) {
    const size_t slot = static_cast<size_t>(kDates[i]);
    const DayOrder says = OrderOf(cells[slot]);
    if (says == DayOrder::kMonthFirst && order_ == DayOrder::kEither) {
      if (ambiguous_passed_) {
        return absl::InvalidArgumentError(
            absl::StrCat("Dòng ", RowName(notes_.sheets, row_number),
                         " ghi ngày theo kiểu tháng/ngày/năm, nhưng quá nhiều dòng trước đó "
                         "không cho biết thứ tự. Hãy định dạng lại cột ngày rồi tải lại."));
      }
      RETURN_IF_ERROR(DecideOrder(DayOrder::kMonthFirst));
    } else if (says == DayOrder::kDayFirst && order_ == DayOrder::kEither) {
      RETURN_IF_ERROR(DecideOrder(DayOrder::kDayFirst));
    } else if (says == DayOrder::kDayFirst && order_ == DayOrder::kMonthFirst) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Cột ngày có cả ngày/tháng/năm lẫn tháng/ngày/năm (dòng ",
          RowName(notes_.sheets, row_number),
          "); không thể biết các ngày còn lại. Hãy định dạng lại cột ngày rồi tải lại."));
    }
  }
  if (order_ == DayOrder::kEither) {
    const bool unclear =
        OrderOf(cells[static_cast<size_t>(Meaning::kReceived)]) == DayOrder::kEither ||
        OrderOf(cells[static_cast<size_t>(Meaning::kUpdated)]) == DayOrder::kEither;
    if (unclear || !waiting_.empty()) {
      Waiting waiting{{}, row_number, problem};
      for (const absl::string_view cell : cells) {
        waiting.cells.emplace_back(cell);
        waiting_bytes_ += cell.size();
      }
      waiting_.push_back(std::move(waiting));
      if (waiting_.size() < kOrderRowsMax && waiting_bytes_ < kOrderBytesMax) {
        return absl::OkStatus();
      }
      // Read as Viet Nam writes them; a later date that says otherwise refuses the file.
      ambiguous_passed_ = true;
      std::vector<Waiting> rows = std::move(waiting_);
      waiting_.clear();
      waiting_bytes_ = 0;
      for (const Waiting& held : rows) {
        MeaningCells views;
        for (size_t i = 0; i < views.size(); ++i) views[i] = held.cells[i];
        RETURN_IF_ERROR(sinks_.dossier(views, held.row_number, held.problem));
      }
      return absl::OkStatus();
    }
  }
  for (size_t i = 0; i < 3; ++i) {
    const size_t slot = static_cast<size_t>(kDates[i]);
    const absl::string_view text = cells[slot];
    // Most dates are as they should be, and nothing is copied.
    const bool clock_of_twelve = !text.empty() && (text.back() | 0x20) >= 'a';
    const bool digits = text.find_first_not_of("0123456789.,") == absl::string_view::npos;
    if (order_ == DayOrder::kMonthFirst || clock_of_twelve) {
      texts[i] = ToDayFirst(text, order_);
      tidy[slot] = texts[i];
    } else if (digits && !text.empty()) {
      texts[i] = SerialToIso(text);
      tidy[slot] = texts[i];
    }
  }
  return sinks_.dossier(tidy, row_number, problem);
}

absl::Status TableFinder::DecideOrder(DayOrder order) {
  if (order_ != DayOrder::kEither) return absl::OkStatus();
  order_ = order;
  notes_.month_first = order == DayOrder::kMonthFirst;
  std::vector<Waiting> rows = std::move(waiting_);
  waiting_.clear();
  for (const Waiting& held : rows) {
    MeaningCells views;
    for (size_t i = 0; i < views.size(); ++i) views[i] = held.cells[i];
    RETURN_IF_ERROR(PassDossier(views, held.row_number, held.problem));
  }
  return absl::OkStatus();
}

absl::Status TableFinder::OnStatementRow(const SheetRow& row) {
  if (row.problem != CsvRow::Problem::kNone) {
    StatementRow bad;
    bad.row_number = Number(row);
    bad.reason = v1::RejectReason::BAD_ROW;
    bad.message = std::string(CsvProblemText(row.problem));
    sheet_sums_.whole = section_sums_.whole = false;
    return sinks_.statement(bad);
  }
  if (after_header_) {
    if (IsColumnNumbers(row.cells)) return absl::OkStatus();
    std::vector<std::string> cells = Mend(row);
    if (ParseCount(CellAt(row.cells, statement_plan_.column(StatementPart::kTotal))) ==
        std::nullopt) {
      // Another row of the header.
      recent_.push_back(std::move(cells));
      StatementPlan plan = MapStatementHeader(recent_);
      if (plan.complete() && recent_.size() <= kHeaderRowsMax + 1) {
        statement_plan_ = std::move(plan);
        return absl::OkStatus();
      }
    }
  }
  after_header_ = false;
  const std::vector<std::string> mended = Mend(row);
  const std::vector<absl::string_view> cells = Views(mended);
  StatementRow read = ReadStatementRow(statement_plan_, cells, Number(row));
  read.from = sheet_title_.from;
  read.to = sheet_title_.to;
  const absl::string_view text = read.unit.empty() ? FirstText(cells) : read.unit;
  const absl::string_view total = CellAt(cells, statement_plan_.column(StatementPart::kTotal));
  const bool has_total = !total.empty() && ParseCount(total).has_value();
  bool section = IsSectionText(text);
  for (int i = 0; i < statement_plan_.column(StatementPart::kUnit); ++i) {
    section = section || IsSectionSerial(CellAt(cells, i));
  }
  if (IsTotalText(text)) {
    const bool of_section = IsSectionTotalText(text);
    after_total_ = after_total_ || !of_section;
    if (!has_total) return absl::OkStatus();
    if (sheet_sums_.rows == 0) {
      sheet_claim_ = read;
      return absl::OkStatus();
    }
    return CheckTotal(read, of_section);
  }
  if (section) {
    if (section_claim_.has_value()) RETURN_IF_ERROR(CheckTotal(*section_claim_, true));
    section_claim_.reset();
    section_sums_ = Sums();
    if (has_total) section_claim_ = read;
    return absl::OkStatus();
  }
  if (IsFooterText(text)) after_total_ = true;
  // Signatures and remarks hold no counts.
  if (!has_total && (after_total_ || IsFooterText(text))) return absl::OkStatus();
  if (read.unit.empty() && !has_total) return absl::OkStatus();
  if (row.hidden && notes_.hidden_rows++ == 0) notes_.first_hidden_row = Number(row);
  if (read.reason == v1::RejectReason::UNSPECIFIED && read.unit.empty()) {
    read.reason = v1::RejectReason::NO_UNIT;
    read.message = "Dòng không có tên đơn vị.";
  }
  for (Sums* sums : {&sheet_sums_, &section_sums_}) {
    sums->total += read.total;
    sums->online += read.online;
    sums->counter += read.counter;
    sums->postal += read.postal;
    sums->whole = sums->whole && read.reason != v1::RejectReason::BAD_NUMBER;
    ++sums->rows;
  }
  return sinks_.statement(read);
}

// A total that is not the sum of its rows means that rows are missing or wrong: nothing of the
// sheet can be believed.
absl::Status TableFinder::CheckTotal(const StatementRow& row, bool of_section) {
  const Sums& sums = of_section ? section_sums_ : sheet_sums_;
  if (!sums.whole || sums.rows == 0 || row.reason == v1::RejectReason::BAD_NUMBER) {
    return absl::OkStatus();
  }
  struct Pair {
    const char* name;
    StatementPart part;
    int64_t stated;
    int64_t summed;
  };
  const Pair pairs[] = {{"tổng số", StatementPart::kTotal, row.total, sums.total},
                        {"trực tuyến", StatementPart::kOnline, row.online, sums.online},
                        {"trực tiếp", StatementPart::kCounter, row.counter, sums.counter},
                        {"BCCI", StatementPart::kPostal, row.postal, sums.postal}};
  for (const Pair& pair : pairs) {
    if (statement_plan_.column(pair.part) < 0 || pair.stated == pair.summed) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "Dòng cộng (ô ", ColumnLetters(statement_plan_.column(pair.part)),
        RowName(notes_.sheets, row.row_number), ") ghi ", pair.name, " ", NumberVi(pair.stated),
        ", nhưng các đơn vị cộng lại được ", NumberVi(pair.summed), ". Hãy kiểm tra lại bảng."));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
