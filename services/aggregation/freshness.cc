#include "services/aggregation/freshness.h"

#include <algorithm>

#include "services/aggregation/answer_parts.h"

namespace dondoc::aggregation {
namespace {

// What is known of one unit, looked at from a day.
struct UnitReach {
  std::optional<int32_t> first_day;
  std::optional<int32_t> last_day;
  bool stale = false;
  bool no_data = false;
};

UnitReach ReachOfUnit(const CubeView& view, int unit, std::optional<int32_t> on,
                      int32_t stale_after_days) {
  UnitReach reach;
  reach.first_day = view.coverage().FirstDay(unit);
  reach.last_day = view.coverage().LastDay(unit);
  reach.no_data = !reach.last_day.has_value();
  // Nobody waits for data of a unit that is not there any more, or not yet.
  const bool exists = !on.has_value() || view.units()[unit].ExistsOn(*on);
  reach.stale = exists && (reach.no_data ||
                           (on.has_value() && int64_t{*on} - *reach.last_day > stale_after_days));
  return reach;
}

// The first and last covered day of all.
Reach DaysOf(const CubeView& view) {
  Reach reach;
  for (const int unit : view.units().by_name()) {
    const std::optional<int32_t> first = view.coverage().FirstDay(unit);
    const std::optional<int32_t> last = view.coverage().LastDay(unit);
    if (first.has_value()) reach.first_day = std::min(reach.first_day.value_or(*first), *first);
    if (last.has_value()) reach.last_day = std::max(reach.last_day.value_or(*last), *last);
  }
  return reach;
}

std::string DayText(std::optional<int32_t> day) {
  return day.has_value() ? FormatDay(DayFromNumber(*day)) : std::string();
}

v1::UnitFreshness ToProtoUnit(const CubeView& view, int unit, const UnitReach& reach,
                              std::optional<int32_t> on) {
  const UnitEntry& entry = view.units()[unit];
  v1::UnitFreshness proto;
  proto.set_unit_id(entry.unit_id);
  proto.set_name(entry.name);
  proto.set_level(entry.level);
  proto.set_first_covered_day(DayText(reach.first_day));
  proto.set_last_covered_day(DayText(reach.last_day));
  proto.set_stale(reach.stale);
  proto.set_no_data(reach.no_data);
  if (on.has_value() && reach.last_day.has_value()) {
    proto.set_days_behind(int64_t{*on} - *reach.last_day);
  }
  if (const std::optional<absl::Time> time = view.coverage().NewestClaim(unit)) {
    *proto.mutable_last_claim_time() = ToProto(*time);
    if (view.position().has_commit_time()) {
      proto.set_last_claim_age_seconds(
          absl::ToInt64Seconds(FromProto(view.position().commit_time()) - *time));
    }
  }
  return proto;
}

}  // namespace

Reach ReachOf(const CubeView& view, int32_t stale_after_days) {
  Reach reach = DaysOf(view);
  for (const int unit : view.units().by_name()) {
    const UnitReach of_unit = ReachOfUnit(view, unit, reach.last_day, stale_after_days);
    if (of_unit.stale) ++reach.stale_units;
    if (of_unit.stale && of_unit.no_data) ++reach.no_data_units;
  }
  return reach;
}

v1::GetFreshnessResponse AnswerFreshness(const CubeView& view, const FreshnessQuestion& question) {
  v1::GetFreshnessResponse response;
  const Reach all = DaysOf(view);
  const std::optional<int32_t> on = question.on.has_value() ? question.on : all.last_day;
  int64_t stale = 0;
  int64_t no_data = 0;
  for (const int unit : view.units().by_name()) {
    if (question.level.has_value() && view.units()[unit].level != *question.level) continue;
    const UnitReach reach = ReachOfUnit(view, unit, on, question.stale_after_days);
    stale += reach.stale ? 1 : 0;
    no_data += reach.stale && reach.no_data ? 1 : 0;
    if (question.only_stale && !reach.stale) continue;
    *response.add_units() = ToProtoUnit(view, unit, reach, on);
  }
  response.set_first_covered_day(DayText(all.first_day));
  response.set_last_covered_day(DayText(all.last_day));
  response.set_on(DayText(on));
  response.set_stale_units(stale);
  response.set_no_data_units(no_data);
  SetPosition(view, response);
  return response;
}

}  // namespace dondoc::aggregation
