#include "services/aggregation/testing/fake_feed_service.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "services/common/clock/civil.h"

namespace dondoc::aggregation::testing {
namespace {

constexpr absl::Duration kHeartbeat = absl::Milliseconds(20);

}  // namespace

int64_t FakeFeedService::Commit(ModelChange change) {
  int64_t sequence = 0;
  {
    MutexLock lock(mutex_);
    sequence = ledger_.Commit(std::move(change));
  }
  changed_.SignalAll();
  return sequence;
}

ModelLedger FakeFeedService::ledger() const {
  MutexLock lock(mutex_);
  return ledger_;
}

void FakeFeedService::ReplaceLedger(ModelLedger ledger) {
  {
    MutexLock lock(mutex_);
    ledger_ = std::move(ledger);
    ++generation_;
  }
  changed_.SignalAll();
}

void FakeFeedService::Cut(std::optional<int> after_events) {
  {
    MutexLock lock(mutex_);
    cut_after_ = after_events;
    ++generation_;
  }
  changed_.SignalAll();
}

void FakeFeedService::BeSilent(bool silent) {
  MutexLock lock(mutex_);
  silent_ = silent;
}

void FakeFeedService::SplitInto(int cells_max) {
  MutexLock lock(mutex_);
  cells_max_ = cells_max;
}

void FakeFeedService::TrimBefore(int64_t sequence) {
  MutexLock lock(mutex_);
  trimmed_before_ = sequence;
}

void FakeFeedService::SkipNextSequence() {
  MutexLock lock(mutex_);
  skip_next_ = true;
}

void FakeFeedService::BeAway() {
  MutexLock lock(mutex_);
  away_ = true;
}

int FakeFeedService::follows() const {
  MutexLock lock(mutex_);
  return follows_;
}

int FakeFeedService::snapshots() const {
  MutexLock lock(mutex_);
  return snapshots_;
}

bool FakeFeedService::WaitForFollows(int follows) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  MutexLock lock(mutex_);
  while (follows_ < follows) {
    if (absl::Now() >= deadline) return false;
    changed_.WaitFor(mutex_, absl::Milliseconds(20));
  }
  return true;
}

grpc::Status FakeFeedService::GetHead(grpc::ServerContext*, const v1::GetHeadRequest* request,
                                      v1::Position* response) {
  MutexLock lock(mutex_);
  if (away_) return {grpc::StatusCode::UNAVAILABLE, "away"};
  if (!request->ledger_id().empty() && request->ledger_id() != ledger_.ledger_id()) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "another ledger"};
  }
  *response = request->has_known_at()
                  ? ledger_.PositionAt(ledger_.SequenceAt(FromProto(request->known_at())))
                  : ledger_.Head();
  return grpc::Status::OK;
}

grpc::Status FakeFeedService::Follow(grpc::ServerContext* context, const v1::FollowRequest* request,
                                     grpc::ServerWriter<v1::FeedEvent>* writer) {
  int64_t after = request->after_sequence();
  int generation = 0;
  std::optional<int> cut_after;
  {
    MutexLock lock(mutex_);
    if (away_) return {grpc::StatusCode::UNAVAILABLE, "away"};
    ++follows_;
    generation = generation_;
    cut_after = std::exchange(cut_after_, std::nullopt);
    changed_.SignalAll();
    if (request->ledger_id() != ledger_.ledger_id()) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "another ledger"};
    }
    if (after > ledger_.head() || after + 1 < trimmed_before_) {
      return {grpc::StatusCode::OUT_OF_RANGE, "not in the log"};
    }
  }
  int sent = 0;
  while (!context->IsCancelled()) {
    std::vector<v1::FeedEvent> events;
    {
      MutexLock lock(mutex_);
      if (generation != generation_) return {grpc::StatusCode::UNAVAILABLE, "cut"};
      if (ledger_.head() <= after || silent_) changed_.WaitFor(mutex_, kHeartbeat);
      if (generation != generation_) return {grpc::StatusCode::UNAVAILABLE, "cut"};
      if (silent_) continue;
      if (ledger_.head() > after) {
        events = ledger_.Events(++after, cells_max_);
        if (std::exchange(skip_next_, false)) {
          for (v1::FeedEvent& event : events) event.set_sequence(event.sequence() + 1);
        }
      } else {
        *events.emplace_back().mutable_head() = ledger_.Head();
      }
    }
    for (const v1::FeedEvent& event : events) {
      if (cut_after.has_value() && sent >= *cut_after) {
        return {grpc::StatusCode::UNAVAILABLE, "cut"};
      }
      if (!writer->Write(event)) return {grpc::StatusCode::CANCELLED, ""};
      ++sent;
    }
  }
  return {grpc::StatusCode::CANCELLED, ""};
}

grpc::Status FakeFeedService::Snapshot(grpc::ServerContext*, const v1::SnapshotRequest* request,
                                       grpc::ServerWriter<v1::SnapshotChunk>* writer) {
  std::vector<v1::SnapshotChunk> chunks;
  {
    MutexLock lock(mutex_);
    if (away_) return {grpc::StatusCode::UNAVAILABLE, "away"};
    ++snapshots_;
    if (!request->ledger_id().empty() && request->ledger_id() != ledger_.ledger_id()) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "another ledger"};
    }
    if (request->at_sequence() > ledger_.head()) {
      return {grpc::StatusCode::OUT_OF_RANGE, "beyond the head"};
    }
    const int64_t at = request->at_sequence() == 0 ? ledger_.head() : request->at_sequence();
    chunks = ledger_.Snapshot(at, cells_max_);
  }
  for (const v1::SnapshotChunk& chunk : chunks) {
    if (!writer->Write(chunk)) break;
  }
  return grpc::Status::OK;
}

LocalServer::LocalServer(grpc::Service& service) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

LocalServer::~LocalServer() { server_->Shutdown(std::chrono::system_clock::now()); }

std::shared_ptr<grpc::Channel> LocalServer::Channel() const {
  return grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
}

}  // namespace dondoc::aggregation::testing
