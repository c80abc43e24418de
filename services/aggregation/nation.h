#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/ledgers.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// Every province and all of them pooled, each at the position asked for or as of now: a figure is
// of one position of each ledger, which the answer names. kNotFound: a province that is asked at a
// position is not followed, or one has no such definition. A province that has nothing loaded yet
// is in no figure and said to be missing.
absl::StatusOr<v1::GetNationResponse> AnswerNation(const Ledgers& ledgers,
                                                   const NationQuestion& question,
                                                   absl::Time deadline);

}  // namespace dondoc::aggregation
