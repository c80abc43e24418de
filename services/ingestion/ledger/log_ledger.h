#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/mutex/mutex.h"
#include "services/ingestion/ledger/block_sink.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/planner.h"
#include "services/ingestion/ledger/store.h"
#include "services/ingestion/ledger/stored_imports.h"
#include "services/ingestion/ledger/views.h"

namespace dondoc::ingestion {

inline constexpr int kLedgerFormatVersion = 1;

// What reading a record costs at opening beside its revisions, in revisions.
inline constexpr int64_t kRecordWork = 10;

struct LogLedgerOptions {
  // A checkpoint is due when replaying the log after the last one would be this much work, in
  // revisions, or half of all revisions, whichever is more.
  int64_t checkpoint_work_min = 1'000'000;
  // Whether a thread writes checkpoints; otherwise the commit that makes one due writes it before
  // it returns.
  bool checkpoints_in_background = true;
  // Deltas and withdrawals up to this much stay in the log record.
  size_t inline_bytes_max = 256 * 1024;
  // False only in the test that shows what the sync is for.
  bool sync = true;
};

// A ledger over any Store: one log record is a commit (docs/adr/0005), all else are views in
// memory. Open the implementations, RocksDbLedger and FakeLedger.
class LogLedger : public Ledger {
 public:
  // Writes a checkpoint when there is enough new, and stops.
  ~LogLedger() override;

  ImportStore& imports() { return *imports_; }

  v1::Position Head() const override;
  v1::Position WaitBeyond(int64_t after, absl::Duration timeout) const override;
  int64_t SequenceAt(absl::Time instant) const override;
  absl::StatusOr<CommitResult> Commit(const Change& change, bool dry_run) override;
  absl::Status ReadEvents(int64_t after, int events_max,
                          const std::function<absl::Status(v1::FeedEvent)>& sink) const override;
  absl::Status ReadSnapshot(
      int64_t sequence, const std::function<absl::Status(v1::SnapshotChunk)>& sink) const override;
  absl::StatusOr<v1::DossierHistory> FindDossier(const std::string& code,
                                                 int64_t as_of_sequence) const override;
  absl::StatusOr<DossierPage> ListDossiers(const DossierQuery& query) const override;
  absl::StatusOr<StatementPage> ListStatements(const StatementQuery& query) const override;
  std::vector<v1::StatementRecord> StatementsOfImport(const std::string& import_id) const override;
  std::optional<ImportEffect> FindImportEffect(const std::string& import_id) const override;
  std::shared_ptr<const Directory> CurrentDirectory() const override;
  std::shared_ptr<const Catalogue> CurrentCatalogue() const override;
  std::vector<v1::MetricDefinition> DefinitionsAt(int64_t sequence,
                                                  bool all_versions) const override;
  DirectoryChangePage ListDirectoryChanges(const DirectoryChangeQuery& query) const override;

  // Writes a checkpoint now. An error changes nothing: the one before still stands.
  absl::Status WriteCheckpoint();
  // The sequence that opening started from; 0 = from the whole log.
  int64_t opened_from_checkpoint() const { return opened_from_checkpoint_; }
  // For tests; slow.
  bool CellsAreExact() const;

 protected:
  // `clock` outlives the ledger.
  LogLedger(std::unique_ptr<Store> store, const Clock& clock, const LogLedgerOptions& options);

  // Creates the ledger in an empty store or reads the one that is there; once, before anything
  // else. kFailedPrecondition: written by a newer program. kDataLoss: the log cannot be read whole.
  absl::Status Load();

  Store& store() { return *store_; }

 private:
  // Opening.
  absl::Status Create();
  absl::Status LoadMeta();
  absl::Status LoadCheckpoint();
  absl::Status ReplayLog();
  absl::Status ReplayRecord(const ledger::LogRecord& record);
  absl::Status CleanUp();
  // How often the import's rows took effect.
  int64_t Applications(const std::string& import_id) const;

  // Committing, see log_ledger_commit.cc.
  // A push that is planned and waits to be written.
  struct QueuedPush {
    int64_t after = 0;  // the sequence it is planned after
    Plan plan;
    std::vector<WriteBatch::Put> writes;  // none when it takes no sequence
    // The writer's to set.
    absl::Status status;
    bool done = false;
  };
  // A change that commits alone.
  struct AlonePlan {
    AlonePlan(Store* store, size_t inline_bytes_max, int64_t sequence)
        : withdrawals(store, inline_bytes_max,
                      [sequence](int64_t chunk) { return keys::Withdrawn(sequence, chunk); }),
          deltas(store, inline_bytes_max,
                 [sequence](int64_t chunk) { return keys::Delta(sequence, chunk); }) {}
    Plan plan;
    BlockSink<ledger::RevisionBlock> withdrawals;
    BlockSink<v1::CellBlock> deltas;
  };
  absl::StatusOr<CommitResult> CommitPush(const DossierBatch& batch, bool dry_run);
  absl::StatusOr<CommitResult> CommitAlone(const Change& change, bool dry_run);
  void PlanPush(const DossierBatch& batch, QueuedPush& push)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  // Each may leave something planned, also on an error.
  absl::Status PlanAlone(const Change& change, int64_t commit_us, bool dry_run, AlonePlan& alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status PlanApplication(const ImportApplication& application, bool guard, Planner& planner,
                               AlonePlan& alone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status PlanReplay(const ImportReplay& replay, Planner& planner, AlonePlan& alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status PlanLiveness(const ImportLiveness& liveness, Planner& planner, AlonePlan& alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status TakeStaged(const std::string& import_id, int64_t application, Planner& planner)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status FinishImport(Planner& planner, AlonePlan& alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  // Writes and shows all that is queued.
  void WriteQueue() ABSL_LOCKS_EXCLUDED(write_mutex_);
  void WriteQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // The plan's sequence, which is durable, becomes the head.
  void Show(const Plan& plan);
  // Takes back what is planned after `sequence`.
  void Undo(int64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  // After a write that failed: takes back what it and those planned after it had planned.
  void UndoFailed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  // The same, and forgets what the store may hold of them.
  absl::Status RollBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  void AddWork(int64_t work);

  void CheckpointIfDue();
  void RunCheckpoints();

  // Reading the log. A record that is not there is kDataLoss.
  absl::StatusOr<ledger::LogRecord> ReadRecord(int64_t sequence) const;
  // The record's deltas, inline ones first.
  absl::StatusOr<std::vector<v1::CellBlock>> ReadDeltas(const ledger::LogRecord& record) const;
  std::vector<v1::CoverageClaim> ClaimsOf(const ledger::LogRecord& record) const;
  std::vector<v1::StatementRecord> StatementsOf(const ledger::LogRecord& record) const;

  const std::unique_ptr<Store> store_;
  const Clock& clock_;
  const LogLedgerOptions options_;

  // One change is planned at a time. Held across the sync only by changes that commit alone.
  Mutex commit_mutex_;
  // The last sequence that may be in the store but was not acknowledged; 0 = none.
  int64_t failed_last_ ABSL_GUARDED_BY(commit_mutex_) = 0;
  // One group of pushes is written at a time; held across the sync. Taken after commit_mutex_.
  Mutex write_mutex_;
  // Taken last, for an instant.
  Mutex queue_mutex_;
  std::vector<QueuedPush*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  // Set until what failed and what was planned after it is taken back.
  absl::Status write_failure_ ABSL_GUARDED_BY(queue_mutex_);

  // Never held across I/O.
  mutable SharedMutex views_mutex_;
  std::unique_ptr<Views> views_ ABSL_GUARDED_BY(views_mutex_);

  std::unique_ptr<StoredImports> imports_;

  mutable Mutex head_mutex_;
  mutable CondVar head_moved_;
  int64_t notified_head_ ABSL_GUARDED_BY(head_mutex_) = 0;

  Mutex checkpoint_mutex_;  // one checkpoint at a time
  int64_t checkpoint_generation_ ABSL_GUARDED_BY(checkpoint_mutex_) = 0;
  int64_t opened_from_checkpoint_ = 0;
  bool loaded_ = false;

  Mutex work_mutex_;
  CondVar work_changed_;
  int64_t work_since_checkpoint_ ABSL_GUARDED_BY(work_mutex_) = 0;
  bool checkpoint_due_ ABSL_GUARDED_BY(work_mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(work_mutex_) = false;
  std::thread checkpoint_thread_;
};

}  // namespace dondoc::ingestion
