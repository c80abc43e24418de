#pragma once

#include <memory>
#include <string>

#include "absl/flags/declare.h"
#include "absl/status/statusor.h"
#include "services/common/clock/clock.h"
#include "services/common/rpc/server.h"

// Flags that every server of ours has. `listen` and `metrics_listen` are each service's own, for
// their defaults.

ABSL_DECLARE_FLAG(std::string, port_file);
ABSL_DECLARE_FLAG(std::string, log_level);
ABSL_DECLARE_FLAG(std::string, now);
ABSL_DECLARE_FLAG(std::string, now_file);
ABSL_DECLARE_FLAG(double, drain_seconds);

namespace dondoc {

// Starts the log as `service`; kInvalidArgument names a bad flag and its value.
absl::StatusOr<ServerConfig> ServerConfigFromFlags(const std::string& service,
                                                   const std::string& listen_address);
absl::StatusOr<std::unique_ptr<Clock>> ClockFromFlags();

// "host:port", "[::1]:port"; port 0–65535. kInvalidArgument "--<flag>=<value>: …".
absl::Status CheckAddress(const std::string& flag, const std::string& value);

}  // namespace dondoc
