#include "services/common/metrics/metrics_server.h"

#include <exception>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "prometheus/gauge.h"

namespace dondoc {

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
  server->port_ = ports.front();
  server->exposer_->RegisterCollectable(server->registry_);
  return server;
}

}  // namespace dondoc
