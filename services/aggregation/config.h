#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/common/redis/redis_client.h"
#include "services/common/rpc/server.h"

namespace dondoc::aggregation {

// What this process was told to do; loaded and checked once.
struct Config {
  ServerConfig server;
  std::string metrics_address;
  std::string ingestion_address;
  std::optional<RedisClientOptions> redis;  // absent = nothing is published
  std::string redis_prefix;
  std::string ledger_id;  // empty = any
  int past_cubes = 0;
};

// From the parsed flags; starts the log. kInvalidArgument "--flag=value: …".
absl::StatusOr<Config> LoadConfig();

}  // namespace dondoc::aggregation
