#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/working_calendar.h"
#include "services/alerting/evaluation_figures.h"

namespace dondoc::alerting {

// The verdict on every unit of `figures`, in their order: a pure function. `writing` is
// NOT_FLAGGED, BELOW_MIN_VOLUME, or left UNSPECIFIED for flagged units: that is the writer's to
// say. Flagged is a unit with a target, data and at least the campaign's minimum of dossiers that
// is below it. The target is the unit's exception, else its level's, valid on the window's last
// day.
absl::StatusOr<std::vector<v1::Flag>> JudgeUnits(const v1::Campaign& campaign,
                                                 const EvaluationFigures& figures,
                                                 const WorkingCalendar& calendar);

// The levels of `figures` with reached and below as the flags have them: units may have targets of
// their own.
std::vector<v1::LevelSummary> JudgeLevels(const EvaluationFigures& figures,
                                          const std::vector<v1::Flag>& flags);

// How the unit's percentage from the window's first day moved in the last 7 days, in percentage
// points, half-up, with a sign: "+1.25". nullopt when there were no dossiers a week before.
std::optional<std::string> WeekChangeText(const EvaluationFigures& figures, const v1::Flag& flag);

}  // namespace dondoc::alerting
