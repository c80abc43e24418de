#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/types/span.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/imports.pb.h"

// Sheets of totals a unit ("Phụ lục 1": đơn vị, tổng số, trực tuyến, trực tiếp, BCCI).

namespace dondoc::ingestion {

enum class StatementPart { kUnit, kTotal, kOnline, kCounter, kPostal, kUnknown };
inline constexpr int kStatementPartCount = 6;

// Which column of a sheet of totals holds what; -1 = none.
struct StatementPlan {
  std::array<int, kStatementPartCount> column_of{-1, -1, -1, -1, -1, -1};
  std::vector<v1::ColumnMapping> columns;

  int column(StatementPart part) const { return column_of[static_cast<size_t>(part)]; }
  // A unit, its total and how many of them came online is the least.
  bool complete() const {
    return column(StatementPart::kUnit) >= 0 && column(StatementPart::kTotal) >= 0 &&
           column(StatementPart::kOnline) >= 0;
  }
};

// The header rows of a sheet, from the top: a column's text in each of them decides together.
StatementPlan MapStatementHeader(absl::Span<const std::vector<std::string>> header_rows);

// One unit's totals as a sheet states them.
struct StatementRow {
  std::string unit;  // as written
  int64_t total = 0;
  int64_t online = 0;
  int64_t counter = 0;
  int64_t postal = 0;
  int64_t unknown = 0;  // what the parts leave of the total where the sheet has no such column
  int64_t row_number = 0;
  // The window in its own sheet's title; absent = that names none.
  std::optional<absl::CivilDay> from;
  std::optional<absl::CivilDay> to;
  // UNSPECIFIED when the row is right; else why not, and a Vietnamese message. Counts that could
  // not be read are 0.
  v1::RejectReason::Value reason = v1::RejectReason::UNSPECIFIED;
  std::string message;
};

// Reads the counts of a row. Checks that they are whole numbers, that online is not more than the
// total, and that the parts add up to it.
StatementRow ReadStatementRow(const StatementPlan& plan, absl::Span<const absl::string_view> cells,
                              int64_t row_number);

}  // namespace dondoc::ingestion
