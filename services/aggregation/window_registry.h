#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/aggregation/day_range.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

inline constexpr size_t kRegisteredWindowsMax = 64;

struct RegisteredWindow {
  std::string definition_id;
  DayRange window;

  friend bool operator<(const RegisteredWindow& a, const RegisteredWindow& b) {
    return std::tie(a.definition_id, a.window.first, a.window.last) <
           std::tie(b.definition_id, b.window.first, b.window.last);
  }
};

// The windows that are kept in Redis, each until its lease ends. In memory: who wants a window kept
// renews its lease. `now` is real time, given by the caller. Thread-safe.
class WindowRegistry {
 public:
  // Registers, or renews: a lease never becomes shorter. kResourceExhausted when
  // kRegisteredWindowsMax others are registered.
  absl::Status Register(const RegisteredWindow& window, absl::Time now, absl::Time expire);
  // The live ones, in order.
  std::vector<RegisteredWindow> Live(absl::Time now);

 private:
  void DropExpired(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  std::map<RegisteredWindow, absl::Time> expire_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::aggregation
