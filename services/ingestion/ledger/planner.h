#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/directory_planner.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/revision_block.h"
#include "services/ingestion/ledger/statement_planner.h"
#include "services/ingestion/ledger/views.h"

namespace dondoc::ingestion {

// What a change comes to: the record that would commit it and what its caller is told.
struct Plan {
  ledger::LogRecord record;  // withdrawals and deltas are in `body`, whatever their size
  RecordBody body;
  CommitResult result;  // `changed` says whether it takes a sequence; `position` is left open
};

// Rows of an import that are staged.
struct StagedRows {
  std::vector<ledger::RevisionBlock> blocks;  // chunk by chunk
  std::vector<ledger::StatementChunk> statements;
};

// Works out one change against the views; the rules are in views.h. Reads the views only, so it may
// run beside readers, but not beside Apply. A planner plans one change.
class Planner {
 public:
  // The views outlive the planner. `commit_us` is what the commit time would be.
  Planner(const Views& views, int64_t commit_us);

  Plan PlanBatch(const DossierBatch& batch);
  // kInvalidArgument: days that cannot be read.
  absl::StatusOr<Plan> PlanStatements(const StatementBatch& batch);
  // The import is not applied yet. kFailedPrecondition: the withdrawal guard (`guard` false lets it
  // pass, for a preview). kDataLoss: staged rows that cannot be read.
  absl::StatusOr<Plan> PlanApplication(const ImportApplication& application, StagedRows rows,
                                       bool guard);
  // The import is applied and live.
  absl::StatusOr<Plan> PlanReplay(uint32_t import, StagedRows rows);
  // The import is applied and its liveness is another one.
  Plan PlanLiveness(uint32_t import, bool live);
  // UnitsPut, ProceduresPut, DefinitionsPut. Errors as ledger.h has them.
  template <typename Put>
  absl::StatusOr<Plan> PlanPut(const Put& put, ledger::RecordKind::Value kind) {
    RETURN_IF_ERROR(PlanDirectory(views_.directory_view(), put, plan_.record, plan_.result));
    const CommitResult& result = plan_.result;
    return Finish(kind, result.entries_created + result.entries_updated > 0);
  }

 private:
  // A dossier as the plan leaves it so far.
  struct Pending {
    std::optional<DossierId> id;
    bool has_state = false;
    Revision state;
    // What this push keeps of it.
    absl::InlinedVector<std::pair<Facts, int64_t>, 1> pushed;
    // For imports: the unit of its first row, and whether a row had another one.
    bool named = false;
    uint32_t first_unit = 0;
    bool two_units = false;
  };

  uint32_t Number(absl::string_view text);
  const std::string& Text(uint32_t number) const;
  // The code's memory outlives the planner.
  Pending& PendingOf(absl::string_view code);
  bool IsRepeated(const Pending& pending, const Facts& facts, int64_t update_us) const;
  // Puts a kept revision on top of `pending`, moves cells, and gives the outcome.
  v1::Outcome::Value Take(Pending& pending, const Revision& revision);
  void Count(v1::Outcome::Value outcome);
  void CountTwoUnits(Pending& pending, const BlockRow& row);
  void MoveCell(const Revision* from, const Revision* to);

  absl::Status TakeRows(const std::vector<ledger::RevisionBlock>& blocks, uint32_t import,
                        int64_t default_effective_us);
  void Withdraw(const ImportApplication& application, uint32_t import, int64_t effective_us);
  absl::Status CheckGuard() const;
  void FillUnitChanges();
  // Fills what every record has and hands the plan over.
  Plan Finish(ledger::RecordKind::Value kind, bool changed);

  const Views& views_;
  const int64_t sequence_;
  const int64_t commit_us_;
  // Numbers of texts that the views do not know yet follow theirs.
  const uint32_t known_texts_;
  TextTable new_texts_;
  absl::flat_hash_map<absl::string_view, Pending> pending_;
  CellCounts deltas_;
  int64_t row_number_max_ = 0;
  StatementPlanner statements_;
  Plan plan_;
};

}  // namespace dondoc::ingestion
