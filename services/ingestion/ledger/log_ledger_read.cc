// The parts of LogLedger that read the log, and its checkpoints.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/log_ledger.h"

namespace dondoc::ingestion {
namespace {

// Cuts what one sequence says into events of at most kFeedBytesMax.
class EventWriter {
 public:
  EventWriter(const ledger::LogRecord& record,
              const std::function<absl::Status(v1::FeedEvent)>& sink)
      : record_(record), sink_(sink) {
    Begin();
  }

  absl::Status Add(v1::CellBlock deltas) {
    // An event has room for one block.
    if (event_.has_deltas()) RETURN_IF_ERROR(Send(false));
    RETURN_IF_ERROR(MakeRoom(deltas.ByteSizeLong()));
    *event_.mutable_deltas() = std::move(deltas);
    return absl::OkStatus();
  }
  absl::Status Add(const v1::Unit& unit) {
    RETURN_IF_ERROR(MakeRoom(unit.ByteSizeLong()));
    *event_.add_units() = unit;
    return absl::OkStatus();
  }
  absl::Status Add(const v1::MetricDefinition& definition) {
    RETURN_IF_ERROR(MakeRoom(definition.ByteSizeLong()));
    *event_.add_definitions() = definition;
    return absl::OkStatus();
  }
  absl::Status Add(const v1::Procedure& procedure) {
    RETURN_IF_ERROR(MakeRoom(procedure.ByteSizeLong()));
    *event_.add_procedures() = procedure;
    return absl::OkStatus();
  }
  absl::Status Add(const v1::CoverageClaim& claim) {
    RETURN_IF_ERROR(MakeRoom(claim.ByteSizeLong()));
    *event_.add_coverage() = claim;
    return absl::OkStatus();
  }
  absl::Status Add(v1::StatementRecord statement) {
    RETURN_IF_ERROR(MakeRoom(statement.ByteSizeLong()));
    *event_.add_statements() = std::move(statement);
    return absl::OkStatus();
  }
  absl::Status End() { return Send(true); }

 private:
  // Tags, lengths, and the head that the caller adds.
  static constexpr size_t kMarginBytes = 1024;

  void Begin() {
    event_.Clear();
    event_.set_sequence(record_.sequence());
    *event_.mutable_commit_time() = ToProto(FromUs(record_.commit_time_us()));
    event_.set_import_id(record_.import_id());
    bytes_ = 0;
  }
  absl::Status MakeRoom(size_t bytes) {
    if (bytes_ > 0 && bytes_ + bytes + kMarginBytes > kFeedBytesMax) RETURN_IF_ERROR(Send(false));
    bytes_ += bytes + 8;
    return absl::OkStatus();
  }
  absl::Status Send(bool complete) {
    event_.set_complete(complete);
    RETURN_IF_ERROR(sink_(std::move(event_)));
    Begin();
    return absl::OkStatus();
  }

  const ledger::LogRecord& record_;
  const std::function<absl::Status(v1::FeedEvent)>& sink_;
  v1::FeedEvent event_;
  size_t bytes_ = 0;
};

// Cuts a snapshot into chunks of at most kFeedBytesMax.
class SnapshotWriter {
 public:
  SnapshotWriter(v1::Position position, const std::function<absl::Status(v1::SnapshotChunk)>& sink)
      : sink_(sink) {
    *chunk_.mutable_position() = std::move(position);
    bytes_ = chunk_.ByteSizeLong();
  }

  template <typename Entry>
  absl::Status AddAll(std::vector<Entry>& entries, Entry* (v1::SnapshotChunk::*add)()) {
    for (Entry& entry : entries) {
      RETURN_IF_ERROR(MakeRoom(entry.ByteSizeLong()));
      *(chunk_.*add)() = std::move(entry);
    }
    return absl::OkStatus();
  }
  absl::Status AddCells(v1::CellBlock block) {
    // A chunk has room for one block.
    if (chunk_.has_cells()) RETURN_IF_ERROR(Send());
    RETURN_IF_ERROR(MakeRoom(block.ByteSizeLong()));
    *chunk_.mutable_cells() = std::move(block);
    return absl::OkStatus();
  }
  absl::Status End() {
    chunk_.set_complete(true);
    return sink_(std::move(chunk_));
  }

 private:
  // A field's tag and length, and `complete`.
  static constexpr size_t kMarginBytes = 16;

  absl::Status MakeRoom(size_t bytes) {
    if (bytes_ > 0 && bytes_ + bytes + kMarginBytes > kFeedBytesMax) RETURN_IF_ERROR(Send());
    bytes_ += bytes + kMarginBytes;
    return absl::OkStatus();
  }
  absl::Status Send() {
    RETURN_IF_ERROR(sink_(std::move(chunk_)));
    chunk_.Clear();
    bytes_ = 0;
    return absl::OkStatus();
  }

  const std::function<absl::Status(v1::SnapshotChunk)>& sink_;
  v1::SnapshotChunk chunk_;
  size_t bytes_ = 0;
};

// Keeps what a checkpoint repeats of a record.
void StripBulk(ledger::LogRecord& record) {
  record.clear_revisions();
  record.clear_withdrawals();
  record.clear_deltas();
}

}  // namespace

absl::StatusOr<ledger::LogRecord> LogLedger::ReadRecord(int64_t sequence) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_->Read(keys::Log(sequence)));
  ledger::LogRecord record;
  if (!bytes || !record.ParseFromString(*bytes) || record.sequence() != sequence) {
    return absl::DataLossError(absl::StrCat("log record ", sequence, " cannot be read"));
  }
  return record;
}

absl::StatusOr<std::vector<v1::CellBlock>> LogLedger::ReadDeltas(
    const ledger::LogRecord& record) const {
  std::vector<v1::CellBlock> deltas(record.deltas().begin(), record.deltas().end());
  for (int32_t chunk = 0; chunk < record.delta_chunks(); ++chunk) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                     store_->Read(keys::Delta(record.sequence(), chunk)));
    if (!bytes || !deltas.emplace_back().ParseFromString(*bytes)) {
      return absl::DataLossError(
          absl::StrCat("deltas ", chunk, " of log record ", record.sequence(), " cannot be read"));
    }
  }
  return deltas;
}

std::vector<v1::CoverageClaim> LogLedger::ClaimsOf(const ledger::LogRecord& record) const {
  if (record.kind() == ledger::RecordKind::IMPORT_LIVENESS) {
    ReaderLock lock(views_mutex_);
    return views_->ClaimsOfImport(record.import_id(), record.sequence());
  }
  if (!record.has_coverage()) return {};
  v1::CoverageClaim claim;
  claim.set_claim_sequence(record.sequence());
  *claim.mutable_coverage() = record.coverage();
  claim.set_live(true);
  claim.set_import_id(record.import_id());
  if (record.has_extracted_at_us()) {
    *claim.mutable_extracted_at() = ToProto(FromUs(record.extracted_at_us()));
  }
  *claim.mutable_commit_time() = ToProto(FromUs(record.commit_time_us()));
  return {claim};
}

std::vector<v1::StatementRecord> LogLedger::StatementsOf(const ledger::LogRecord& record) const {
  const bool revives = record.kind() == ledger::RecordKind::IMPORT_LIVENESS;
  if (!revives && record.statements_size() == 0) return {};
  ReaderLock lock(views_mutex_);
  return views_->statements().ChangesOf(record,
                                        views_->FindImport(record.import_id()).value_or(kPush));
}

absl::Status LogLedger::ReadEvents(int64_t after, int events_max,
                                   const std::function<absl::Status(v1::FeedEvent)>& sink) const {
  const int64_t head = Head().sequence();
  if (after < 0 || after > head) {
    return absl::OutOfRangeError(
        absl::StrCat("after_sequence: ", after, " is not in the log, which ends with ", head));
  }
  int events = 0;
  // Not auto: EventWriter keeps a reference, which a conversion's temporary would not outlive.
  const std::function<absl::Status(v1::FeedEvent)> counting = [&](v1::FeedEvent event) {
    ++events;
    return sink(std::move(event));
  };
  for (int64_t sequence = after + 1; sequence <= head && events < events_max; ++sequence) {
    ASSIGN_OR_RETURN(const ledger::LogRecord record, ReadRecord(sequence));
    ASSIGN_OR_RETURN(std::vector<v1::CellBlock> deltas, ReadDeltas(record));
    EventWriter writer(record, counting);
    for (const v1::Unit& unit : record.units()) RETURN_IF_ERROR(writer.Add(unit));
    for (const auto& definition : record.definitions()) RETURN_IF_ERROR(writer.Add(definition));
    for (const auto& procedure : record.procedures()) RETURN_IF_ERROR(writer.Add(procedure));
    for (const v1::CoverageClaim& claim : ClaimsOf(record)) RETURN_IF_ERROR(writer.Add(claim));
    for (v1::StatementRecord& statement : StatementsOf(record)) {
      RETURN_IF_ERROR(writer.Add(std::move(statement)));
    }
    for (v1::CellBlock& block : deltas) RETURN_IF_ERROR(writer.Add(std::move(block)));
    RETURN_IF_ERROR(writer.End());
  }
  return absl::OkStatus();
}

absl::Status LogLedger::ReadSnapshot(
    int64_t sequence, const std::function<absl::Status(v1::SnapshotChunk)>& sink) const {
  std::vector<uint32_t> unit_numbers;
  v1::Position position;
  std::vector<v1::Unit> units;
  std::vector<v1::MetricDefinition> definitions;
  std::vector<v1::Procedure> procedures;
  std::vector<v1::CoverageClaim> coverage;
  std::vector<v1::StatementRecord> statements;
  {
    ReaderLock lock(views_mutex_);
    const int64_t head = views_->head();
    if (sequence < 0 || sequence > head) {
      return absl::OutOfRangeError(
          absl::StrCat("at_sequence: ", sequence, " is not in the log, which ends with ", head));
    }
    unit_numbers = views_->dossiers().Units();
    position = views_->PositionAt(sequence);
    const DirectoryView& directory = views_->directory_view();
    units = directory.units().AllAt(sequence);
    definitions = directory.definitions().AllAt(sequence);
    procedures = directory.procedures().AllAt(sequence);
    coverage = views_->LiveClaimsAt(sequence);
    statements = views_->statements().StandingAt(sequence);
  }
  SnapshotWriter writer(std::move(position), sink);
  RETURN_IF_ERROR(writer.AddAll(units, &v1::SnapshotChunk::add_units));
  RETURN_IF_ERROR(writer.AddAll(definitions, &v1::SnapshotChunk::add_definitions));
  RETURN_IF_ERROR(writer.AddAll(procedures, &v1::SnapshotChunk::add_procedures));
  RETURN_IF_ERROR(writer.AddAll(coverage, &v1::SnapshotChunk::add_coverage));
  RETURN_IF_ERROR(writer.AddAll(statements, &v1::SnapshotChunk::add_statements));
  // What is asked as of a sequence does not change when others are committed, so that the views
  // need to be locked for one unit at a time only.
  CellBlockWriter cells;
  for (const uint32_t unit : unit_numbers) {
    {
      ReaderLock lock(views_mutex_);
      cells.Add(views_->CellsOfUnit(unit, sequence), views_->texts());
    }
    while (std::optional<v1::CellBlock> block = cells.TakeFull()) {
      RETURN_IF_ERROR(writer.AddCells(*std::move(block)));
    }
  }
  if (std::optional<v1::CellBlock> block = cells.TakeRest()) {
    RETURN_IF_ERROR(writer.AddCells(*std::move(block)));
  }
  return writer.End();
}

absl::Status LogLedger::LoadCheckpoint() {
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_->Read(keys::kCheckpoint));
  if (!bytes) return absl::OkStatus();
  ledger::CheckpointPointer pointer;
  if (!pointer.ParseFromString(*bytes)) return absl::DataLossError("bad pointer");
  {
    MutexLock lock(checkpoint_mutex_);
    checkpoint_generation_ = pointer.generation();
  }
  for (int32_t chunk = 0; chunk < pointer.chunks(); ++chunk) {
    ASSIGN_OR_RETURN(const std::optional<std::string> part,
                     store_->Read(keys::Checkpoint(pointer.generation(), chunk)));
    ledger::CheckpointChunk read;
    if (!part || !read.ParseFromString(*part)) {
      return absl::DataLossError(absl::StrCat("chunk ", chunk, " cannot be read"));
    }
    WriterLock lock(views_mutex_);
    RETURN_IF_ERROR(views_->Restore(read));
  }
  WriterLock lock(views_mutex_);
  if (views_->head() != pointer.sequence() || views_->dossiers().count() != pointer.dossiers() ||
      views_->dossiers().revision_count() != pointer.revisions()) {
    return absl::DataLossError("it is not whole");
  }
  opened_from_checkpoint_ = pointer.sequence();
  return absl::OkStatus();
}

namespace {

// Writes the chunks of one generation; see ledger_log.proto.
class CheckpointWriter {
 public:
  CheckpointWriter(Store& store, int64_t generation) : store_(store) {
    pointer_.set_generation(generation);
  }

  absl::Status Add(const ledger::CheckpointChunk& chunk) {
    RETURN_IF_ERROR(store_.Write(
        WriteBatch().Add(WriteBatch::Put{keys::Checkpoint(pointer_.generation(), pointer_.chunks()),
                                         chunk.SerializeAsString()}),
        false));
    pointer_.set_chunks(pointer_.chunks() + 1);
    return absl::OkStatus();
  }
  ledger::CheckpointPointer& pointer() { return pointer_; }

 private:
  Store& store_;
  ledger::CheckpointPointer pointer_;
};

constexpr int64_t kCommitTimesPerChunk = 100'000;

}  // namespace

absl::Status LogLedger::WriteCheckpoint() {
  MutexLock checkpoint_lock(checkpoint_mutex_);
  int64_t sequence = 0;
  int64_t work_before = 0;
  std::vector<int64_t> commit_times;
  std::vector<int64_t> records;
  {
    MutexLock lock(work_mutex_);
    work_before = work_since_checkpoint_;
  }
  {
    ReaderLock lock(views_mutex_);
    sequence = views_->head();
    commit_times = views_->commit_times_us();
    commit_times.resize(static_cast<size_t>(sequence));
    records = views_->CheckpointRecords(sequence);
  }
  CheckpointWriter writer(*store_, checkpoint_generation_ + 1);
  ledger::CheckpointChunk chunk;
  for (const int64_t commit_time_us : commit_times) {
    chunk.add_commit_time_us(commit_time_us);
    if (chunk.commit_time_us_size() < kCommitTimesPerChunk) continue;
    RETURN_IF_ERROR(writer.Add(chunk));
    chunk.Clear();
  }
  for (const int64_t number : records) {
    ASSIGN_OR_RETURN(*chunk.add_records(), ReadRecord(number));
    StripBulk(*chunk.mutable_records()->rbegin());
    if (chunk.ByteSizeLong() < kBlockBytesMax) continue;
    RETURN_IF_ERROR(writer.Add(chunk));
    chunk.Clear();
  }
  RETURN_IF_ERROR(writer.Add(chunk));
  // Commits go on meanwhile: each block is cut to what was there at `sequence`.
  int64_t dossiers = 0;
  int64_t revisions = 0;
  for (DossierId next = 0;;) {
    chunk.Clear();
    {
      ReaderLock lock(views_mutex_);
      if (next >= views_->dossiers().count()) break;
      *chunk.mutable_dossiers() = views_->CheckpointDossiers(sequence, next);
    }
    const ledger::RevisionBlock& block = chunk.dossiers();
    revisions += block.row_number_size();
    dossiers += std::count_if(block.code_bytes().begin(), block.code_bytes().end(),
                              [](uint32_t bytes) { return bytes > 0; });
    if (block.row_number_size() > 0) RETURN_IF_ERROR(writer.Add(chunk));
  }
  writer.pointer().set_sequence(sequence);
  writer.pointer().set_dossiers(dossiers);
  writer.pointer().set_revisions(revisions);
  RETURN_IF_ERROR(store_->Write(
      WriteBatch().Add(WriteBatch::Put{keys::kCheckpoint, writer.pointer().SerializeAsString()}),
      options_.sync));
  checkpoint_generation_ = writer.pointer().generation();
  {
    MutexLock lock(work_mutex_);
    work_since_checkpoint_ -= work_before;
  }
  // The pointer is durable; what it pointed to before may go whenever.
  return store_->Write(WriteBatch().Add(WriteBatch::DeleteRange{
                           keys::kCheckpoints, keys::CheckpointOf(checkpoint_generation_)}),
                       false);
}

void LogLedger::CheckpointIfDue() {
  int64_t revisions = 0;
  {
    ReaderLock lock(views_mutex_);
    revisions = views_->dossiers().revision_count();
  }
  {
    MutexLock lock(work_mutex_);
    if (work_since_checkpoint_ < std::max(options_.checkpoint_work_min, revisions / 2)) return;
    if (options_.checkpoints_in_background) {
      checkpoint_due_ = true;
      work_changed_.SignalAll();
      return;
    }
  }
  if (absl::Status written = WriteCheckpoint(); !written.ok()) {
    log::Warning("a checkpoint failed; the log is not affected", {{"error", written.message()}});
  }
}

void LogLedger::RunCheckpoints() {
  while (true) {
    {
      MutexLock lock(work_mutex_);
      while (!checkpoint_due_ && !stopping_) work_changed_.Wait(work_mutex_);
      if (stopping_) return;
      checkpoint_due_ = false;
    }
    if (absl::Status written = WriteCheckpoint(); !written.ok()) {
      log::Warning("a checkpoint failed; the log is not affected", {{"error", written.message()}});
    }
  }
}

}  // namespace dondoc::ingestion
