#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/feed.grpc.pb.h"
#include "services/common/mutex/mutex.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr size_t kFeedStreamsMax = 128;

// The change feed. A stream has a thread of its own and a bounded queue, and holds no lock of the
// ledger while it waits for its reader (the ledger calls its sinks without one).
class FeedService final
    : public v1::FeedService::WithCallbackMethod_Follow<
          v1::FeedService::WithCallbackMethod_Snapshot<v1::FeedService::Service>> {
 public:
  struct Options {
    // How long a reader may let a full queue wait before it is cut.
    absl::Duration stall_max = absl::Seconds(10);
    // A heartbeat goes out when nothing was committed for so long; at most a second.
    absl::Duration heartbeat = absl::Milliseconds(500);
  };

  FeedService(const Ledger& ledger, Metrics& metrics, Options options);
  ~FeedService() override;

  // Ends every stream with UNAVAILABLE, waits for them, and refuses new ones.
  void Stop();

  grpc::Status GetHead(grpc::ServerContext* context, const v1::GetHeadRequest* request,
                       v1::Position* response) override;
  grpc::ServerWriteReactor<v1::FeedEvent>* Follow(grpc::CallbackServerContext* context,
                                                  const v1::FollowRequest* request) override;
  grpc::ServerWriteReactor<v1::SnapshotChunk>* Snapshot(
      grpc::CallbackServerContext* context, const v1::SnapshotRequest* request) override;

 private:
  template <typename Message>
  using Produce = std::function<absl::Status(const std::function<absl::Status(Message)>& write,
                                             const std::function<bool()>& idle,
                                             const std::function<bool()>& cancelled)>;

  struct Thread {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> ended;
  };

  absl::Status CheckLedgerId(const std::string& ledger_id) const;
  absl::StatusOr<v1::Position> HeadFor(const v1::GetHeadRequest& request) const;
  absl::Status PositionAt(int64_t sequence, v1::Position& position) const;
  template <typename Message>
  grpc::ServerWriteReactor<Message>* StartStream(grpc::CallbackServerContext* context,
                                                 absl::string_view rpc, Produce<Message> produce);
  absl::Status ReapThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Ledger& ledger_;
  Metrics& metrics_;
  const Options options_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  std::list<Thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::ingestion
