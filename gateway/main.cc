#include <signal.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/config.h"
#include "gateway/server.h"
#include "google/protobuf/message.h"
#include "services/common/config/flags.h"
#include "services/common/config/server_flags.h"
#include "services/common/log/log.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/port_file.h"
#include "services/common/rpc/server.h"

namespace {

constexpr char kAbout[] =
    "dondoc_gateway: the HTTP door of dondoc. Turns REST and JSON into gRPC calls to ingestion, "
    "aggregation and alerting, and serves the page.";

}  // namespace

int main(int argc, char** argv) {
  using dondoc::ExitWith;
  using dondoc::kExitBadConfig;
  using dondoc::kExitFailed;
  namespace gateway = dondoc::gateway;

  const sigset_t shutdown_signals = dondoc::BlockShutdownSignals();
  const auto words = dondoc::ParseFlags(argc, argv, kAbout);
  if (!words.empty()) {
    return ExitWith(kExitBadConfig, absl::InvalidArgumentError(absl::StrCat(
                                        "'", words[0], "' is not a flag; --help lists them")));
  }
  auto config = gateway::ConfigFromFlags();
  if (!config.ok()) return ExitWith(kExitBadConfig, config.status());
  // Nothing here depends on civil time yet; a wrong --now is still refused here as everywhere.
  const auto clock = dondoc::ClockFromFlags();
  if (!clock.ok()) return ExitWith(kExitBadConfig, clock.status());
  auto routes = gateway::RouteTable::Build(gateway::LinkedServices(), gateway::UpstreamOf,
                                           *google::protobuf::MessageFactory::generated_factory());
  if (!routes.ok()) return ExitWith(kExitBadConfig, routes.status());
  auto metrics = dondoc::MetricsServer::Start(config->metrics_address, "gateway");
  if (!metrics.ok()) return ExitWith(kExitFailed, metrics.status());
  dondoc::log::Info("starting", {{"flags", absl::StrJoin(dondoc::DescribeFlags(), " ")}});

  const auto labels = gateway::RouteLabels(*routes);
  gateway::Backend backend{config->limits,
                           *std::move(routes),
                           {std::make_unique<gateway::Upstream>(
                                "ingestion", dondoc::DialService(config->ingestion_address)),
                            std::make_unique<gateway::Upstream>(
                                "aggregation", dondoc::DialService(config->aggregation_address)),
                            std::make_unique<gateway::Upstream>(
                                "alerting", dondoc::DialService(config->alerting_address))},
                           gateway::GatewayMetrics((*metrics)->registry(), labels)};
  auto server = gateway::Server::Start(config->options, backend);
  if (!server.ok()) return ExitWith(kExitFailed, server.status());
  const int http_port = (*server)->port();
  const absl::Status written =
      dondoc::WritePortFile(config->server.port_file, "http", http_port, (*metrics)->port());
  if (!written.ok()) return ExitWith(kExitFailed, written);
  dondoc::log::Info("listening", {{"http_port", http_port}, {"metrics_port", (*metrics)->port()}});

  int signal = 0;
  sigwait(&shutdown_signals, &signal);
  dondoc::log::Info("draining", {{"signal", signal}});
  (*server)->Stop(config->server.drain_time);
  dondoc::log::Info("stopped");
  return dondoc::kExitOk;
}
