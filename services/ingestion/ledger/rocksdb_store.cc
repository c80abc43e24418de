#include "services/ingestion/ledger/rocksdb_store.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "rocksdb/write_batch.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/rocksdb_manifest.h"

namespace dondoc::ingestion {
namespace {

rocksdb::Slice ToSlice(const std::string& text) { return {text.data(), text.size()}; }
absl::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status ToAbsl(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat("ledger in ", folder, ": ", status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::UnavailableError(message);
}

// Opening tells us of a folder in use by an I/O error about the lock file.
bool IsLocked(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && absl::StrContains(absl::AsciiStrToLower(text), "lock") &&
         (absl::StrContains(text, "unavailable") || absl::StrContains(text, "held") ||
          absl::StrContains(text, "hold"));
}

rocksdb::Options DatabaseOptions(rocksdb::Env* env, size_t memory_table_bytes) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  // What was synced is read whole; a torn end after it is what a crash leaves.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A log file that was synced and is gone or cut is noticed at opening.
  options.track_and_verify_wals_in_manifest = true;
  // We bring the database back ourselves, at the next write.
  options.max_bgerror_resume_count = 0;
  options.write_buffer_size = memory_table_bytes;
  options.max_background_jobs = 2;
  options.max_total_wal_size = 256 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = 4 << 20;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  const std::vector<rocksdb::CompressionType> known = rocksdb::GetSupportedCompressions();
  options.compression = rocksdb::kNoCompression;
  if (std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end()) {
    options.compression = rocksdb::kLZ4Compression;
  }
  return options;
}

struct AddTo {
  rocksdb::WriteBatch& batch;

  rocksdb::Status operator()(const WriteBatch::Put& put) {
    return batch.Put(ToSlice(put.key), ToSlice(put.value));
  }
  rocksdb::Status operator()(const WriteBatch::Delete& del) {
    return batch.Delete(ToSlice(del.key));
  }
  rocksdb::Status operator()(const WriteBatch::DeleteRange& range) {
    return batch.DeleteRange(ToSlice(range.from), ToSlice(range.to));
  }
};

}  // namespace

RocksDbStore::RocksDbStore(const std::string& folder, rocksdb::Env* env, size_t memory_table_bytes)
    : folder_(folder), env_(env), memory_table_bytes_(memory_table_bytes) {}

RocksDbStore::~RocksDbStore() = default;

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(const std::string& folder,
                                                                 rocksdb::Env* env,
                                                                 size_t memory_table_bytes) {
  if (env == nullptr) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat("ledger in ", folder, ": ", error.message()));
    }
  }
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(folder, env, memory_table_bytes));
  WriterLock lock(store->database_mutex_);
  RETURN_IF_ERROR(store->OpenDatabase());
  return store;
}

absl::Status RocksDbStore::OpenDatabase() {
  const auto open = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    rocksdb::DB* database = nullptr;
    rocksdb::Status opened =
        rocksdb::DB::Open(DatabaseOptions(env_, memory_table_bytes_), folder_, &database);
    database_.reset(database);
    return opened;
  };
  rocksdb::Status opened = open();
  if (opened.IsCorruption()) {
    rocksdb::Env& env = env_ != nullptr ? *env_ : *rocksdb::Env::Default();
    ASSIGN_OR_RETURN(const std::optional<std::string> cut, CutTornManifest(env, folder_));
    if (cut) {
      log::Warning("a torn end that a crash left was cut off", {{"file", *cut}});
      opened = open();
    }
  }
  if (IsLocked(opened)) {
    return absl::FailedPreconditionError(
        absl::StrCat("ledger in ", folder_, ": another process is using it"));
  }
  return ToAbsl(opened, folder_);
}

absl::Status RocksDbStore::Recover() {
  WriterLock lock(database_mutex_);
  if (database_ != nullptr) {
    if (database_->Resume().ok()) return absl::OkStatus();
    // Some errors stop a database for good; what it holds is still on disk.
    database_.reset();
  }
  RETURN_IF_ERROR(OpenDatabase());
  log::Info("the ledger's database was opened again after a failed write");
  return absl::OkStatus();
}

absl::Status RocksDbStore::Write(const WriteBatch& batch, bool sync) {
  rocksdb::WriteBatch writes;
  for (const WriteBatch::Write& write : batch.writes()) {
    RETURN_IF_ERROR(ToAbsl(std::visit(AddTo{writes}, write), folder_));
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  MutexLock write_lock(write_mutex_);
  if (write_failed_) {
    RETURN_IF_ERROR(Recover());
    write_failed_ = false;
  }
  ReaderLock lock(database_mutex_);
  const absl::Status written = ToAbsl(database_->Write(options, &writes), folder_);
  write_failed_ = !written.ok();
  return written;
}

absl::StatusOr<std::optional<std::string>> RocksDbStore::Read(const std::string& key) const {
  ReaderLock lock(database_mutex_);
  if (database_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("ledger in ", folder_, " could not be opened again"));
  }
  std::string value;
  const rocksdb::Status read = database_->Get(rocksdb::ReadOptions(), ToSlice(key), &value);
  if (read.IsNotFound()) return std::optional<std::string>();
  RETURN_IF_ERROR(ToAbsl(read, folder_));
  return std::optional<std::string>(std::move(value));
}

absl::Status RocksDbStore::Scan(
    const std::string& from, const std::string& to,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const {
  ReaderLock lock(database_mutex_);
  if (database_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("ledger in ", folder_, " could not be opened again"));
  }
  rocksdb::ReadOptions options;
  const rocksdb::Slice upper = ToSlice(to);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> iterator(database_->NewIterator(options));
  for (iterator->Seek(ToSlice(from)); iterator->Valid(); iterator->Next()) {
    if (!visit(FromSlice(iterator->key()), FromSlice(iterator->value()))) break;
  }
  return ToAbsl(iterator->status(), folder_);
}

}  // namespace dondoc::ingestion
