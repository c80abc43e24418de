#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/aggregation/cube.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

// A cube with one writer and any number of readers. Thread-safe.
//
// Readers take the newest published view by shared_ptr: the only thing they share with the writer
// is the pointer, copied under a mutex that is held for nanoseconds. A SharedMutex around one
// mutable cube would be smaller, but glibc's prefers readers: under constant questions a commit
// would wait. std::atomic<std::shared_ptr> would do the same as this mutex, with a spin lock that
// ThreadSanitizer does not understand.
class LiveCube {
 public:
  // nullptr while nothing is loaded.
  std::shared_ptr<const CubeView> View() const;

  // A view that has all these planes (by definition_id or OnlineServicesPlane), building those it
  // is the first to ask for (that blocks the writer, and nobody else). kNotFound: no such
  // definition. kUnavailable: nothing is loaded.
  absl::StatusOr<std::shared_ptr<const CubeView>> ViewFor(absl::Span<const std::string> plane_ids);
  absl::StatusOr<std::shared_ptr<const CubeView>> ViewFor(const std::string& plane_id) {
    return ViewFor(absl::MakeConstSpan(&plane_id, 1));
  }

  // Waits until the view holds `sequence` or `timeout` passed; the view then, or nullptr.
  std::shared_ptr<const CubeView> WaitForSequence(int64_t sequence, absl::Duration timeout) const;

  // Grows with every new view. WaitForChange returns when it is beyond `seen` or `timeout` passed.
  uint64_t WaitForChange(uint64_t seen, absl::Duration timeout) const;

  // The writer's side. Each shows a whole state or the one before, never something between.
  void Replace(Cube cube);
  // Nothing is loaded any more.
  void Clear();
  // `show` false: taken in, but readers still see the state before until Show, or until a later
  // Apply that shows. See Cube::Apply.
  absl::Status Apply(absl::Span<const v1::FeedEvent> parts, bool show);
  void Show();

 private:
  void ShowLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_mutex_);
  void Publish(std::shared_ptr<const CubeView> view);

  Mutex writer_mutex_;  // before view_mutex_ when both are held
  std::optional<Cube> cube_ ABSL_GUARDED_BY(writer_mutex_);
  bool hidden_ ABSL_GUARDED_BY(writer_mutex_) = false;

  mutable Mutex view_mutex_;
  mutable CondVar changed_;
  std::shared_ptr<const CubeView> view_ ABSL_GUARDED_BY(view_mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(view_mutex_) = 0;
};

}  // namespace dondoc::aggregation
