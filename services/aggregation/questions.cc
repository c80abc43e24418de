#include "services/aggregation/questions.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

constexpr std::array kLevels = {v1::Level::PROVINCE, v1::Level::DISTRICT, v1::Level::COMMUNE};

v1::Ratio ToRatio(const Figure& figure, const std::optional<Target>& target) {
  return ToProto(figure.counts, target, figure.basis);
}

v1::Window ToWindow(const DayRange& days) {
  v1::Window window;
  window.set_from(FormatDay(DayFromNumber(days.first)));
  window.set_to(FormatDay(DayFromNumber(days.last)));
  return window;
}

// What every answer to a Question says of itself.
template <typename Response>
void SetPosition(const CubeView& view, Response& response) {
  response.set_ledger_id(view.position().ledger_id());
  response.set_sequence(view.position().sequence());
  if constexpr (requires { response.mutable_commit_time(); }) {
    if (view.position().has_commit_time()) {
      *response.mutable_commit_time() = view.position().commit_time();
    }
  }
}

template <typename Response>
void SetDefinition(const DefinitionPlane& plane, Response& response) {
  response.set_definition_id(plane.definition.definition_id());
  response.set_definition_version(plane.definition.version());
}

absl::StatusOr<int> FindUnit(const CubeView& view, absl::string_view field,
                             const std::string& unit_id) {
  const std::optional<int> unit = view.units().Find(unit_id);
  if (!unit.has_value()) {
    return absl::NotFoundError(absl::StrCat(field, ": there is no unit ", Quoted(unit_id)));
  }
  return *unit;
}

struct Row {
  int unit;
  Figure figure;
};

// By the asked measure; units without dossiers have no percentage and come last either way. Equal
// ones keep the order they come in, which is by name.
void Sort(const RatiosQuestion& question, std::vector<Row>& rows) {
  if (question.order == RatioOrder::kName) {
    if (question.descending) std::reverse(rows.begin(), rows.end());
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [&question](const Row& left, const Row& right) {
    const Counts& a = question.descending ? right.figure.counts : left.figure.counts;
    const Counts& b = question.descending ? left.figure.counts : right.figure.counts;
    if (question.order == RatioOrder::kTotal) return a.total() < b.total();
    if (question.order == RatioOrder::kOnline) return a.online < b.online;
    if (left.figure.counts.total() == 0 || right.figure.counts.total() == 0) {
      return left.figure.counts.total() != 0 && right.figure.counts.total() == 0;
    }
    // Exact, as everything that compares shares.
    return absl::int128(a.online) * b.total() < absl::int128(b.online) * a.total();
  });
}

int32_t LastDayOfStep(int32_t first, v1::TrendStep::Value step) {
  const absl::CivilDay day = DayFromNumber(first);
  switch (step) {
    case v1::TrendStep::DAY:
      return first;
    case v1::TrendStep::WEEK:
      // The next Sunday, or the day itself.
      return first + (6 - static_cast<int>(absl::GetWeekday(day)));
    case v1::TrendStep::QUARTER: {
      const absl::CivilMonth month(day);
      const int next = (month.month() - 1) / 3 * 3 + 4;
      return DayNumber(absl::CivilDay(absl::CivilMonth(month.year(), next)) - 1);
    }
    default:
      return DayNumber(absl::CivilDay(absl::CivilMonth(day) + 1) - 1);
  }
}

}  // namespace

namespace {

struct LevelSum {
  RollUp roll_up;
  bool any = false;
  int64_t units = 0;
  int64_t no_data = 0;
  int64_t no_dossiers = 0;
  int64_t reached = 0;
  int64_t below = 0;

  // A unit of the level that exists at the end of the window.
  void Count(const Figure& figure, const std::optional<Target>& target) {
    ++units;
    if (figure.no_data()) {
      ++no_data;
    } else if (figure.no_dossiers()) {
      ++no_dossiers;
    } else if (target.has_value()) {
      ++(Reached(figure.counts.online, figure.counts.total(), *target) ? reached : below);
    }
  }
};

}  // namespace

v1::GetSummaryResponse AnswerSummary(const CubeView& view, const DefinitionPlane& plane,
                                     const Question& question) {
  std::array<LevelSum, kLevels.size()> sums;
  RollUp overall;
  view.ForEachConcerned(plane, question.window,
                        [&](int, const UnitFacts& unit, const Figure& figure) {
                          // Dossiers of a unit that ended before `to` stay with it, so they are in
                          // its level and in the province; it is not one of the units that reached
                          // or did not.
                          overall.Add(figure);
                          const auto at = std::find(kLevels.begin(), kLevels.end(), unit.level);
                          if (at == kLevels.end()) return;
                          LevelSum& sum = sums[static_cast<size_t>(at - kLevels.begin())];
                          sum.any = true;
                          sum.roll_up.Add(figure);
                          const int32_t to = question.window.last;
                          if (unit.validity.first <= to && to <= unit.validity.last) {
                            sum.Count(figure, question.target);
                          }
                        });
  v1::GetSummaryResponse response;
  *response.mutable_overall() = ToRatio(overall.Result(), question.target);
  *response.mutable_overall()->mutable_by_basis() = overall.ByBasis();
  for (size_t i = 0; i < kLevels.size(); ++i) {
    const LevelSum& sum = sums[i];
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
  }
  *response.mutable_window() = ToWindow(question.window);
  SetDefinition(plane, response);
  SetPosition(view, response);
  return response;
}

absl::StatusOr<RatiosPage> AnswerRatios(const CubeView& view, const DefinitionPlane& plane,
                                        const RatiosQuestion& question, int64_t offset) {
  const UnitTable& units = view.units();
  const DayRange& window = question.common.window;
  if (!question.parent_id.empty()) {
    const absl::StatusOr<int> parent = FindUnit(view, "parent_id", question.parent_id);
    if (!parent.ok()) return parent.status();
  }
  std::vector<Row> rows;
  for (const int unit : units.by_name()) {
    const UnitEntry& entry = units[unit];
    if (!entry.ExistsOn(window.last)) continue;
    if (question.level.has_value() && entry.level != *question.level) continue;
    if (!question.parent_id.empty() && entry.parent_id != question.parent_id) continue;
    rows.push_back({unit, view.UnitFigure(plane, unit, window)});
  }
  Sort(question, rows);
  const int64_t size = static_cast<int64_t>(rows.size());
  if (offset > size) return absl::InvalidArgumentError("page_token: beyond the end of the list");
  const int64_t end = std::min<int64_t>(size, offset + question.page_size);
  RatiosPage page;
  page.more = end < size;
  for (int64_t i = offset; i < end; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const UnitEntry& entry = units[row.unit];
    v1::UnitRatio& ratio = *page.response.add_ratios();
    ratio.set_unit_id(entry.unit_id);
    ratio.set_name(entry.name);
    ratio.set_level(entry.level);
    ratio.set_parent_id(entry.parent_id);
    *ratio.mutable_ratio() = ToRatio(row.figure, question.common.target);
  }
  *page.response.mutable_window() = ToWindow(window);
  SetDefinition(plane, page.response);
  SetPosition(view, page.response);
  return page;
}

absl::StatusOr<v1::GetUnitRatioResponse> AnswerUnitRatio(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const Question& question,
                                                         const std::string& unit_id) {
  const absl::StatusOr<int> unit = FindUnit(view, "unit_id", unit_id);
  if (!unit.ok()) return unit.status();
  const UnitEntry& entry = view.units()[*unit];
  v1::GetUnitRatioResponse response;
  response.set_unit_id(entry.unit_id);
  response.set_name(entry.name);
  response.set_level(entry.level);
  response.set_parent_id(entry.parent_id);
  *response.mutable_ratio() =
      ToRatio(view.UnitFigure(plane, *unit, question.window), question.target);
  *response.mutable_window() = ToWindow(question.window);
  SetDefinition(plane, response);
  SetPosition(view, response);
  return response;
}

std::vector<DayRange> CutWindow(const DayRange& window, v1::TrendStep::Value step) {
  std::vector<DayRange> steps;
  for (int32_t first = window.first; first <= window.last;) {
    const int32_t last = std::min(window.last, LastDayOfStep(first, step));
    steps.push_back({first, last});
    first = last + 1;
  }
  return steps;
}

absl::StatusOr<v1::ListTrendResponse> AnswerTrend(const CubeView& view,
                                                  const DefinitionPlane& plane,
                                                  const Question& question,
                                                  const std::string& unit_id,
                                                  v1::TrendStep::Value step) {
  const absl::StatusOr<int> unit = FindUnit(view, "unit_id", unit_id);
  if (!unit.ok()) return unit.status();
  const std::vector<DayRange> steps = CutWindow(question.window, step);
  if (steps.size() > kTrendStepsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("step: ", steps.size(), " steps, limit ", kTrendStepsMax));
  }
  v1::ListTrendResponse response;
  response.set_unit_id(view.units()[*unit].unit_id);
  response.set_name(view.units()[*unit].name);
  for (const DayRange& days : steps) {
    v1::TrendPoint& point = *response.add_points();
    *point.mutable_window() = ToWindow(days);
    *point.mutable_ratio() = ToRatio(view.UnitFigure(plane, *unit, days), question.target);
    *point.mutable_cumulative() =
        ToRatio(view.UnitFigure(plane, *unit, {question.window.first, days.last}), question.target);
  }
  SetDefinition(plane, response);
  SetPosition(view, response);
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

v1::GetFreshnessResponse AnswerFreshness(const CubeView& view) {
  v1::GetFreshnessResponse response;
  std::optional<int32_t> latest;
  for (const int unit : view.units().by_name()) {
    const UnitEntry& entry = view.units()[unit];
    v1::UnitFreshness& freshness = *response.add_units();
    freshness.set_unit_id(entry.unit_id);
    freshness.set_name(entry.name);
    freshness.set_level(entry.level);
    if (const std::optional<int32_t> day = view.coverage().LastDay(unit)) {
      freshness.set_last_covered_day(FormatDay(DayFromNumber(*day)));
      latest = std::max(latest.value_or(*day), *day);
    }
    if (const std::optional<absl::Time> time = view.coverage().NewestClaim(unit)) {
      *freshness.mutable_last_claim_time() = ToProto(*time);
    }
  }
  if (latest.has_value()) response.set_last_covered_day(FormatDay(DayFromNumber(*latest)));
  SetPosition(view, response);
  return response;
}

}  // namespace dondoc::aggregation
