#include "services/aggregation/window_registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace dondoc::aggregation {

void WindowRegistry::DropExpired(absl::Time now) {
  std::erase_if(expire_, [now](const auto& lease) { return lease.second <= now; });
}

absl::Status WindowRegistry::Register(const RegisteredWindow& window, absl::Time now,
                                      absl::Time expire) {
  MutexLock lock(mutex_);
  DropExpired(now);
  const auto found = expire_.find(window);
  if (found != expire_.end()) {
    found->second = std::max(found->second, expire);
    return absl::OkStatus();
  }
  if (expire_.size() >= kRegisteredWindowsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("windows: ", expire_.size(), " registered, limit ", kRegisteredWindowsMax));
  }
  expire_.emplace(window, expire);
  return absl::OkStatus();
}

std::vector<RegisteredWindow> WindowRegistry::Live(absl::Time now) {
  MutexLock lock(mutex_);
  DropExpired(now);
  std::vector<RegisteredWindow> live;
  for (const auto& [window, expire] : expire_) live.push_back(window);
  return live;
}

}  // namespace dondoc::aggregation
