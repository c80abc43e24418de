#include "services/alerting/judgement.h"

#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "boost/multiprecision/cpp_int.hpp"
#include "services/alerting/campaign.h"
#include "services/alerting/forecast.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr int kWeekDays = 7;

// What came over the last covered working days of a unit.
struct Recent {
  int64_t days = 0;
  int64_t total = 0;
  int64_t online = 0;
};

Recent RecentOf(const EvaluationFigures& figures, const std::string& unit_id,
                absl::CivilDay last_day, const WorkingCalendar& calendar) {
  Recent recent;
  const auto counts = figures.counts.find(unit_id);
  for (const absl::CivilDay day :
       calendar.LastWorked(kRecentWorkingDays, figures.counts_from, last_day)) {
    ++recent.days;
    if (counts == figures.counts.end()) continue;
    const int index = static_cast<int>(day - figures.counts_from);
    recent.total += counts->second.total(index);
    recent.online += counts->second.online(index);
  }
  return recent;
}

void AddForecast(const v1::Campaign& campaign, const EvaluationFigures& figures,
                 const WorkingCalendar& calendar, const std::optional<Target>& target,
                 v1::Flag& flag) {
  const auto last = figures.last_days.find(flag.unit_id());
  // Counts without a claim that covers them: the window's end is the best that is known.
  const absl::CivilDay last_day = last == figures.last_days.end() ? figures.to : last->second;
  const Recent recent = RecentOf(figures, flag.unit_id(), last_day, calendar);
  flag.set_expected(ExpectedArrivals(recent.total, recent.days,
                                     calendar.CountWorked(last_day + 1, LastDayOf(campaign))));
  if (const auto percent = PercentText(recent.online, recent.total, std::nullopt)) {
    flag.set_recent_percent(*percent);
  }
  if (!target.has_value()) return;
  const Forecast forecast = MakeForecast({.online = flag.ratio().online(),
                                          .total = flag.ratio().total(),
                                          .target = *target,
                                          .expected = flag.expected(),
                                          .recent_online = recent.online,
                                          .recent_total = recent.total});
  flag.set_outlook(forecast.outlook);
  if (forecast.missing.has_value()) flag.set_missing(*forecast.missing);
  if (forecast.required.has_value()) flag.set_required_percent(ShareText(*forecast.required));
  if (const auto lever =
          LeverText(figures.overall.online(), figures.overall.total(), forecast.missing)) {
    flag.set_lever_points(*lever);
  }
}

// aggregation judged it by its level's.
void JudgeByOwnTarget(const Target& target, v1::Ratio& ratio) {
  ratio.clear_percent();
  ratio.clear_reached();
  const auto percent = PercentText(ratio.online(), ratio.total(), target);
  if (!percent.has_value()) return;
  ratio.set_percent(*percent);
  ratio.set_reached(Reached(ratio.online(), ratio.total(), target));
}

}  // namespace

absl::StatusOr<std::vector<v1::Flag>> JudgeUnits(const v1::Campaign& campaign,
                                                 const EvaluationFigures& figures,
                                                 const WorkingCalendar& calendar) {
  std::vector<v1::Flag> flags;
  flags.reserve(figures.units.size());
  for (const v1::UnitRatio& unit : figures.units) {
    v1::Flag flag;
    flag.set_unit_id(unit.unit_id());
    flag.set_name(unit.name());
    flag.set_level(unit.level());
    *flag.mutable_ratio() = unit.ratio();
    flag.set_writing(v1::Writing::NOT_FLAGGED);
    std::optional<Target> target;
    flag.set_parent_id(unit.parent_id());
    const v1::Target* wanted = TargetOf(campaign, unit.level(), unit.unit_id(), figures.to);
    if (wanted != nullptr) {
      ASSIGN_OR_RETURN(target, ParseTarget(wanted->percent(), wanted->operator_()));
      flag.set_target_percent(wanted->percent());
      if (wanted->unit_ids_size() > 0) JudgeByOwnTarget(*target, *flag.mutable_ratio());
    }
    if (unit.ratio().basis() == v1::Basis::NONE) {
      flag.set_outlook(v1::Outlook::NO_DATA);
    } else if (unit.ratio().total() == 0) {
      flag.set_outlook(v1::Outlook::NO_DOSSIERS);
    } else {
      AddForecast(campaign, figures, calendar, target, flag);
      flag.set_flagged(target.has_value() &&
                       !Reached(unit.ratio().online(), unit.ratio().total(), *target));
    }
    if (flag.flagged() && unit.ratio().total() < campaign.min_volume()) {
      flag.set_flagged(false);
      flag.set_writing(v1::Writing::BELOW_MIN_VOLUME);
    }
    if (flag.flagged()) flag.set_writing(v1::Writing::UNSPECIFIED);
    flags.push_back(std::move(flag));
  }
  return flags;
}

std::vector<v1::LevelSummary> JudgeLevels(const EvaluationFigures& figures,
                                          const std::vector<v1::Flag>& flags) {
  std::vector<v1::LevelSummary> levels = figures.levels;
  for (v1::LevelSummary& level : levels) {
    int64_t reached = 0;
    int64_t below = 0;
    for (const v1::Flag& flag : flags) {
      if (flag.level() != level.level() || !flag.ratio().has_reached()) continue;
      if (flag.ratio().basis() == v1::Basis::NONE) continue;
      ++(flag.ratio().reached() ? reached : below);
    }
    if (reached + below == 0) continue;
    level.set_reached(reached);
    level.set_below(below);
  }
  return levels;
}

std::optional<std::string> WeekChangeText(const EvaluationFigures& figures, const v1::Flag& flag) {
  using ::boost::multiprecision::int256_t;
  const auto counts = figures.counts.find(flag.unit_id());
  if (counts == figures.counts.end() || figures.to - kWeekDays < figures.from) return std::nullopt;
  int64_t total = flag.ratio().total();
  int64_t online = flag.ratio().online();
  const int last = static_cast<int>(figures.to - figures.counts_from);
  if (last < kWeekDays - 1 || counts->second.total_size() <= last) return std::nullopt;
  for (int i = last - kWeekDays + 1; i <= last; ++i) {
    total -= counts->second.total(i);
    online -= counts->second.online(i);
  }
  if (total <= 0 || online < 0 || flag.ratio().total() <= 0) return std::nullopt;
  // Hundredths of a point: (K/N − k/n)·10000.
  const int256_t scaled =
      (int256_t(flag.ratio().online()) * total - int256_t(online) * flag.ratio().total()) * 10000;
  const int256_t base = int256_t(flag.ratio().total()) * total;
  const bool negative = scaled < 0;
  const int64_t hundredths =
      ((int256_t(negative ? -scaled : scaled) * 2 + base) / (base * 2)).convert_to<int64_t>();
  const absl::string_view sign = hundredths == 0 ? "" : negative ? "-" : "+";
  return absl::StrFormat("%s%d.%02d", sign, hundredths / 100, hundredths % 100);
}

}  // namespace dondoc::alerting
