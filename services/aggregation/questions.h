#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

// The answers: pure functions of a view and a checked question. The view has all planes of
// question.PlaneIds(). Trends, breakdowns and freshness: trend.h, breakdown.h, freshness.h.

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

// kNotFound, kInvalidArgument: see Selection.
absl::StatusOr<v1::GetUnitRatioResponse> AnswerUnitRatio(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const Question& question,
                                                         const std::string& unit_id,
                                                         bool with_change = false);

v1::ListDailyCountsResponse AnswerDailyCounts(const CubeView& view, const DefinitionPlane& plane,
                                              const Question& question);

}  // namespace dondoc::aggregation
