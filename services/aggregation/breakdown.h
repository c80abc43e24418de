#pragma once

#include "absl/status/statusor.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// The same dossiers by what no plane keeps apart: read from the cells of the units asked about. A
// province of 120,000 dossiers takes about a millisecond, a unit far less; nothing waits for it.
// kNotFound, kInvalidArgument: see Selection.
absl::StatusOr<v1::GetBreakdownResponse> AnswerBreakdown(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const BreakdownQuestion& question);
absl::StatusOr<v1::ListUnitProceduresResponse> AnswerUnitProcedures(
    const CubeView& view, const DefinitionPlane& plane, const BreakdownQuestion& question);

}  // namespace dondoc::aggregation
