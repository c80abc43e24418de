#include "services/ingestion/entry_upload.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace dondoc::ingestion {
namespace {

constexpr absl::Duration kCancelGrace = absl::Milliseconds(50);
constexpr absl::Duration kCancelPoll = absl::Milliseconds(5);

}  // namespace

bool BrokeOff(const grpc::ServerContext& context) {
  const absl::Time until = absl::Now() + kCancelGrace;
  while (!context.IsCancelled()) {
    if (absl::Now() >= until) return false;
    absl::SleepFor(kCancelPoll);
  }
  return true;
}

}  // namespace dondoc::ingestion
