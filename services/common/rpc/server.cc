#include "services/common/rpc/server.h"

#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/impl/server_initializer.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "services/common/log/log.h"
#include "services/common/rpc/keepalive.h"
#include "services/common/rpc/port_file.h"

namespace dondoc {
namespace {

constexpr timespec kReadyPollEvery{.tv_sec = 0, .tv_nsec = 200'000'000};

// Learns the full names of the services that the server has: gRPC tells them to plugins only.
class ServiceNames : public grpc::ServerBuilderOption {
 public:
  explicit ServiceNames(std::vector<std::string>& names) : names_(names) {}
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::make_unique<Plugin>(names_));
  }

 private:
  class Plugin : public grpc::ServerBuilderPlugin {
   public:
    explicit Plugin(std::vector<std::string>& names) : names_(names) {}
    std::string name() override { return "dondoc_service_names"; }
    void InitServer(grpc::ServerInitializer* initializer) override {
      names_ = *initializer->GetServiceList();
    }
    void Finish(grpc::ServerInitializer*) override {}
    void ChangeArguments(const std::string&, void*) override {}

   private:
    std::vector<std::string>& names_;
  };

  std::vector<std::string>& names_;
};

// The overall health, and that of each service, as one.
class Health {
 public:
  Health(grpc::HealthCheckServiceInterface& health, std::vector<std::string> services)
      : health_(health), services_(std::move(services)) {
    // Explicitly, because "" starts as SERVING and the others as unknown.
    Set(false);
  }
  void Show(bool serving) {
    if (serving == serving_) return;
    if (serving) {
      log::Info("ready");
    } else {
      log::Warning("not ready");
    }
    Set(serving);
  }
  void Set(bool serving) {
    serving_ = serving;
    health_.SetServingStatus("", serving);
    for (const std::string& service : services_) health_.SetServingStatus(service, serving);
  }

 private:
  grpc::HealthCheckServiceInterface& health_;
  const std::vector<std::string> services_;
  bool serving_ = false;
};

std::unique_ptr<grpc::Server> Build(const ServerConfig& config,
                                    const std::vector<grpc::Service*>& services,
                                    std::vector<std::string>& names, int& port) {
  // Both are process-wide in gRPC, and a second reflection plugin would be a second service.
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  grpc::ServerBuilder builder;
  builder.SetOption(std::make_unique<ServiceNames>(names));
  // Without it a second server on the port would start, and each would get some of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kKeepaliveLeastMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.message_bytes_max));
  builder.AddListeningPort(config.listen_address, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* const service : services) builder.RegisterService(service);
  return builder.BuildAndStart();
}

// Shows readiness until one of `signals` comes, and returns it.
int ShowReadinessUntilSignal(const sigset_t& signals, const ServerHooks& hooks, Health& health) {
  while (true) {
    health.Show(hooks.ready());
    const int signal = sigtimedwait(&signals, nullptr, &kReadyPollEvery);
    if (signal > 0) return signal;
  }
}

}  // namespace

sigset_t BlockShutdownSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int RunServer(const ServerConfig& config, const std::vector<grpc::Service*>& services,
              MetricsServer& metrics, const sigset_t& signals, const ServerHooks& hooks) {
  constexpr int kOk = 0;
  constexpr int kFailed = 1;
  std::vector<std::string> names;
  int port = 0;
  const std::unique_ptr<grpc::Server> server = Build(config, services, names, port);
  if (server == nullptr) {
    log::Error("cannot listen; is the port taken?", {{"address", config.listen_address}});
    return kFailed;
  }
  Health health(*server->GetHealthCheckService(), names);
  if (absl::Status written = WritePortFile(config.port_file, "grpc", port, metrics.port());
      !written.ok()) {
    log::Error("not started", {{"error", written.message()}});
    server->Shutdown();
    return kFailed;
  }
  log::Info("listening", {{"grpc_port", port}, {"metrics_port", metrics.port()}});

  const int signal = ShowReadinessUntilSignal(signals, hooks, health);

  log::Info("draining", {{"signal", signal}});
  health.Set(false);
  hooks.drain();
  server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(config.drain_time));
  hooks.stop();
  log::Info("stopped");
  return kOk;
}

}  // namespace dondoc
