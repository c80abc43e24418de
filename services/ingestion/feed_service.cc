#include "services/ingestion/feed_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/stream_pump.h"

namespace dondoc::ingestion {
namespace {

// Events read from the log in one go.
constexpr int kEventsPerRead = 64;

absl::Status ShuttingDown() { return absl::UnavailableError("shutting down"); }

}  // namespace

FeedService::FeedService(const Ledger& ledger, Metrics& metrics, Options options)
    : ledger_(ledger), metrics_(metrics), options_(options) {}

FeedService::~FeedService() { Stop(); }

void FeedService::Stop() {
  stopping_ = true;
  std::list<Thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (Thread& each : threads) each.thread.join();
}

absl::Status FeedService::ReapThreads() {
  for (auto each = threads_.begin(); each != threads_.end();) {
    if (*each->ended) {
      each->thread.join();
      each = threads_.erase(each);
    } else {
      ++each;
    }
  }
  if (stopping_) return ShuttingDown();
  if (threads_.size() >= kFeedStreamsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("feed streams: ", threads_.size(), ", limit ", kFeedStreamsMax));
  }
  return absl::OkStatus();
}

template <typename Message>
grpc::ServerWriteReactor<Message>* FeedService::StartStream(grpc::CallbackServerContext* context,
                                                            absl::string_view rpc,
                                                            Produce<Message> produce) {
  metrics_.feed_followers.Increment();
  auto pump = std::make_shared<StreamPump<Message>>(
      context, options_.stall_max, [this, rpc](const absl::Status& status) {
        metrics_.feed_followers.Decrement();
        metrics_.Answer(rpc, status);
        if (!absl::IsResourceExhausted(status)) return;
        metrics_.feed_followers_cut.Increment();
        log::Warning("a slow reader of the feed was cut", {{"rpc", rpc}});
      });
  pump->Hold();
  auto ended = std::make_shared<std::atomic<bool>>(false);
  MutexLock lock(mutex_);
  const absl::Status room = ReapThreads();
  threads_.push_back({std::thread([this, pump, produce = std::move(produce), room, ended] {
                        pump->Run([&](StreamPump<Message>& stream) -> absl::Status {
                          RETURN_IF_ERROR(room);
                          return produce(
                              [&](Message message) {
                                metrics_.feed_bytes.Increment(
                                    static_cast<double>(message.ByteSizeLong()));
                                return stream.Write(std::move(message));
                              },
                              [&] { return stream.idle(); }, [&] { return stream.cancelled(); });
                        });
                        *ended = true;
                      }),
                      ended});
  return pump.get();
}

absl::Status FeedService::CheckLedgerId(const std::string& ledger_id) const {
  const std::string ours = ledger_.Head().ledger_id();
  if (ledger_id == ours) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("ledger_id: this is ledger ", ours, ", not ", Quoted(ledger_id)));
}

// The position of a sequence that may be in the past: its commit time is in the log.
absl::Status FeedService::PositionAt(int64_t sequence, v1::Position& position) const {
  position.set_sequence(sequence);
  position.clear_commit_time();
  if (sequence == 0) return absl::OkStatus();
  const absl::Status read =
      ledger_.ReadEvents(sequence - 1, 1, [&](const v1::FeedEvent& event) -> absl::Status {
        *position.mutable_commit_time() = event.commit_time();
        return absl::CancelledError("that is all");
      });
  return absl::IsCancelled(read) ? absl::OkStatus() : read;
}

absl::StatusOr<v1::Position> FeedService::HeadFor(const v1::GetHeadRequest& request) const {
  if (!request.ledger_id().empty()) RETURN_IF_ERROR(CheckLedgerId(request.ledger_id()));
  v1::Position position = ledger_.Head();
  if (!request.has_known_at()) return position;
  RETURN_IF_ERROR(PositionAt(ledger_.SequenceAt(FromProto(request.known_at())), position));
  return position;
}

grpc::Status FeedService::GetHead(grpc::ServerContext*, const v1::GetHeadRequest* request,
                                  v1::Position* response) {
  const absl::StatusOr<v1::Position> position = HeadFor(*request);
  if (position.ok()) *response = *position;
  return metrics_.Answer("GetHead", position.status());
}

grpc::ServerWriteReactor<v1::FeedEvent>* FeedService::Follow(grpc::CallbackServerContext* context,
                                                             const v1::FollowRequest* request) {
  return StartStream<v1::FeedEvent>(
      context, "Follow",
      [this, asked = *request](const auto& write, const auto& idle,
                               const auto& cancelled) -> absl::Status {
        if (!asked.ledger_id().empty() || asked.after_sequence() != 0) {
          RETURN_IF_ERROR(CheckLedgerId(asked.ledger_id()));
        }
        int64_t after = asked.after_sequence();
        // At once, so that the follower knows where the head is, and a bad position is refused.
        while (true) {
          RETURN_IF_ERROR(
              ledger_.ReadEvents(after, kEventsPerRead, [&](v1::FeedEvent event) -> absl::Status {
                if (stopping_) return ShuttingDown();
                if (event.complete()) after = event.sequence();
                *event.mutable_head() = ledger_.Head();
                metrics_.feed_events.Increment();
                return write(std::move(event));
              }));
          if (stopping_) return ShuttingDown();
          if (cancelled()) return absl::CancelledError("the client is gone");
          const v1::Position head = ledger_.WaitBeyond(after, options_.heartbeat);
          if (head.sequence() > after || !idle()) continue;
          v1::FeedEvent heartbeat;
          *heartbeat.mutable_head() = head;
          RETURN_IF_ERROR(write(std::move(heartbeat)));
        }
      });
}

grpc::ServerWriteReactor<v1::SnapshotChunk>* FeedService::Snapshot(
    grpc::CallbackServerContext* context, const v1::SnapshotRequest* request) {
  return StartStream<v1::SnapshotChunk>(
      context, "Snapshot",
      [this, asked = *request](const auto& write, const auto&, const auto&) -> absl::Status {
        if (!asked.ledger_id().empty()) RETURN_IF_ERROR(CheckLedgerId(asked.ledger_id()));
        const int64_t sequence =
            asked.at_sequence() != 0 ? asked.at_sequence() : ledger_.Head().sequence();
        return ledger_.ReadSnapshot(sequence, [&](v1::SnapshotChunk chunk) -> absl::Status {
          if (stopping_) return ShuttingDown();
          return write(std::move(chunk));
        });
      });
}

}  // namespace dondoc::ingestion
