#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "services/common/mutex/mutex.h"
#include "services/ingestion/ledger/log_ledger.h"
#include "services/ingestion/ledger/store.h"

// In-memory stand-ins for tests; never linked into a shipped binary.

namespace dondoc::ingestion {

// What a disk would hold; outlives the stores that are opened on it, as a disk does.
class MemoryDisk {
 public:
  // The next write fails with `status` and changes nothing.
  void FailNextWith(const absl::Status& status);
  // After so many more writes every write fails: the machine is going down.
  void UnplugAfter(int64_t writes);
  // What a crash of the machine leaves: everything synced, and of the writes after it those up to a
  // random one. Plugged in again. Only while no store is open on it.
  void Crash(std::mt19937_64& random);
  // Puts a value there or, without one, takes it away, behind everybody's back.
  void Tamper(const std::string& key, const std::optional<std::string>& value);
  std::vector<std::string> Keys(const std::string& prefix) const;

 private:
  friend class MemoryStore;
  using Data = std::map<std::string, std::string>;
  static void ApplyTo(Data& data, const WriteBatch& batch);

  mutable Mutex mutex_;
  Data data_ ABSL_GUARDED_BY(mutex_);
  Data synced_ ABSL_GUARDED_BY(mutex_);
  std::vector<WriteBatch> unsynced_ ABSL_GUARDED_BY(mutex_);
  absl::Status next_ ABSL_GUARDED_BY(mutex_);
  int64_t writes_left_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<int64_t>::max();
};

class MemoryStore : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk);

  absl::Status Write(const WriteBatch& batch, bool sync) override;
  absl::StatusOr<std::optional<std::string>> Read(const std::string& key) const override;
  absl::Status Scan(
      const std::string& from, const std::string& to,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const override;

 private:
  const std::shared_ptr<MemoryDisk> disk_;
};

// A ledger in memory that obeys the contract; imports() is the ImportStore that goes with it.
class FakeLedger : public LogLedger {
 public:
  // A new ledger on a disk of its own. `clock` outlives the ledger.
  explicit FakeLedger(const Clock& clock);

  // A ledger on `disk`, new or as the last one left it.
  static absl::StatusOr<std::unique_ptr<FakeLedger>> Open(std::shared_ptr<MemoryDisk> disk,
                                                          const Clock& clock,
                                                          const LogLedgerOptions& options);

  // The next write of the ledger or of imports() fails with `status`; nothing takes effect.
  void FailNextWith(const absl::Status& status) { disk_->FailNextWith(status); }

 private:
  FakeLedger(std::shared_ptr<MemoryDisk> disk, const Clock& clock, const LogLedgerOptions& options);

  const std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace dondoc::ingestion
