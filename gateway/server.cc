#include "gateway/server.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/connection.h"
#include "services/common/log/log.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
// Out of descriptors: waiting lets some connections end.
constexpr auto kAcceptRetryTime = std::chrono::milliseconds(100);

// A thread with its own sockets: a connection never changes threads.
struct Worker {
  asio::io_context context{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::set<std::shared_ptr<Connection>> connections;  // for this thread only
  std::thread thread;
};

absl::StatusOr<tcp::endpoint> Resolve(asio::io_context& context, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  error_code error;
  tcp::resolver resolver(context);
  const auto found =
      resolver.resolve(host, address.substr(colon + 1),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return absl::UnavailableError(absl::StrCat(address, ": the host is not known"));
  }
  return found.begin()->endpoint();
}

absl::Status Listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint,
                    const std::string& address) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  // Lets a restart bind while old connections linger; on Linux it never lets two servers share.
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(address, ": cannot listen: ", error.message()));
  }
  return absl::OkStatus();
}

// Says why in HTTP, to a client that has not been asked anything yet.
asio::awaitable<void> Refuse(tcp::socket socket) {
  Problem problem{503, absl::StatusCode::kUnavailable, "too many connections", "", "", 1};
  absl::BitGen random;
  const std::string request_id = NewRequestId(random);
  const std::string body = ProblemBody(problem, request_id);
  const std::string text =
      absl::StrCat("HTTP/1.1 503 Service Unavailable\r\nX-Request-Id: ", request_id,
                   "\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
                   "Connection: close\r\nContent-Length: ",
                   body.size(), "\r\n\r\n", body);
  // It fits an empty socket buffer, so this does not wait; a client that is gone does not mind.
  co_await asio::async_write(socket, asio::buffer(text), kNoThrow);
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_both, ignored);
}

}  // namespace

class Server::Shared {
 public:
  Shared(const ServerOptions& options, Backend& backend) : options_(options), backend_(backend) {
    for (int i = 0; i < options.threads; ++i) workers_.push_back(std::make_unique<Worker>());
    acceptor_.emplace(workers_[0]->context);
  }

  absl::Status Start() {
    auto endpoint = Resolve(workers_[0]->context, options_.listen_address);
    if (!endpoint.ok()) return endpoint.status();
    if (absl::Status status = Listen(*acceptor_, *endpoint, options_.listen_address);
        !status.ok()) {
      return status;
    }
    port_ = acceptor_->local_endpoint().port();
    asio::co_spawn(workers_[0]->context, Accept(), asio::detached);
    for (auto& worker : workers_) {
      worker->work.emplace(worker->context.get_executor());
      worker->thread = std::thread([&context = worker->context] { context.run(); });
    }
    return absl::OkStatus();
  }

  int port() const { return port_; }

  void Stop(absl::Duration drain_time) {
    if (stopped_) return;
    stopped_ = true;
    backend_.draining = true;
    asio::post(workers_[0]->context, [this] {
      error_code ignored;
      acceptor_->close(ignored);
    });
    ForEachConnection([](Connection& connection) { connection.Drain(); });
    if (!WaitForNone(drain_time)) {
      log::Warning("requests broken off at the end of the drain time");
      ForEachConnection([](Connection& connection) { connection.Abort(); });
      WaitForNone(absl::InfiniteDuration());
    }
    for (auto& worker : workers_) {
      worker->work.reset();
      worker->thread.join();
    }
  }

 private:
  asio::awaitable<void> Accept() {
    std::size_t next = 0;
    while (acceptor_->is_open()) {
      Worker& worker = *workers_[next++ % workers_.size()];
      tcp::socket socket(worker.context);
      auto [error] = co_await acceptor_->async_accept(socket, kNoThrow);
      if (error == asio::error::operation_aborted || !acceptor_->is_open()) break;
      if (error) {
        asio::steady_timer pause(workers_[0]->context, kAcceptRetryTime);
        co_await pause.async_wait(kNoThrow);
        continue;
      }
      if (!TakePlace()) {
        backend_.metrics.connections_refused.Increment();
        asio::co_spawn(worker.context, Refuse(std::move(socket)), asio::detached);
        continue;
      }
      asio::post(worker.context, [this, &worker, socket = std::move(socket)]() mutable {
        Begin(worker, std::move(socket));
      });
    }
  }

  void Begin(Worker& worker, tcp::socket socket) {
    error_code ignored;  // only costs speed
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(std::move(socket), backend_);
    worker.connections.insert(connection);
    if (backend_.draining.load()) connection->Drain();
    asio::co_spawn(
        worker.context, [connection] { return connection->Run(); },
        [this, &worker, connection](const std::exception_ptr& error) {
          // Asio's and the standard library's exceptions (out of memory) end here: one connection.
          if (error) log::Error("connection ended by an exception");
          worker.connections.erase(connection);
          GivePlace();
        });
  }

  bool TakePlace() {
    MutexLock lock(mutex_);
    if (open_ >= backend_.limits.connections_max) return false;
    ++open_;
    backend_.metrics.connections.Set(static_cast<double>(open_));
    return true;
  }
  void GivePlace() {
    MutexLock lock(mutex_);
    --open_;
    backend_.metrics.connections.Set(static_cast<double>(open_));
    none_.SignalAll();
  }
  bool WaitForNone(absl::Duration time) {
    const absl::Time end = absl::Now() + time;
    MutexLock lock(mutex_);
    while (open_ > 0) {
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      none_.WaitFor(mutex_, std::min(left, absl::Hours(1)));
    }
    return true;
  }

  void ForEachConnection(void (*function)(Connection&)) {
    for (auto& worker : workers_) {
      asio::post(worker->context, [function, &worker = *worker] {
        for (const auto& connection : worker.connections) function(*connection);
      });
    }
  }

  const ServerOptions options_;
  Backend& backend_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<tcp::acceptor> acceptor_;
  int port_ = 0;
  bool stopped_ = false;

  Mutex mutex_;
  CondVar none_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

Server::Server(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}
Server::~Server() { Stop(absl::ZeroDuration()); }
int Server::port() const { return shared_->port(); }
void Server::Stop(absl::Duration drain_time) { shared_->Stop(drain_time); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      Backend& backend) {
  auto shared = std::make_unique<Shared>(options, backend);
  if (absl::Status status = shared->Start(); !status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(shared)));
}

}  // namespace dondoc::gateway
