#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/aggregation/feed_client.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/metrics.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

struct FollowerOptions {
  // Empty = follow whichever ledger ingestion has; otherwise only this one.
  std::string ledger_id;
  // A feed that says nothing for this long is dead: it has a heartbeat every second.
  absl::Duration heartbeat_timeout = absl::Seconds(5);
  // Longest wait for the next piece of a snapshot, and for all of it.
  absl::Duration snapshot_silence = absl::Seconds(30);
  absl::Duration snapshot_timeout = absl::Minutes(30);
  absl::Duration head_timeout = absl::Seconds(5);
  // Waits between attempts, doubling, with jitter.
  absl::Duration backoff_min = absl::Milliseconds(50);
  absl::Duration backoff_max = absl::Seconds(2);
  // While more is known to come, what was taken in is shown at most this often.
  absl::Duration show_every = absl::Milliseconds(20);
  // Limit of one sequence's deltas held back until it is complete; beyond it a snapshot is taken.
  int64_t pending_bytes_max = int64_t{1} << 30;
  uint64_t seed = 0;  // of the jitter
};

// Keeps a LiveCube at the head of ingestion's ledger, on a thread of its own, for as long as it
// lives: starts with a snapshot (never more work than the whole log), then follows; after a cut it
// resumes where it was; when the feed cannot resume there, or sends what makes no sense, it takes a
// snapshot. When the ledger is another one, everything of the old one is dropped at once.
// Thread-safe.
class FeedFollower {
 public:
  FeedFollower(FeedClient& client, LiveCube& cube, Metrics& metrics, FollowerOptions options);
  ~FeedFollower();  // stops
  FeedFollower(const FeedFollower&) = delete;
  FeedFollower& operator=(const FeedFollower&) = delete;

  void Start();
  // Returns when the thread has ended. `client` is cancelled and cannot be used again.
  void Stop();

  // True once the cube has what the ledger had when the feed was connected to; stays true while
  // ingestion is away (the cube still answers, with its position), false again from the moment that
  // another ledger is met.
  bool Ready() const;

 private:
  void Run();
  // One connection from head to cut; returns why it ended.
  absl::Status FollowOnce();
  // Brings the cube to the ledger of `head`, by a snapshot where needed.
  absl::Status Prepare(const v1::Position& head);
  absl::Status Take(v1::FeedEvent& event);
  void Log(const absl::Status& status);
  bool WaitToRetry();
  void SetReady(bool ready);

  FeedClient& client_;
  LiveCube& cube_;
  Metrics& metrics_;
  const FollowerOptions options_;

  // The thread's own.
  std::mt19937_64 random_;
  absl::Duration backoff_;
  bool need_snapshot_ = false;
  int64_t caught_up_at_ = 0;
  std::vector<v1::FeedEvent> pending_;
  int64_t pending_bytes_ = 0;
  absl::Time shown_ = absl::InfinitePast();
  absl::Status logged_;  // the last end that was logged: repeats are not

  mutable Mutex mutex_;
  CondVar stop_changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dondoc::aggregation
