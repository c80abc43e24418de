#include "services/ingestion/ledger/fake_ledger.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {
namespace {

// A fake does everything in the caller's thread, so that tests repeat.
LogLedgerOptions InlineOptions() {
  LogLedgerOptions options;
  options.checkpoints_in_background = false;
  return options;
}

}  // namespace

void MemoryDisk::FailNextWith(const absl::Status& status) {
  MutexLock lock(mutex_);
  next_ = status;
}

void MemoryDisk::UnplugAfter(int64_t writes) {
  MutexLock lock(mutex_);
  writes_left_ = writes;
}

void MemoryDisk::Crash(std::mt19937_64& random) {
  MutexLock lock(mutex_);
  const size_t kept = std::uniform_int_distribution<size_t>(0, unsynced_.size())(random);
  for (size_t i = 0; i < kept; ++i) ApplyTo(synced_, unsynced_[i]);
  unsynced_.clear();
  data_ = synced_;
  writes_left_ = std::numeric_limits<int64_t>::max();
}

void MemoryDisk::Tamper(const std::string& key, const std::optional<std::string>& value) {
  MutexLock lock(mutex_);
  for (Data* data : {&data_, &synced_}) {
    if (value) {
      (*data)[key] = *value;
    } else {
      data->erase(key);
    }
  }
}

std::vector<std::string> MemoryDisk::Keys(const std::string& prefix) const {
  MutexLock lock(mutex_);
  std::vector<std::string> found;
  for (auto entry = data_.lower_bound(prefix);
       entry != data_.end() && absl::StartsWith(entry->first, prefix); ++entry) {
    found.push_back(entry->first);
  }
  return found;
}

void MemoryDisk::ApplyTo(Data& data, const WriteBatch& batch) {
  for (const WriteBatch::Write& write : batch.writes()) {
    if (const auto* put = std::get_if<WriteBatch::Put>(&write)) {
      data[put->key] = put->value;
    } else if (const auto* del = std::get_if<WriteBatch::Delete>(&write)) {
      data.erase(del->key);
    } else {
      const auto& range = std::get<WriteBatch::DeleteRange>(write);
      data.erase(data.lower_bound(range.from), data.lower_bound(range.to));
    }
  }
}

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

absl::Status MemoryStore::Write(const WriteBatch& batch, bool sync) {
  MutexLock lock(disk_->mutex_);
  if (disk_->writes_left_ <= 0) {
    // The write that the machine went down in may have come through all the same.
    if (disk_->writes_left_-- == 0) disk_->unsynced_.push_back(batch);
    return absl::UnavailableError("the disk is gone");
  }
  --disk_->writes_left_;
  if (!disk_->next_.ok()) return std::exchange(disk_->next_, absl::OkStatus());
  MemoryDisk::ApplyTo(disk_->data_, batch);
  disk_->unsynced_.push_back(batch);
  if (!sync) return absl::OkStatus();
  for (const WriteBatch& earlier : disk_->unsynced_) {
    MemoryDisk::ApplyTo(disk_->synced_, earlier);
  }
  disk_->unsynced_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> MemoryStore::Read(const std::string& key) const {
  MutexLock lock(disk_->mutex_);
  const auto found = disk_->data_.find(key);
  if (found == disk_->data_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

absl::Status MemoryStore::Scan(
    const std::string& from, const std::string& to,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const {
  MutexLock lock(disk_->mutex_);
  for (auto entry = disk_->data_.lower_bound(from);
       entry != disk_->data_.end() && entry->first < to; ++entry) {
    if (!visit(entry->first, entry->second)) break;
  }
  return absl::OkStatus();
}

FakeLedger::FakeLedger(std::shared_ptr<MemoryDisk> disk, const Clock& clock,
                       const LogLedgerOptions& options)
    : LogLedger(std::make_unique<MemoryStore>(disk), clock, options), disk_(std::move(disk)) {}

FakeLedger::FakeLedger(const Clock& clock)
    : FakeLedger(std::make_shared<MemoryDisk>(), clock, InlineOptions()) {
  // An empty memory cannot fail.
  if (!Load().ok()) std::abort();
}

absl::StatusOr<std::unique_ptr<FakeLedger>> FakeLedger::Open(std::shared_ptr<MemoryDisk> disk,
                                                             const Clock& clock,
                                                             const LogLedgerOptions& options) {
  std::unique_ptr<FakeLedger> ledger(new FakeLedger(std::move(disk), clock, options));
  RETURN_IF_ERROR(ledger->Load());
  return ledger;
}

}  // namespace dondoc::ingestion
