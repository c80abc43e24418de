#pragma once

#include <cstdint>
#include <optional>

#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// How far the data of a view reaches.
struct Reach {
  std::optional<int32_t> first_day;  // of all units
  std::optional<int32_t> last_day;
  int64_t stale_units = 0;  // without data included
  int64_t no_data_units = 0;
};
// Looked at from the last covered day of all. What the metrics say.
Reach ReachOf(const CubeView& view, int32_t stale_after_days);

v1::GetFreshnessResponse AnswerFreshness(const CubeView& view, const FreshnessQuestion& question);

}  // namespace dondoc::aggregation
