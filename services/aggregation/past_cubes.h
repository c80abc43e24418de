#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/metrics.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

inline constexpr int kPastCubesMax = 8;
// Loads at the same time: each holds a whole cube, and ingestion has better things to do.
inline constexpr int kPastLoadsMax = 2;

// Cubes at earlier positions, for questions about the past: the most recently asked few are kept,
// the others are loaded when asked for. However many ask for one position at once, it is loaded
// once. Thread-safe.
class PastCubes {
 public:
  using Loader = std::function<absl::StatusOr<Cube>(const std::string& ledger_id, int64_t sequence,
                                                    absl::Time deadline)>;

  PastCubes(Loader loader, Metrics& metrics, int cubes_max = kPastCubesMax);

  // The cube at `sequence` of the ledger; never changes, except that definitions come into use.
  // The loader's error, to all who waited for it; kDeadlineExceeded when `deadline` passes first.
  absl::StatusOr<std::shared_ptr<LiveCube>> Get(const std::string& ledger_id, int64_t sequence,
                                                absl::Time deadline);

 private:
  // A load that has begun and perhaps ended.
  struct Entry {
    std::string ledger_id;
    int64_t sequence = 0;
    bool loading = true;
    absl::Status error;
    std::shared_ptr<LiveCube> cube;
  };

  std::shared_ptr<Entry> FindLocked(const std::string& ledger_id, int64_t sequence)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLocked(const std::shared_ptr<Entry>& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Loader loader_;
  Metrics& metrics_;
  const int cubes_max_;
  Mutex mutex_;
  CondVar changed_;
  // Most recently asked first; loading ones are never dropped.
  std::list<std::shared_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);
  int loading_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dondoc::aggregation
