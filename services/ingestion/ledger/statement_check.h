#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/statements.pb.h"
#include "services/ingestion/ledger/directory.h"

namespace dondoc::ingestion {

inline constexpr int kStatementDaysMax = 366;
inline constexpr int64_t kStatementCountMax = 1'000'000'000'000;

// Whether a statement may go into the ledger, as statements.proto says. kInvalidArgument beginning
// with the field ("online: 7 is more than total, 5"): a unit that the directory lacks or that does
// not exist on any of the days; days that cannot be read, in the wrong order, too many, before
// 2000-01-01 or after `today`, because nobody can count days that have not come; counts outside 0
// to kStatementCountMax or that do not add up; a withdrawal with counts; an update_time that is
// more than a day ahead of `today`.
absl::Status CheckStatement(const v1::Statement& statement, const Directory& directory,
                            absl::CivilDay today);

}  // namespace dondoc::ingestion
