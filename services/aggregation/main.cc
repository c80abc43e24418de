#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "absl/strings/str_join.h"
#include "dondoc/v1/feed.grpc.pb.h"
#include "services/aggregation/config.h"
#include "services/aggregation/feed_client.h"
#include "services/aggregation/feed_follower.h"
#include "services/aggregation/ledgers.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/metrics.h"
#include "services/aggregation/past_cubes.h"
#include "services/aggregation/publisher.h"
#include "services/aggregation/ratio_service.h"
#include "services/aggregation/redis_ratio_cache.h"
#include "services/aggregation/window_registry.h"
#include "services/common/config/flags.h"
#include "services/common/config/server_flags.h"
#include "services/common/log/log.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/rpc/channel.h"

namespace dondoc::aggregation {
namespace {

int Main(int argc, char** argv) {
  const sigset_t signals = BlockShutdownSignals();
  const std::vector<std::string> words =
      ParseFlags(argc, argv, "Answers what share of dossiers was filed online, from memory.");
  if (!words.empty()) {
    return ExitWith(kExitBadConfig,
                    absl::InvalidArgumentError("takes flags only: " + words.front()));
  }
  absl::StatusOr<Config> config = LoadConfig();
  if (!config.ok()) return ExitWith(kExitBadConfig, config.status());
  log::Info("starting", {{"flags", absl::StrJoin(DescribeFlags(), " ")}});
  auto metrics_server = MetricsServer::Start(config->metrics_address, "aggregation");
  if (!metrics_server.ok()) return ExitWith(kExitFailed, metrics_server.status());
  Metrics metrics((*metrics_server)->registry());
  std::random_device random;  // only for jitter

  const auto channel = DialService(config->ingestion_address);
  // Two clients: the follower cancels its own when it stops, questions go on until the server ends.
  FeedClient follower_client(v1::FeedService::NewStub(channel));
  FeedClient client(v1::FeedService::NewStub(channel));
  LiveCube cube;
  FollowerOptions follower_options;
  follower_options.ledger_id = config->ledger_id;
  follower_options.seed = random();
  FeedFollower follower(follower_client, cube, metrics, follower_options);
  PastCubes past(
      [&client, &follower_options](const std::string& ledger_id, int64_t sequence,
                                   absl::Time deadline) {
        return client.LoadSnapshot(ledger_id, sequence, deadline,
                                   follower_options.snapshot_silence);
      },
      metrics, config->past_cubes);

  WindowRegistry windows;
  std::unique_ptr<RatioCache> cache;
  std::unique_ptr<Publisher> publisher;
  if (config->redis.has_value()) {
    config->redis->seed = random();
    cache = std::make_unique<RedisRatioCache>(*config->redis, config->redis_prefix);
    publisher = std::make_unique<Publisher>(cube, windows, *cache, metrics);
    publisher->Start();
  }
  Ledgers ledgers;
  ledgers.Put("", std::make_shared<PositionFinder>(cube, past, client, kSequenceWait));
  RatioServiceServer service(ledgers, windows, metrics, [&publisher] {
    if (publisher != nullptr) publisher->Wake();
  });
  follower.Start();
  return RunServer(config->server, {&service}, **metrics_server, signals,
                   {.ready = [&follower] { return follower.Ready(); },
                    .stop =
                        [&] {
                          client.Cancel();
                          follower.Stop();
                          if (publisher != nullptr) publisher->Stop();
                        }});
}

}  // namespace
}  // namespace dondoc::aggregation

int main(int argc, char** argv) { return dondoc::aggregation::Main(argc, argv); }
