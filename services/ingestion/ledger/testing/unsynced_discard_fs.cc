#include "services/ingestion/ledger/testing/unsynced_discard_fs.h"

#include <algorithm>
#include <utility>

namespace dondoc::ingestion::testing {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class UnsyncedDiscardFs::WritableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(UnsyncedDiscardFs& files, std::string path,
               std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    MutexLock lock(files_.mutex_);
    if (IOStatus begun = files_.BeginChange(); !begun.ok()) return begun;
    const IOStatus appended = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (appended.ok()) files_.lengths_[path_].written += data.size();
    return appended;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("no direct I/O in tests");
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("no direct I/O in tests");
  }
  IOStatus Truncate(uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("no direct I/O in tests");
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    MutexLock lock(files_.mutex_);
    if (IOStatus begun = files_.BeginChange(); !begun.ok()) return begun;
    const IOStatus synced = FSWritableFileOwnerWrapper::Sync(options, debug);
    Length& length = files_.lengths_[path_];
    if (synced.ok()) length.synced = length.written;
    return synced;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  bool IsSyncThreadSafe() const override { return true; }

 private:
  UnsyncedDiscardFs& files_;
  const std::string path_;
};

class UnsyncedDiscardFs::Directory : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(UnsyncedDiscardFs& files, std::unique_ptr<rocksdb::FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), files_(files) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    MutexLock lock(files_.mutex_);
    if (IOStatus begun = files_.BeginChange(); !begun.ok()) return begun;
    const IOStatus synced = FSDirectoryWrapper::Fsync(options, debug);
    if (synced.ok()) files_.changes_.clear();
    return synced;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  UnsyncedDiscardFs& files_;
};

UnsyncedDiscardFs::UnsyncedDiscardFs(const std::shared_ptr<rocksdb::FileSystem>& target)
    : FileSystemWrapper(target) {}

UnsyncedDiscardFs::~UnsyncedDiscardFs() = default;

void UnsyncedDiscardFs::StopAfter(int64_t changes) {
  MutexLock lock(mutex_);
  changes_left_ = changes;
}

void UnsyncedDiscardFs::FailWith(const IOStatus& status) {
  MutexLock lock(mutex_);
  failure_ = status;
}

IOStatus UnsyncedDiscardFs::BeginChange() {
  if (changes_left_ <= 0) return IOStatus::IOError("the machine is down");
  --changes_left_;
  return failure_;
}

std::optional<std::string> UnsyncedDiscardFs::ReadAll(const std::string& path) {
  std::string content;
  if (!rocksdb::ReadFileToString(target(), path, &content).ok()) return std::nullopt;
  return content;
}

void UnsyncedDiscardFs::WriteAll(const std::string& path, const std::string& content) {
  (void)target()->DeleteFile(path, IOOptions(), nullptr);  // may not be there
  (void)rocksdb::WriteStringToFile(target(), content, path, /*should_sync=*/true);
}

IOStatus UnsyncedDiscardFs::NewWritableFile(const std::string& path,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* file,
                                            IODebugContext* debug) {
  MutexLock lock(mutex_);
  if (IOStatus begun = BeginChange(); !begun.ok()) return begun;
  Change change{Change::Kind::kCreate, path, "", ReadAll(path), lengths_[path]};
  std::unique_ptr<rocksdb::FSWritableFile> made;
  IOStatus status = target()->NewWritableFile(path, options, &made, debug);
  if (!status.ok()) return status;
  changes_.push_back(std::move(change));
  lengths_[path] = {};
  *file = std::make_unique<WritableFile>(*this, path, std::move(made));
  return status;
}

IOStatus UnsyncedDiscardFs::ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                               std::unique_ptr<rocksdb::FSWritableFile>*,
                                               IODebugContext*) {
  return IOStatus::NotSupported("the ledger does not need it");
}

IOStatus UnsyncedDiscardFs::ReuseWritableFile(const std::string&, const std::string&,
                                              const rocksdb::FileOptions&,
                                              std::unique_ptr<rocksdb::FSWritableFile>*,
                                              IODebugContext*) {
  return IOStatus::NotSupported("the ledger does not need it");
}

IOStatus UnsyncedDiscardFs::NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                            IODebugContext*) {
  return IOStatus::NotSupported("the ledger does not need it");
}

IOStatus UnsyncedDiscardFs::LinkFile(const std::string&, const std::string&, const IOOptions&,
                                     IODebugContext*) {
  return IOStatus::NotSupported("the ledger does not need it");
}

IOStatus UnsyncedDiscardFs::Truncate(const std::string&, size_t, const IOOptions&,
                                     IODebugContext*) {
  return IOStatus::NotSupported("the ledger does not need it");
}

IOStatus UnsyncedDiscardFs::NewDirectory(const std::string& path, const IOOptions& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* directory,
                                         IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> made;
  IOStatus status = target()->NewDirectory(path, options, &made, debug);
  if (status.ok()) *directory = std::make_unique<Directory>(*this, std::move(made));
  return status;
}

IOStatus UnsyncedDiscardFs::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  MutexLock lock(mutex_);
  if (IOStatus begun = BeginChange(); !begun.ok()) return begun;
  Change change{Change::Kind::kRename, to, from, ReadAll(to), lengths_[to]};
  IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  changes_.push_back(std::move(change));
  lengths_[to] = lengths_[from];
  lengths_.erase(from);
  return status;
}

IOStatus UnsyncedDiscardFs::DeleteFile(const std::string& path, const IOOptions& options,
                                       IODebugContext* debug) {
  MutexLock lock(mutex_);
  if (IOStatus begun = BeginChange(); !begun.ok()) return begun;
  Change change{Change::Kind::kDelete, path, "", ReadAll(path), lengths_[path]};
  IOStatus status = target()->DeleteFile(path, options, debug);
  if (!status.ok()) return status;
  changes_.push_back(std::move(change));
  lengths_.erase(path);
  return status;
}

void UnsyncedDiscardFs::Undo(const Change& change) {
  if (change.kind == Change::Kind::kRename) {
    WriteAll(change.renamed_from, ReadAll(change.path).value_or(""));
    lengths_[change.renamed_from] = lengths_[change.path];
  }
  if (change.content) {
    WriteAll(change.path, *change.content);
    lengths_[change.path] = change.length;
  } else {
    (void)target()->DeleteFile(change.path, IOOptions(), nullptr);
    lengths_.erase(change.path);
  }
}

void UnsyncedDiscardFs::LoseEnd(const std::string& path, const Length& length,
                                std::mt19937_64& random) {
  std::optional<std::string> content = ReadAll(path);
  if (!content || content->size() <= length.synced) return;
  const auto below = [&random](size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound)(random);
  };
  const size_t unsynced = content->size() - length.synced;
  size_t kept = 0;
  switch (below(3)) {
    case 0:
      break;
    case 1:
      kept = unsynced;
      break;
    default:
      kept = below(unsynced);
  }
  content->resize(length.synced + kept);
  // The file system had made room for pages that never came.
  if (kept > 0 && below(3) == 0) {
    const size_t from = length.synced + below(kept - 1);
    std::fill(content->begin() + static_cast<std::ptrdiff_t>(from), content->end(), '\0');
  }
  WriteAll(path, *content);
}

void UnsyncedDiscardFs::Crash(std::mt19937_64& random) {
  MutexLock lock(mutex_);
  const size_t survive = std::uniform_int_distribution<size_t>(0, changes_.size())(random);
  while (changes_.size() > survive) {
    Undo(changes_.back());
    changes_.pop_back();
  }
  changes_.clear();
  for (const auto& [path, length] : lengths_) LoseEnd(path, length, random);
  // What is there now has been on the disk for good.
  for (auto& [path, length] : lengths_) {
    const std::optional<std::string> content = ReadAll(path);
    length.written = length.synced = content ? content->size() : 0;
  }
  changes_left_ = std::numeric_limits<int64_t>::max();
}

}  // namespace dondoc::ingestion::testing
