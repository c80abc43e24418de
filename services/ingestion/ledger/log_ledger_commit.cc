// The parts of LogLedger that commit (docs/adr/0014).
//
// A change is planned in the views, where nobody sees it yet, written, and then shown. Pushes are
// planned one after the other and written together: while one is synced the next ones are planned,
// and all that wait are written with one sync, each as a sequence of its own. Everything else
// commits alone.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/block_sink.h"
#include "services/ingestion/ledger/log_ledger.h"

namespace dondoc::ingestion {
namespace {

// So many revisions are taken back at a time, so that readers get in between.
constexpr int kUndoneAtATime = 20'000;

absl::Status CheckCoverage(absl::string_view field, const v1::Coverage& coverage) {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(coverage.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(coverage.to());
  if (!from.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".from: ", from.status().message()));
  }
  if (!to.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".to: ", to.status().message()));
  }
  if (*to < *from) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".to: ", coverage.to(), " is before from, ", coverage.from()));
  }
  if (coverage.extent() != v1::Coverage::Extent::PARTIAL &&
      coverage.extent() != v1::Coverage::Extent::COMPLETE) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".extent: PARTIAL or COMPLETE"));
  }
  return absl::OkStatus();
}

// A dossier is its code. Everything else is its sender's to check, see CheckDossier.
absl::Status CheckCodes(absl::Span<const v1::Dossier> dossiers) {
  for (size_t i = 0; i < dossiers.size(); ++i) {
    if (!dossiers[i].code().empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat("dossiers[", i, "].code: is empty"));
  }
  return absl::OkStatus();
}

absl::Status NoSuchImport(absl::string_view import_id) {
  return absl::NotFoundError(absl::StrCat("no import ", Quoted(import_id)));
}

absl::Status NotApplied(absl::string_view import_id) {
  return absl::FailedPreconditionError(
      absl::StrCat("import ", Quoted(import_id), " is not applied"));
}

}  // namespace

absl::StatusOr<CommitResult> LogLedger::Commit(const Change& change, bool dry_run) {
  const auto* batch = std::get_if<DossierBatch>(&change);
  absl::StatusOr<CommitResult> result =
      batch != nullptr ? CommitPush(*batch, dry_run) : CommitAlone(change, dry_run);
  if (result.ok() && result->changed && !dry_run) CheckpointIfDue();
  return result;
}

absl::StatusOr<CommitResult> LogLedger::CommitPush(const DossierBatch& batch, bool dry_run) {
  RETURN_IF_ERROR(CheckCodes(batch.dossiers));
  if (batch.covers) RETURN_IF_ERROR(CheckCoverage("covers", *batch.covers));
  QueuedPush push;
  {
    MutexLock lock(commit_mutex_);
    if (!dry_run) RETURN_IF_ERROR(RollBack());
    // A claim is compared with those that are shown.
    if (batch.covers) {
      WriteQueue();
      RETURN_IF_ERROR(RollBack());
    }
    PlanPush(batch, push);
    if (dry_run || !push.plan.result.changed) Undo(push.after);
    if (dry_run) {
      push.plan.result.position = Head();
      return std::move(push.plan.result);
    }
    MutexLock queue_lock(queue_mutex_);
    queue_.push_back(&push);
  }
  {
    MutexLock lock(write_mutex_);
    if (!push.done) WriteQueued();
  }
  if (!push.status.ok()) {
    MutexLock lock(commit_mutex_);
    // Nothing of it may be seen by who plans next. What stays in the store is theirs to forget.
    UndoFailed();
    return push.status;
  }
  CommitResult result = std::move(push.plan.result);
  ReaderLock lock(views_mutex_);
  result.position = views_->PositionAt(result.changed ? push.after + 1 : push.after);
  return result;
}

void LogLedger::PlanPush(const DossierBatch& batch, QueuedPush& push) {
  {
    WriterLock lock(views_mutex_);
    push.after = views_->planned();
    const int64_t commit_us = std::max(ToUs(clock_.Now()), views_->planned_commit_us());
    push.plan = Planner(*views_, commit_us).PlanBatch(*views_, batch);
  }
  Plan& plan = push.plan;
  if (!plan.result.changed) return;
  std::vector<v1::CellBlock> deltas;
  while (std::optional<v1::CellBlock> block = plan.deltas.TakeFull()) deltas.push_back(*block);
  if (std::optional<v1::CellBlock> block = plan.deltas.TakeRest()) deltas.push_back(*block);
  size_t bytes = 0;
  for (const v1::CellBlock& block : deltas) bytes += block.ByteSizeLong();
  const int64_t sequence = push.after + 1;
  for (v1::CellBlock& block : deltas) {
    if (bytes <= options_.inline_bytes_max) {
      *plan.record.add_deltas() = std::move(block);
    } else {
      push.writes.push_back(WriteBatch::Put{keys::Delta(sequence, plan.record.delta_chunks()),
                                            block.SerializeAsString()});
      plan.record.set_delta_chunks(plan.record.delta_chunks() + 1);
    }
  }
  push.writes.push_back(WriteBatch::Put{keys::Log(sequence), plan.record.SerializeAsString()});
  plan.record.clear_revisions();
  plan.record.clear_deltas();
}

void LogLedger::WriteQueue() {
  MutexLock lock(write_mutex_);
  WriteQueued();
}

void LogLedger::WriteQueued() {
  std::vector<QueuedPush*> group;
  absl::Status status;
  {
    MutexLock lock(queue_mutex_);
    group.swap(queue_);
    status = write_failure_;
  }
  if (status.ok()) {
    WriteBatch batch;
    for (QueuedPush* push : group) {
      for (WriteBatch::Put& put : push->writes) batch.Add(std::move(put));
    }
    if (!batch.empty()) status = store_->Write(batch, options_.sync);
    if (status.ok()) {
      for (const QueuedPush* push : group) {
        if (push->plan.result.changed) Show(push->plan);
      }
    } else {
      MutexLock lock(queue_mutex_);
      write_failure_ = status;
    }
  }
  for (QueuedPush* push : group) {
    push->status = status;
    push->done = true;
  }
}

void LogLedger::Show(const Plan& plan) {
  int64_t head = 0;
  {
    WriterLock lock(views_mutex_);
    if (absl::Status shown = views_->Advance(plan.record, plan.unit_deltas); !shown.ok()) {
      // The record was made from these views a moment ago: nothing a caller can send leads here.
      log::Error("a committed record does not apply", {{"error", shown.message()}});
      std::abort();
    }
    head = views_->head();
  }
  AddWork(kRecordWork + plan.revisions + plan.record.statements_size());
  MutexLock lock(head_mutex_);
  notified_head_ = head;
  head_moved_.SignalAll();
}

void LogLedger::AddWork(int64_t work) {
  MutexLock lock(work_mutex_);
  work_since_checkpoint_ += work;
}

void LogLedger::Undo(int64_t sequence) {
  while (true) {
    WriterLock lock(views_mutex_);
    if (!views_->UndoSome(sequence, kUndoneAtATime)) return;
  }
}

void LogLedger::UndoFailed() {
  MutexLock lock(write_mutex_);
  {
    MutexLock queue_lock(queue_mutex_);
    if (write_failure_.ok()) return;
  }
  // Those planned on top of what failed fail with it.
  WriteQueued();
  int64_t head = 0;
  {
    ReaderLock views_lock(views_mutex_);
    head = views_->head();
    failed_last_ = std::max(failed_last_, views_->planned());
  }
  Undo(head);
  MutexLock queue_lock(queue_mutex_);
  write_failure_ = absl::OkStatus();
}

absl::Status LogLedger::RollBack() {
  UndoFailed();
  if (failed_last_ == 0) return absl::OkStatus();
  WriteBatch batch;
  for (int64_t failed = Head().sequence() + 1; failed <= failed_last_; ++failed) {
    batch.Add(WriteBatch::Delete{keys::Log(failed)});
  }
  if (!batch.empty()) RETURN_IF_ERROR(store_->Write(batch, options_.sync));
  failed_last_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> LogLedger::CommitAlone(const Change& change, bool dry_run) {
  MutexLock lock(commit_mutex_);
  WriteQueue();
  if (dry_run) {
    UndoFailed();
  } else {
    RETURN_IF_ERROR(RollBack());
  }
  const v1::Position head = Head();
  AlonePlan alone(dry_run ? nullptr : store_.get(), options_.inline_bytes_max, head.sequence() + 1);
  const int64_t commit_us = std::max(ToUs(clock_.Now()), ToUs(FromProto(head.commit_time())));
  absl::Status status = PlanAlone(change, commit_us, dry_run, alone);
  CommitResult& result = alone.plan.result;
  result.position = head;
  if (!status.ok() || dry_run || !result.changed) {
    Undo(head.sequence());
    if (!status.ok()) return status;
    return std::move(result);
  }
  status = store_->Write(WriteBatch().Add(WriteBatch::Put{keys::Log(alone.plan.record.sequence()),
                                                          alone.plan.record.SerializeAsString()}),
                         options_.sync);
  if (!status.ok()) {
    Undo(head.sequence());
    failed_last_ = alone.plan.record.sequence();
    return status;
  }
  Show(alone.plan);
  result.position = Head();
  return std::move(result);
}

absl::Status LogLedger::PlanAlone(const Change& change, int64_t commit_us, bool dry_run,
                                  AlonePlan& alone) {
  std::optional<Planner> planner;
  {
    ReaderLock lock(views_mutex_);
    planner.emplace(*views_, commit_us);
  }
  if (const auto* application = std::get_if<ImportApplication>(&change)) {
    return PlanApplication(*application, !dry_run, *planner, alone);
  }
  if (const auto* replay = std::get_if<ImportReplay>(&change)) {
    return PlanReplay(*replay, *planner, alone);
  }
  if (const auto* liveness = std::get_if<ImportLiveness>(&change)) {
    return PlanLiveness(*liveness, *planner, alone);
  }
  WriterLock lock(views_mutex_);
  if (const auto* statements = std::get_if<StatementBatch>(&change)) {
    ASSIGN_OR_RETURN(alone.plan, planner->PlanStatements(*views_, *statements));
  } else if (const auto* procedures = std::get_if<ProceduresPut>(&change)) {
    ASSIGN_OR_RETURN(alone.plan,
                     planner->PlanPut(*views_, *procedures, ledger::RecordKind::PROCEDURES_PUT));
  } else if (const auto* definitions = std::get_if<DefinitionsPut>(&change)) {
    ASSIGN_OR_RETURN(alone.plan,
                     planner->PlanPut(*views_, *definitions, ledger::RecordKind::DEFINITIONS_PUT));
  } else {
    ASSIGN_OR_RETURN(alone.plan, planner->PlanPut(*views_, std::get<UnitsPut>(change),
                                                  ledger::RecordKind::UNITS_PUT));
  }
  if (alone.plan.result.changed) views_->Plan(commit_us);
  return absl::OkStatus();
}

absl::Status LogLedger::PlanApplication(const ImportApplication& application, bool guard,
                                        Planner& planner, AlonePlan& alone) {
  const std::string& import_id = application.import_id;
  {
    ReaderLock lock(views_mutex_);
    if (const std::optional<uint32_t> number = views_->FindImport(import_id)) {
      if (!views_->import(*number).live()) {
        return absl::FailedPreconditionError(
            absl::StrCat("import ", Quoted(import_id), " is reverted"));
      }
      alone.plan.result = views_->FindImportEffect(import_id)->result;
      alone.plan.result.changed = false;
      return absl::OkStatus();
    }
  }
  if (!imports_->Knows(import_id)) {
    ASSIGN_OR_RETURN(const std::optional<std::string> first,
                     store_->Read(keys::Staged(import_id, 0, 0)));
    if (!first) return NoSuchImport(import_id);
  }
  if (application.coverage) RETURN_IF_ERROR(CheckCoverage("coverage", *application.coverage));
  {
    WriterLock lock(views_mutex_);
    planner.BeginApplication(*views_, application);
  }
  RETURN_IF_ERROR(TakeStaged(import_id, 0, planner));
  if (application.coverage && application.coverage->extent() == v1::Coverage::Extent::COMPLETE) {
    WriterLock lock(views_mutex_);
    RETURN_IF_ERROR(
        planner.Withdraw(*views_, application, guard && !application.confirm_withdrawals));
  }
  return FinishImport(planner, alone);
}

absl::Status LogLedger::PlanReplay(const ImportReplay& replay, Planner& planner, AlonePlan& alone) {
  int64_t applications = 0;
  {
    WriterLock lock(views_mutex_);
    const std::optional<uint32_t> number = views_->FindImport(replay.import_id);
    if (!number && !imports_->Knows(replay.import_id)) return NoSuchImport(replay.import_id);
    if (!number || !views_->import(*number).live()) return NotApplied(replay.import_id);
    applications = static_cast<int64_t>(views_->import(*number).applications.size());
    planner.BeginReplay(*views_, *number);
  }
  RETURN_IF_ERROR(TakeStaged(replay.import_id, applications, planner));
  return FinishImport(planner, alone);
}

absl::Status LogLedger::PlanLiveness(const ImportLiveness& liveness, Planner& planner,
                                     AlonePlan& alone) {
  {
    ReaderLock lock(views_mutex_);
    const std::optional<uint32_t> number = views_->FindImport(liveness.import_id);
    if (!number && !imports_->Knows(liveness.import_id)) return NoSuchImport(liveness.import_id);
    if (!number) return NotApplied(liveness.import_id);
    if (views_->import(*number).live() == liveness.live) return absl::OkStatus();
    planner.BeginLiveness(*views_, *number, liveness.live);
  }
  RETURN_IF_ERROR(FinishImport(planner, alone));
  WriterLock lock(views_mutex_);
  views_->Plan(alone.plan.record.commit_time_us());
  return absl::OkStatus();
}

absl::Status LogLedger::TakeStaged(const std::string& import_id, int64_t application,
                                   Planner& planner) {
  const auto damaged = [&] {
    return absl::DataLossError(
        absl::StrCat("the staged rows of import ", Quoted(import_id), " cannot be read"));
  };
  // Chunk by chunk: an import may be larger than memory would hold decoded.
  int64_t chunk = 0;
  for (;; ++chunk) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                     store_->Read(keys::Staged(import_id, application, chunk)));
    if (!bytes) break;
    ledger::RevisionBlock block;
    if (!block.ParseFromString(*bytes)) return damaged();
    WriterLock lock(views_mutex_);
    RETURN_IF_ERROR(planner.Take(*views_, block));
  }
  bool whole = true;
  RETURN_IF_ERROR(store_->Scan(keys::Staged(import_id, application, chunk),
                               keys::After(keys::StagedOf(import_id, application)),
                               [&](absl::string_view, absl::string_view) {
                                 // A chunk before it is missing.
                                 whole = false;
                                 return false;
                               }));
  std::vector<ledger::StatementChunk> statements;
  const std::string prefix = keys::StagedStatementsOf(import_id, application);
  RETURN_IF_ERROR(
      store_->Scan(prefix, keys::After(prefix), [&](absl::string_view, absl::string_view value) {
        whole = whole && statements.emplace_back().ParseFromArray(value.data(),
                                                                  static_cast<int>(value.size()));
        return whole;
      }));
  if (!whole) return damaged();
  ReaderLock lock(views_mutex_);
  return planner.TakeStatements(statements);
}

absl::Status LogLedger::FinishImport(Planner& planner, AlonePlan& alone) {
  std::vector<uint32_t> units;
  {
    ReaderLock lock(views_mutex_);
    units = planner.units(*views_);
  }
  CellBlockWriter& deltas = planner.plan().deltas;
  for (const uint32_t unit : units) {
    {
      ReaderLock lock(views_mutex_);
      planner.Fold(*views_, unit);
    }
    while (std::optional<v1::CellBlock> block = deltas.TakeFull()) {
      RETURN_IF_ERROR(alone.deltas.Add(*std::move(block)));
    }
  }
  if (std::optional<v1::CellBlock> block = deltas.TakeRest()) {
    RETURN_IF_ERROR(alone.deltas.Add(*std::move(block)));
  }
  for (ledger::RevisionBlock& block : planner.plan().withdrawals) {
    RETURN_IF_ERROR(alone.withdrawals.Add(std::move(block)));
  }
  alone.plan = planner.FinishImport();
  ledger::LogRecord& record = alone.plan.record;
  record.set_withdrawal_chunks(alone.withdrawals.Finish(*record.mutable_withdrawals()));
  record.set_delta_chunks(alone.deltas.Finish(*record.mutable_deltas()));
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
