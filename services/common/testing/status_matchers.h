#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

// EXPECT_THAT(status_or, StatusIs(absl::StatusCode::kInvalidArgument,
// HasSubstr("dossiers[2].code"))); There is no "not ok": expect the specific error.

namespace dondoc::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P2(StatusIs, code, message, "has that code and message") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

}  // namespace dondoc::testing

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::dondoc::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::dondoc::testing::IsOk())
