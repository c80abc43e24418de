#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/common/clock/clock.h"
#include "services/common/rpc/server.h"
#include "services/ingestion/feed_service.h"
#include "services/ingestion/imports.h"

namespace dondoc::ingestion {

struct Config {
  ServerConfig server;
  std::string metrics_address;
  std::string data_dir;
  Imports::Config imports;
  FeedService::Options feed;
  std::unique_ptr<Clock> clock;
};

// Reads the flags, which have been parsed. kInvalidArgument names the flag and its value.
absl::StatusOr<Config> ConfigFromFlags();

}  // namespace dondoc::ingestion
