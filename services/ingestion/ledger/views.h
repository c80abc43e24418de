#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/directory_view.h"
#include "services/ingestion/ledger/dossier_states.h"
#include "services/ingestion/ledger/import_view.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/revision.h"
#include "services/ingestion/ledger/statements_view.h"

// The rules of the fold (design §4.1, docs/adr/0006). The property test's oracle is written from
// these sentences.
//
// 1. A revision is one statement about one dossier: a pushed dossier that was kept, a row of an
//    import or of its replay, or a withdrawal that a COMPLETE import makes. Its effective time is
//    its update_time; else, in an import (replays and withdrawals too), the import's extracted_at,
//    or without one the time the import was applied; else, in a push, the time of its commit.
// 2. Revisions of a dossier are ordered by (effective time, sequence, row number); in a push the
//    row number is the place in the batch. A COMPLETE import's withdrawals come after its last row,
//    in code order.
// 3. An import is live from its application on, not live from a revert on, live again from the
//    revert of that on; its replays go with it. Pushes are always live.
// 4. The state of a dossier as of sequence S is the last, in the order, of its revisions with a
//    sequence up to S that are live as of S. It is counted when it is not a withdrawal and has a
//    received time, in the cell (unit, procedure, received day, channel, service level, status).
// 5. Two statements have equal facts when all but code and update_time are equal; a withdrawal
//    states nothing else, so all withdrawals are equal.
// 6. A pushed dossier is not kept, and is UNCHANGED, when a pushed revision of equal facts was kept
//    before (in this batch counts) and either both carry the same update_time, or the new one
//    carries none and the kept one is the state. Everything else that is pushed is kept; all rows
//    of imports are kept.
// 7. The outcome of a kept statement, compared with the state before it, earlier rows of the same
//    push or import counted in: it comes earlier in the order: STALE. Equal facts, or it withdraws
//    what has no state: UNCHANGED. There was no state, or a withdrawal: CREATED. Else: UPDATED.
// 8. A push in which nothing is kept takes no sequence unless it makes a new claim. A claim is not
//    new when an earlier push made the same one (units as a set, days, extent).
// 9. A COMPLETE import covers the dossiers that are counted before it, whose received day is in its
//    days and whose unit is among its units (none = all). Of those it withdraws the ones that no
//    row of it names, rejected rows included, unless the withdrawal would come before the state in
//    the order.

namespace dondoc::ingestion {

// Everything that is computed from the log, in memory, at one sequence: dossier states, units,
// definitions, claims, imports. How it is kept is private to this class. Not thread-safe; const
// methods may run at the same time as each other.
//
// Sequences after the head may be planned: their revisions stand in dossiers() already, where who
// asks as of the head does not see them, and the rest comes with Advance.
class Views {
 public:
  Views();
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  // --- Planning.
  int64_t planned() const { return static_cast<int64_t>(commit_us_.size()); }
  // Plans the sequence after planned(), a push.
  void Plan(int64_t commit_us);
  // The same with rows of an import that is applied (its replay), or of a new one (a number after
  // all that are known is returned).
  void PlanReplay(int64_t commit_us, uint32_t import);
  uint32_t PlanApplication(int64_t commit_us, int64_t default_effective_us);
  // The first planned sequence becomes the head; `unit_deltas` is what it changes of the
  // totals of units.
  // kDataLoss when `record` cannot be its record.
  absl::Status Advance(const ledger::LogRecord& record, const CellCounts& unit_deltas);
  // Takes back, of what is planned after `sequence`, about so many revisions; false when nothing is
  // left of it. See DossierStates.
  bool UndoSome(int64_t sequence, int revisions);
  TextTable& texts() { return texts_; }
  DossierStates& dossiers() { return dossiers_; }

  // --- Reading the log at opening, nothing being planned. kDataLoss when the record or its rows
  // cannot be; the views are then of no use. The rows come after the record, then the next record;
  // EndReading at the end of all.
  absl::Status Read(const ledger::LogRecord& record);
  absl::Status ReadRows(const ledger::RevisionBlock& block);
  void EndReading();

  // --- Position.
  void set_ledger_id(const std::string& ledger_id) { ledger_id_ = ledger_id; }
  int64_t head() const { return head_; }
  // Of the last planned sequence; kNoTime for an empty log.
  int64_t planned_commit_us() const { return commit_us_.empty() ? kNoTime : commit_us_.back(); }
  v1::Position PositionAt(int64_t sequence) const;
  int64_t SequenceAt(int64_t instant_us) const;

  // --- Dossiers and statements.
  const TextTable& texts() const { return texts_; }
  const DossierStates& dossiers() const { return dossiers_; }
  const StatementsView& statements() const { return statements_; }
  // The dossiers rule 9 calls covered, with their states.
  void ForEachCovered(const v1::Coverage& coverage,
                      absl::FunctionRef<void(DossierId, const Revision&)> visit) const;

  // --- Cells.
  // The cells of a unit as of a sequence up to the head, ordered, each once.
  std::vector<std::pair<CellKey, int64_t>> CellsOfUnit(uint32_t unit, int64_t sequence) const;
  // How many of a unit's dossiers there are at the head in each (channel, service level, status):
  // its cells with procedure 0 and day 0.
  void ForEachTotal(uint32_t unit, absl::FunctionRef<void(const CellKey&, int64_t)> visit) const;

  // --- Imports, claims, units, definitions.
  // Its number, from 1, for import().
  std::optional<uint32_t> FindImport(absl::string_view import_id) const;
  const ImportView& import(uint32_t number) const { return imports_[number]; }
  bool HasPushedClaim(const v1::Coverage& coverage) const;
  std::vector<v1::CoverageClaim> LiveClaimsAt(int64_t sequence) const;
  // The claims that an import made, with the liveness it had at `sequence`.
  std::vector<v1::CoverageClaim> ClaimsOfImport(absl::string_view import_id,
                                                int64_t sequence) const;
  const DirectoryView& directory_view() const { return directory_; }
  std::shared_ptr<const Directory> directory() const { return directory_.directory(); }

  // --- Questions of the Ledger, as it words them.
  absl::StatusOr<v1::DossierHistory> FindDossier(const std::string& code, int64_t as_of) const;
  absl::StatusOr<DossierPage> ListDossiers(const DossierQuery& query) const;
  std::optional<ImportEffect> FindImportEffect(const std::string& import_id) const;

  // --- Checkpoints: what a CheckpointChunk holds, as of a sequence up to the head.
  // The sequences whose records a checkpoint repeats.
  std::vector<int64_t> CheckpointRecords(int64_t sequence) const;
  // Of sequence i + 1; those after the head are planned.
  const std::vector<int64_t>& commit_times_us() const { return commit_us_; }
  // The next block of dossiers from `next` on, which is moved; empty when `next` reached the end.
  ledger::RevisionBlock CheckpointDossiers(int64_t sequence, DossierId& next) const;

  // Takes in the chunks of a checkpoint, in order, from empty views on.
  absl::Status Restore(const ledger::CheckpointChunk& chunk);

  // Whether unit totals are what a fold of the states gives. For tests; slow.
  bool TotalsAreExact() const;

 private:
  struct Claim {
    int64_t sequence = 0;
    v1::Coverage coverage;  // unit_ids sorted and without repetition
    uint32_t import = kPush;
  };

  v1::Dossier ToProto(const std::string& code, const Revision& revision) const;
  v1::CoverageClaim ToProto(const Claim& claim, bool live) const;

  // Takes in all that a record says beside its revisions.
  absl::Status Apply(const ledger::LogRecord& record);
  absl::Status ApplyImport(const ledger::LogRecord& record);
  absl::flat_hash_map<uint32_t, CellCounts> FoldTotals() const;

  std::string ledger_id_;
  int64_t head_ = 0;
  std::vector<int64_t> commit_us_;  // of sequence i + 1, planned ones too
  TextTable texts_;
  absl::flat_hash_map<uint32_t, CellCounts> unit_totals_;
  std::vector<ImportView> imports_;  // [0] stands for pushes; after the known ones a planned one
  DossierStates dossiers_;
  StatementsView statements_;
  absl::flat_hash_map<std::string, uint32_t> import_numbers_;
  std::vector<Claim> claims_;
  absl::flat_hash_set<std::string> pushed_claims_;
  std::vector<int64_t> checkpoint_records_;
  DirectoryView directory_;
  // Of the record that is read.
  uint32_t read_import_ = kPush;
};

// `coverage` with its units as a sorted set.
v1::Coverage NormalCoverage(v1::Coverage coverage);

// The cell of a unit's totals that a cell is part of.
inline CellKey UnitTotalKey(const CellKey& key) {
  return {key.unit, 0, 0, key.channel, key.service_level, key.status};
}

// The effective time of a revision (rule 1).
inline int64_t EffectiveUs(int64_t update_us, int64_t default_effective_us) {
  return update_us != kNoTime ? update_us : default_effective_us;
}

}  // namespace dondoc::ingestion
