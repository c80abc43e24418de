#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/working_calendar.h"
#include "services/alerting/evaluation_figures.h"

namespace dondoc::alerting {

// The verdict on every unit of `figures`, in their order: a pure function. `writing` is NOT_FLAGGED
// or left UNSPECIFIED for flagged units: that is the writer's to say. Flagged is a unit with a
// target, data and dossiers that is below it.
absl::StatusOr<std::vector<v1::Flag>> JudgeUnits(const v1::Campaign& campaign,
                                                 const EvaluationFigures& figures,
                                                 const WorkingCalendar& calendar);

}  // namespace dondoc::alerting
