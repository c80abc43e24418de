#include "services/aggregation/live_cube.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {

std::shared_ptr<const CubeView> LiveCube::View() const {
  MutexLock lock(view_mutex_);
  return view_;
}

absl::StatusOr<std::shared_ptr<const CubeView>> LiveCube::ViewFor(
    absl::Span<const std::string> plane_ids) {
  const auto has_all = [plane_ids](const CubeView& view) {
    return std::all_of(plane_ids.begin(), plane_ids.end(),
                       [&view](const std::string& id) { return view.FindPlane(id) != nullptr; });
  };
  std::shared_ptr<const CubeView> view = View();
  if (view == nullptr) return absl::UnavailableError("nothing is loaded yet, retry");
  if (has_all(*view)) return view;
  MutexLock lock(writer_mutex_);
  if (!cube_.has_value()) return absl::UnavailableError("nothing is loaded yet, retry");
  for (const std::string& id : plane_ids) RETURN_IF_ERROR(cube_->Use(id));
  ShowLocked();
  return View();
}

std::shared_ptr<const CubeView> LiveCube::WaitForSequence(int64_t sequence,
                                                          absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(view_mutex_);
  while (view_ == nullptr || view_->position().sequence() < sequence) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(view_mutex_, left);
  }
  return view_;
}

uint64_t LiveCube::WaitForChange(uint64_t seen, absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(view_mutex_);
  while (generation_ == seen) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(view_mutex_, left);
  }
  return generation_;
}

void LiveCube::Publish(std::shared_ptr<const CubeView> view) {
  // The old view may be the last reference to a lot: freed after the lock, not under it.
  std::shared_ptr<const CubeView> old;
  {
    MutexLock lock(view_mutex_);
    old = std::exchange(view_, std::move(view));
    ++generation_;
  }
  changed_.SignalAll();
}

void LiveCube::ShowLocked() {
  Publish(cube_.has_value() ? cube_->View() : nullptr);
  hidden_ = false;
}

void LiveCube::Replace(Cube cube) {
  std::optional<Cube> old;
  MutexLock lock(writer_mutex_);
  old = std::exchange(cube_, std::move(cube));
  ShowLocked();
}

void LiveCube::Clear() {
  MutexLock lock(writer_mutex_);
  cube_.reset();
  ShowLocked();
}

absl::Status LiveCube::Apply(absl::Span<const v1::FeedEvent> parts, bool show) {
  MutexLock lock(writer_mutex_);
  if (!cube_.has_value()) return absl::FailedPreconditionError("nothing is loaded");
  RETURN_IF_ERROR(cube_->Apply(parts));
  hidden_ = true;
  if (show) ShowLocked();
  return absl::OkStatus();
}

void LiveCube::Show() {
  MutexLock lock(writer_mutex_);
  if (hidden_) ShowLocked();
}

}  // namespace dondoc::aggregation
