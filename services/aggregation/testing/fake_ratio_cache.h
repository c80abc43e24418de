#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "services/aggregation/ratio_cache.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation::testing {

// Holds what is published, as the contract says. Thread-safe.
class FakeRatioCache : public RatioCache {
 public:
  absl::StatusOr<Outcome> Publish(const PublishedWindow& window, absl::Duration) override {
    MutexLock lock(mutex_);
    ++calls_;
    if (!failure_.ok()) return failure_;
    const auto failing = key_failures_.find(window.key);
    if (failing != key_failures_.end()) return failing->second;
    const auto held = held_.find(window.key);
    if (held != held_.end() && held->second.ledger_id == window.ledger_id) {
      if (held->second.sequence > window.sequence) return Outcome::kHeldNewer;
      if (held->second.sequence == window.sequence) return Outcome::kSame;
    }
    held_[window.key] = window;
    ++written_;
    return Outcome::kWritten;
  }

  // Until told otherwise every call fails with this.
  void FailWith(absl::Status failure) {
    MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }
  void FailKeyWith(const std::string& key, absl::Status failure) {
    MutexLock lock(mutex_);
    key_failures_[key] = std::move(failure);
  }
  // As after a restart.
  void Empty() {
    MutexLock lock(mutex_);
    held_.clear();
  }
  std::optional<PublishedWindow> Held(const std::string& key) const {
    MutexLock lock(mutex_);
    const auto held = held_.find(key);
    if (held == held_.end()) return std::nullopt;
    return held->second;
  }
  int calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }
  int written() const {
    MutexLock lock(mutex_);
    return written_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> key_failures_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, PublishedWindow> held_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int written_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dondoc::aggregation::testing
