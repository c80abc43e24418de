#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dondoc/v1/imports.pb.h"

namespace dondoc::ingestion {

// What a column of an export means (domain: columns).
enum class Meaning {
  kSerial,
  kCode,
  kProcedureCode,
  kProcedureName,
  kField,
  kUnit,
  kHandlingUnit,
  kSubmitted,
  kReceived,
  kUpdated,
  kDue,
  kDone,
  kChannel,
  kServiceLevel,
  kStatus,
  kPersonal,
  kIgnored,
};
inline constexpr int kMeaningCount = static_cast<int>(Meaning::kIgnored) + 1;

// As in ColumnMapping.meaning: "code", "unit", "personal", …
absl::string_view MeaningName(Meaning meaning);

// Which column of a file holds what.
struct ColumnPlan {
  // One per header, in the file's order.
  std::vector<v1::ColumnMapping> columns;
  // Column index by meaning, -1 = none; serial, personal and ignored columns have none.
  std::array<int, kMeaningCount> column_of;
  // Headers that mean something, personal ones included.
  int recognised = 0;
  // Vietnamese names of the required meanings that no header has.
  std::vector<std::string> missing;

  int column(Meaning meaning) const { return column_of[static_cast<size_t>(meaning)]; }
};

// Headers of the user's own, by match key; they go before ours.
using ColumnSynonyms = absl::flat_hash_map<std::string, Meaning>;

// One synonym a line, "header,meaning" with a MeaningName ("Nơi nộp,unit"); blank lines and lines
// beginning with '#' are passed over. kInvalidArgument names the line.
absl::StatusOr<ColumnSynonyms> ParseColumnSynonyms(absl::string_view text);

// Never fails: a row that is no header recognises nothing and misses everything.
ColumnPlan MapHeader(absl::Span<const absl::string_view> cells,
                     const ColumnSynonyms* own = nullptr);

}  // namespace dondoc::ingestion
