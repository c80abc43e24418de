#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/imports.pb.h"
#include "dondoc/v1/statements.pb.h"
#include "services/ingestion/ledger/directory.h"
#include "services/ingestion/reading/statement_columns.h"
#include "services/ingestion/reading/unit_matcher.h"

namespace dondoc::ingestion {

// Statements of one file; a file with more is refused as a whole.
inline constexpr int64_t kImportStatementsMax = 100'000;

// Turns rows of a sheet of totals ("Phụ lục 1") into statements for one window. The same mapping
// reads a file and, later, its rejects. Not thread-safe.
class StatementMapper {
 public:
  struct Window {
    absl::CivilDay from;
    absl::CivilDay to;
  };
  // kInvalidArgument, in Vietnamese: a window no statement can have.
  static absl::Status CheckWindow(const Window& window, absl::CivilDay today);

  // `stated`: the rows that state each unit already, where some of the import took effect.
  StatementMapper(std::shared_ptr<const Directory> directory, const std::string& province,
                  const Window& window, absl::CivilDay today,
                  std::map<std::string, int64_t> stated = {});

  using Mapped = std::variant<v1::StatementRecord, v1::Reject>;
  // `plan` tells which parts the sheet has columns for. UNKNOWN_UNIT also for a unit that ended
  // before the window: what it counted is not its successor's. REPEATED_UNIT: another row states
  // the unit, and the two would replace each other.
  Mapped Map(const StatementRow& row, const StatementPlan& plan);
  // A kept reject; nullopt when no change of the directory can mend it.
  std::optional<Mapped> MapAgain(const v1::Reject& reject);

 private:
  Mapped Finish(v1::Statement statement, const std::string& unit, int64_t row_number);

  UnitMatcher units_;
  const Window window_;
  const absl::CivilDay today_;
  std::map<std::string, int64_t> stated_;  // unit_id → row
};

}  // namespace dondoc::ingestion
