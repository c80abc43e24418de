#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "services/aggregation/position_finder.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

inline constexpr size_t kProvincesMax = 256;

// The ledgers that questions can be about, by province. Where only one is followed it needs no
// name. Thread-safe.
class Ledgers {
 public:
  using Finder = std::shared_ptr<PositionFinder>;

  // Adds or replaces. `finder` keeps alive what it reads.
  void Put(const std::string& province_id, Finder finder);
  // Answers under way go on with what they hold.
  void Remove(const std::string& province_id);

  // Without a name the only one. kInvalidArgument: there are several. kNotFound: no such province.
  // kUnavailable: none is followed yet.
  absl::StatusOr<Finder> Find(const std::string& province_id) const;
  std::map<std::string, Finder> All() const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, Finder> finders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::aggregation
