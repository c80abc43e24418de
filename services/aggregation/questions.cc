#include "services/aggregation/questions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "absl/numeric/int128.h"
#include "services/aggregation/answer_parts.h"
#include "services/aggregation/ratio_change.h"
#include "services/aggregation/selection.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

constexpr std::array kLevels = {v1::Level::PROVINCE, v1::Level::DISTRICT, v1::Level::COMMUNE};

struct Row {
  int unit;
  Figure figure;
};

bool LowerShare(const Counts& a, const Counts& b) {
  // Exact, as everything that compares shares.
  return absl::int128(a.online) * b.total() < absl::int128(b.online) * a.total();
}

// What is not there comes last either way.
template <typename Value>
bool Before(const std::optional<Value>& left, const std::optional<Value>& right, bool descending) {
  if (!left.has_value() || !right.has_value()) return left.has_value() && !right.has_value();
  return descending ? *right < *left : *left < *right;
}

// By the asked measure; units without dossiers have no percentage and come last either way. Equal
// ones keep the order they come in, which is by name.
void Sort(const RatiosQuestion& question, const std::optional<RatioChanges>& changes,
          std::vector<Row>& rows) {
  if (question.order == RatioOrder::kName) {
    if (question.descending) std::reverse(rows.begin(), rows.end());
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& left, const Row& right) {
    const Counts& a = question.descending ? right.figure.counts : left.figure.counts;
    const Counts& b = question.descending ? left.figure.counts : right.figure.counts;
    switch (question.order) {
      case RatioOrder::kTotal:
        return a.total() < b.total();
      case RatioOrder::kOnline:
        return a.online < b.online;
      case RatioOrder::kRank:
        return Before(changes->Rank(left.unit), changes->Rank(right.unit), question.descending);
      case RatioOrder::kChange:
        return Before(changes->Change(left.unit), changes->Change(right.unit), question.descending);
      default:
        break;
    }
    if (left.figure.counts.total() == 0 || right.figure.counts.total() == 0) {
      return left.figure.counts.total() != 0 && right.figure.counts.total() == 0;
    }
    return LowerShare(a, b);
  });
}

struct LevelSum {
  RollUp roll_up;
  bool any = false;
  int64_t units = 0;
  int64_t no_data = 0;
  int64_t no_dossiers = 0;
  int64_t reached = 0;
  int64_t below = 0;

  // A unit of the level that exists on the day that is looked from.
  void Count(const Figure& figure, const std::optional<Target>& target) {
    ++units;
    any = true;
    if (figure.no_data()) {
      ++no_data;
    } else if (figure.no_dossiers()) {
      ++no_dossiers;
    } else if (target.has_value()) {
      ++(Reached(figure.counts.online, figure.counts.total(), *target) ? reached : below);
    }
  }
};

struct SummarySums {
  RollUp overall;
  std::array<LevelSum, kLevels.size()> levels;

  // nullptr: no level that is shown.
  LevelSum* Of(v1::Level::Value level) {
    const auto at = std::find(kLevels.begin(), kLevels.end(), level);
    return at == kLevels.end() ? nullptr : &levels[static_cast<size_t>(at - kLevels.begin())];
  }
};

SummarySums SumUp(const CubeView& view, const DefinitionPlane& plane, const Question& question) {
  SummarySums sums;
  view.ForEachConcerned(plane, question.window,
                        [&](int, const UnitFacts& unit, const Figure& figure) {
                          // Dossiers of a unit that ended before `to` stay with it, so they are in
                          // its level and in the province; it is not one of the units that reached
                          // or did not.
                          sums.overall.Add(figure);
                          LevelSum* sum = sums.Of(unit.level);
                          if (sum == nullptr) return;
                          sum->any = true;
                          sum->roll_up.Add(figure);
                          const int32_t to = question.window.last;
                          if (unit.validity.first <= to && to <= unit.validity.last) {
                            sum->Count(figure, question.target);
                          }
                        });
  return sums;
}

// The same where units count for others: their dossiers are of the level of the unit they count
// for, and the units that reached or did not are those of the structure's day.
SummarySums SumUpStructure(const CubeView& view, const DefinitionPlane& plane,
                           const Question& question) {
  SummarySums sums;
  const auto structure = view.units().Structure(question.structure_day);
  std::vector<RollUp> targets(static_cast<size_t>(view.units().size()));
  view.ForEachConcerned(plane, question.window,
                        [&](int unit, const UnitFacts&, const Figure& figure) {
                          const int target = structure->CountsFor(unit);
                          targets[static_cast<size_t>(target)].Add(figure);
                          sums.overall.Add(figure);
                          LevelSum* sum = sums.Of(view.units().facts(target).level);
                          if (sum == nullptr) return;
                          sum->any = true;
                          sum->roll_up.Add(figure);
                        });
  for (int unit = 0; unit < view.units().size(); ++unit) {
    if (!view.units().facts(unit).known || structure->CountsFor(unit) != unit) continue;
    if (!view.units()[unit].ExistsOn(*question.structure_day)) continue;
    LevelSum* sum = sums.Of(view.units().facts(unit).level);
    if (sum != nullptr) {
      sum->Count(targets[static_cast<size_t>(unit)].Result(), question.target);
    }
  }
  return sums;
}

SummarySums SummaryOf(const CubeView& view, const DefinitionPlane& plane,
                      const Question& question) {
  return question.structure_day.has_value() ? SumUpStructure(view, plane, question)
                                            : SumUp(view, plane, question);
}

v1::UnitRatio UnitRow(const CubeView& view, const Question& question, const RowUnits& rows,
                      const Row& row) {
  const UnitEntry& entry = view.units()[row.unit];
  v1::UnitRatio proto;
  proto.set_unit_id(entry.unit_id);
  proto.set_name(entry.name);
  proto.set_level(entry.level);
  proto.set_parent_id(entry.parent_id);
  *proto.mutable_ratio() = ToRatio(row.figure, question.target);
  proto.set_rolled_up(question.roll_up);
  if (question.with_online_services) {
    const DefinitionPlane& online = *view.FindPlane(OnlineServicesPlane(question.definition_id));
    *proto.mutable_online_services() =
        ToRatio(rows.FigureOf(online, row.unit, question.window), question.target);
  }
  if (!question.compare_definition_id.empty()) {
    const DefinitionPlane& other = *view.FindPlane(question.compare_definition_id);
    *proto.mutable_compared() =
        ToRatio(rows.FigureOf(other, row.unit, question.window), question.target);
  }
  for (const int unit : rows.Included(row.unit)) {
    proto.add_included_unit_ids(view.units()[unit].unit_id);
  }
  std::sort(proto.mutable_included_unit_ids()->begin(), proto.mutable_included_unit_ids()->end());
  return proto;
}

}  // namespace

v1::GetSummaryResponse AnswerSummary(const CubeView& view, const DefinitionPlane& plane,
                                     const Question& question) {
  SummarySums sums = SummaryOf(view, plane, question);
  std::optional<SummarySums> online;
  std::optional<SummarySums> compared;
  v1::GetSummaryResponse response;
  *response.mutable_overall() = ToRatio(sums.overall.Result(), question.target);
  *response.mutable_overall()->mutable_by_basis() = sums.overall.ByBasis();
  if (question.with_online_services) {
    online =
        SummaryOf(view, *view.FindPlane(OnlineServicesPlane(question.definition_id)), question);
    *response.mutable_overall_online_services() =
        ToRatio(online->overall.Result(), question.target);
  }
  if (!question.compare_definition_id.empty()) {
    compared = SummaryOf(view, *view.FindPlane(question.compare_definition_id), question);
    *response.mutable_overall_compared() = ToRatio(compared->overall.Result(), question.target);
  }
  for (size_t i = 0; i < kLevels.size(); ++i) {
    const LevelSum& sum = sums.levels[i];
    if (!sum.any) continue;
    v1::LevelSummary& summary = *response.add_levels();
    summary.set_level(kLevels[i]);
    summary.set_units(sum.units);
    summary.set_no_data(sum.no_data);
    summary.set_no_dossiers(sum.no_dossiers);
    summary.set_reached(sum.reached);
    summary.set_below(sum.below);
    *summary.mutable_ratio() = ToRatio(sum.roll_up.Result(), question.target);
    *summary.mutable_ratio()->mutable_by_basis() = sum.roll_up.ByBasis();
    if (online.has_value()) {
      *summary.mutable_online_services() =
          ToRatio(online->levels[i].roll_up.Result(), question.target);
    }
    if (compared.has_value()) {
      *summary.mutable_compared() = ToRatio(compared->levels[i].roll_up.Result(), question.target);
    }
  }
  SetSource(view, plane, question, response);
  return response;
}

absl::StatusOr<RatiosPage> AnswerRatios(const CubeView& view, const DefinitionPlane& plane,
                                        const RatiosQuestion& question, int64_t offset) {
  const UnitTable& units = view.units();
  const DayRange& window = question.common.window;
  if (!question.parent_id.empty()) {
    RETURN_IF_ERROR(FindUnit(view, "parent_id", question.parent_id).status());
  }
  const RowUnits row_units(view, plane, question.common);
  std::optional<RatioChanges> changes;
  // Ranks are among all units of the level, whichever are shown.
  if (question.with_change) changes.emplace(view, plane, question.common, row_units);
  std::vector<Row> rows;
  for (const int unit : row_units.units()) {
    const UnitEntry& entry = units[unit];
    if (question.level.has_value() && entry.level != *question.level) continue;
    if (!question.parent_id.empty() && entry.parent_id != question.parent_id) continue;
    rows.push_back({unit, row_units.FigureOf(plane, unit, window)});
  }
  Sort(question, changes, rows);
  const int64_t size = static_cast<int64_t>(rows.size());
  if (offset > size) return absl::InvalidArgumentError("page_token: beyond the end of the list");
  const int64_t end = std::min<int64_t>(size, offset + question.page_size);
  RatiosPage page;
  page.more = end < size;
  for (int64_t i = offset; i < end; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    v1::UnitRatio& proto = *page.response.add_ratios();
    proto = UnitRow(view, question.common, row_units, row);
    if (changes.has_value()) *proto.mutable_change() = changes->Of(row.unit);
  }
  SetSource(view, plane, question.common, page.response);
  return page;
}

absl::StatusOr<v1::GetUnitRatioResponse> AnswerUnitRatio(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const Question& question,
                                                         const std::string& unit_id,
                                                         bool with_change) {
  ASSIGN_OR_RETURN(const Selection selection, Selection::OfUnit(view, question, unit_id));
  const int unit = *view.units().Find(unit_id);
  const UnitEntry& entry = view.units()[unit];
  v1::GetUnitRatioResponse response;
  response.set_unit_id(entry.unit_id);
  response.set_name(entry.name);
  response.set_level(entry.level);
  response.set_parent_id(entry.parent_id);
  *response.mutable_ratio() = ToRatio(selection.In(plane, question.window), question.target);
  if (question.with_online_services) {
    const DefinitionPlane& online = *view.FindPlane(OnlineServicesPlane(question.definition_id));
    *response.mutable_online_services() =
        ToRatio(selection.In(online, question.window), question.target);
  }
  if (!question.compare_definition_id.empty()) {
    const DefinitionPlane& other = *view.FindPlane(question.compare_definition_id);
    *response.mutable_compared() = ToRatio(selection.In(other, question.window), question.target);
  }
  response.set_rolled_up(question.roll_up);
  for (const int member : selection.members()) {
    if (member != unit) response.add_included_unit_ids(view.units()[member].unit_id);
  }
  std::sort(response.mutable_included_unit_ids()->begin(),
            response.mutable_included_unit_ids()->end());
  if (with_change) {
    const RowUnits rows(view, plane, question);
    // A unit that has ended is in no ranking.
    if (std::find(rows.units().begin(), rows.units().end(), unit) != rows.units().end()) {
      *response.mutable_change() = RatioChanges(view, plane, question, rows).Of(unit);
    }
  }
  SetSource(view, plane, question, response);
  return response;
}

v1::ListDailyCountsResponse AnswerDailyCounts(const CubeView& view, const DefinitionPlane& plane,
                                              const Question& question) {
  v1::ListDailyCountsResponse response;
  for (const int unit : view.units().by_name()) {
    if (!view.Concerns(plane, unit, question.window)) continue;
    v1::UnitDailyCounts& counts = *response.add_units();
    counts.set_unit_id(view.units()[unit].unit_id);
    for (int32_t day = question.window.first; day <= question.window.last; ++day) {
      const Counts of_day = view.UnitCounts(plane, unit, {day, day});
      counts.add_total(of_day.total());
      counts.add_online(of_day.online);
    }
  }
  SetPosition(view, response);
  return response;
}

}  // namespace dondoc::aggregation
