#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/ratio.h"

namespace dondoc::aggregation {

struct DayCounts {
  int32_t day = 0;
  Counts counts;
};

// The dossiers of one unit under one definition, added up day by day, so that any window is two
// look-ups. Immutable.
//
// Days are stored densely, one entry each, as long as first and last are at most kDenseDaysMax
// apart; beyond (a dossier of the year 1900 next to one of today) only days with dossiers are
// stored and a look-up is a binary search: a bad date costs time, never memory.
class UnitPlane {
 public:
  // Adds `changes` (any order, a day may come repeatedly) to `before`, which may be nullptr.
  // nullptr when nothing is left. kDataLoss when a day would hold a negative count.
  static absl::StatusOr<std::shared_ptr<const UnitPlane>> Make(const UnitPlane* before,
                                                               std::vector<DayCounts> changes);

  Counts In(const DayRange& window) const;
  // The days with dossiers, in order.
  std::vector<DayCounts> Days() const;

 private:
  // All days up to and including `day`.
  Counts UpTo(int64_t day) const;

  int32_t first_ = 0;
  std::vector<Counts> sums_;
  std::vector<int32_t> days_;  // of sums_, when sparse; empty when dense
};

inline constexpr int32_t kDenseDaysMax = 20 * 366;

}  // namespace dondoc::aggregation
