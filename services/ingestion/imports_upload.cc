// How a file comes in: in one request or several, broken off, gone on with, given up.

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/log/log.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/ingestion/imports.h"

namespace dondoc::ingestion {
namespace {

constexpr char kNotContinued[] =
    "Việc tải tệp lên bị ngắt và không được nối lại, hãy tải lại từ đầu.";
// How long a request that goes on with an upload waits for the one before to let go.
constexpr absl::Duration kTakeOverMax = absl::Seconds(10);
constexpr absl::Duration kTakeOverStep = absl::Milliseconds(200);
constexpr absl::Duration kPausesLookedAtEvery = absl::Seconds(5);

}  // namespace

Imports::Upload::Upload(Imports& owner, v1::Import import, std::unique_ptr<ImportJob> job,
                        std::function<void()> interrupt)
    : owner_(owner),
      import_(std::move(import)),
      job_(std::move(job)),
      interrupt_(std::move(interrupt)) {}

int64_t Imports::Upload::missing_bytes() const {
  return std::max<int64_t>(0, import_.total_bytes() - job_->bytes());
}

absl::Status Imports::Upload::Feed(absl::string_view bytes) {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kCancelled) return absl::CancelledError("the import was cancelled");
  }
  if (!unreadable_.ok()) return unreadable_;
  owner_.metrics_.import_bytes.Increment(static_cast<double>(bytes.size()));
  if (can_pause() && static_cast<int64_t>(bytes.size()) > missing_bytes()) {
    unreadable_ = absl::InvalidArgumentError(absl::StrCat(
        "Tệp dài hơn ", NumberVi(import_.total_bytes()), " byte đã khai khi bắt đầu tải lên."));
    return unreadable_;
  }
  const absl::Status fed = job_->Feed(bytes);
  if (absl::IsInvalidArgument(fed)) unreadable_ = fed;
  return fed;
}

bool Imports::Upload::BeginEnd() {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kCancelled) return false;
  phase_ = Phase::kEnding;
  return true;
}

bool Imports::Upload::RequestCancel(bool& paused) {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kEnding) return false;
  paused = phase_ == Phase::kPaused;
  phase_ = Phase::kCancelled;
  job_->Stop();
  // Under the lock, so that it is not called once the upload is ending and its call is over.
  if (!paused) interrupt_();
  return true;
}

absl::StatusOr<v1::Import> Imports::Upload::Pause() {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kCancelled) return absl::CancelledError("the import was cancelled");
  phase_ = Phase::kPaused;
  paused_at_ = absl::Now();
  interrupt_ = nullptr;
  paused_.SignalAll();
  v1::Import import = import_;
  import.set_bytes(job_->bytes());
  return import;
}

absl::Status Imports::Upload::TakeOver(int64_t offset, std::function<void()> interrupt) {
  MutexLock lock(mutex_);
  const absl::Time until = absl::Now() + kTakeOverMax;
  while (phase_ == Phase::kReading && missing_bytes() > 0) {
    interrupt_();
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::UnavailableError("the request before is still at it; try again");
    }
    paused_.WaitFor(mutex_, std::min(left, kTakeOverStep));
  }
  if (phase_ != Phase::kPaused) {
    return absl::FailedPreconditionError(
        absl::StrCat("import_id: import ", import_.import_id(), " takes no more bytes"));
  }
  if (offset != job_->bytes()) {
    return absl::OutOfRangeError(
        absl::StrCat("offset: ", offset, ", but ", job_->bytes(), " bytes have been received"));
  }
  phase_ = Phase::kReading;
  interrupt_ = std::move(interrupt);
  return absl::OkStatus();
}

bool Imports::Upload::EndPauseSince(absl::Time then) {
  {
    MutexLock lock(mutex_);
    if (phase_ != Phase::kPaused || paused_at_ > then) return false;
    phase_ = Phase::kEnding;
  }
  owner_.EndFailed(import_, kNotContinued);
  return true;
}

absl::StatusOr<v1::Import> Imports::Upload::Finish() {
  absl::StatusOr<v1::Import> ended = owner_.EndUpload(*this);
  owner_.Forget(import_.import_id());
  // Merged again, now that it is no longer seen as on its way.
  if (ended.ok()) return owner_.Merge(*std::move(ended));
  return ended;
}

void Imports::Upload::Fail(const std::string& reason) {
  if (BeginEnd()) {
    owner_.EndFailed(import_, reason);
  } else if (absl::Status dropped = owner_.store_.DropStagedRows(import_.import_id());
             !dropped.ok()) {
    log::Warning("staged rows of a cancelled import not dropped", {{"error", dropped.message()}});
  }
  owner_.Forget(import_.import_id());
}

absl::StatusOr<std::shared_ptr<Imports::Upload>> Imports::Resume(const std::string& import_id,
                                                                 int64_t offset,
                                                                 std::function<void()> interrupt) {
  std::shared_ptr<Upload> upload;
  {
    MutexLock lock(mutex_);
    const auto running = running_.find(import_id);
    if (running != running_.end()) upload = running->second;
  }
  if (upload == nullptr) {
    ASSIGN_OR_RETURN(const v1::Import import, Find(import_id));
    return absl::FailedPreconditionError(absl::StrCat("import_id: import ", import_id, " is ",
                                                      v1::ImportState::Value_Name(import.state()),
                                                      ", not RUNNING"));
  }
  if (!upload->can_pause()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "import_id: import ", import_id, " was begun without total_bytes and cannot be continued"));
  }
  RETURN_IF_ERROR(upload->TakeOver(offset, std::move(interrupt)));
  return upload;
}

void Imports::EndOldPauses() {
  const absl::Duration every = std::min(config_.pause_max, kPausesLookedAtEvery);
  while (true) {
    std::vector<std::shared_ptr<Upload>> uploads;
    {
      MutexLock lock(mutex_);
      if (!ending_) ending_changed_.WaitFor(mutex_, every);
      if (ending_) return;
      for (const auto& [import_id, upload] : running_) uploads.push_back(upload);
    }
    const absl::Time then = absl::Now() - config_.pause_max;
    for (const std::shared_ptr<Upload>& upload : uploads) {
      if (upload->EndPauseSince(then)) Forget(upload->import_.import_id());
    }
  }
}

}  // namespace dondoc::ingestion
