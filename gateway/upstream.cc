#include "gateway/upstream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/client_callback.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "services/common/log/log.h"
#include "services/common/rpc/status_conversion.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr char kRequestIdKey[] = "x-request-id";

// Keeps the executor's context running until gRPC has called back.
asio::any_io_executor Tracked(const asio::any_io_executor& executor) {
  return asio::prefer(executor, asio::execution::outstanding_work.tracked);
}

void Prepare(grpc::ClientContext& context, const CallOptions& options) {
  context.set_deadline(absl::ToChronoTime(options.deadline));
  context.AddMetadata(kRequestIdKey, options.request_id);
}

// gRPC makes up statuses of its own (no connection, deadline), with addresses and the like in their
// text. Only what the service itself said goes on.
absl::Status Classify(const grpc::Status& status, const grpc::ClientContext& context,
                      Upstream& upstream, absl::string_view request_id) {
  if (status.ok()) return absl::OkStatus();
  if (absl::StrContains(context.debug_error_string(), "Error received from peer")) {
    return FromGrpc(status);
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      upstream.LogUnavailable(status.error_message(), request_id);
      return absl::UnavailableError(
          absl::StrCat("the ", upstream.name(), " service is not available"));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("the ", upstream.name(), " service took longer than this gateway waits"));
    case grpc::StatusCode::CANCELLED:
      return absl::CancelledError("the call was cancelled");
    default:
      return absl::InternalError(absl::StrCat("gRPC, not the service: code ", status.error_code(),
                                              ": ", status.error_message()));
  }
}

}  // namespace

void Upstream::LogUnavailable(absl::string_view error, absl::string_view request_id) {
  const std::int64_t second = absl::ToUnixSeconds(absl::Now());
  if (last_logged_second_.exchange(second) == second) return;
  log::Warning("upstream unavailable",
               {{"upstream", name_}, {"error", error}, {"request_id", request_id}});
}

std::size_t UpstreamOf(absl::string_view service) {
  if (service == "dondoc.v1.CampaignService" || service == "dondoc.v1.MailService" ||
      service == "dondoc.v1.HolidayService" || service == "dondoc.v1.SilenceService" ||
      service == "dondoc.v1.DisputeService") {
    return kAlerting;
  }
  if (service == "dondoc.v1.RatioService") return kAggregation;
  return kIngestion;
}

asio::awaitable<void> Wake::Wait() {
  timer_.expires_at(asio::steady_timer::time_point::max());
  co_await timer_.async_wait(kNoThrow);
}

void UnaryCall::Start(Upstream& upstream, const CallOptions& options, grpc::ByteBuffer request) {
  upstream_ = &upstream;
  request_id_ = options.request_id;
  request_ = std::move(request);
  Prepare(context_, options);
  upstream.stub().UnaryCall(
      &context_, options.rpc_path, grpc::StubOptions(), &request_, &response_,
      [self = shared_from_this(), executor = Tracked(executor_)](grpc::Status status) {
        asio::post(executor, [self, status = std::move(status)] {
          self->status_ = status;
          self->done_ = true;
          self->wake_.Notify();
        });
      });
}

asio::awaitable<absl::Status> UnaryCall::Wait() {
  while (!done_) co_await wake_.Wait();
  co_return Classify(status_, context_, *upstream_, request_id_);
}

// gRPC's side of a StreamCall. Its callbacks come on gRPC's threads and only post; everything else
// happens on the executor. Holds itself until OnDone has been posted.
class StreamCall::Reactor : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                            public std::enable_shared_from_this<StreamCall::Reactor> {
 public:
  explicit Reactor(const asio::any_io_executor& executor)
      : executor_(Tracked(executor)), wake_(executor), stall_(executor) {}

  void Begin(Upstream& upstream, const CallOptions& options, std::function<void()> on_end) {
    self_ = shared_from_this();
    upstream_ = &upstream;
    request_id_ = options.request_id;
    on_end_ = std::move(on_end);
    Prepare(context_, options);
    upstream.stub().PrepareBidiStreamingCall(&context_, options.rpc_path, grpc::StubOptions(),
                                             this);
    // Until Finish: reads and writes are started from outside gRPC's callbacks.
    AddHold();
    StartCall();
    BeginRead();
  }

  void OnWriteDone(bool ok) override {
    Post([this, ok] {
      write_pending_ = false;
      if (!ok) writable_ = false;
    });
  }
  void OnWritesDoneDone(bool) override {
    Post([this] { write_pending_ = false; });
  }
  void OnReadDone(bool ok) override {
    Post([this, ok] {
      read_pending_ = false;
      if (ok) {
        read_ready_ = true;
      } else {
        End();
      }
    });
  }
  void OnDone(const grpc::Status& status) override {
    // The last callback. `self_` lives on in the posted function, and with it this object.
    asio::post(executor_, [this, self = std::move(self_), status] {
      status_ = status;
      done_ = true;
      End();
      wake_.Notify();
    });
  }

  asio::awaitable<bool> Write(grpc::ByteBuffer message, absl::Duration stall_time) {
    if (ended_ || !writable_) co_return false;
    outgoing_ = std::move(message);
    write_pending_ = true;
    StartWrite(&outgoing_);
    stall_.expires_after(absl::ToChronoNanoseconds(stall_time));
    stall_.async_wait(
        [self = shared_from_this(), number = ++writes_](const boost::system::error_code& error) {
          if (error || number != self->writes_ || !self->write_pending_) return;
          self->stalled_ = true;
          self->Cancel();
        });
    while (write_pending_) co_await wake_.Wait();
    stall_.cancel();
    co_return writable_ && !ended_;
  }
  asio::awaitable<void> HalfClose() {
    if (ended_ || !writable_) co_return;
    writable_ = false;
    write_pending_ = true;
    StartWritesDone();
    while (write_pending_) co_await wake_.Wait();
  }
  asio::awaitable<bool> Read(grpc::ByteBuffer& message) {
    while (!read_ready_ && !ended_) co_await wake_.Wait();
    if (!read_ready_) co_return false;
    read_ready_ = false;
    message = std::move(incoming_);
    incoming_ = grpc::ByteBuffer();
    if (!ended_) BeginRead();
    co_return true;
  }
  asio::awaitable<absl::Status> Finish() {
    if (!released_) {
      released_ = true;
      RemoveHold();
    }
    while (!done_) co_await wake_.Wait();
    if (stalled_) {
      co_return absl::DeadlineExceededError(
          absl::StrCat("the ", upstream_->name(), " service stopped taking the body"));
    }
    co_return Classify(status_, context_, *upstream_, request_id_);
  }
  void Cancel() { context_.TryCancel(); }
  bool ended() const { return ended_; }
  // The owner goes without Finish: its coroutine was destroyed with its executor.
  void Abandon() {
    on_end_ = nullptr;
    if (released_ || self_ == nullptr) return;
    released_ = true;
    Cancel();
    RemoveHold();
  }

 private:
  template <typename Function>
  void Post(Function function) {
    asio::post(executor_, [self = shared_from_this(), function] {
      function();
      self->wake_.Notify();
    });
  }
  void BeginRead() {
    read_pending_ = true;
    StartRead(&incoming_);
  }
  void End() {
    if (ended_) return;
    ended_ = true;
    if (on_end_) on_end_();
  }

  const asio::any_io_executor executor_;
  Wake wake_;
  asio::steady_timer stall_;
  std::uint64_t writes_ = 0;
  bool stalled_ = false;
  std::shared_ptr<Reactor> self_;
  Upstream* upstream_ = nullptr;
  std::string request_id_;
  std::function<void()> on_end_;
  grpc::ClientContext context_;
  grpc::ByteBuffer outgoing_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  bool writable_ = true;
  bool write_pending_ = false;
  bool read_pending_ = false;
  bool read_ready_ = false;
  bool ended_ = false;  // no more to read
  bool released_ = false;
  bool done_ = false;
};

StreamCall::StreamCall(const asio::any_io_executor& executor)
    : reactor_(std::make_shared<Reactor>(executor)) {}
StreamCall::~StreamCall() { reactor_->Abandon(); }
void StreamCall::Start(Upstream& upstream, const CallOptions& options,
                       std::function<void()> on_end) {
  reactor_->Begin(upstream, options, std::move(on_end));
}
asio::awaitable<bool> StreamCall::Write(grpc::ByteBuffer message, absl::Duration stall_time) {
  return reactor_->Write(std::move(message), stall_time);
}
asio::awaitable<void> StreamCall::WritesDone() { return reactor_->HalfClose(); }
asio::awaitable<bool> StreamCall::Read(grpc::ByteBuffer& message) {
  return reactor_->Read(message);
}
bool StreamCall::ended() const { return reactor_->ended(); }
void StreamCall::Cancel() { reactor_->Cancel(); }
asio::awaitable<absl::Status> StreamCall::Finish() { return reactor_->Finish(); }

asio::awaitable<absl::Status> CheckHealth(Upstream& upstream, absl::Duration timeout) {
  auto call = std::make_shared<UnaryCall>(co_await asio::this_coro::executor);
  // HealthCheckRequest{} is empty on the wire. Debian ships no generated code for this service.
  grpc::Slice nothing;
  call->Start(upstream, {"/grpc.health.v1.Health/Check", absl::Now() + timeout, "readyz"},
              grpc::ByteBuffer(&nothing, 1));
  if (absl::Status status = co_await call->Wait(); !status.ok()) co_return status;
  grpc::ByteBuffer response = call->response();
  grpc::ProtoBufferReader reader(&response);
  google::protobuf::io::CodedInputStream in(&reader);
  constexpr std::uint32_t kStatusTag = 1 << 3;  // HealthCheckResponse.status = 1, a varint
  constexpr std::uint32_t kServing = 1;
  std::uint32_t serving = 0;
  if (in.ReadTag() != kStatusTag || !in.ReadVarint32(&serving) || serving != kServing) {
    co_return absl::UnavailableError(
        absl::StrCat("the ", upstream.name(), " service is not ready"));
  }
  co_return absl::OkStatus();
}

}  // namespace dondoc::gateway
