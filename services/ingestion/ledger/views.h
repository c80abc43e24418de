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

// The bulky parts of a record that are kept outside it.
struct RecordBody {
  std::vector<ledger::RevisionBlock> rows;
  std::vector<ledger::RevisionBlock> withdrawals;
  std::vector<v1::CellBlock> deltas;
};

// Everything that is computed from the log, in memory, at one sequence: dossier states, cells,
// units, definitions, claims, imports. How it is kept is private to this class. Not thread-safe;
// const methods may run at the same time as each other.
class Views {
 public:
  Views();
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  // Brings the views to `record`'s sequence, the one after head(). kDataLoss when the record or its
  // body cannot be; the views are then of no use.
  absl::Status Apply(const ledger::LogRecord& record, const RecordBody& body);

  // --- Position.
  void set_ledger_id(const std::string& ledger_id) { ledger_id_ = ledger_id; }
  int64_t head() const { return static_cast<int64_t>(commit_us_.size()); }
  // kNoTime for an empty log.
  int64_t head_commit_us() const { return commit_us_.empty() ? kNoTime : commit_us_.back(); }
  v1::Position PositionAt(int64_t sequence) const;
  int64_t SequenceAt(int64_t instant_us) const;

  // --- Dossiers at the head, for planning a change.
  const TextTable& texts() const { return texts_; }
  const DossierStates& dossiers() const { return dossiers_; }
  const StatementsView& statements() const { return statements_; }
  // The dossiers rule 9 calls covered, with their states.
  void ForEachCovered(const v1::Coverage& coverage,
                      absl::FunctionRef<void(DossierId, const Revision&)> visit) const;

  // --- Cells at the head.
  const CellCounts& cells() const { return cells_; }
  // How many of a unit's dossiers there are in each (channel, service level, status): its cells
  // with procedure 0 and day 0.
  const CellCounts& unit_totals() const { return unit_totals_; }

  // --- Imports, claims, units, definitions.
  // Its number, from 1, for import().
  std::optional<uint32_t> FindImport(absl::string_view import_id) const;
  const ImportView& import(uint32_t number) const { return imports_[number]; }
  uint32_t import_count() const { return static_cast<uint32_t>(imports_.size()) - 1; }
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
  const std::vector<int64_t>& commit_times_us() const { return commit_us_; }
  // The next block of dossiers from `next` on, which is moved; empty when `next` reached the end.
  ledger::RevisionBlock CheckpointDossiers(int64_t sequence, DossierId& next) const;

  // Takes in the chunks of a checkpoint, in order, from empty views on; then EndRestore.
  absl::Status Restore(const ledger::CheckpointChunk& chunk);
  void EndRestore();

  // Whether cells and unit totals are what a fold of the states gives. For tests; slow.
  bool CellsAreExact() const;

 private:
  struct Claim {
    int64_t sequence = 0;
    v1::Coverage coverage;  // unit_ids sorted and without repetition
    uint32_t import = kPush;
  };

  v1::Dossier ToProto(const std::string& code, const Revision& revision) const;
  v1::CoverageClaim ToProto(const Claim& claim, bool live) const;

  // The parts of Apply.
  absl::Status ApplyHeader(const ledger::LogRecord& record);
  absl::Status ApplyImportHeader(const ledger::LogRecord& record);
  absl::Status AddRevisions(const ledger::RevisionBlock& block, int64_t sequence, uint32_t import,
                            int64_t default_effective_us);
  void AddCell(const CellKey& key, int64_t count);

  std::string ledger_id_;
  std::vector<int64_t> commit_us_;  // of sequence i + 1
  TextTable texts_;
  CellCounts cells_;
  CellCounts unit_totals_;
  std::vector<ImportView> imports_;  // [0] stands for pushes
  DossierStates dossiers_;
  StatementsView statements_;
  absl::flat_hash_map<std::string, uint32_t> import_numbers_;
  std::vector<Claim> claims_;
  absl::flat_hash_set<std::string> pushed_claims_;
  std::vector<int64_t> checkpoint_records_;
  DirectoryView directory_;
  DossierId restored_last_ = 0;
};

// `coverage` with its units as a sorted set.
v1::Coverage NormalCoverage(v1::Coverage coverage);

// The effective time of a revision (rule 1).
inline int64_t EffectiveUs(int64_t update_us, int64_t default_effective_us) {
  return update_us != kNoTime ? update_us : default_effective_us;
}

}  // namespace dondoc::ingestion
