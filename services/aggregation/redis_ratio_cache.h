#pragma once

#include <string>

#include "absl/time/time.h"
#include "services/aggregation/ratio_cache.h"
#include "services/common/redis/redis_client.h"

namespace dondoc::aggregation {

// The figures in Redis: one hash a window, written by one script (docs/redis.md).
class RedisRatioCache : public RatioCache {
 public:
  // Keys are "<prefix>:ratio:{<window key>}", the channel is "<prefix>:ratio:changed".
  RedisRatioCache(RedisClientOptions options, std::string prefix,
                  absl::Duration call_timeout = absl::Seconds(1));

  absl::StatusOr<Outcome> Publish(const PublishedWindow& window, absl::Duration ttl) override;

 private:
  RedisClient client_;
  const std::string prefix_;
  const absl::Duration call_timeout_;
  const RedisScript script_;
};

}  // namespace dondoc::aggregation
