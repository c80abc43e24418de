#include "services/aggregation/publisher.h"

#include <functional>
#include <map>
#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "services/aggregation/testing/fake_ratio_cache.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using testing::Day;
using testing::FakeRatioCache;
using testing::LoadCube;
using testing::MakeClaim;
using testing::MakeUnit;
using testing::ModelChange;
using testing::ModelLedger;

constexpr char kKey[] = "received:2023-01-01:2023-12-31";

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() : publisher_(cube_, windows_, cache_, metrics_, Options()) {
    ModelChange change;
    change.units = {MakeUnit("a", "A", v1::Level::COMMUNE), MakeUnit("b", "B", v1::Level::COMMUNE),
                    MakeUnit("old", "O", v1::Level::COMMUNE, "", "", "2022-12-31")};
    change.claims = {MakeClaim({"a"}, "2023-01-01", "2023-12-31")};
    change.cells = {{.unit_id = "a", .procedure = "p", .day = Day("2023-05-05"), .count = 3}};
    ledger_.Commit(change);
    cube_.Replace(LoadCube(ledger_, 1));
  }
  ~PublisherTest() override { publisher_.Stop(); }

  static PublisherOptions Options() {
    PublisherOptions options;
    options.every_min = absl::Milliseconds(5);
    options.check_every = absl::Milliseconds(20);
    return options;
  }
  void Register() {
    ASSERT_OK(windows_.Register({"received", {Day("2023-01-01"), Day("2023-12-31")}}, absl::Now(),
                                absl::Now() + absl::Hours(1)));
    publisher_.Wake();
  }
  bool WaitUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (absl::Now() < deadline) {
      if (condition()) return true;
      cube_.WaitForSequence(INT64_MAX, absl::Milliseconds(2));
    }
    return condition();
  }
  bool WaitForSequence(int64_t sequence) {
    return WaitUntil([&] {
      const auto held = cache_.Held(kKey);
      return held.has_value() && held->sequence == sequence;
    });
  }

  ModelLedger ledger_{"ledger-1"};
  LiveCube cube_;
  WindowRegistry windows_;
  FakeRatioCache cache_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  Publisher publisher_;
};

TEST_F(PublisherTest, PublishesEachUnitThatHasAPartInTheWindow) {
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitForSequence(1));
  const auto held = cache_.Held(kKey);
  const std::map<std::string, std::string> fields(held->fields.begin(), held->fields.end());
  EXPECT_THAT(
      fields,
      ::testing::ElementsAre(
          ::testing::Pair("commit_time", "2023-11-15T05:14:20+07:00"),
          ::testing::Pair("definition_id", "received"), ::testing::Pair("definition_version", "1"),
          ::testing::Pair("from", "2023-01-01"), ::testing::Pair("ledger_id", "ledger-1"),
          ::testing::Pair("overall", "3,3,0,0,0,PARTIAL_DOSSIERS"),
          ::testing::Pair("sequence", "1"), ::testing::Pair("to", "2023-12-31"),
          ::testing::Pair("unit:a", "3,3,0,0,0,DOSSIERS"),
          ::testing::Pair("unit:b", "0,0,0,0,0,NONE")));
}

TEST_F(PublisherTest, PublishesTheNewPositionOfEveryChange) {
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitForSequence(1));
  ledger_.Commit({});
  ASSERT_OK(cube_.Apply(ledger_.Events(2), true));
  EXPECT_TRUE(WaitForSequence(2));
}

TEST_F(PublisherTest, SaysThatTheCacheIsAwayAndRefillsItWhenItIsBack) {
  cache_.FailWith(absl::UnavailableError("away"));
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_errors.Value() >= 2; }));
  EXPECT_EQ(metrics_.redis_up.Value(), 0);
  cache_.FailWith(absl::OkStatus());
  EXPECT_TRUE(WaitForSequence(1));
  EXPECT_TRUE(WaitUntil([this] { return metrics_.redis_up.Value() == 1; }));
}

TEST_F(PublisherTest, RefillsACacheThatLostEverythingWithoutAChange) {
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitForSequence(1));
  cache_.Empty();
  EXPECT_TRUE(WaitForSequence(1));
}

TEST_F(PublisherTest, LeavesANewerPositionOfTheSameLedgerAndReplacesAnotherLedgers) {
  PublishedWindow newer;
  newer.key = kKey;
  newer.ledger_id = "ledger-1";
  newer.sequence = 9;
  ASSERT_OK(cache_.Publish(newer, absl::Seconds(1)));
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitUntil([this] { return metrics_.redis_refused.Value() >= 1; }));
  EXPECT_EQ(cache_.Held(kKey)->sequence, 9);
  ModelLedger other("ledger-2");
  other.Commit({});
  cube_.Replace(LoadCube(other, 1));
  EXPECT_TRUE(WaitForSequence(1));
  EXPECT_EQ(cache_.Held(kKey)->ledger_id, "ledger-2");
}

TEST_F(PublisherTest, AWindowThatCannotBeWrittenDoesNotKeepTheOthersBack) {
  cache_.FailKeyWith("received:2022-01-01:2022-12-31", absl::InternalError("WRONGTYPE"));
  ASSERT_OK(windows_.Register({"received", {Day("2022-01-01"), Day("2022-12-31")}}, absl::Now(),
                              absl::Now() + absl::Hours(1)));
  publisher_.Start();
  Register();
  EXPECT_TRUE(WaitForSequence(1));
  EXPECT_TRUE(WaitUntil([this] { return metrics_.redis_errors.Value() >= 1; }));
}

TEST_F(PublisherTest, PublishesNothingWhileNothingIsLoaded) {
  cube_.Clear();
  publisher_.Start();
  Register();
  ASSERT_TRUE(WaitUntil([this] { return metrics_.registered_windows.Value() == 1; }));
  EXPECT_EQ(cache_.calls(), 0);
}

}  // namespace
}  // namespace dondoc::aggregation
