#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "dondoc/v1/imports.pb.h"
#include "services/common/clock/clock.h"
#include "services/common/mutex/mutex.h"
#include "services/ingestion/import_job.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr size_t kImportsRunningMax = 8;

// The life of imports: a file comes in, takes effect or waits as a preview, is reverted, replayed,
// given up. What took effect is the ledger's to say; the store keeps what the file was.
// Thread-safe.
class Imports {
 public:
  struct Config {
    std::string province = "Kon Tum";
    ImportJob::Limits limits;
    ImportJob::Reading reading;
    // How long an upload that broke off waits for the rest.
    absl::Duration pause_max = absl::Minutes(10);
  };

  // A file on its way. Feed, Pause, Finish and Fail belong to the thread that has it from Begin or
  // Resume; exactly one of Pause, Finish and Fail ends that.
  class Upload {
   public:
    // kCancelled after Imports::Cancel. kInvalidArgument: the file cannot be read, Finish will
    // answer the FAILED import. Others are the store's: Fail it.
    absl::Status Feed(absl::string_view bytes);
    // What became of it: APPLIED, PREVIEWED or FAILED; or, when an applied import has the same
    // bytes and options, that one. kUnavailable and kResourceExhausted: could not be stored; when
    // it was read to its end it is PREVIEWED and may be applied later.
    absl::StatusOr<v1::Import> Finish();
    // The upload broke; nothing of it takes effect. `reason` is Vietnamese.
    void Fail(const std::string& reason);
    // This much came; what is missing may come after a Resume. The import stays RUNNING. Only for
    // one with total_bytes. kCancelled after Imports::Cancel.
    absl::StatusOr<v1::Import> Pause();

    // Bytes that are still to come; 0 when the file's size was not declared.
    int64_t missing_bytes() const;
    bool can_pause() const { return import_.total_bytes() > 0; }

   private:
    friend class Imports;
    enum class Phase { kReading, kPaused, kEnding, kCancelled };

    Upload(Imports& owner, v1::Import import, std::unique_ptr<ImportJob> job,
           std::function<void()> interrupt);
    // Whether the upload may end now, or was cancelled before.
    bool BeginEnd();
    // Whether it could be cancelled; `paused` = no thread has it.
    bool RequestCancel(bool& paused);
    // Takes it over from the request that has it, if one does; see Imports::Resume.
    absl::Status TakeOver(int64_t offset, std::function<void()> interrupt);
    // Ends it when it is paused since before `then`.
    bool EndPauseSince(absl::Time then);

    Imports& owner_;
    v1::Import import_;
    const std::unique_ptr<ImportJob> job_;
    absl::Status unreadable_;  // the file's fault
    Mutex mutex_;
    CondVar paused_;
    Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kReading;
    absl::Time paused_at_ ABSL_GUARDED_BY(mutex_);
    std::function<void()> interrupt_ ABSL_GUARDED_BY(mutex_);
  };

  Imports(Ledger& ledger, ImportStore& store, const Clock& clock, Metrics& metrics, Config config);
  ~Imports();
  Imports(const Imports&) = delete;
  Imports& operator=(const Imports&) = delete;

  // Once, before anything else: imports that a crash left RUNNING become FAILED.
  absl::Status Recover();

  // kAlreadyExists: the id is taken. kResourceExhausted: too many files on their way.
  // `interrupt` is called when the import is cancelled while its file is awaited; it must not call
  // back.
  absl::StatusOr<std::shared_ptr<Upload>> Begin(ImportOptions options,
                                                std::function<void()> interrupt);

  // The upload `import_id` goes on from byte `offset`; a request that still has it, because nobody
  // has told it yet that its sender is gone, is interrupted. kNotFound. kFailedPrecondition: it
  // takes no more bytes. kOutOfRange: other than `offset` bytes have come; the message says how
  // many. kUnavailable: the other request does not let go.
  absl::StatusOr<std::shared_ptr<Upload>> Resume(const std::string& import_id, int64_t offset,
                                                 std::function<void()> interrupt);

  absl::StatusOr<v1::Import> Find(const std::string& import_id) const;
  absl::StatusOr<std::vector<v1::Import>> List(const std::string& after_id, int limit) const;
  // In row order after `after_row`; numbers as in row_place.h. kNotFound.
  absl::StatusOr<std::vector<v1::Reject>> ListRejects(const std::string& import_id,
                                                      int64_t after_row, int limit) const;

  // As ImportService says.
  absl::StatusOr<v1::Import> Apply(const std::string& import_id, bool confirm_withdrawals);
  absl::StatusOr<v1::Import> Revert(const std::string& import_id);
  absl::StatusOr<v1::Import> Replay(const std::string& import_id);
  absl::StatusOr<v1::Import> Cancel(const std::string& import_id);

 private:
  absl::StatusOr<v1::Import> EndUpload(Upload& upload);
  void EndFailed(v1::Import import, const std::string& reason);
  void Forget(const std::string& import_id);
  absl::StatusOr<v1::Import> Settle(v1::Import import, const ImportOptions& options)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<v1::Import> KeepAsPreview(v1::Import import, const CommitResult& result,
                                           bool withdraws_many)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // What the ledger is asked for, with what the import's rejected rows name.
  absl::StatusOr<ImportApplication> ApplicationOf(const v1::Import& import,
                                                  bool confirm_withdrawals) const;
  absl::StatusOr<v1::Import> TakeEffect(const v1::Import& import, bool confirm_withdrawals)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<std::string> FindApplied(const std::string& content_key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<bool> StageReplay(const v1::Import& import, std::vector<int64_t>& counted_rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<bool> StageStatementReplay(const v1::Import& import,
                                            std::vector<int64_t>& counted_rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  absl::StatusOr<CommitResult> Commit(absl::string_view kind, const Change& change);
  // Stores how many rejects of which reason the import has now.
  absl::Status RecountRejects(const std::string& import_id);
  // Until the end: uploads that nobody goes on with fail.
  void EndOldPauses();
  // The store's description with what the log and a running upload say.
  v1::Import Merge(v1::Import import) const;
  void FillResult(const CommitResult& result, v1::Import& import) const;

  Ledger& ledger_;
  ImportStore& store_;
  const Clock& clock_;
  Metrics& metrics_;
  const Config config_;

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Upload>> running_ ABSL_GUARDED_BY(mutex_);
  CondVar ending_changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread pauses_;

  // Held from the look at an import's state to the commit that depends on it, so that of two equal
  // uploads, or two officers' clicks, the second sees what the first did. Readers never take it.
  Mutex change_mutex_;
  // Imports by their bytes and options.
  absl::flat_hash_map<std::string, std::vector<std::string>> by_content_
      ABSL_GUARDED_BY(change_mutex_);
};

}  // namespace dondoc::ingestion
