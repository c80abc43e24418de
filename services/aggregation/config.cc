#include "services/aggregation/config.h"

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/aggregation/past_cubes.h"
#include "services/common/config/server_flags.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:9102", "host:port to serve gRPC on; port 0 = a free one");
ABSL_FLAG(std::string, metrics_listen, "127.0.0.1:9202", "host:port to serve /metrics on");
ABSL_FLAG(std::string, ingestion_address, "127.0.0.1:9101", "host:port of ingestion");
ABSL_FLAG(std::string, redis_address, "", "host:port of Redis; empty = publish nothing");
ABSL_FLAG(std::string, redis_prefix, "dondoc",
          "first part of every Redis key; provinces that share one Redis need one each");
ABSL_FLAG(std::string, ledger_id, "", "follow only this ledger; empty = whichever ingestion has");
ABSL_FLAG(int32_t, past_cubes, dondoc::aggregation::kPastCubesMax,
          "past positions kept in memory, 1 to 64");

namespace dondoc::aggregation {
namespace {

constexpr size_t kPrefixBytesMax = 64;
constexpr int kPastCubesFlagMax = 64;

absl::Status CheckPrefix(const std::string& prefix) {
  bool good = !prefix.empty() && prefix.size() <= kPrefixBytesMax;
  for (const char c : prefix) {
    good = good && (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                    c == '.' || c == ':');
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--redis_prefix=", Quoted(prefix), ": 1 to 64 letters, digits, - _ . :"));
}

}  // namespace

absl::StatusOr<Config> LoadConfig() {
  Config config;
  ASSIGN_OR_RETURN(config.server,
                   ServerConfigFromFlags("aggregation", absl::GetFlag(FLAGS_listen)));
  // Nothing here asks for civil time; a --now that cannot be read is refused as everywhere.
  RETURN_IF_ERROR(ClockFromFlags().status());
  config.metrics_address = absl::GetFlag(FLAGS_metrics_listen);
  RETURN_IF_ERROR(CheckAddress("metrics_listen", config.metrics_address));
  config.ingestion_address = absl::GetFlag(FLAGS_ingestion_address);
  RETURN_IF_ERROR(CheckAddress("ingestion_address", config.ingestion_address));
  const std::string redis = absl::GetFlag(FLAGS_redis_address);
  if (!redis.empty()) {
    RETURN_IF_ERROR(CheckAddress("redis_address", redis));
    absl::StatusOr<RedisClientOptions> options = ParseRedisAddress(redis);
    if (!options.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--redis_address=", redis, ": ", options.status().message()));
    }
    config.redis = *std::move(options);
  }
  config.redis_prefix = absl::GetFlag(FLAGS_redis_prefix);
  RETURN_IF_ERROR(CheckPrefix(config.redis_prefix));
  config.ledger_id = absl::GetFlag(FLAGS_ledger_id);
  config.past_cubes = absl::GetFlag(FLAGS_past_cubes);
  if (config.past_cubes < 1 || config.past_cubes > kPastCubesFlagMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--past_cubes=", config.past_cubes, ": 1 to ", kPastCubesFlagMax));
  }
  return config;
}

}  // namespace dondoc::aggregation
