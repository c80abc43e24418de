#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dondoc::ctl {

inline constexpr size_t kWatchedFilesMax = 100'000;  // of a folder; more are left alone

// Takes each file that is dropped into a folder once: after it has stopped growing, whatever it is
// called, and never again once its content was taken, also after a restart. Not thread-safe.
class FolderWatch {
 public:
  struct Options {
    std::string folder;
    // What was taken: a line for each content. Locked, so that two watches never share one.
    std::string state_file;
    // Where files go that were taken, or that cannot be read; empty = they stay where they are.
    std::string done_folder;
    std::string failed_folder;
    absl::Duration settle = absl::Seconds(2);      // so long a file must not have changed
    absl::Duration look_every = absl::Seconds(5);  // also where no event tells of a change
    absl::Duration retry_after = absl::Seconds(30);
  };
  enum class Outcome {
    kTaken,
    kFailed,   // the file is at fault: it is not tried again
    kRefused,  // not tried again before the file changes or the program is started anew
    kLater,    // tried again after `retry_after`
  };
  // What became of the file at `path`; `import_id` is kept in the state file.
  using Take = std::function<Outcome(const std::string& path, std::string& import_id)>;

  // kNotFound, kPermissionDenied, kUnavailable name the file or folder. kFailedPrecondition:
  // another watch has the state file.
  static absl::StatusOr<std::unique_ptr<FolderWatch>> Open(Options options, Take take,
                                                           std::ostream& err);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Looks at the folder and takes what is ready at `now`; whether files are still awaited to
  // settle. Errors are those of the folder or the state file.
  absl::StatusOr<bool> Look(absl::Time now);

  // Looks again and again until `stop_fd` can be read; a file being taken is finished first.
  // Without inotify (a network folder) it looks every `look_every`.
  absl::Status Run(int stop_fd);

 private:
  struct Facts {
    int64_t bytes = 0;
    int64_t changed_ns = 0;
    uint64_t inode = 0;
    friend bool operator==(const Facts&, const Facts&) = default;
  };
  struct Seen {
    Facts facts;
    absl::Time since;       // first seen so
    absl::Time not_before;  // of the next try
    bool over = false;      // nothing more to do with it as it is
  };

  FolderWatch(Options options, Take take, std::ostream& err);
  absl::Status LoadState();
  absl::Status Remember(const std::string& hash, const std::string& outcome,
                        const std::string& import_id, const std::string& name);
  absl::Status TakeOne(const std::string& name, Seen& seen, absl::Time now);
  // The file goes to `folder`, under another name when that one is taken there.
  void MoveTo(const std::string& folder, const std::string& name);
  void DrainEvents() const;

  const Options options_;
  const Take take_;
  std::ostream& err_;
  int state_fd_ = -1;
  int events_fd_ = -1;
  std::map<std::string, Seen> files_;                           // by name
  absl::flat_hash_map<std::string, std::string> taken_hashes_;  // hash → outcome
};

// Lower-case hex SHA-256 of a file's bytes.
absl::StatusOr<std::string> HashFile(const std::string& path);

}  // namespace dondoc::ctl
