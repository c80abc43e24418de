#include "services/common/metrics/metrics_server.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "prometheus/gauge.h"
#include "services/common/mutex/mutex.h"

namespace dondoc {
namespace {

constexpr absl::Duration kKnockEvery = absl::Milliseconds(10);

// "127.0.0.1:80" → "127.0.0.1", "[::1]:80" → "::1".
std::string HostOf(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.size() >= 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

// Connects and hangs up. That it fails is no matter: CivetWeb then stops when its wait is over.
void Knock(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found) != 0) return;
  const int connection =
      socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection >= 0) {
    (void)connect(connection, found->ai_addr, found->ai_addrlen);
    close(connection);
  }
  freeaddrinfo(found);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const std::string& service) {
  std::unique_ptr<MetricsServer> server = absl::WrapUnique(new MetricsServer);
  server->registry_ = std::make_shared<prometheus::Registry>();
  prometheus::BuildGauge()
      .Name("dondoc_build_info")
      .Help("1, labelled with the service and its version.")
      .Register(*server->registry_)
      .Add({{"service", service}, {"version", DONDOC_VERSION}})
      .Set(1);
  // CivetWeb answers a port that it cannot bind with an exception.
  try {
    server->exposer_ = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", address, "num_threads", "2"});
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("metrics cannot listen on ", address, ": ", error.what()));
  }
  const std::vector<int> ports = server->exposer_->GetListeningPorts();
  if (ports.empty()) {
    return absl::UnavailableError(absl::StrCat("metrics cannot listen on ", address));
  }
  server->host_ = HostOf(address);
  server->port_ = ports.front();
  server->exposer_->RegisterCollectable(server->registry_);
  return server;
}

MetricsServer::~MetricsServer() {
  if (exposer_ == nullptr) return;
  // CivetWeb sees that it shall stop every 2 s, or when somebody connects; so somebody does.
  Mutex mutex;
  CondVar changed;
  bool stopped = false;
  std::thread knocking([&] {
    MutexLock lock(mutex);
    while (!stopped) {
      mutex.Unlock();
      Knock(host_, port_);
      mutex.Lock();
      if (!stopped) changed.WaitFor(mutex, kKnockEvery);
    }
  });
  exposer_.reset();
  {
    MutexLock lock(mutex);
    stopped = true;
    changed.SignalAll();
  }
  knocking.join();
}

}  // namespace dondoc
