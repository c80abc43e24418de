#pragma once

#include <cstdint>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/metrics.h"
#include "services/aggregation/ratio_cache.h"
#include "services/aggregation/window_registry.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

struct PublisherOptions {
  // Changes closer together than this are published as one.
  absl::Duration every_min = absl::Milliseconds(100);
  // Without a change, each window is checked this often: a Redis that came back empty is refilled.
  absl::Duration check_every = absl::Seconds(2);
  // How long a published window lives without us. Each check prolongs it.
  absl::Duration ttl = absl::Minutes(10);
};

// A window's figures at the view's position: one field for each unit that has a part in it, and
// what they are worth together. `plane` is the view's, of the window's definition.
PublishedWindow MakePublishedWindow(const CubeView& view, const DefinitionPlane& plane,
                                    const RegisteredWindow& window);

// Keeps the registered windows published, on a thread of its own. A cache that is away is tried
// again with every check and concerns nobody but a gauge. Thread-safe.
class Publisher {
 public:
  Publisher(LiveCube& cube, WindowRegistry& windows, RatioCache& cache, Metrics& metrics,
            PublisherOptions options = {});
  ~Publisher();  // stops
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void Start();
  void Stop();
  // A window was registered: publish it now, not at the next check.
  void Wake();

 private:
  void Run();
  void PublishAll();
  absl::Status PublishOne(const RegisteredWindow& window);
  void SetUp(const absl::Status& status);

  LiveCube& cube_;
  WindowRegistry& windows_;
  RatioCache& cache_;
  Metrics& metrics_;
  const PublisherOptions options_;
  bool up_ = true;  // the thread's own: what was last logged

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dondoc::aggregation
