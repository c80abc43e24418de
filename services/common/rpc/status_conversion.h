#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace dondoc {

// The codes are the same numbers; messages pass unchanged.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace dondoc
