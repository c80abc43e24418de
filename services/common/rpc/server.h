#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/impl/service_type.h"
#include "services/common/metrics/metrics_server.h"

namespace dondoc {

struct ServerConfig {
  std::string service;         // "ingestion": in logs and metrics
  std::string listen_address;  // host:port, port 0 picks a free one
  absl::Duration drain_time = absl::Seconds(10);
  int64_t message_bytes_max = 16 << 20;
  // When set, gets "grpc <port>\nmetrics <port>\n" once the server listens, written whole (rename).
  std::string port_file;
};

struct ServerHooks {
  // Whether the service can answer; asked every 200 ms and shown as gRPC health ("" and each
  // service name).
  std::function<bool()> ready = [] { return true; };
  // After the last call has ended and before RunServer returns: stop workers, flush.
  std::function<void()> stop = [] {};
  // When the signal has come, before Shutdown: end streams that would otherwise last until
  // `drain_time` is over.
  std::function<void()> drain = [] {};
};

// Blocks SIGTERM and SIGINT in this and all later threads, and ignores SIGPIPE (a peer that hangs
// up is an error of that write, not of the process); call before any thread exists.
sigset_t BlockShutdownSignals();

// Serves until a signal of `signals`, then: health NOT_SERVING, hooks.drain, Shutdown within
// `drain_time`, hooks.stop. Health and reflection are added. Ports are not shared with another
// process (reuse-port off). Returns the exit code: 0 after a signal, 1 when the port cannot be
// bound or the port file cannot be written; the log names it.
int RunServer(const ServerConfig& config, const std::vector<grpc::Service*>& services,
              MetricsServer& metrics, const sigset_t& signals, const ServerHooks& hooks);

}  // namespace dondoc
