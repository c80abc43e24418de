#pragma once

#include <memory>
#include <optional>
#include <string>

#include "services/common/mutex/mutex.h"
#include "services/ingestion/ledger/store.h"

namespace rocksdb {
class DB;
class Env;
}  // namespace rocksdb

namespace dondoc::ingestion {

// Small, because several are in memory at a time and what is written is large blocks in order.
inline constexpr size_t kMemoryTableBytes = 16 << 20;

// A Store in a folder of its own, held by one process at a time. After a write that failed, the
// next one first brings the database back, so that a full disk needs no restart once there is room.
class RocksDbStore : public Store {
 public:
  // Creates the folder when it is missing. `env` null = the machine's file system; else it outlives
  // the store. kFailedPrecondition: another process has the folder. kDataLoss: it is damaged. Every
  // error names the folder.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(const std::string& folder,
                                                            rocksdb::Env* env,
                                                            size_t memory_table_bytes);
  ~RocksDbStore() override;

  absl::Status Write(const WriteBatch& batch, bool sync) override;
  absl::StatusOr<std::optional<std::string>> Read(const std::string& key) const override;
  absl::Status Scan(
      const std::string& from, const std::string& to,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const override;

 private:
  RocksDbStore(const std::string& folder, rocksdb::Env* env, size_t memory_table_bytes);

  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_mutex_);
  absl::Status Recover();

  const std::string folder_;
  rocksdb::Env* const env_;
  const size_t memory_table_bytes_;

  // One write at a time, so that the order of writes is that of the calls.
  Mutex write_mutex_;
  bool write_failed_ ABSL_GUARDED_BY(write_mutex_) = false;

  // Exclusive only to open the database again.
  mutable SharedMutex database_mutex_;
  std::unique_ptr<rocksdb::DB> database_ ABSL_GUARDED_BY(database_mutex_);
};

}  // namespace dondoc::ingestion
