#include "services/alerting/calls.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kRequestIdBytesMax = 64;
// For callers that set no deadline.
constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);

}  // namespace

absl::StatusOr<int> PageSize(int32_t asked) {
  if (asked < 0 || asked > kPageSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", asked, " is not 0–", kPageSizeMax));
  }
  return asked == 0 ? kPageSizeDefault : asked;
}

absl::StatusOr<int64_t> PageNumber(const std::string& token) {
  int64_t number = 0;
  if (!token.empty() && (!absl::SimpleAtoi(token, &number) || number <= 0)) {
    return absl::InvalidArgumentError(absl::StrCat("page_token: ", Quoted(token), " is not ours"));
  }
  return number;
}

std::string PageToken(int64_t number) { return number == 0 ? "" : absl::StrCat(number); }

CallContext ContextOf(const grpc::ServerContext& context) {
  CallContext call;
  call.deadline = std::min(absl::FromChrono(context.deadline()), absl::Now() + kDefaultTimeout);
  const auto id = context.client_metadata().find("x-request-id");
  if (id != context.client_metadata().end()) {
    call.request_id = std::string(id->second.data(), id->second.size());
  }
  return call;
}

bool IsRequestId(const std::string& text) {
  if (text.empty() || text.size() > kRequestIdBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

std::string IdSource::Next(absl::string_view prefix) {
  MutexLock lock(mutex_);
  return absl::StrFormat("%s%016x", prefix, absl::Uniform<uint64_t>(random_));
}

}  // namespace dondoc::alerting
