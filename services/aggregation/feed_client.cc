#include "services/aggregation/feed_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/completion_queue.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

// Waits for the one operation under way on `queue`. False when it failed, which for a read means
// that the stream is over; kDeadlineExceeded when nothing happened for `silence`: the operation is
// then still under way.
absl::StatusOr<bool> Next(grpc::CompletionQueue& queue, absl::Duration silence) {
  void* tag = nullptr;
  bool ok = false;
  switch (queue.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + silence))) {
    case grpc::CompletionQueue::GOT_EVENT:
      return ok;
    case grpc::CompletionQueue::TIMEOUT:
      return absl::DeadlineExceededError(
          absl::StrCat("ingestion said nothing for ", absl::FormatDuration(silence)));
    case grpc::CompletionQueue::SHUTDOWN:
      break;
  }
  return absl::InternalError("completion queue is shut down");
}

// Reads a stream to its end. One operation is under way at any time, so the queue needs no tags.
// This is the asynchronous interface because only it can wait for a message with a limit: a
// blocking read of a half-dead connection never returns.
template <typename Message, typename Reader, typename Sink>
absl::Status ReadStream(grpc::ClientContext& context, grpc::CompletionQueue& queue, Reader& reader,
                        absl::Duration silence, const Sink& sink) {
  absl::Status stopped;  // why we ended it, when it was us
  reader.StartCall(nullptr);
  absl::StatusOr<bool> going = Next(queue, silence);
  while (true) {
    if (!going.ok()) {
      stopped = going.status();
      context.TryCancel();
      // The operation ends now that the call is cancelled.
      (void)Next(queue, absl::InfiniteDuration());
      break;
    }
    if (!*going) break;
    Message message;
    reader.Read(&message, nullptr);
    going = Next(queue, silence);
    if (!going.ok()) {
      stopped = going.status();
      context.TryCancel();
      (void)Next(queue, absl::InfiniteDuration());
      break;
    }
    if (!*going) break;
    stopped = sink(message);
    if (!stopped.ok()) {
      context.TryCancel();
      break;
    }
  }
  grpc::Status status;
  reader.Finish(&status, nullptr);
  (void)Next(queue, absl::InfiniteDuration());
  return stopped.ok() ? FromGrpc(status) : stopped;
}

// A completion queue that is always shut down and drained.
class Queue {
 public:
  Queue() = default;
  ~Queue() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  grpc::CompletionQueue& get() { return queue_; }

 private:
  grpc::CompletionQueue queue_;
};

}  // namespace

// Makes a call known to Cancel for as long as it runs.
class FeedClient::Registration {
 public:
  Registration(FeedClient& client, grpc::ClientContext& context)
      : client_(client), context_(context) {
    MutexLock lock(client_.mutex_);
    client_.calls_.insert(&context_);
    if (client_.cancelled_) context_.TryCancel();
  }
  ~Registration() {
    MutexLock lock(client_.mutex_);
    client_.calls_.erase(&context_);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  FeedClient& client_;
  grpc::ClientContext& context_;
};

FeedClient::FeedClient(std::unique_ptr<v1::FeedService::StubInterface> stub)
    : stub_(std::move(stub)) {}

absl::StatusOr<v1::Position> FeedClient::GetHead(const std::string& ledger_id,
                                                 std::optional<absl::Time> known_at,
                                                 absl::Time deadline) {
  grpc::ClientContext context;
  const Registration registration(*this, context);
  context.set_deadline(absl::ToChronoTime(deadline));
  v1::GetHeadRequest request;
  request.set_ledger_id(ledger_id);
  if (known_at.has_value()) *request.mutable_known_at() = ToProto(*known_at);
  v1::Position head;
  RETURN_IF_ERROR(FromGrpc(stub_->GetHead(&context, request, &head)));
  if (head.ledger_id().empty()) return absl::DataLossError("feed: a head without ledger_id");
  return head;
}

absl::StatusOr<Cube> FeedClient::LoadSnapshot(const std::string& ledger_id, int64_t sequence,
                                              absl::Time deadline, absl::Duration silence) {
  grpc::ClientContext context;
  const Registration registration(*this, context);
  context.set_deadline(absl::ToChronoTime(deadline));
  v1::SnapshotRequest request;
  request.set_ledger_id(ledger_id);
  request.set_at_sequence(sequence);
  Queue queue;
  const auto reader = stub_->PrepareAsyncSnapshot(&context, request, &queue.get());
  Cube cube(ledger_id);
  bool complete = false;
  RETURN_IF_ERROR(ReadStream<v1::SnapshotChunk>(
      context, queue.get(), *reader, silence, [&](v1::SnapshotChunk& chunk) {
        if (complete) return absl::DataLossError("feed: a snapshot goes on after its end");
        complete = chunk.complete();
        return cube.LoadChunk(chunk);
      }));
  if (!complete) return absl::UnavailableError("the snapshot was cut before its end");
  RETURN_IF_ERROR(cube.FinishLoad());
  if ((!ledger_id.empty() && cube.position().ledger_id() != ledger_id) ||
      (sequence != 0 && cube.position().sequence() != sequence)) {
    return absl::DataLossError("feed: a snapshot of another position than asked");
  }
  return cube;
}

absl::Status FeedClient::Follow(const std::string& ledger_id, int64_t after, absl::Duration silence,
                                const std::function<absl::Status(v1::FeedEvent&)>& sink) {
  grpc::ClientContext context;
  const Registration registration(*this, context);
  v1::FollowRequest request;
  request.set_ledger_id(ledger_id);
  request.set_after_sequence(after);
  Queue queue;
  const auto reader = stub_->PrepareAsyncFollow(&context, request, &queue.get());
  RETURN_IF_ERROR(ReadStream<v1::FeedEvent>(context, queue.get(), *reader, silence, sink));
  return absl::UnavailableError("the feed ended");
}

void FeedClient::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : calls_) context->TryCancel();
}

}  // namespace dondoc::aggregation
