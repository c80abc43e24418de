#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/exposer.h"
#include "prometheus/registry.h"

namespace dondoc {

// The process's registry, and /metrics over HTTP on a port of its own. Thread-safe once opened.
// Always holds `dondoc_build_info{service,version} 1`.
class MetricsServer {
 public:
  // `address` is host:port; port 0 picks a free one. kUnavailable when the port is taken (names
  // it).
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const std::string& service);
  // Stops at once, also between two scrapes.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // For registering at start-up only: registration throws on bad names.
  prometheus::Registry& registry() { return *registry_; }
  int port() const { return port_; }

 private:
  MetricsServer() = default;
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string host_;
  int port_ = 0;
};

}  // namespace dondoc
