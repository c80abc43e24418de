#include "services/aggregation/trend.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/aggregation/answer_parts.h"
#include "services/aggregation/selection.h"
#include "services/common/metric/change.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

int32_t FirstOfMonth(absl::civil_year_t year, int month) {
  return DayNumber(absl::CivilDay(year, month, 1));
}

// `months` long periods that begin with the year; the last one ends with it.
DayRange Months(absl::CivilDay day, int months) {
  const int first = (day.month() - 1) / months * months + 1;
  const int next = std::min(first + months, 13);
  return {FirstOfMonth(day.year(), first), FirstOfMonth(day.year(), next) - 1};
}

std::string WeekLabel(int32_t monday) {
  // The year that has the week's Thursday has most of it.
  const absl::CivilDay thursday = DayFromNumber(monday + 3);
  const int week = (absl::GetYearDay(thursday) - 1) / 7 + 1;
  return absl::StrFormat("%d-W%02d", thursday.year(), week);
}

void SetChange(const Figure& whole, const Figure& previous, v1::TrendPoint& point) {
  if (const auto text = ChangeText(whole.counts.online, whole.counts.total(),
                                   previous.counts.online, previous.counts.total())) {
    point.set_change_percent_points(*text);
  }
}

v1::TrendPoint MakePoint(const CubeView& view, const DefinitionPlane& plane,
                         const Question& question, const Selection& selection, const DayRange& days,
                         v1::TrendStep::Value step) {
  v1::TrendPoint point;
  *point.mutable_window() = ToWindow(days);
  *point.mutable_ratio() = ToRatio(selection.In(plane, days), question.target);
  *point.mutable_cumulative() =
      ToRatio(selection.In(plane, {question.window.first, days.last}), question.target);
  if (question.with_online_services) {
    const DefinitionPlane& online = *view.FindPlane(OnlineServicesPlane(question.definition_id));
    *point.mutable_online_services() = ToRatio(selection.In(online, days), question.target);
  }
  if (!question.compare_definition_id.empty()) {
    const DefinitionPlane& other = *view.FindPlane(question.compare_definition_id);
    *point.mutable_compared() = ToRatio(selection.In(other, days), question.target);
  }
  const DayRange calendar = StepOf(days.first, step);
  const Figure whole =
      selection.In(plane, {calendar.first, std::min(calendar.last, question.window.last)});
  const Figure previous = selection.In(plane, StepOf(calendar.first - 1, step));
  point.set_label(StepLabel(calendar, step));
  *point.mutable_whole() = ToRatio(whole, question.target);
  *point.mutable_previous() = ToRatio(previous, question.target);
  SetChange(whole, previous, point);
  return point;
}

}  // namespace

DayRange StepOf(int32_t day, v1::TrendStep::Value step) {
  const absl::CivilDay civil = DayFromNumber(day);
  switch (step) {
    case v1::TrendStep::DAY:
      return {day, day};
    case v1::TrendStep::WEEK: {
      const int32_t monday = day - static_cast<int32_t>(absl::GetWeekday(civil));
      return {monday, monday + 6};
    }
    case v1::TrendStep::QUARTER:
      return Months(civil, 3);
    case v1::TrendStep::HALF_YEAR:
      return Months(civil, 6);
    case v1::TrendStep::NINE_MONTHS:
      return Months(civil, 9);
    case v1::TrendStep::YEAR:
      return Months(civil, 12);
    default:
      return Months(civil, 1);
  }
}

std::string StepLabel(const DayRange& whole, v1::TrendStep::Value step) {
  const absl::CivilDay first = DayFromNumber(whole.first);
  switch (step) {
    case v1::TrendStep::DAY:
      return FormatDay(first);
    case v1::TrendStep::WEEK:
      return WeekLabel(whole.first);
    case v1::TrendStep::QUARTER:
      return absl::StrFormat("%d-Q%d", first.year(), (first.month() - 1) / 3 + 1);
    case v1::TrendStep::HALF_YEAR:
      return absl::StrFormat("%d-H%d", first.year(), (first.month() - 1) / 6 + 1);
    case v1::TrendStep::NINE_MONTHS:
      return absl::StrFormat("%d-%s", first.year(), first.month() == 1 ? "9M" : "Q4");
    case v1::TrendStep::YEAR:
      return absl::StrCat(first.year());
    default:
      return absl::StrFormat("%d-%02d", first.year(), first.month());
  }
}

std::vector<DayRange> CutWindow(const DayRange& window, v1::TrendStep::Value step) {
  std::vector<DayRange> steps;
  for (int32_t first = window.first; first <= window.last;) {
    const int32_t last = std::min(window.last, StepOf(first, step).last);
    steps.push_back({first, last});
    first = last + 1;
  }
  return steps;
}

absl::StatusOr<v1::ListTrendResponse> AnswerTrend(const CubeView& view,
                                                  const DefinitionPlane& plane,
                                                  const Question& question,
                                                  const v1::ListTrendRequest& request) {
  const std::vector<DayRange> steps = CutWindow(question.window, request.step());
  if (steps.size() > kTrendStepsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("step: ", steps.size(), " steps, limit ", kTrendStepsMax));
  }
  v1::ListTrendResponse response;
  std::optional<Selection> selection;
  if (request.unit_id().empty()) {
    selection = Selection::Pooled(
        view, question,
        request.has_level() ? std::optional<v1::Level::Value>(request.level()) : std::nullopt);
    response.set_level(request.level());
  } else {
    ASSIGN_OR_RETURN(selection, Selection::OfUnit(view, question, request.unit_id()));
    const UnitEntry& entry = view.units()[*view.units().Find(request.unit_id())];
    response.set_unit_id(entry.unit_id);
    response.set_name(entry.name);
    response.set_level(entry.level);
  }
  for (const DayRange& days : steps) {
    *response.add_points() = MakePoint(view, plane, question, *selection, days, request.step());
  }
  response.set_rolled_up(question.roll_up);
  SetSource(view, plane, question, response);
  return response;
}

}  // namespace dondoc::aggregation
