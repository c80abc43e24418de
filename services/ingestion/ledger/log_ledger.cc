#include "services/ingestion/ledger/log_ledger.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/metric/definition.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::ingestion {
namespace {

// What reading a record costs at opening beside its revisions, in revisions.
constexpr int64_t kRecordWork = 10;

// At the end a checkpoint is left out when it would save the next start less than this part of the
// revisions: reading those is quick, and writing all of them is not.
constexpr int64_t kEndWorkShare = 50;

template <typename Blocks>
size_t BytesOf(const Blocks& blocks) {
  size_t bytes = 0;
  for (const auto& block : blocks) bytes += block.ByteSizeLong();
  return bytes;
}

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

LogLedger::LogLedger(std::unique_ptr<Store> store, const Clock& clock,
                     const LogLedgerOptions& options)
    : store_(std::move(store)),
      clock_(clock),
      options_(options),
      views_(std::make_unique<Views>()) {
  imports_ = std::make_unique<StoredImports>(
      *store_, [this](const std::string& import_id) { return Applications(import_id); });
}

int64_t LogLedger::Applications(const std::string& import_id) const {
  ReaderLock lock(views_mutex_);
  const std::optional<uint32_t> number = views_->FindImport(import_id);
  return number ? static_cast<int64_t>(views_->import(*number).applications.size()) : 0;
}

LogLedger::~LogLedger() {
  {
    MutexLock lock(work_mutex_);
    stopping_ = true;
    work_changed_.SignalAll();
  }
  if (checkpoint_thread_.joinable()) checkpoint_thread_.join();
  if (!loaded_) return;
  {
    MutexLock lock(commit_mutex_);
    // So that a batch whose caller was told that nothing happened does not show up next time. When
    // the store still refuses, the batch may: its caller has to send it again anyway.
    if (absl::Status forgot = ForgetFailedRecord(); !forgot.ok()) {
      log::Warning("an unacknowledged record stays in the log", {{"error", forgot.message()}});
    }
  }
  int64_t revisions = 0;
  {
    ReaderLock lock(views_mutex_);
    revisions = views_->dossiers().revision_count();
  }
  {
    MutexLock lock(work_mutex_);
    if (work_since_checkpoint_ <= revisions / kEndWorkShare) return;
  }
  if (absl::Status written = WriteCheckpoint(); !written.ok()) {
    log::Warning("no checkpoint at the end; the next start reads more of the log",
                 {{"error", written.message()}});
  }
}

v1::Position LogLedger::Head() const {
  ReaderLock lock(views_mutex_);
  return views_->PositionAt(views_->head());
}

v1::Position LogLedger::WaitBeyond(int64_t after, absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  {
    MutexLock lock(head_mutex_);
    while (notified_head_ <= after) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) break;
      // An hour at most, because condition variables overflow on InfiniteDuration.
      head_moved_.WaitFor(head_mutex_, std::min(left, absl::Hours(1)));
    }
  }
  return Head();
}

int64_t LogLedger::SequenceAt(absl::Time instant) const {
  ReaderLock lock(views_mutex_);
  return views_->SequenceAt(ToUs(instant));
}

absl::StatusOr<v1::DossierHistory> LogLedger::FindDossier(const std::string& code,
                                                          int64_t as_of_sequence) const {
  ReaderLock lock(views_mutex_);
  return views_->FindDossier(code, as_of_sequence);
}

absl::StatusOr<DossierPage> LogLedger::ListDossiers(const DossierQuery& query) const {
  ReaderLock lock(views_mutex_);
  return views_->ListDossiers(query);
}

absl::StatusOr<StatementPage> LogLedger::ListStatements(const StatementQuery& query) const {
  ReaderLock lock(views_mutex_);
  if (query.as_of_sequence > views_->head()) {
    return absl::OutOfRangeError(
        absl::StrCat("sequence ", query.as_of_sequence, " is after the head ", views_->head()));
  }
  return views_->statements().List(query);
}

std::vector<v1::StatementRecord> LogLedger::StatementsOfImport(const std::string& import_id) const {
  ReaderLock lock(views_mutex_);
  const std::optional<uint32_t> number = views_->FindImport(import_id);
  if (!number) return {};
  return views_->statements().OfImport(*number);
}

std::optional<ImportEffect> LogLedger::FindImportEffect(const std::string& import_id) const {
  ReaderLock lock(views_mutex_);
  return views_->FindImportEffect(import_id);
}

std::shared_ptr<const Directory> LogLedger::CurrentDirectory() const {
  ReaderLock lock(views_mutex_);
  return views_->directory();
}

std::shared_ptr<const Catalogue> LogLedger::CurrentCatalogue() const {
  ReaderLock lock(views_mutex_);
  return views_->directory_view().catalogue();
}

std::vector<v1::MetricDefinition> LogLedger::DefinitionsAt(int64_t sequence,
                                                           bool all_versions) const {
  ReaderLock lock(views_mutex_);
  const Versions<v1::MetricDefinition>& definitions = views_->directory_view().definitions();
  return all_versions ? definitions.HistoryUpTo(sequence) : definitions.AllAt(sequence);
}

DirectoryChangePage LogLedger::ListDirectoryChanges(const DirectoryChangeQuery& query) const {
  ReaderLock lock(views_mutex_);
  return views_->directory_view().Changes(query, views_->commit_times_us());
}

bool LogLedger::CellsAreExact() const {
  ReaderLock lock(views_mutex_);
  return views_->CellsAreExact();
}

absl::StatusOr<CommitResult> LogLedger::Commit(const Change& change, bool dry_run) {
  CommitResult result;
  {
    MutexLock lock(commit_mutex_);
    if (!dry_run) RETURN_IF_ERROR(ForgetFailedRecord());
    const v1::Position head = Head();
    const int64_t commit_us = std::max(ToUs(clock_.Now()), ToUs(FromProto(head.commit_time())));
    ASSIGN_OR_RETURN(Plan plan, PlanChange(change, commit_us, dry_run));
    plan.result.position = head;
    if (dry_run || !plan.result.changed) return plan.result;
    if (absl::Status written = WriteRecord(plan); !written.ok()) {
      record_failed_ = true;
      return written;
    }
    ApplyRecord(plan);
    result = std::move(plan.result);
    result.position = Head();
  }
  CheckpointIfDue();
  return result;
}

absl::StatusOr<LogLedger::ImportInput> LogLedger::ReadImportInput(const Change& change) const {
  ImportInput input;
  if (const auto* application = std::get_if<ImportApplication>(&change)) {
    input.known = imports_->Knows(application->import_id);
    if (Applications(application->import_id) == 0) {
      ASSIGN_OR_RETURN(input.rows, ReadStaged(application->import_id, 0));
    }
  } else if (const auto* replay = std::get_if<ImportReplay>(&change)) {
    input.known = imports_->Knows(replay->import_id);
    if (const int64_t applications = Applications(replay->import_id); applications > 0) {
      ASSIGN_OR_RETURN(input.rows, ReadStaged(replay->import_id, applications));
    }
  } else if (const auto* liveness = std::get_if<ImportLiveness>(&change)) {
    input.known = imports_->Knows(liveness->import_id);
  }
  return input;
}

absl::StatusOr<Plan> LogLedger::PlanChange(const Change& change, int64_t commit_us, bool dry_run) {
  // Commits are one at a time, so what is read and planned here still holds when it is applied.
  ASSIGN_OR_RETURN(ImportInput input, ReadImportInput(change));
  ReaderLock lock(views_mutex_);
  Planner planner(*views_, commit_us);
  if (const auto* batch = std::get_if<DossierBatch>(&change)) {
    RETURN_IF_ERROR(CheckCodes(batch->dossiers));
    if (batch->covers) RETURN_IF_ERROR(CheckCoverage("covers", *batch->covers));
    return planner.PlanBatch(*batch);
  }
  if (const auto* statements = std::get_if<StatementBatch>(&change)) {
    return planner.PlanStatements(*statements);
  }
  if (const auto* application = std::get_if<ImportApplication>(&change)) {
    return PlanApplication(*application, std::move(input), planner, !dry_run);
  }
  if (const auto* replay = std::get_if<ImportReplay>(&change)) {
    return PlanReplay(*replay, std::move(input), planner);
  }
  if (const auto* liveness = std::get_if<ImportLiveness>(&change)) {
    return PlanLiveness(*liveness, input.known, planner);
  }
  if (const auto* put = std::get_if<ProceduresPut>(&change)) {
    return planner.PlanPut(*put, ledger::RecordKind::PROCEDURES_PUT);
  }
  if (const auto* put = std::get_if<DefinitionsPut>(&change)) {
    return planner.PlanPut(*put, ledger::RecordKind::DEFINITIONS_PUT);
  }
  return planner.PlanPut(std::get<UnitsPut>(change), ledger::RecordKind::UNITS_PUT);
}

absl::StatusOr<Plan> LogLedger::PlanApplication(const ImportApplication& application,
                                                ImportInput input, Planner& planner, bool guard) {
  const std::string& import_id = application.import_id;
  if (const std::optional<uint32_t> number = views_->FindImport(import_id)) {
    if (!views_->import(*number).live()) {
      return absl::FailedPreconditionError(
          absl::StrCat("import ", Quoted(import_id), " is reverted"));
    }
    Plan plan;
    plan.result = views_->FindImportEffect(import_id)->result;
    plan.result.changed = false;
    return plan;
  }
  if (input.rows.blocks.empty() && !input.known) return NoSuchImport(import_id);
  if (application.coverage) RETURN_IF_ERROR(CheckCoverage("coverage", *application.coverage));
  return planner.PlanApplication(application, std::move(input.rows), guard);
}

absl::StatusOr<Plan> LogLedger::PlanReplay(const ImportReplay& replay, ImportInput input,
                                           Planner& planner) {
  const std::optional<uint32_t> number = views_->FindImport(replay.import_id);
  if (!number && !input.known) return NoSuchImport(replay.import_id);
  if (!number || !views_->import(*number).live()) return NotApplied(replay.import_id);
  return planner.PlanReplay(*number, std::move(input.rows));
}

absl::StatusOr<Plan> LogLedger::PlanLiveness(const ImportLiveness& liveness, bool known,
                                             Planner& planner) {
  const std::optional<uint32_t> number = views_->FindImport(liveness.import_id);
  if (!number && !known) return NoSuchImport(liveness.import_id);
  if (!number) return NotApplied(liveness.import_id);
  if (views_->import(*number).live() == liveness.live) return Plan();
  return planner.PlanLiveness(*number, liveness.live);
}

absl::StatusOr<StagedRows> LogLedger::ReadStaged(const std::string& import_id,
                                                 int64_t application) const {
  StagedRows rows;
  bool whole = true;
  const std::string prefix = keys::StagedOf(import_id, application);
  RETURN_IF_ERROR(store_->Scan(
      prefix, keys::After(prefix), [&](absl::string_view key, absl::string_view value) {
        whole =
            keys::LastNumber(key) == static_cast<int64_t>(rows.blocks.size()) &&
            rows.blocks.emplace_back().ParseFromArray(value.data(), static_cast<int>(value.size()));
        return whole;
      }));
  const std::string statements = keys::StagedStatementsOf(import_id, application);
  RETURN_IF_ERROR(store_->Scan(statements, keys::After(statements),
                               [&](absl::string_view, absl::string_view value) {
                                 whole = whole && rows.statements.emplace_back().ParseFromArray(
                                                      value.data(), static_cast<int>(value.size()));
                                 return whole;
                               }));
  if (!whole) {
    return absl::DataLossError(
        absl::StrCat("the staged rows of import ", Quoted(import_id), " cannot be read"));
  }
  return rows;
}

absl::Status LogLedger::ForgetFailedRecord() {
  if (!record_failed_) return absl::OkStatus();
  const int64_t failed = Head().sequence() + 1;
  RETURN_IF_ERROR(
      store_->Write(WriteBatch().Add(WriteBatch::Delete{keys::Log(failed)}), options_.sync));
  record_failed_ = false;
  return absl::OkStatus();
}

absl::Status LogLedger::WriteRecord(const Plan& plan) {
  ledger::LogRecord record = plan.record;
  // Chunks go first and are not synced: the store keeps the order, so the record's sync covers
  // them. Each is a write of its own, so that no write is large.
  const auto place = [&](const auto& blocks, auto inline_blocks, auto key,
                         int32_t& chunks) -> absl::Status {
    if (BytesOf(blocks) <= options_.inline_bytes_max) {
      for (const auto& block : blocks) *inline_blocks->Add() = block;
      return absl::OkStatus();
    }
    for (const auto& block : blocks) {
      RETURN_IF_ERROR(store_->Write(WriteBatch().Add(WriteBatch::Put{key(record.sequence(), chunks),
                                                                     block.SerializeAsString()}),
                                    false));
      ++chunks;
    }
    return absl::OkStatus();
  };
  int32_t withdrawal_chunks = 0;
  RETURN_IF_ERROR(place(plan.body.withdrawals, record.mutable_withdrawals(), keys::Withdrawn,
                        withdrawal_chunks));
  record.set_withdrawal_chunks(withdrawal_chunks);
  int32_t delta_chunks = 0;
  RETURN_IF_ERROR(place(plan.body.deltas, record.mutable_deltas(), keys::Delta, delta_chunks));
  record.set_delta_chunks(delta_chunks);
  return store_->Write(
      WriteBatch().Add(WriteBatch::Put{keys::Log(record.sequence()), record.SerializeAsString()}),
      options_.sync);
}

void LogLedger::ApplyRecord(const Plan& plan) {
  int64_t head = 0;
  {
    WriterLock lock(views_mutex_);
    if (absl::Status applied = views_->Apply(plan.record, plan.body); !applied.ok()) {
      // The record was made from these views a moment ago: nothing a caller can send leads here.
      log::Error("a committed record does not apply", {{"error", applied.message()}});
      std::abort();
    }
    head = views_->head();
  }
  CountWork(plan.record, plan.body);
  MutexLock lock(head_mutex_);
  notified_head_ = head;
  head_moved_.SignalAll();
}

void LogLedger::CountWork(const ledger::LogRecord& record, const RecordBody& body) {
  int64_t work = kRecordWork + record.revisions().row_number_size() + record.statements_size();
  for (const ledger::RevisionBlock& block : body.rows) work += block.row_number_size();
  for (const ledger::RevisionBlock& block : body.withdrawals) work += block.row_number_size();
  MutexLock lock(work_mutex_);
  work_since_checkpoint_ += work;
}

absl::Status LogLedger::Load() {
  RETURN_IF_ERROR(LoadMeta());
  if (absl::Status restored = LoadCheckpoint(); !restored.ok()) {
    log::Warning("the checkpoint cannot be used; reading the whole log",
                 {{"error", restored.message()}});
    std::string ledger_id = Head().ledger_id();
    WriterLock lock(views_mutex_);
    views_ = std::make_unique<Views>();
    views_->set_ledger_id(ledger_id);
    opened_from_checkpoint_ = 0;
  }
  RETURN_IF_ERROR(ReplayLog());
  RETURN_IF_ERROR(imports_->Load());
  RETURN_IF_ERROR(CleanUp());
  {
    MutexLock lock(head_mutex_);
    notified_head_ = Head().sequence();
  }
  loaded_ = true;
  if (options_.checkpoints_in_background) {
    checkpoint_thread_ = std::thread([this] { RunCheckpoints(); });
  }
  return absl::OkStatus();
}

absl::Status LogLedger::LoadMeta() {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, store_->Read(keys::kMeta));
  if (!bytes) {
    RETURN_IF_ERROR(Create());
    ASSIGN_OR_RETURN(bytes, store_->Read(keys::kMeta));
  }
  ledger::Meta meta;
  if (!bytes || !meta.ParseFromString(*bytes) || meta.ledger_id().empty()) {
    return absl::DataLossError("the ledger's identity cannot be read");
  }
  if (meta.format_version() > kLedgerFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the ledger has format ", meta.format_version(), ", this program knows up to ",
                     kLedgerFormatVersion, ": use a newer one"));
  }
  WriterLock lock(views_mutex_);
  views_->set_ledger_id(meta.ledger_id());
  return absl::OkStatus();
}

absl::Status LogLedger::Create() {
  bool empty = true;
  RETURN_IF_ERROR(store_->Scan("", "\x7f", [&](absl::string_view, absl::string_view) {
    empty = false;
    return false;
  }));
  if (!empty) return absl::DataLossError("there is data but no ledger identity");
  absl::BitGen random;
  ledger::Meta meta;
  meta.set_format_version(kLedgerFormatVersion);
  meta.set_ledger_id(absl::StrFormat("%016x%016x", absl::Uniform<uint64_t>(random),
                                     absl::Uniform<uint64_t>(random)));
  ledger::LogRecord record;
  record.set_sequence(1);
  record.set_commit_time_us(ToUs(clock_.Now()));
  record.set_kind(ledger::RecordKind::CREATED);
  *record.add_definitions() = DefaultDefinition();
  return store_->Write(WriteBatch()
                           .Add(WriteBatch::Put{keys::kMeta, meta.SerializeAsString()})
                           .Add(WriteBatch::Put{keys::Log(1), record.SerializeAsString()}),
                       options_.sync);
}

absl::Status LogLedger::ReplayLog() {
  for (int64_t sequence = Head().sequence() + 1;; ++sequence) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_->Read(keys::Log(sequence)));
    if (!bytes) break;
    ledger::LogRecord record;
    if (!record.ParseFromString(*bytes)) {
      return absl::DataLossError(absl::StrCat("log record ", sequence, " cannot be read"));
    }
    ASSIGN_OR_RETURN(const RecordBody body, ReadBody(record));
    {
      WriterLock lock(views_mutex_);
      RETURN_IF_ERROR(views_->Apply(record, body));
    }
    CountWork(record, body);
  }
  const int64_t head = Head().sequence();
  if (head == 0) return absl::DataLossError("the log does not begin with sequence 1");
  // A checkpoint or a later record proves that there was more.
  RETURN_IF_ERROR(ReadRecord(head).status());
  int64_t beyond = 0;
  RETURN_IF_ERROR(store_->Scan(keys::Log(head + 1), keys::After(keys::kLogs),
                               [&](absl::string_view key, absl::string_view) {
                                 beyond = keys::LastNumber(key);
                                 return false;
                               }));
  if (beyond == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("log record ", head + 1, " is missing, but there is ", beyond));
}

absl::Status LogLedger::CleanUp() {
  RETURN_IF_ERROR(imports_->DropDeadRows());
  int64_t generation = 0;
  {
    MutexLock lock(checkpoint_mutex_);
    generation = checkpoint_generation_;
  }
  WriteBatch batch;
  batch.Add(WriteBatch::DeleteRange{keys::kCheckpoints, keys::CheckpointOf(generation)});
  batch.Add(
      WriteBatch::DeleteRange{keys::CheckpointOf(generation + 1), keys::After(keys::kCheckpoints)});
  return store_->Write(batch, false);
}

}  // namespace dondoc::ingestion
