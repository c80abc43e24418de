#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "services/alerting/figures.h"
#include "services/common/mutex/mutex.h"
#include "services/common/rpc/status_conversion.h"

// What every handler does with a call.

namespace dondoc::alerting {

inline constexpr int kPageSizeDefault = 100;
inline constexpr int kPageSizeMax = 1000;

// Writes the value, or says why there is none.
template <typename Message>
grpc::Status Answer(absl::StatusOr<Message> result, Message* response) {
  if (!result.ok()) return ToGrpc(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

// kInvalidArgument begins with the field.
absl::StatusOr<int> PageSize(int32_t asked);
// Tokens are ours: the number of the last row sent; 0 for an empty one.
absl::StatusOr<int64_t> PageNumber(const std::string& token);
std::string PageToken(int64_t number);

// Deadline (at most 30 s) and request id of a call.
CallContext ContextOf(const grpc::ServerContext& context);

// [A-Za-z0-9._-]{1,64}
bool IsRequestId(const std::string& text);

// Fresh ids. Thread-safe.
class IdSource {
 public:
  // `prefix` and 16 hex digits.
  std::string Next(absl::string_view prefix);

 private:
  Mutex mutex_;
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::alerting
