#include "services/aggregation/feed_follower.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {

FeedFollower::FeedFollower(FeedClient& client, LiveCube& cube, Metrics& metrics,
                           FollowerOptions options)
    : client_(client),
      cube_(cube),
      metrics_(metrics),
      options_(std::move(options)),
      random_(options_.seed),
      backoff_(options_.backoff_min) {
  metrics_.sequence.Set(-1);
}

FeedFollower::~FeedFollower() { Stop(); }

void FeedFollower::Start() {
  thread_ = std::thread([this] { Run(); });
}

void FeedFollower::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_changed_.SignalAll();
  client_.Cancel();
  if (thread_.joinable()) thread_.join();
}

bool FeedFollower::Ready() const {
  MutexLock lock(mutex_);
  return ready_;
}

void FeedFollower::SetReady(bool ready) {
  MutexLock lock(mutex_);
  ready_ = ready;
  metrics_.ready.Set(ready ? 1 : 0);
}

void FeedFollower::Run() {
  do {
    const absl::Status status = FollowOnce();
    metrics_.feed_connected.Set(0);
    // What is complete is shown; the beginning of a sequence comes again after the reconnect.
    cube_.Show();
    pending_.clear();
    pending_bytes_ = 0;
    // The feed cannot go on from where we are. A snapshot can.
    if (absl::IsOutOfRange(status) || absl::IsFailedPrecondition(status) ||
        absl::IsDataLoss(status)) {
      need_snapshot_ = true;
    }
    Log(status);
  } while (WaitToRetry());
}

void FeedFollower::Log(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
  }
  metrics_.feed_errors.Increment();
  // An outage repeats the same end every two seconds: said once.
  if (status == logged_) return;
  logged_ = status;
  if (absl::IsDataLoss(status)) {
    log::Error("the feed makes no sense, taking a snapshot", {{"reason", status.ToString()}});
  } else {
    log::Warning("the feed ended, trying again", {{"reason", status.ToString()}});
  }
}

bool FeedFollower::WaitToRetry() {
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  const absl::Time until = absl::Now() + backoff_ * jitter(random_);
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    stop_changed_.WaitFor(mutex_, left);
  }
  return false;
}

absl::Status FeedFollower::FollowOnce() {
  ASSIGN_OR_RETURN(const v1::Position head,
                   client_.GetHead("", std::nullopt, absl::Now() + options_.head_timeout));
  RETURN_IF_ERROR(Prepare(head));
  const v1::Position position = cube_.View()->position();
  caught_up_at_ = head.sequence();
  metrics_.head_sequence.Set(static_cast<double>(head.sequence()));
  if (position.sequence() >= caught_up_at_) SetReady(true);
  return client_.Follow(position.ledger_id(), position.sequence(), options_.heartbeat_timeout,
                        [this](v1::FeedEvent& event) { return Take(event); });
}

absl::Status FeedFollower::Prepare(const v1::Position& head) {
  if (!options_.ledger_id.empty() && head.ledger_id() != options_.ledger_id) {
    SetReady(false);
    return absl::UnavailableError(absl::StrCat("ingestion has ledger ", Quoted(head.ledger_id()),
                                               ", --ledger_id=", options_.ledger_id,
                                               " refuses any other"));
  }
  std::shared_ptr<const CubeView> view = cube_.View();
  if (view != nullptr && view->position().ledger_id() != head.ledger_id()) {
    log::Warning("ingestion has another ledger: everything of the old one is dropped",
                 {{"old", view->position().ledger_id()}, {"new", head.ledger_id()}});
    metrics_.ledger_changes.Increment();
    metrics_.sequence.Set(-1);
    SetReady(false);
    cube_.Clear();
    view = nullptr;
  }
  if (view != nullptr && head.sequence() < view->position().sequence()) {
    // A ledger that lost its end should have another id (common.proto). What it lost is not true.
    log::Error("the ledger went back: loading it again",
               {{"held", view->position().sequence()}, {"head", head.sequence()}});
    need_snapshot_ = true;
  }
  if (view != nullptr && !need_snapshot_) return absl::OkStatus();
  absl::StatusOr<Cube> cube = client_.LoadSnapshot(
      head.ledger_id(), 0, absl::Now() + options_.snapshot_timeout, options_.snapshot_silence);
  RETURN_IF_ERROR(cube.status());
  need_snapshot_ = false;
  metrics_.snapshots.Increment();
  metrics_.cell_entries.Set(static_cast<double>(cube->cell_entries()));
  metrics_.sequence.Set(static_cast<double>(cube->position().sequence()));
  log::Info("snapshot loaded", {{"ledger_id", cube->position().ledger_id()},
                                {"sequence", cube->position().sequence()},
                                {"cells", cube->cell_entries()}});
  cube_.Replace(*std::move(cube));
  metrics_.units.Set(static_cast<double>(cube_.View()->units().by_name().size()));
  return absl::OkStatus();
}

absl::Status FeedFollower::Take(v1::FeedEvent& event) {
  metrics_.feed_connected.Set(1);
  metrics_.head_sequence.Set(static_cast<double>(event.head().sequence()));
  if (event.sequence() == 0) {
    backoff_ = options_.backoff_min;
    logged_ = absl::OkStatus();
    cube_.Show();
    metrics_.sequence.Set(static_cast<double>(cube_.View()->position().sequence()));
    return absl::OkStatus();
  }
  if (!pending_.empty() && pending_.back().sequence() != event.sequence()) {
    return absl::DataLossError(
        absl::StrCat("feed: sequence ", event.sequence(), " inside ", pending_.back().sequence()));
  }
  pending_bytes_ += static_cast<int64_t>(event.ByteSizeLong());
  if (pending_bytes_ > options_.pending_bytes_max) {
    need_snapshot_ = true;
    return absl::ResourceExhaustedError(absl::StrCat("feed: sequence ", event.sequence(),
                                                     " is larger than ", options_.pending_bytes_max,
                                                     " bytes, taking a snapshot"));
  }
  const bool complete = event.complete();
  const int64_t sequence = event.sequence();
  const int64_t head = event.head().sequence();
  pending_.push_back(std::move(event));
  if (!complete) return absl::OkStatus();

  const absl::Time now = absl::Now();
  const bool show = sequence >= head || now - shown_ >= options_.show_every;
  RETURN_IF_ERROR(cube_.Apply(pending_, show));
  pending_.clear();
  pending_bytes_ = 0;
  metrics_.sequences.Increment();
  // Only now: a feed whose events cannot be applied must not be asked again and again at once.
  backoff_ = options_.backoff_min;
  logged_ = absl::OkStatus();
  if (show) {
    shown_ = now;
    metrics_.sequence.Set(static_cast<double>(sequence));
    metrics_.units.Set(static_cast<double>(cube_.View()->units().by_name().size()));
  }
  if (sequence >= caught_up_at_) {
    cube_.Show();
    SetReady(true);
  }
  return absl::OkStatus();
}

}  // namespace dondoc::aggregation
