#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/metric/catalogue.h"
#include "services/common/metric/definition.h"
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
  ledger::LogRecord record;
  std::vector<ledger::RevisionBlock> withdrawals;  // of the record, whatever their size
  CellBlockWriter deltas;                          // of the record, the last ones
  CellCounts unit_deltas;                          // what it changes of Views::unit_totals()
  int64_t revisions = 0;
  CommitResult result;  // `changed` says whether it takes a sequence; `position` is left open
};

// Works out one change against the views; the rules are in views.h. What it adds to the dossiers it
// plans in the views (Views::Plan), piece by piece, so that an import of any size needs no memory
// but that of what it brings; when `changed` is false or the record is not written, the caller
// takes it back (Views::UndoSome). A planner plans one change. Every call gets the same views,
// which nobody else changes from the first call to the last; where they are const, others may read
// them at the same time.
//
// An import: Begin…, Take for each block and once for the statements, Withdraw, Fold for each unit
// of units(), Finish….
class Planner {
 public:
  // `commit_us` is what the commit time would be.
  Planner(const Views& views, int64_t commit_us);

  Plan PlanBatch(Views& views, const DossierBatch& batch);
  // kInvalidArgument: days that cannot be read.
  absl::StatusOr<Plan> PlanStatements(const Views& views, const StatementBatch& batch);

  // The import is not applied yet.
  void BeginApplication(Views& views, const ImportApplication& application);
  // The import is applied and live.
  void BeginReplay(Views& views, uint32_t import);
  // The import is applied and its liveness is another one.
  void BeginLiveness(const Views& views, uint32_t import, bool live);
  // The next staged block. kDataLoss: it cannot be read.
  absl::Status Take(Views& views, const ledger::RevisionBlock& block);
  absl::Status TakeStatements(const std::vector<ledger::StatementChunk>& chunks);
  // Only with COMPLETE coverage. kFailedPrecondition: the withdrawal guard, with `guard`.
  absl::Status Withdraw(Views& views, const ImportApplication& application, bool guard);
  // The units whose cells may change.
  std::vector<uint32_t> units(const Views& views) const;
  // Works out how the cells of a unit change. What is full of Plan::deltas may then be taken.
  void Fold(const Views& views, uint32_t unit);
  Plan FinishImport();

  // UnitsPut, ProceduresPut, DefinitionsPut. Errors as ledger.h has them.
  template <typename Put>
  absl::StatusOr<Plan> PlanPut(const Views& views, const Put& put, ledger::RecordKind::Value kind) {
    RETURN_IF_ERROR(PlanDirectory(views.directory_view(), put, plan_.record, plan_.result));
    const CommitResult& result = plan_.result;
    return Finish(kind, result.entries_created + result.entries_updated > 0);
  }

  Plan& plan() { return plan_; }

 private:
  // For imports: dossiers that several rows name, the unit of the first and whether another row had
  // another one.
  struct Named {
    uint32_t first_unit = 0;
    bool two_units = false;
  };

  // How the default definition counts at the head.
  struct Counting {
    DefinitionPredicate predicate;
    ProcedureCatalogue catalogue;
  };

  bool IsRepeated(const Views& views, DossierId id, const Revision* state, const Facts& facts,
                  int64_t update_us) const;
  // The outcome of a kept revision on top of `state` (nullptr = none).
  static v1::Outcome::Value OutcomeOf(const Revision* state, const Revision& revision);
  void Count(v1::Outcome::Value outcome);
  void CountTwoUnits(const Views& views, DossierId id, const BlockRow& row);
  void TakeRow(Views& views, const LocatedCode& code, const BlockRow& row);
  void MoveCell(const Revision* from, const Revision* to);
  // Adds a unit to the result's unit_changes; `deltas` are all of its.
  void AddUnitChange(const Views& views, uint32_t unit,
                     absl::Span<const std::pair<CellKey, int64_t>> deltas);
  // Fills what every record has and hands the plan over.
  Plan Finish(ledger::RecordKind::Value kind, bool changed);

  const int64_t sequence_;
  const int64_t commit_us_;
  ledger::RecordKind::Value kind_ = ledger::RecordKind::UNSPECIFIED;
  uint32_t import_ = kPush;
  bool live_ = true;
  int64_t default_effective_us_ = 0;
  absl::flat_hash_set<uint32_t> units_;
  absl::flat_hash_map<DossierId, Named> named_;
  CellCounts deltas_;  // of a push
  int64_t row_number_max_ = 0;
  StatementPlanner statements_;
  std::optional<Counting> counting_;
  Plan plan_;
};

}  // namespace dondoc::ingestion
