#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "dondoc/v1/feed.grpc.pb.h"
#include "grpcpp/server.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation::testing {

// Ingestion's feed over a ModelLedger, with the faults a feed may have. Thread-safe.
class FakeFeedService : public v1::FeedService::Service {
 public:
  explicit FakeFeedService(std::string ledger_id) : ledger_(std::move(ledger_id)) {}

  int64_t Commit(ModelChange change);
  // The model as it is now.
  ModelLedger ledger() const;

  // From now on it is this ledger; streams under way end.
  void ReplaceLedger(ModelLedger ledger);
  // Ends the streams under way; with `after_events`, the next streams end after so many events,
  // in the middle of a sequence if that is where it is.
  void Cut(std::optional<int> after_events = std::nullopt);
  // Streams stay open and say nothing: no event, no heartbeat.
  void BeSilent(bool silent);
  // Each event holds at most so many cells.
  void SplitInto(int cells_max);
  // The log before this sequence is gone: Follow from before it is OUT_OF_RANGE.
  void TrimBefore(int64_t sequence);
  // The next event that is sent is broken: its sequence is wrong.
  void SkipNextSequence();

  // From now on every new call is UNAVAILABLE, as when nobody listens.
  void BeAway();

  int follows() const;
  int snapshots() const;
  // Waits until that many Follow calls have begun; false after 10 s.
  bool WaitForFollows(int follows) const;

  grpc::Status GetHead(grpc::ServerContext* context, const v1::GetHeadRequest* request,
                       v1::Position* response) override;
  grpc::Status Follow(grpc::ServerContext* context, const v1::FollowRequest* request,
                      grpc::ServerWriter<v1::FeedEvent>* writer) override;
  grpc::Status Snapshot(grpc::ServerContext* context, const v1::SnapshotRequest* request,
                        grpc::ServerWriter<v1::SnapshotChunk>* writer) override;

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  ModelLedger ledger_ ABSL_GUARDED_BY(mutex_);
  int cells_max_ ABSL_GUARDED_BY(mutex_) = 1000;
  int64_t trimmed_before_ ABSL_GUARDED_BY(mutex_) = 0;
  int generation_ ABSL_GUARDED_BY(mutex_) = 0;  // streams of an earlier one end
  std::optional<int> cut_after_ ABSL_GUARDED_BY(mutex_);
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;
  bool skip_next_ ABSL_GUARDED_BY(mutex_) = false;
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  int follows_ ABSL_GUARDED_BY(mutex_) = 0;
  int snapshots_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A gRPC server on a free port of this machine, serving `service` until it goes out of scope.
class LocalServer {
 public:
  explicit LocalServer(grpc::Service& service);
  ~LocalServer();
  std::string address() const { return address_; }
  std::shared_ptr<grpc::Channel> Channel() const;

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace dondoc::aggregation::testing
