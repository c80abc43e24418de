#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "dondoc/v1/common.pb.h"
#include "services/ctl/sample/random.h"

namespace dondoc::sample {

// What the article says of 01/01–15/11/2023; everything else of the sample year is drawn.
inline constexpr int64_t kSharePer10000 = 2677;  // 26,77 % of all dossiers online
inline constexpr int64_t kDepartmentsReached = 10;
inline constexpr int64_t kDistrictsReached = 4;
inline constexpr int64_t kCommunesReached = 6;

inline constexpr int64_t kUnitDossiersMin = 12;

// How large a unit is beside others of its level, in thousandths of the usual.
struct UnitShape {
  v1::Level::Value level = v1::Level::UNSPECIFIED;
  int64_t size_per_mille = 1000;
};

// The dossiers that a unit shall count in the window.
struct UnitPlan {
  int64_t total = 0;
  int64_t online = 0;
};

// Draws how many dossiers each unit counts and how many of them online, so that the pooled share
// prints 26,77 %, the article's number of units of each level is above one half and none is at
// exactly one half. The same for the same random state. kInvalidArgument when `units` has fewer
// units of a level than the article has above one half. kInternal when no draw fits, which tests
// over many seeds have not met.
absl::StatusOr<std::vector<UnitPlan>> MakePlan(const std::vector<UnitShape>& units, Random& random);

}  // namespace dondoc::sample
