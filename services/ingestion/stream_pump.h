#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "services/common/mutex/mutex.h"
#include "services/common/rpc/status_conversion.h"

namespace dondoc::ingestion {

// Messages that wait for a reader; the one that gRPC has in hand comes on top.
inline constexpr size_t kPumpedMessagesMax = 4;

// One stream to a client, filled by a thread of its own (Run) that may block: on the ledger, and on
// a full queue for at most `stall_max`, after which the client is cut with RESOURCE_EXHAUSTED.
// Alive as long as gRPC or that thread needs it.
template <typename Message>
class StreamPump : public grpc::ServerWriteReactor<Message>,
                   public std::enable_shared_from_this<StreamPump<Message>> {
 public:
  // `on_done` is called once, from any thread, with how the stream ended.
  StreamPump(grpc::CallbackServerContext* context, absl::Duration stall_max,
             std::function<void(const absl::Status&)> on_done)
      : context_(context), stall_max_(stall_max), on_done_(std::move(on_done)) {}

  // Before the reactor is given to gRPC.
  void Hold() { self_ = this->shared_from_this(); }

  // Fills the stream with `produce`, ends it with its status, and returns when gRPC is done.
  void Run(const std::function<absl::Status(StreamPump&)>& produce) {
    const absl::Status status = produce(*this);
    {
      MutexLock lock(mutex_);
      status_ = status;
      // What is queued still goes out, unless nobody reads it.
      if (!absl::IsResourceExhausted(status)) {
        WaitUntil([&] { return cancelled_ || (!writing_ && queue_.empty()); });
      }
      // Nothing may be started once Finish is called.
      queue_.clear();
      while (starting_ > 0) changed_.Wait(mutex_);
    }
    this->Finish(ToGrpc(status));
    MutexLock lock(mutex_);
    WaitUntil([&] { return done_; });
    // The client takes not even the status: let go of the stream. Under the lock, so that the
    // context is still there; gRPC runs none of our reactions inside the call.
    if (!done_) context_->TryCancel();
    while (!done_) changed_.Wait(mutex_);
  }

  // kCancelled: the client is gone. kResourceExhausted: it reads too slowly. After an error,
  // `produce` returns it.
  absl::Status Write(Message message) {
    {
      MutexLock lock(mutex_);
      const absl::Time deadline = absl::Now() + stall_max_;
      while (queue_.size() >= kPumpedMessagesMax && !cancelled_) {
        const absl::Duration left = deadline - absl::Now();
        if (left <= absl::ZeroDuration()) {
          queue_.clear();
          return absl::ResourceExhaustedError("the stream is read too slowly");
        }
        changed_.WaitFor(mutex_, left);
      }
      if (cancelled_) return absl::CancelledError("the client is gone");
      queue_.push_back(std::move(message));
      if (writing_) return absl::OkStatus();
      TakeNext();
    }
    StartNext();
    return absl::OkStatus();
  }

  // Whether nothing waits to be read.
  bool idle() {
    MutexLock lock(mutex_);
    return queue_.empty() && !writing_;
  }
  bool cancelled() {
    MutexLock lock(mutex_);
    return cancelled_;
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      if (!ok) cancelled_ = true;
      writing_ = false;
      changed_.SignalAll();
      if (cancelled_ || queue_.empty()) return;
      TakeNext();
    }
    StartNext();
  }
  void OnCancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.SignalAll();
  }
  void OnDone() override {
    absl::Status status;
    {
      MutexLock lock(mutex_);
      status = status_;
    }
    on_done_(status);
    // The last use of `this` may be in another thread from here on.
    const std::shared_ptr<StreamPump> self = std::move(self_);
    MutexLock lock(mutex_);
    done_ = true;
    changed_.SignalAll();
  }

 private:
  void TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    current_ = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    ++starting_;
    changed_.SignalAll();
  }
  // Returns when `condition` holds, or after `stall_max_`.
  template <typename Condition>
  void WaitUntil(Condition condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const absl::Time deadline = absl::Now() + stall_max_;
    while (!condition()) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) return;
      changed_.WaitFor(mutex_, left);
    }
  }
  // Not under the lock, after TakeNext.
  void StartNext() {
    this->StartWrite(&current_);
    MutexLock lock(mutex_);
    --starting_;
    changed_.SignalAll();
  }

  grpc::CallbackServerContext* const context_;  // valid until OnDone
  const absl::Duration stall_max_;
  const std::function<void(const absl::Status&)> on_done_;
  std::shared_ptr<StreamPump> self_;
  Message current_;  // gRPC's while writing_

  Mutex mutex_;
  CondVar changed_;
  std::deque<Message> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  int starting_ ABSL_GUARDED_BY(mutex_) = 0;  // between TakeNext and the end of StartWrite
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::ingestion
