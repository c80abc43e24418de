#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/feed.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "services/aggregation/cube.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

// The ledger's feed, as ingestion serves it (feed.proto), with a limit on every silence.
// Thread-safe. Errors are those of the feed; kDeadlineExceeded also when the server said nothing
// for `silence`; kCancelled after Cancel.
class FeedClient {
 public:
  explicit FeedClient(std::unique_ptr<v1::FeedService::StubInterface> stub);

  // `ledger_id` empty = whichever it is. With `known_at`, the last sequence committed by then.
  absl::StatusOr<v1::Position> GetHead(const std::string& ledger_id,
                                       std::optional<absl::Time> known_at, absl::Time deadline);

  // The cube as of `sequence` (0 = the head).
  absl::StatusOr<Cube> LoadSnapshot(const std::string& ledger_id, int64_t sequence,
                                    absl::Time deadline, absl::Duration silence);

  // Hands every event after `after` to `sink` until the stream ends or the sink fails; returns why.
  // A stream that the server ends without an error is kUnavailable: a feed has no end.
  absl::Status Follow(const std::string& ledger_id, int64_t after, absl::Duration silence,
                      const std::function<absl::Status(v1::FeedEvent&)>& sink);

  // Ends the calls under way and refuses later ones.
  void Cancel();

 private:
  class Registration;

  std::unique_ptr<v1::FeedService::StubInterface> stub_;
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::aggregation
