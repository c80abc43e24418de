#include "services/common/rpc/status_conversion.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;

TEST(StatusConversionTest, KeepsEveryCodeAndMessageBothWays) {
  const struct {
    absl::StatusCode ours;
    grpc::StatusCode theirs;
  } codes[] = {
      {absl::StatusCode::kCancelled, grpc::CANCELLED},
      {absl::StatusCode::kUnknown, grpc::UNKNOWN},
      {absl::StatusCode::kInvalidArgument, grpc::INVALID_ARGUMENT},
      {absl::StatusCode::kDeadlineExceeded, grpc::DEADLINE_EXCEEDED},
      {absl::StatusCode::kNotFound, grpc::NOT_FOUND},
      {absl::StatusCode::kAlreadyExists, grpc::ALREADY_EXISTS},
      {absl::StatusCode::kPermissionDenied, grpc::PERMISSION_DENIED},
      {absl::StatusCode::kResourceExhausted, grpc::RESOURCE_EXHAUSTED},
      {absl::StatusCode::kFailedPrecondition, grpc::FAILED_PRECONDITION},
      {absl::StatusCode::kAborted, grpc::ABORTED},
      {absl::StatusCode::kOutOfRange, grpc::OUT_OF_RANGE},
      {absl::StatusCode::kUnimplemented, grpc::UNIMPLEMENTED},
      {absl::StatusCode::kInternal, grpc::INTERNAL},
      {absl::StatusCode::kUnavailable, grpc::UNAVAILABLE},
      {absl::StatusCode::kDataLoss, grpc::DATA_LOSS},
      {absl::StatusCode::kUnauthenticated, grpc::UNAUTHENTICATED},
  };
  for (const auto& code : codes) {
    const grpc::Status theirs = ToGrpc(absl::Status(code.ours, "dossiers[2].code: 'ắ'"));
    EXPECT_EQ(theirs.error_code(), code.theirs);
    EXPECT_EQ(theirs.error_message(), "dossiers[2].code: 'ắ'");
    EXPECT_THAT(FromGrpc(theirs), StatusIs(code.ours, "dossiers[2].code: 'ắ'"));
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_OK(FromGrpc(grpc::Status::OK));
}

}  // namespace
}  // namespace dondoc
