#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "rocksdb/file_system.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::ingestion::testing {

// A file system that a crash robs of what was not synced: the ends of files after their last sync,
// and creations, renames and deletions after the last sync of the folder. kill -9 cannot show that,
// because the page cache outlives the process. Thread-safe.
class UnsyncedDiscardFs : public rocksdb::FileSystemWrapper {
 public:
  explicit UnsyncedDiscardFs(const std::shared_ptr<rocksdb::FileSystem>& target);
  ~UnsyncedDiscardFs() override;
  const char* Name() const override { return "UnsyncedDiscardFs"; }

  // After so many more changes (appends, syncs, creations, renames, deletions) the machine is down:
  // every change fails and has no effect.
  void StopAfter(int64_t changes);
  // With everything closed: leaves what a crash might, and starts anew. Of the unsynced end of a
  // file a random part stays, perhaps with zeros in it; of the unsynced changes of the folder those
  // up to a random one.
  void Crash(std::mt19937_64& random);

  // Until it is called with OK, appends, syncs and creations fail with `status`.
  void FailWith(const rocksdb::IOStatus& status);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>*,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSWritableFile>*,
                                      rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  class WritableFile;
  class Directory;

  struct Length {
    uint64_t written = 0;
    uint64_t synced = 0;
  };
  // A change of the folder that a crash may take back.
  struct Change {
    enum class Kind { kCreate, kRename, kDelete } kind;
    std::string path;
    std::string renamed_from;
    // What stood at `path` before; nullopt = nothing.
    std::optional<std::string> content;
    Length length;
  };

  // Whether a change may happen now; counts it. Fails when the machine is down.
  rocksdb::IOStatus BeginChange() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<std::string> ReadAll(const std::string& path);
  void WriteAll(const std::string& path, const std::string& content);
  void Undo(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LoseEnd(const std::string& path, const Length& length, std::mt19937_64& random);

  Mutex mutex_;
  int64_t changes_left_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<int64_t>::max();
  rocksdb::IOStatus failure_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Length> lengths_ ABSL_GUARDED_BY(mutex_);
  std::vector<Change> changes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::ingestion::testing
