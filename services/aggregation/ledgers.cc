#include "services/aggregation/ledgers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {

void Ledgers::Put(const std::string& province_id, Finder finder) {
  MutexLock lock(mutex_);
  // Swapped, so that the old one goes after the lock.
  finders_[province_id].swap(finder);
}

void Ledgers::Remove(const std::string& province_id) {
  Finder removed;
  MutexLock lock(mutex_);
  const auto found = finders_.find(province_id);
  if (found == finders_.end()) return;
  removed = std::move(found->second);
  finders_.erase(found);
}

absl::StatusOr<Ledgers::Finder> Ledgers::Find(const std::string& province_id) const {
  MutexLock lock(mutex_);
  if (finders_.empty()) return NothingLoaded();
  if (province_id.empty()) {
    if (finders_.size() == 1) return finders_.begin()->second;
    return absl::InvalidArgumentError(
        absl::StrCat("province_id: required, ", finders_.size(), " provinces are followed"));
  }
  const auto found = finders_.find(province_id);
  if (found == finders_.end()) {
    return absl::NotFoundError(
        absl::StrCat("province_id: there is no province ", Quoted(province_id)));
  }
  return found->second;
}

std::map<std::string, Ledgers::Finder> Ledgers::All() const {
  MutexLock lock(mutex_);
  return finders_;
}

}  // namespace dondoc::aggregation
