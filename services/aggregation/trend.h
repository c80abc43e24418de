#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/day_range.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// The calendar's whole step that `day` is in. Months, quarters, halves and nine months begin with
// the year; a week is an ISO week, so it may lie in two years.
DayRange StepOf(int32_t day, v1::TrendStep::Value step);

// "2023-11-15", "2023-W46", "2023-11", "2023-Q4", "2023-H2", "2023-9M" (and "2023-Q4" after it),
// "2023". A week is called after the year that has most of it.
std::string StepLabel(const DayRange& whole, v1::TrendStep::Value step);

// The window cut into steps.
std::vector<DayRange> CutWindow(const DayRange& window, v1::TrendStep::Value step);

// Of one unit, or without `unit_id` of every unit or those of `level`. kNotFound: unknown unit.
// kInvalidArgument: more than kTrendStepsMax steps, or see Selection.
absl::StatusOr<v1::ListTrendResponse> AnswerTrend(const CubeView& view,
                                                  const DefinitionPlane& plane,
                                                  const Question& question,
                                                  const v1::ListTrendRequest& request);

}  // namespace dondoc::aggregation
