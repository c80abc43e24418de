#include "services/common/rpc/broken_stream.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace dondoc {
namespace {

constexpr absl::Duration kGrace = absl::Milliseconds(50);
constexpr absl::Duration kPoll = absl::Milliseconds(5);

}  // namespace

bool BrokeOff(const grpc::ServerContext& context) {
  const absl::Time until = absl::Now() + kGrace;
  while (!context.IsCancelled()) {
    if (absl::Now() >= until) return false;
    absl::SleepFor(kPoll);
  }
  return true;
}

}  // namespace dondoc
