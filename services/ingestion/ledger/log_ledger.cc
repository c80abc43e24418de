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

// At the end a checkpoint is left out when it would save the next start less than this part of the
// revisions: reading those is quick, and writing all of them is not.
constexpr int64_t kEndWorkShare = 50;

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
    if (absl::Status forgot = RollBack(); !forgot.ok()) {
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
  return views_->TotalsAreExact();
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
  {
    WriterLock lock(views_mutex_);
    views_->EndReading();
  }
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

absl::Status LogLedger::ReplayRecord(const ledger::LogRecord& record) {
  {
    WriterLock lock(views_mutex_);
    RETURN_IF_ERROR(views_->Read(record));
    if (record.has_revisions()) RETURN_IF_ERROR(views_->ReadRows(record.revisions()));
  }
  int64_t rows = record.revisions().row_number_size() + record.statements_size();
  const auto read = [&](const ledger::RevisionBlock& block) -> absl::Status {
    rows += block.row_number_size();
    WriterLock lock(views_mutex_);
    return views_->ReadRows(block);
  };
  const auto read_chunk = [&](const std::string& key) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_->Read(key));
    ledger::RevisionBlock block;
    if (bytes && block.ParseFromString(*bytes)) return read(block);
    return absl::DataLossError(
        absl::StrCat("a part of log record ", record.sequence(), " cannot be read"));
  };
  for (int32_t chunk = 0; chunk < record.staged_chunks(); ++chunk) {
    RETURN_IF_ERROR(read_chunk(keys::Staged(record.import_id(), record.application(), chunk)));
  }
  for (const ledger::RevisionBlock& block : record.withdrawals()) RETURN_IF_ERROR(read(block));
  for (int32_t chunk = 0; chunk < record.withdrawal_chunks(); ++chunk) {
    RETURN_IF_ERROR(read_chunk(keys::Withdrawn(record.sequence(), chunk)));
  }
  AddWork(kRecordWork + rows);
  return absl::OkStatus();
}

absl::Status LogLedger::ReplayLog() {
  for (int64_t sequence = Head().sequence() + 1;; ++sequence) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_->Read(keys::Log(sequence)));
    if (!bytes) break;
    ledger::LogRecord record;
    if (!record.ParseFromString(*bytes)) {
      return absl::DataLossError(absl::StrCat("log record ", sequence, " cannot be read"));
    }
    RETURN_IF_ERROR(ReplayRecord(record));
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
