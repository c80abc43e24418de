#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/aggregation/feed_client.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/past_cubes.h"
#include "services/aggregation/recent_views.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// How long min_sequence and as_of_sequence wait for the follower to get there.
inline constexpr absl::Duration kSequenceWait = absl::Milliseconds(50);

// Finds the view of the position that is asked for: live, of a late answer, or of the past.
// Thread-safe.
class PositionFinder {
 public:
  using View = std::shared_ptr<const CubeView>;

  PositionFinder(LiveCube& cube, PastCubes& past, FeedClient& feed, absl::Duration sequence_wait)
      : cube_(cube), past_(past), feed_(feed), sequence_wait_(sequence_wait) {}

  // With all the planes named (see LiveCube::ViewFor). kUnavailable: nothing loaded, or
  // min_sequence not reached. kOutOfRange: as_of_sequence is beyond the head. kNotFound: no such
  // definition then.
  absl::StatusOr<View> Find(const Asked& asked, absl::Span<const std::string> plane_ids,
                            absl::Time deadline);
  // The newest; nullptr = nothing is loaded.
  View Live() const { return cube_.View(); }
  LiveCube& cube() { return cube_; }

 private:
  // As Find, without keeping the view for later questions about its position.
  absl::StatusOr<View> FindView(const Asked& asked, absl::Span<const std::string> plane_ids,
                                absl::Time deadline);
  absl::StatusOr<View> FindPast(const View& live, int64_t sequence,
                                absl::Span<const std::string> plane_ids, absl::Time deadline);

  LiveCube& cube_;
  PastCubes& past_;
  FeedClient& feed_;
  const absl::Duration sequence_wait_;
  RecentViews recent_;
};

// For every question while nothing is loaded.
absl::Status NothingLoaded();

}  // namespace dondoc::aggregation
