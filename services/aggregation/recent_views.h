#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/types/span.h"
#include "services/aggregation/cube.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

inline constexpr size_t kRecentViewsMax = 8;

// The views that answers were given from lately. Who got an answer comes back with its position,
// for the next page or for another figure of the same evaluation; without these, each of them would
// load a snapshot while new sequences come in. Views share what did not change, so they are cheap.
// Thread-safe.
class RecentViews {
 public:
  void Keep(const std::shared_ptr<const CubeView>& view);
  // nullptr when there is none of that position that has all these planes.
  std::shared_ptr<const CubeView> Find(const std::string& ledger_id, int64_t sequence,
                                       absl::Span<const std::string> plane_ids) const;

 private:
  mutable Mutex mutex_;
  std::list<std::shared_ptr<const CubeView>> views_ ABSL_GUARDED_BY(mutex_);  // newest first
};

}  // namespace dondoc::aggregation
