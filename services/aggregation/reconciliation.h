#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "dondoc/v1/reconciliation.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

// Dossiers and statements side by side: a pure function of a view and a checked question.

namespace dondoc::aggregation {

inline constexpr int kReconciliationPageSizeDefault = 100;
inline constexpr int kReconciliationPageSizeMax = 1000;
// Statements shown of a unit that none tile the window of.
inline constexpr size_t kOverlappingShownMax = 100;

struct ReconciliationQuestion {
  // Of the default definition: the window, the position, level and parent, page size and
  // fingerprint. Its order is not used.
  RatiosQuestion units;
  bool by_difference = false;
  bool descending = false;
  bool only_different = false;
};

absl::StatusOr<ReconciliationQuestion> DecodeRequest(const v1::GetReconciliationRequest& request);

struct ReconciliationPage {
  v1::GetReconciliationResponse response;
  bool more = false;
};

// Rows from `offset` on. `plane` is the view's of the default definition. kNotFound: unknown
// parent. kInvalidArgument: `offset` is beyond the list.
absl::StatusOr<ReconciliationPage> AnswerReconciliation(const CubeView& view,
                                                        const DefinitionPlane& plane,
                                                        const ReconciliationQuestion& question,
                                                        int64_t offset);

}  // namespace dondoc::aggregation
