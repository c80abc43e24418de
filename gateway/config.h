#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/limits.h"
#include "gateway/server.h"
#include "services/common/rpc/server.h"

namespace dondoc::gateway {

struct GatewayConfig {
  ServerConfig server;  // drain time and port file
  ServerOptions options;
  Limits limits;
  std::string metrics_address;
  std::string ingestion_address;
  std::string aggregation_address;
  std::string alerting_address;
};

// From this binary's flags, checked; starts the log. kInvalidArgument names the flag and its value.
absl::StatusOr<GatewayConfig> ConfigFromFlags();

// Whether only this machine can reach `address` (host:port): 127.0.0.0/8, [::1] or localhost.
bool IsLoopback(absl::string_view address);

}  // namespace dondoc::gateway
