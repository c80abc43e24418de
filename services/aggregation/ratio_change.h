#pragma once

#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"
#include "services/aggregation/selection.h"

namespace dondoc::aggregation {

// A unit's place among its level and what a week and a year changed, as RatioChange says.
class RatioChanges {
 public:
  // Ranks all of `rows`.
  RatioChanges(const CubeView& view, const DefinitionPlane& plane, const Question& question,
               const RowUnits& rows);

  // Of one of the rows.
  v1::RatioChange Of(int unit) const;
  // nullopt = without dossiers.
  std::optional<int64_t> Rank(int unit) const;
  // change_percent_points for ordering, in 10^-12 of the whole; nullopt where that is absent.
  std::optional<int64_t> Change(int unit) const;

 private:
  struct Row {
    Figure now;
    std::optional<Figure> before;
    Figure week;
    Figure week_before;
    Figure year_before;
    std::optional<int64_t> rank;
    std::optional<int64_t> rank_before;
    int64_t ranked = 0;
  };
  void RankLevel(std::vector<Row*> rows);

  const Question& question_;
  absl::flat_hash_map<int, Row> rows_;
};

// The same days a year earlier; 29 February is 28 then.
DayRange YearBefore(const DayRange& window);

}  // namespace dondoc::aggregation
