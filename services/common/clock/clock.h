#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dondoc {

// Civil time: schedules, "today", future-date checks, commit, audit and mail dates. Implementations
// are thread-safe. Never for deadlines of calls, timeouts, TTLs or rate limits: those use the real
// clock (absl::Now).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The clock a binary runs on.
//   both empty                    the machine's clock
//   now = RFC 3339 instant        civil time starts there when the process starts, and runs
//   now_file = path of a file     whose first line is an instant: civil time stands there; the file
//   is read again
//                                 on every call (at most every 20 ms), so that a test moves all
//                                 processes together
// kInvalidArgument when both are given, or when the instant or the file cannot be read.
absl::StatusOr<std::unique_ptr<Clock>> MakeClock(const std::string& now,
                                                 const std::string& now_file);

}  // namespace dondoc
