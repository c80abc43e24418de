#include "services/alerting/evaluation_figures.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/campaign.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr int kRatioPageSize = 5000;
constexpr int kDailyDaysMax = 400;

// Asks aggregation for one campaign's figures, all at the position of the first answer.
class Gatherer {
 public:
  Gatherer(FigureSource& source, const CallContext& context, const v1::Campaign& campaign)
      : source_(source), context_(context), campaign_(campaign) {}

  absl::StatusOr<EvaluationFigures> Gather(absl::CivilDay day) {
    RETURN_IF_ERROR(FixPositionAndWindow(day));
    RETURN_IF_ERROR(GatherSummaries());
    for (const auto level : {v1::Level::PROVINCE, v1::Level::DISTRICT, v1::Level::COMMUNE}) {
      RETURN_IF_ERROR(GatherUnits(level));
    }
    RETURN_IF_ERROR(GatherDailyCounts());
    return std::move(figures_);
  }

 private:
  absl::Status FixPositionAndWindow(absl::CivilDay day) {
    ASSIGN_OR_RETURN(const v1::GetFreshnessResponse freshness, source_.GetFreshness(context_));
    if (freshness.last_covered_day().empty()) {
      return absl::FailedPreconditionError(
          "no data: nothing has been imported yet, so there is nothing to evaluate");
    }
    ASSIGN_OR_RETURN(const absl::CivilDay last_covered, ParseDay(freshness.last_covered_day()));
    figures_.ledger_id = freshness.ledger_id();
    figures_.sequence = freshness.sequence();
    figures_.definition_id = campaign_.definition_id();
    figures_.from = FirstDayOf(campaign_);
    figures_.to = std::min({last_covered, day, LastDayOf(campaign_)});
    if (figures_.to < figures_.from) {
      return absl::FailedPreconditionError(absl::StrCat(
          "no data: ", FormatDay(figures_.from),
          " is the campaign's first day, and data reaches to ", FormatDay(last_covered)));
    }
    for (const v1::UnitFreshness& unit : freshness.units()) {
      if (unit.last_covered_day().empty()) continue;
      ASSIGN_OR_RETURN(const absl::CivilDay last, ParseDay(unit.last_covered_day()));
      figures_.last_days.emplace(unit.unit_id(), std::min(last, figures_.to));
    }
    return absl::OkStatus();
  }

  template <typename Response>
  absl::Status CheckPosition(const Response& response) const {
    if (response.ledger_id() == figures_.ledger_id && response.sequence() == figures_.sequence) {
      return absl::OkStatus();
    }
    return absl::AbortedError(absl::StrCat("asked for sequence ", figures_.sequence, " of ",
                                           figures_.ledger_id, ", got ", response.sequence(),
                                           " of ", response.ledger_id()));
  }

  const v1::Target* LevelTarget(v1::Level::Value level) const {
    return LevelTargetOf(campaign_, level, figures_.to);
  }

  absl::StatusOr<v1::GetSummaryResponse> Summary(const v1::Target* target) {
    v1::GetSummaryRequest request;
    request.set_from(FormatDay(figures_.from));
    request.set_to(FormatDay(figures_.to));
    request.set_definition_id(figures_.definition_id);
    request.set_as_of_sequence(figures_.sequence);
    if (target != nullptr) {
      request.set_target_percent(target->percent());
      request.set_target_operator(target->operator_());
    }
    ASSIGN_OR_RETURN(v1::GetSummaryResponse response, source_.GetSummary(context_, request));
    RETURN_IF_ERROR(CheckPosition(response));
    figures_.definition_version = response.definition_version();
    return response;
  }

  // One summary when every level has the same target, so that the province has a verdict too; else
  // one without a target for the province and one for each level.
  absl::Status GatherSummaries() {
    const v1::Target* first = LevelTarget(v1::Level::PROVINCE);
    bool one_target = first != nullptr;
    for (const auto level : {v1::Level::DISTRICT, v1::Level::COMMUNE}) {
      const v1::Target* target = LevelTarget(level);
      one_target = one_target && target != nullptr && target->percent() == first->percent() &&
                   target->operator_() == first->operator_();
    }
    ASSIGN_OR_RETURN(const v1::GetSummaryResponse whole, Summary(one_target ? first : nullptr));
    figures_.overall = whole.overall();
    for (const v1::LevelSummary& level : whole.levels()) {
      const v1::Target* target = LevelTarget(level.level());
      if (one_target || target == nullptr) {
        figures_.levels.push_back(level);
        continue;
      }
      ASSIGN_OR_RETURN(const v1::GetSummaryResponse own, Summary(target));
      for (const v1::LevelSummary& judged : own.levels()) {
        if (judged.level() == level.level()) figures_.levels.push_back(judged);
      }
    }
    return absl::OkStatus();
  }

  absl::Status GatherUnits(v1::Level::Value level) {
    v1::ListRatiosRequest request;
    request.set_from(FormatDay(figures_.from));
    request.set_to(FormatDay(figures_.to));
    request.set_level(level);
    request.set_order_by("name");
    request.set_definition_id(figures_.definition_id);
    request.set_as_of_sequence(figures_.sequence);
    request.set_page_size(kRatioPageSize);
    if (const v1::Target* target = LevelTarget(level); target != nullptr) {
      request.set_target_percent(target->percent());
      request.set_target_operator(target->operator_());
    }
    ASSIGN_OR_RETURN(v1::ListRatiosResponse response, source_.ListRatios(context_, request));
    RETURN_IF_ERROR(CheckPosition(response));
    for (v1::UnitRatio& unit : *response.mutable_ratios()) {
      figures_.units.push_back(std::move(unit));
    }
    return absl::OkStatus();
  }

  absl::Status GatherDailyCounts() {
    // Far enough back for the unit whose data ends first.
    absl::CivilDay earliest = figures_.to;
    for (const auto& [unit_id, last] : figures_.last_days) earliest = std::min(earliest, last);
    figures_.counts_from = std::max(
        {earliest - (kRecentCalendarDays - 1), figures_.from, figures_.to - (kDailyDaysMax - 1)});
    v1::ListDailyCountsRequest request;
    request.set_from(FormatDay(figures_.counts_from));
    request.set_to(FormatDay(figures_.to));
    request.set_definition_id(figures_.definition_id);
    request.set_as_of_sequence(figures_.sequence);
    ASSIGN_OR_RETURN(v1::ListDailyCountsResponse response,
                     source_.ListDailyCounts(context_, request));
    RETURN_IF_ERROR(CheckPosition(response));
    const int64_t days = figures_.to - figures_.counts_from + 1;
    for (v1::UnitDailyCounts& unit : *response.mutable_units()) {
      if (unit.total_size() != days || unit.online_size() != days) {
        return absl::InternalError(absl::StrCat("aggregation: ", unit.total_size(),
                                                " daily counts, asked for ", days, " days"));
      }
      std::string unit_id = unit.unit_id();
      figures_.counts.emplace(std::move(unit_id), std::move(unit));
    }
    return absl::OkStatus();
  }

  FigureSource& source_;
  const CallContext& context_;
  const v1::Campaign& campaign_;
  EvaluationFigures figures_;
};

}  // namespace

absl::StatusOr<EvaluationFigures> GatherFigures(FigureSource& source, const CallContext& context,
                                                const v1::Campaign& campaign, absl::CivilDay day) {
  return Gatherer(source, context, campaign).Gather(day);
}

}  // namespace dondoc::alerting
