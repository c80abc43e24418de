#include "services/aggregation/recent_views.h"

#include <algorithm>
#include <utility>

namespace dondoc::aggregation {

void RecentViews::Keep(const std::shared_ptr<const CubeView>& view) {
  // Freed after the lock: the last reference to a view may be a lot of work.
  std::shared_ptr<const CubeView> dropped;
  MutexLock lock(mutex_);
  const auto found = std::find(views_.begin(), views_.end(), view);
  if (found != views_.end()) {
    views_.splice(views_.begin(), views_, found);
    return;
  }
  views_.push_front(view);
  if (views_.size() > kRecentViewsMax) {
    dropped = std::move(views_.back());
    views_.pop_back();
  }
}

std::shared_ptr<const CubeView> RecentViews::Find(const std::string& ledger_id, int64_t sequence,
                                                  absl::Span<const std::string> plane_ids) const {
  MutexLock lock(mutex_);
  for (const std::shared_ptr<const CubeView>& view : views_) {
    if (view->position().sequence() == sequence && view->position().ledger_id() == ledger_id &&
        std::all_of(plane_ids.begin(), plane_ids.end(),
                    [&view](const std::string& id) { return view->FindPlane(id) != nullptr; })) {
      return view;
    }
  }
  return nullptr;
}

}  // namespace dondoc::aggregation
