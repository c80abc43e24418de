#include "services/ingestion/ledger/stored_imports.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/revision_block.h"

namespace dondoc::ingestion {
namespace {

absl::Status NoSuchImport(absl::string_view import_id) {
  return absl::NotFoundError(absl::StrCat("no import ", Quoted(import_id)));
}

// Ids are parts of keys. Callers check them more strictly (imports.proto).
absl::Status CheckId(absl::string_view import_id) {
  if (import_id.empty() || import_id.find('/') != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("import_id: ", Quoted(import_id), " is not the id of an import"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Import> ReadEntry(absl::string_view bytes, int64_t* number) {
  ledger::ImportEntry entry;
  v1::Import import;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !import.ParseFromString(entry.import())) {
    return absl::DataLossError("the description of an import cannot be read");
  }
  if (number != nullptr) *number = entry.number();
  return import;
}

}  // namespace

StoredImports::StoredImports(Store& store, Applications applications)
    : store_(store), applications_(std::move(applications)) {}

absl::Status StoredImports::Load() {
  std::map<int64_t, std::string> ids;
  absl::Status read = absl::OkStatus();
  RETURN_IF_ERROR(store_.Scan(keys::kImports, keys::After(keys::kImports),
                              [&](absl::string_view, absl::string_view value) {
                                int64_t number = 0;
                                const absl::StatusOr<v1::Import> import = ReadEntry(value, &number);
                                if (import.ok()) ids[number] = import->import_id();
                                read = import.status();
                                return read.ok();
                              }));
  MutexLock lock(mutex_);
  for (const auto& [number, import_id] : ids) numbers_[import_id] = number;
  ids_ = std::move(ids);
  return read;
}

absl::StatusOr<std::set<std::pair<std::string, int64_t>>> StoredImports::StagedUnder(
    const std::string& kind) const {
  std::set<std::pair<std::string, int64_t>> staged;  // (import, application)
  RETURN_IF_ERROR(
      store_.Scan(kind, keys::After(kind), [&](absl::string_view key, absl::string_view) {
        // <kind><import>/<application>/<chunk>, the numbers eight bytes each.
        absl::string_view rest = absl::StripPrefix(key, kind);
        const size_t id_bytes = rest.find('/');
        if (id_bytes == absl::string_view::npos || rest.size() != id_bytes + 18) return true;
        staged.emplace(std::string(rest.substr(0, id_bytes)),
                       keys::LastNumber(rest.substr(0, id_bytes + 9)));
        return true;
      }));
  return staged;
}

// Whether an import that never took effect may still do so.
bool StoredImports::MayCome(const std::string& import_id) const {
  const absl::StatusOr<v1::Import> import = FindImport(import_id);
  return import.ok() && (import->state() == v1::ImportState::RUNNING ||
                         import->state() == v1::ImportState::PREVIEWED);
}

absl::Status StoredImports::DropDeadRows() {
  ASSIGN_OR_RETURN(const auto rows, StagedUnder(keys::kStaged));
  for (const auto& [import_id, application] : rows) {
    const int64_t applications = applications_(import_id);
    if (application < applications) continue;  // the body of a log record
    if (applications == 0 && MayCome(import_id)) continue;
    const std::string prefix = keys::StagedOf(import_id, application);
    RETURN_IF_ERROR(store_.Write(
        WriteBatch().Add(WriteBatch::DeleteRange{prefix, keys::After(prefix)}), false));
  }
  ASSIGN_OR_RETURN(const auto statements, StagedUnder(keys::kStagedStatements));
  for (const auto& [import_id, application] : statements) {
    // Once they take effect they are in the log record.
    if (applications_(import_id) == 0 && MayCome(import_id)) continue;
    const std::string prefix = keys::StagedStatementsOf(import_id, application);
    RETURN_IF_ERROR(store_.Write(
        WriteBatch().Add(WriteBatch::DeleteRange{prefix, keys::After(prefix)}), false));
  }
  return absl::OkStatus();
}

bool StoredImports::Knows(const std::string& import_id) const {
  MutexLock lock(mutex_);
  return numbers_.contains(import_id);
}

absl::Status StoredImports::WriteEntry(int64_t number, const v1::Import& import) {
  ledger::ImportEntry entry;
  entry.set_number(number);
  import.SerializeToString(entry.mutable_import());
  return store_.Write(WriteBatch().Add(WriteBatch::Put{keys::Import(import.import_id()),
                                                       entry.SerializeAsString()}),
                      true);
}

absl::Status StoredImports::CreateImport(const v1::Import& import) {
  RETURN_IF_ERROR(CheckId(import.import_id()));
  MutexLock lock(mutex_);
  if (numbers_.contains(import.import_id())) {
    return absl::AlreadyExistsError(
        absl::StrCat("import_id: ", Quoted(import.import_id()), " is taken"));
  }
  const int64_t number = ids_.empty() ? 1 : ids_.rbegin()->first + 1;
  RETURN_IF_ERROR(WriteEntry(number, import));
  numbers_[import.import_id()] = number;
  ids_[number] = import.import_id();
  return absl::OkStatus();
}

absl::Status StoredImports::UpdateImport(const v1::Import& import) {
  MutexLock lock(mutex_);
  const auto number = numbers_.find(import.import_id());
  if (number == numbers_.end()) return NoSuchImport(import.import_id());
  return WriteEntry(number->second, import);
}

absl::Status StoredImports::RemoveImport(const std::string& import_id) {
  MutexLock lock(mutex_);
  const auto number = numbers_.find(import_id);
  if (number == numbers_.end()) return NoSuchImport(import_id);
  WriteBatch batch;
  batch.Add(WriteBatch::Delete{keys::Import(import_id)});
  for (const std::string& prefix :
       {keys::StagedOf(import_id, 0), keys::StagedStatementsOf(import_id, 0),
        keys::RejectsOf(import_id)}) {
    batch.Add(WriteBatch::DeleteRange{prefix, keys::After(prefix)});
  }
  RETURN_IF_ERROR(store_.Write(batch, true));
  ids_.erase(number->second);
  numbers_.erase(number);
  staging_.erase(import_id);
  return absl::OkStatus();
}

absl::StatusOr<v1::Import> StoredImports::FindImport(const std::string& import_id) const {
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store_.Read(keys::Import(import_id)));
  if (!bytes) return NoSuchImport(import_id);
  return ReadEntry(*bytes, nullptr);
}

absl::StatusOr<std::vector<v1::Import>> StoredImports::ListImports(const std::string& after_id,
                                                                   int limit) const {
  std::vector<std::string> wanted;
  {
    MutexLock lock(mutex_);
    auto next = ids_.rbegin();
    if (!after_id.empty()) {
      const auto number = numbers_.find(after_id);
      if (number == numbers_.end()) return NoSuchImport(after_id);
      // The reverse iterator of an element points to the one before it.
      next = std::make_reverse_iterator(ids_.find(number->second));
    }
    for (; next != ids_.rend() && static_cast<int>(wanted.size()) < limit; ++next) {
      wanted.push_back(next->second);
    }
  }
  std::vector<v1::Import> imports;
  for (const std::string& import_id : wanted) {
    absl::StatusOr<v1::Import> import = FindImport(import_id);
    if (absl::IsNotFound(import.status())) continue;  // removed since
    RETURN_IF_ERROR(import.status());
    imports.push_back(*std::move(import));
  }
  return imports;
}

absl::Status StoredImports::StageRows(const std::string& import_id, absl::Span<const Row> rows) {
  RETURN_IF_ERROR(CheckId(import_id));
  if (rows.empty()) return absl::OkStatus();
  TextTable texts;
  RevisionBlockWriter writer(
      [&texts](uint32_t number) -> absl::string_view { return texts.Text(number); });
  std::vector<ledger::RevisionBlock> blocks;
  for (const Row& row : rows) {
    if (row.dossier.code().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("rows: the code in row ", row.row_number, " is empty"));
    }
    writer.Add({row.dossier.code(),
                FactsOf(row.dossier, [&](absl::string_view text) { return texts.Add(text); }),
                UpdateUsOf(row.dossier), row.row_number});
    if (writer.bytes() >= kBlockBytesMax) blocks.push_back(writer.Take());
  }
  if (writer.rows() > 0) blocks.push_back(writer.Take());

  MutexLock lock(mutex_);
  const int64_t application = applications_(import_id);
  Staging& staging = staging_[import_id];
  if (staging.application != application) {
    staging = {application, 0};
    const std::string prefix = keys::StagedOf(import_id, application);
    RETURN_IF_ERROR(
        store_.Scan(prefix, keys::After(prefix), [&](absl::string_view key, absl::string_view) {
          staging.next_chunk = keys::LastNumber(key) + 1;
          return true;
        }));
  }
  // All or nothing, so that a caller may stage the same rows again after an error.
  WriteBatch batch;
  int64_t chunk = staging.next_chunk;
  for (const ledger::RevisionBlock& block : blocks) {
    batch.Add(
        WriteBatch::Put{keys::Staged(import_id, application, chunk++), block.SerializeAsString()});
  }
  RETURN_IF_ERROR(store_.Write(batch, false));
  staging.next_chunk = chunk;
  return absl::OkStatus();
}

absl::Status StoredImports::StageStatements(const std::string& import_id,
                                            absl::Span<const v1::StatementRecord> statements) {
  RETURN_IF_ERROR(CheckId(import_id));
  if (statements.empty()) return absl::OkStatus();
  ledger::StatementChunk chunk;
  for (const v1::StatementRecord& statement : statements) {
    v1::StatementRecord& staged = *chunk.add_statements();
    *staged.mutable_statement() = statement.statement();
    staged.set_row_number(statement.row_number());
  }
  MutexLock lock(mutex_);
  const int64_t application = applications_(import_id);
  int64_t next = 0;
  const std::string prefix = keys::StagedStatementsOf(import_id, application);
  RETURN_IF_ERROR(
      store_.Scan(prefix, keys::After(prefix), [&](absl::string_view key, absl::string_view) {
        next = keys::LastNumber(key) + 1;
        return true;
      }));
  return store_.Write(
      WriteBatch().Add(WriteBatch::Put{keys::StagedStatements(import_id, application, next),
                                       chunk.SerializeAsString()}),
      false);
}

absl::Status StoredImports::DropStagedRows(const std::string& import_id) {
  MutexLock lock(mutex_);
  const int64_t application = applications_(import_id);
  const std::string prefix = keys::StagedOf(import_id, application);
  const std::string statements = keys::StagedStatementsOf(import_id, application);
  RETURN_IF_ERROR(
      store_.Write(WriteBatch()
                       .Add(WriteBatch::DeleteRange{prefix, keys::After(prefix)})
                       .Add(WriteBatch::DeleteRange{statements, keys::After(statements)}),
                   true));
  staging_[import_id] = {application, 0};
  return absl::OkStatus();
}

absl::Status StoredImports::AddRejects(const std::string& import_id,
                                       absl::Span<const v1::Reject> rejects) {
  RETURN_IF_ERROR(CheckId(import_id));
  if (rejects.empty()) return absl::OkStatus();
  WriteBatch batch;
  for (const v1::Reject& reject : rejects) {
    batch.Add(
        WriteBatch::Put{keys::Reject(import_id, reject.row_number()), reject.SerializeAsString()});
  }
  return store_.Write(batch, true);
}

absl::Status StoredImports::RemoveRejects(const std::string& import_id,
                                          absl::Span<const int64_t> row_numbers) {
  if (row_numbers.empty()) return absl::OkStatus();
  WriteBatch batch;
  for (const int64_t row_number : row_numbers) {
    batch.Add(WriteBatch::Delete{keys::Reject(import_id, row_number)});
  }
  return store_.Write(batch, true);
}

absl::StatusOr<std::vector<v1::Reject>> StoredImports::ListRejects(const std::string& import_id,
                                                                   int64_t after_row,
                                                                   int limit) const {
  std::vector<v1::Reject> rejects;
  bool readable = true;
  RETURN_IF_ERROR(store_.Scan(
      keys::Reject(import_id, after_row + 1), keys::After(keys::RejectsOf(import_id)),
      [&](absl::string_view, absl::string_view value) {
        if (static_cast<int>(rejects.size()) >= limit) return false;
        readable =
            rejects.emplace_back().ParseFromArray(value.data(), static_cast<int>(value.size()));
        return readable;
      }));
  if (!readable) return absl::DataLossError("a reject cannot be read");
  return rejects;
}

}  // namespace dondoc::ingestion
