#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/legacy_text.h"
#include "services/ingestion/reading/row_mapper.h"
#include "services/ingestion/reading/row_place.h"
#include "services/ingestion/reading/sheet_row.h"
#include "services/ingestion/reading/sheet_title.h"
#include "services/ingestion/reading/statement_columns.h"

namespace dondoc::ingestion {

// Rows of dossiers kept back until a date among them tells the order of day and month.
inline constexpr size_t kOrderRowsMax = 5'000;
inline constexpr size_t kOrderBytesMax = 8 << 20;
inline constexpr size_t kHeaderRowsMax = 3;
inline constexpr int kSheetTablesMax = 1'000;

// Finds the tables in the rows of a file: titles above, headers of one to three rows, sections,
// totals and signatures between and below. The first table tells whether the file holds dossiers or
// totals a unit. Not thread-safe.
class TableFinder {
 public:
  struct Options {
    const ColumnSynonyms* synonyms = nullptr;
    std::string unit_column;  // as CreateImportRequest has it
  };
  // What each row is handed to; an error of theirs stops the finder.
  struct Sinks {
    // Once for every table of dossiers.
    std::function<absl::Status(const ColumnPlan& plan)> header;
    std::function<absl::Status(const MeaningCells& cells, int64_t row_number,
                               CsvRow::Problem problem)>
        dossier;
    std::function<absl::Status(const StatementRow& row)> statement;
  };
  struct Notes {
    SheetTitle title;
    int64_t hidden_rows = 0;
    int64_t first_hidden_row = 0;
    std::vector<std::string> sheets;          // of a workbook, with tables that were read
    std::vector<std::string> sheets_skipped;  // with a table of the other kind
    Legacy legacy = Legacy::kNone;            // text was converted from it
    bool month_first = false;                 // days were swapped
  };

  TableFinder(Options options, Sinks sinks);

  // How much a row looks like a header, for CsvReader.
  int Score(absl::Span<const absl::string_view> cells) const;

  // kInvalidArgument, in Vietnamese: totals that do not agree, or dates of both orders.
  absl::Status OnRow(const SheetRow& row);
  // No table at all is no error here: see found().
  absl::Status Finish();

  bool found() const { return kind_ != Kind::kNone; }
  bool has_statements() const { return kind_ == Kind::kStatements; }
  // Columns of a table of totals.
  const StatementPlan& statement_plan() const { return statement_plan_; }
  // The row that looked most like a header; for a file in which none was found.
  const std::optional<ColumnPlan>& best_title() const { return best_title_; }
  const Notes& notes() const { return notes_; }

 private:
  enum class Kind { kNone, kDossiers, kStatements };
  enum class State { kSearching, kInTable, kSkipping };
  struct Waiting {
    std::vector<std::string> cells;  // by meaning
    int64_t row_number;
    CsvRow::Problem problem;
  };

  absl::Status StartSheet(const SheetRow& row);
  absl::Status EndSheet();
  std::vector<std::string> Mend(const SheetRow& row);
  absl::Status Search(const SheetRow& row, std::vector<std::string> cells);
  bool FindDossierHeader(ColumnPlan& plan) const;
  absl::Status StartDossiers(ColumnPlan plan, const SheetRow& row);
  absl::Status StartStatements(StatementPlan plan, const SheetRow& row);
  bool IsSubHeader(const std::vector<std::string>& cells) const;
  void ChooseUnitColumn(ColumnPlan& plan) const;
  absl::Status OnDossierRow(const SheetRow& row);
  absl::Status PassDossier(const MeaningCells& cells, int64_t row_number, CsvRow::Problem problem);
  absl::Status DecideOrder(DayOrder order);
  absl::Status OnStatementRow(const SheetRow& row);
  absl::Status CheckTotal(const StatementRow& row, bool of_section);
  void StartTable(const SheetRow& row);
  // See row_place.h.
  int64_t Number(const SheetRow& row) const { return row.number + number_offset_; }

  const Options options_;
  const Sinks sinks_;
  Kind kind_ = Kind::kNone;
  Notes notes_;
  std::optional<ColumnPlan> best_title_;

  int sheet_ = -1;
  std::string sheet_name_;
  SheetTitle sheet_title_;  // of this sheet alone
  State state_ = State::kSearching;
  int title_rows_ = 0;
  int tables_ = 0;
  int64_t number_offset_ = 0;
  int numbered_sheet_ = -1;                       // the sheet that number_offset_ is for
  std::vector<std::vector<std::string>> recent_;  // the last rows while searching
  Legacy legacy_ = Legacy::kNone;
  bool after_header_ = false;
  bool after_total_ = false;

  ColumnPlan plan_;
  // kEither: not known yet. By what the file's dates have in common.
  DayOrder order_ = DayOrder::kEither;
  bool ambiguous_passed_ = false;
  std::vector<Waiting> waiting_;
  size_t waiting_bytes_ = 0;

  StatementPlan statement_plan_;
  struct Sums {
    int64_t total = 0, online = 0, counter = 0, postal = 0;
    bool whole = true;  // no row of it was refused
    int64_t rows = 0;
  };
  Sums sheet_sums_;
  Sums section_sums_;
  // A section's or the sheet's own figures that stood above its rows.
  std::optional<StatementRow> section_claim_;
  std::optional<StatementRow> sheet_claim_;
};

}  // namespace dondoc::ingestion
