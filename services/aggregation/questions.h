#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

// The answers: pure functions of a view and a checked question.

namespace dondoc::aggregation {

// `plane` is view.FindPlane(question.definition_id).
v1::GetSummaryResponse AnswerSummary(const CubeView& view, const DefinitionPlane& plane,
                                     const Question& question);

// Rows `offset` to at most offset + page_size; `more` says whether rows follow. kNotFound: unknown
// parent. kInvalidArgument: `offset` is beyond the list.
struct RatiosPage {
  v1::ListRatiosResponse response;
  bool more = false;
};
absl::StatusOr<RatiosPage> AnswerRatios(const CubeView& view, const DefinitionPlane& plane,
                                        const RatiosQuestion& question, int64_t offset);

// kNotFound: unknown unit.
absl::StatusOr<v1::GetUnitRatioResponse> AnswerUnitRatio(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const Question& question,
                                                         const std::string& unit_id);

// kNotFound: unknown unit. kInvalidArgument: more than kTrendStepsMax steps.
absl::StatusOr<v1::ListTrendResponse> AnswerTrend(const CubeView& view,
                                                  const DefinitionPlane& plane,
                                                  const Question& question,
                                                  const std::string& unit_id,
                                                  v1::TrendStep::Value step);

v1::ListDailyCountsResponse AnswerDailyCounts(const CubeView& view, const DefinitionPlane& plane,
                                              const Question& question);

v1::GetFreshnessResponse AnswerFreshness(const CubeView& view);

// The window cut into steps: calendar days, ISO weeks, months, quarters.
std::vector<DayRange> CutWindow(const DayRange& window, v1::TrendStep::Value step);

}  // namespace dondoc::aggregation
