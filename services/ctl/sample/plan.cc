#include "services/ctl/sample/plan.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace dondoc::sample {
namespace {

constexpr int kDrawsMax = 200;

// How the province's dossiers spread over the levels and what share is filed online there, in
// 1/10000.
struct LevelShape {
  v1::Level::Value level;
  absl::string_view name;
  int64_t reached;        // units above one half
  int64_t volume_weight;  // of 100
  int64_t reached_low, reached_high;
  int64_t below_low, below_high;
};

constexpr LevelShape kLevels[] = {
    {v1::Level::PROVINCE, "province", kDepartmentsReached, 14, 5200, 9300, 1500, 4850},
    {v1::Level::DISTRICT, "district", kDistrictsReached, 16, 5100, 7800, 800, 4800},
    {v1::Level::COMMUNE, "commune", kCommunesReached, 70, 5050, 8200, 100, 4600},
};

// A product of uniform factors: its logarithm is nearly normal, in integers only.
int64_t DrawWeight(int64_t size_per_mille, Random& random) {
  int64_t weight = 1'000 * size_per_mille;
  for (int factor = 0; factor < 8; ++factor) weight = weight * random.Between(400, 1600) / 1000;
  return std::max<int64_t>(weight, 1);
}

void DrawTotals(const std::vector<UnitShape>& units, const std::vector<size_t>& members,
                int64_t level_total, std::vector<UnitPlan>& plan, Random& random) {
  std::vector<int64_t> weights;
  for (const size_t unit : members) {
    weights.push_back(DrawWeight(units[unit].size_per_mille, random));
  }
  const int64_t sum = std::accumulate(weights.begin(), weights.end(), int64_t{0});
  for (size_t i = 0; i < members.size(); ++i) {
    plan[members[i]].total = kUnitDossiersMin + level_total * weights[i] / sum;
  }
}

// How far a unit's online count may move without changing sides.
struct Bounds {
  int64_t low, high;
};
Bounds BoundsOf(const UnitPlan& unit, bool reached) {
  if (reached) {
    const int64_t low = unit.total / 2 + 1;
    return {low, std::max(low, unit.total * 97 / 100)};
  }
  const int64_t high = (unit.total - 1) / 2;
  return {std::min(high, unit.total / 50), high};
}

void DrawOnline(const LevelShape& shape, const std::vector<size_t>& members,
                std::vector<UnitPlan>& plan, std::vector<bool>& reached, Random& random) {
  for (size_t i = 0; i < members.size(); ++i) {
    UnitPlan& unit = plan[members[i]];
    const bool above = i < static_cast<size_t>(shape.reached);
    // The lower of two draws: most units that lag, lag far behind.
    const int64_t share = above ? random.Between(shape.reached_low, shape.reached_high)
                                : std::min(random.Between(shape.below_low, shape.below_high),
                                           random.Between(shape.below_low, shape.below_high));
    const Bounds bounds = BoundsOf(unit, above);
    unit.online = std::clamp(unit.total * share / 10'000, bounds.low, bounds.high);
    reached[members[i]] = above;
  }
}

// Moves online counts of a few units, each within its side of one half, until the pooled share is
// the article's. False when the draw leaves no room for that.
bool MeetPooledShare(std::vector<UnitPlan>& plan, const std::vector<bool>& reached,
                     Random& random) {
  int64_t total = 0;
  int64_t online = 0;
  for (const UnitPlan& unit : plan) {
    total += unit.total;
    online += unit.online;
  }
  int64_t missing = (total * kSharePer10000 + 5'000) / 10'000 - online;
  std::vector<size_t> order(plan.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (bool moved = true; missing != 0 && moved;) {
    moved = false;
    random.Shuffle(order);
    for (const size_t index : order) {
      UnitPlan& unit = plan[index];
      const Bounds bounds = BoundsOf(unit, reached[index]);
      const int64_t step = unit.total / 8 + 1;
      const int64_t move = std::clamp(missing, std::max(-step, bounds.low - unit.online),
                                      std::min(step, bounds.high - unit.online));
      unit.online += move;
      missing -= move;
      moved = moved || move != 0;
    }
  }
  return missing == 0;
}

}  // namespace

absl::StatusOr<std::vector<UnitPlan>> MakePlan(const std::vector<UnitShape>& units,
                                               Random& random) {
  for (const LevelShape& shape : kLevels) {
    const auto count = std::count_if(units.begin(), units.end(), [&](const UnitShape& unit) {
      return unit.level == shape.level;
    });
    if (count < shape.reached) {
      return absl::InvalidArgumentError(absl::StrCat("units: ", count, " of level ", shape.name,
                                                     ", at least ", shape.reached, " are needed"));
    }
  }
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    std::vector<UnitPlan> plan(units.size());
    std::vector<bool> reached(units.size());
    const int64_t dossiers = random.Between(117'000, 121'000);
    for (const LevelShape& shape : kLevels) {
      std::vector<size_t> members;
      for (size_t unit = 0; unit < units.size(); ++unit) {
        if (units[unit].level == shape.level) members.push_back(unit);
      }
      DrawTotals(units, members, dossiers * shape.volume_weight / 100, plan, random);
      random.Shuffle(members);  // which units are above
      DrawOnline(shape, members, plan, reached, random);
    }
    if (MeetPooledShare(plan, reached, random)) return plan;
  }
  return absl::InternalError(absl::StrCat("plan: no fitting draw in ", kDrawsMax, " tries"));
}

}  // namespace dondoc::sample
