// The publisher and its cache on a real redis-server.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "services/aggregation/publisher.h"
#include "services/aggregation/ratio_service.h"
#include "services/aggregation/redis_ratio_cache.h"
#include "services/aggregation/testing/fake_feed_service.h"
#include "services/aggregation/testing/fake_ratio_cache.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/redis/testing/redis_server.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::RedisServer;
using ::dondoc::testing::StatusIs;
using testing::Day;
using testing::FakeRatioCache;
using ::testing::HasSubstr;
using testing::LoadCube;
using testing::MakeUnit;
using testing::ModelChange;
using testing::ModelLedger;

PublishedWindow Window(const std::string& ledger_id, int64_t sequence, int units = 1) {
  PublishedWindow window;
  window.key = "received:2023-01-01:2023-12-31";
  window.ledger_id = ledger_id;
  window.sequence = sequence;
  window.fields = {{"ledger_id", ledger_id}, {"sequence", absl::StrCat(sequence)}};
  for (int i = 0; i < units; ++i) {
    window.fields.emplace_back(absl::StrCat("unit:", i), absl::StrCat(sequence, ",0,0,0,0,NONE"));
  }
  return window;
}

// What any RatioCache promises, on the fake and on Redis.
enum class Which { kFake, kRedis };

class RatioCacheTest : public ::testing::TestWithParam<Which> {
 protected:
  RatioCacheTest() {
    if (GetParam() == Which::kFake) {
      cache_ = std::make_unique<FakeRatioCache>();
    } else {
      server_ = std::make_unique<RedisServer>();
      cache_ = std::make_unique<RedisRatioCache>(server_->options(), "t");
    }
  }
  RatioCache::Outcome Publish(const PublishedWindow& window) {
    const auto outcome = cache_->Publish(window, absl::Minutes(1));
    EXPECT_OK(outcome);
    return outcome.value_or(RatioCache::Outcome::kSame);
  }
  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<RatioCache> cache_;
};

TEST_P(RatioCacheTest, TakesANewerPositionAndRefusesAnOlderOne) {
  EXPECT_EQ(Publish(Window("l", 9)), RatioCache::Outcome::kWritten);
  EXPECT_EQ(Publish(Window("l", 10)), RatioCache::Outcome::kWritten);
  EXPECT_EQ(Publish(Window("l", 10)), RatioCache::Outcome::kSame);
  EXPECT_EQ(Publish(Window("l", 9)), RatioCache::Outcome::kHeldNewer);
  EXPECT_EQ(Publish(Window("l", 9007199254740993)), RatioCache::Outcome::kWritten);
  // One less is a different number here, though not as a double.
  EXPECT_EQ(Publish(Window("l", 9007199254740992)), RatioCache::Outcome::kHeldNewer);
}

TEST_P(RatioCacheTest, ReplacesAnotherLedgersWhateverItsPosition) {
  EXPECT_EQ(Publish(Window("l", 10)), RatioCache::Outcome::kWritten);
  EXPECT_EQ(Publish(Window("m", 3)), RatioCache::Outcome::kWritten);
  EXPECT_EQ(Publish(Window("m", 2)), RatioCache::Outcome::kHeldNewer);
}

INSTANTIATE_TEST_SUITE_P(AnyCache, RatioCacheTest, ::testing::Values(Which::kFake, Which::kRedis));

constexpr char kHash[] = "t:ratio:{received:2023-01-01:2023-12-31}";

TEST(RedisRatioCacheTest, ReplacesTheWholeWindowWhateverItsSize) {
  RedisServer server;
  RedisRatioCache cache(server.options(), "t");
  // More than one HSET can take, and more than Lua's unpack can.
  ASSERT_OK(cache.Publish(Window("l", 1, 20000), absl::Minutes(1)));
  EXPECT_EQ(server.Command({"HLEN", kHash}).integer, 20002);
  EXPECT_EQ(server.Command({"HGET", kHash, "unit:19999"}).text, "1,0,0,0,0,NONE");
  ASSERT_OK(cache.Publish(Window("l", 2, 3), absl::Minutes(1)));
  EXPECT_EQ(server.Command({"HLEN", kHash}).integer, 5);
  const int64_t life_ms = server.Command({"PTTL", kHash}).integer;
  EXPECT_GT(life_ms, 0);
  EXPECT_LE(life_ms, 60000);
}

TEST(RedisRatioCacheTest, WritesAPrunedHashAndOneThatMakesNoSenseAgain) {
  RedisServer server;
  RedisRatioCache cache(server.options(), "t");
  ASSERT_OK(cache.Publish(Window("l", 1, 3), absl::Minutes(1)));
  server.Command({"HDEL", kHash, "unit:1"});
  EXPECT_EQ(*cache.Publish(Window("l", 1, 3), absl::Minutes(1)), RatioCache::Outcome::kWritten);
  server.Command({"HSET", kHash, "sequence", "zzz"});
  EXPECT_EQ(*cache.Publish(Window("l", 1, 3), absl::Minutes(1)), RatioCache::Outcome::kWritten);
  EXPECT_EQ(server.Command({"HGET", kHash, "sequence"}).text, "1");
}

TEST(RedisRatioCacheTest, SaysSoWhenTheKeyIsSomethingElse) {
  RedisServer server;
  RedisRatioCache cache(server.options(), "t");
  server.Command({"SET", kHash, "text"});
  EXPECT_THAT(cache.Publish(Window("l", 1), absl::Minutes(1)),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("WRONGTYPE")));
}

// The service with its publisher, on a cube that is fed by hand.
class PublishingTest : public ::testing::Test {
 protected:
  PublishingTest()
      : cache_(server_.options(), "t", absl::Milliseconds(200)),
        publisher_(cube_, windows_, cache_, metrics_, Options()),
        feed_("ledger-1"),
        feed_server_(feed_),
        client_(v1::FeedService::NewStub(feed_server_.Channel())),
        past_([](const std::string&, int64_t,
                 absl::Time) { return absl::UnavailableError("not in this test"); },
              metrics_),
        service_(ledgers_, windows_, metrics_, [this] { publisher_.Wake(); }) {
    ledgers_.Put("", std::make_shared<PositionFinder>(cube_, past_, client_, kSequenceWait));
    ModelChange change;
    change.units = {MakeUnit("a", "A", v1::Level::COMMUNE)};
    ledger_.Commit(change);
    for (int i = 0; i < 5; ++i) {
      ModelChange more;
      more.cells = {{.unit_id = "a", .procedure = "p", .day = Day("2023-05-05"), .count = 1}};
      ledger_.Commit(more);
    }
    cube_.Replace(LoadCube(ledger_, 3));
    Register();
  }
  ~PublishingTest() override { publisher_.Stop(); }

  static PublisherOptions Options() {
    PublisherOptions options;
    options.every_min = absl::Milliseconds(10);
    options.check_every = absl::Milliseconds(50);
    return options;
  }
  void Register() {
    grpc::ServerContext context;
    v1::RegisterWindowRequest request;
    request.set_from("2023-01-01");
    request.set_to("2023-12-31");
    request.set_lease_seconds(3600);
    v1::RegisterWindowResponse response;
    ASSERT_TRUE(service_.RegisterWindow(&context, &request, &response).ok());
  }
  int64_t AskTotal() {
    grpc::ServerContext context;
    v1::GetSummaryRequest request;
    request.set_from("2023-01-01");
    request.set_to("2023-12-31");
    v1::GetSummaryResponse response;
    EXPECT_TRUE(service_.GetSummary(&context, &request, &response).ok());
    return response.overall().total();
  }
  bool WaitUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (absl::Now() < deadline) {
      if (condition()) return true;
      cube_.WaitForSequence(INT64_MAX, absl::Milliseconds(5));
    }
    return condition();
  }
  bool WaitForPosition(const std::string& ledger_id, const std::string& sequence) {
    return WaitUntil([&] {
      const RedisReply reply = server_.Command({"HMGET", kHash, "ledger_id", "sequence"});
      return reply.elements.size() == 2 && reply.elements[0].text == ledger_id &&
             reply.elements[1].text == sequence;
    });
  }

  RedisServer server_;
  ModelLedger ledger_{"ledger-1"};
  LiveCube cube_;
  WindowRegistry windows_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  RedisRatioCache cache_;
  Publisher publisher_;
  testing::FakeFeedService feed_;
  testing::LocalServer feed_server_;
  FeedClient client_;
  PastCubes past_;
  Ledgers ledgers_;
  RatioServiceServer service_;
};

TEST_F(PublishingTest, ARedisThatWasKilledIsRefilledWithoutAHand) {
  publisher_.Start();
  ASSERT_TRUE(WaitForPosition("ledger-1", "3"));
  server_.Kill();
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_up.Value() == 0; }));
  EXPECT_EQ(AskTotal(), 2);
  ASSERT_OK(cube_.Apply(ledger_.Events(4), true));
  EXPECT_EQ(AskTotal(), 3);
  server_.Restart();
  EXPECT_TRUE(WaitForPosition("ledger-1", "4"));
  EXPECT_EQ(server_.Command({"HGET", kHash, "unit:a"}).text, "3,3,0,0,0,PARTIAL_DOSSIERS");
  EXPECT_TRUE(WaitUntil([this] { return metrics_.redis_up.Value() == 1; }));
}

TEST_F(PublishingTest, AnOldDumpIsNeverBelieved) {
  publisher_.Start();
  ASSERT_TRUE(WaitForPosition("ledger-1", "3"));
  server_.Command({"SAVE"});
  ASSERT_OK(cube_.Apply(ledger_.Events(4), true));
  ASSERT_TRUE(WaitForPosition("ledger-1", "4"));
  server_.Restart();  // with the dump of sequence 3
  EXPECT_TRUE(WaitForPosition("ledger-1", "4"));
}

TEST_F(PublishingTest, FiguresOfAnotherLedgerAreReplacedAndNewerOnesOfOursAreLeft) {
  server_.Command({"HSET", kHash, "ledger_id", "ledger-1", "sequence", "99"});
  publisher_.Start();
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_refused.Value() >= 1; }));
  EXPECT_TRUE(WaitForPosition("ledger-1", "99"));
  server_.Command({"HSET", kHash, "ledger_id", "ledger-0", "sequence", "99"});
  EXPECT_TRUE(WaitForPosition("ledger-1", "3"));
}

TEST_F(PublishingTest, AStoppedRedisHoldsNobodyUp) {
  publisher_.Start();
  ASSERT_TRUE(WaitForPosition("ledger-1", "3"));
  server_.Stop();
  ASSERT_OK(cube_.Apply(ledger_.Events(4), true));
  EXPECT_EQ(AskTotal(), 3);
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_up.Value() == 0; }));
  EXPECT_EQ(AskTotal(), 3);
  server_.Continue();
  EXPECT_TRUE(WaitForPosition("ledger-1", "4"));
}

TEST_F(PublishingTest, APausedRedisHoldsNobodyUp) {
  publisher_.Start();
  ASSERT_TRUE(WaitForPosition("ledger-1", "3"));
  server_.Command({"CLIENT", "PAUSE", "1500"});
  ASSERT_OK(cube_.Apply(ledger_.Events(4), true));
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_up.Value() == 0; }));
  EXPECT_EQ(AskTotal(), 3);
  EXPECT_TRUE(WaitForPosition("ledger-1", "4"));
}

}  // namespace
}  // namespace dondoc::aggregation
