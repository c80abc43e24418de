#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

// Calls to the services, without knowing their messages, and without ever blocking a thread that
// serves sockets: gRPC's callbacks post to the connection's executor, where a coroutine waits.

namespace dondoc::gateway {

// A service we pass calls to. Thread-safe.
class Upstream {
 public:
  Upstream(std::string name, std::shared_ptr<grpc::Channel> channel)
      : name_(std::move(name)), stub_(std::move(channel)) {}
  const std::string& name() const { return name_; }
  grpc::GenericStub& stub() { return stub_; }
  // Notes in the log that it cannot be reached, at most once a second: every request under way says
  // so at the same time.
  void LogUnavailable(absl::string_view error, absl::string_view request_id);

 private:
  const std::string name_;
  grpc::GenericStub stub_;
  std::atomic<std::int64_t> last_logged_second_ = 0;
};

// The upstreams and which service each serves: the one place that knows.
enum UpstreamIndex : std::size_t { kIngestion = 0, kAggregation = 1, kAlerting = 2 };
std::size_t UpstreamOf(absl::string_view service);

struct CallOptions {
  std::string rpc_path;
  absl::Time deadline;
  std::string request_id;
};

// Lets one coroutine wait for something that happens on the same executor.
class Wake {
 public:
  explicit Wake(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void Notify() { timer_.cancel(); }
  // Returns after the next Notify; re-check the condition.
  boost::asio::awaitable<void> Wait();

 private:
  boost::asio::steady_timer timer_;
};

// One unary call. All members are for the executor's thread.
class UnaryCall : public std::enable_shared_from_this<UnaryCall> {
 public:
  explicit UnaryCall(const boost::asio::any_io_executor& executor)
      : executor_(executor), wake_(executor) {}
  void Start(Upstream& upstream, const CallOptions& options, grpc::ByteBuffer request);
  // The call's end. A status that the service did not send itself has a text of ours: kUnavailable
  // that it cannot be reached, kDeadlineExceeded that it took too long, kCancelled after Cancel.
  boost::asio::awaitable<absl::Status> Wait();
  void Cancel() { context_.TryCancel(); }
  const grpc::ByteBuffer& response() const { return response_; }

 private:
  const boost::asio::any_io_executor executor_;
  Wake wake_;
  Upstream* upstream_ = nullptr;
  std::string request_id_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  bool done_ = false;
};

// One streaming call, in either direction. All members are for the executor's thread; one Write and
// one Read at a time. Finish must be called, and only after it may the owner let go.
class StreamCall : public std::enable_shared_from_this<StreamCall> {
 public:
  explicit StreamCall(const boost::asio::any_io_executor& executor);
  ~StreamCall();
  // `on_end`, if given, is called on the executor as soon as the service has ended the stream.
  void Start(Upstream& upstream, const CallOptions& options, std::function<void()> on_end);
  // Returns when gRPC has taken the message within its flow control; false when the call is over. A
  // service that takes nothing for `stall_time` ends the call with kDeadlineExceeded.
  boost::asio::awaitable<bool> Write(grpc::ByteBuffer message, absl::Duration stall_time);
  boost::asio::awaitable<void> WritesDone();
  // False at the end of the stream, however it ended.
  boost::asio::awaitable<bool> Read(grpc::ByteBuffer& message);
  bool ended() const;
  void Cancel();
  boost::asio::awaitable<absl::Status> Finish();

 private:
  class Reactor;
  std::shared_ptr<Reactor> reactor_;
};

// grpc.health.v1 of the whole server. kUnavailable when it is not serving or cannot be reached.
boost::asio::awaitable<absl::Status> CheckHealth(Upstream& upstream, absl::Duration timeout);

}  // namespace dondoc::gateway
