#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dondoc::aggregation {

// A window's figures as they are published; docs/redis.md says what each text is.
struct PublishedWindow {
  std::string key;  // "<definition_id>:<from>:<to>"
  std::string ledger_id;
  int64_t sequence = 0;
  // Field and value; ledger_id and sequence are among them.
  std::vector<std::pair<std::string, std::string>> fields;
};

// Where the figures of registered windows are published: never a source of truth, always one whole
// window at one position. Used by one thread.
class RatioCache {
 public:
  enum class Outcome {
    kWritten,
    kSame,       // it already held this position; its life is prolonged
    kHeldNewer,  // refused: it holds a newer position of the same ledger
  };

  virtual ~RatioCache() = default;

  // Replaces the window as a whole and announces the change, unless a newer position of the same
  // ledger is held; another ledger's figures are always replaced. Atomic. kUnavailable and
  // kDeadlineExceeded: the cache is away or slow, the write may or may not have happened; again is
  // safe.
  virtual absl::StatusOr<Outcome> Publish(const PublishedWindow& window, absl::Duration ttl) = 0;
};

}  // namespace dondoc::aggregation
