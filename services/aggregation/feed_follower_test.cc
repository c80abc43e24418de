#include "services/aggregation/feed_follower.h"

#include <functional>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "services/aggregation/testing/fake_feed_service.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using testing::Day;
using testing::FakeFeedService;
using testing::LocalServer;
using testing::MakeUnit;
using testing::ModelChange;
using testing::ModelLedger;

constexpr absl::Duration kPatience = absl::Seconds(20);

ModelChange Directory() {
  ModelChange change;
  change.units = {MakeUnit("a", "A", v1::Level::COMMUNE), MakeUnit("b", "B", v1::Level::COMMUNE)};
  return change;
}

ModelChange Dossiers(int64_t count) {
  ModelChange change;
  for (int64_t i = 0; i < count; ++i) {
    change.cells.push_back({.unit_id = i % 2 == 0 ? "a" : "b",
                            .procedure = "p",
                            .day = Day("2023-01-01") + static_cast<int32_t>(i / 2)});
  }
  return change;
}

class FeedFollowerTest : public ::testing::Test {
 protected:
  explicit FeedFollowerTest() : feed_("ledger-1"), server_(feed_) { feed_.Commit(Directory()); }
  ~FeedFollowerTest() override { Stop(); }

  void Start(FollowerOptions options = {}) {
    options.backoff_min = absl::Milliseconds(1);
    options.backoff_max = absl::Milliseconds(20);
    client_ = std::make_unique<FeedClient>(v1::FeedService::NewStub(server_.Channel()));
    follower_ = std::make_unique<FeedFollower>(*client_, cube_, metrics_, options);
    follower_->Start();
  }
  void Stop() {
    if (follower_ != nullptr) follower_->Stop();
  }

  bool WaitUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline) {
      if (condition()) return true;
      cube_.WaitForSequence(INT64_MAX, absl::Milliseconds(2));
    }
    return condition();
  }
  // The cube has all that the fake has.
  bool WaitForHead() {
    return WaitUntil([this] {
      const auto view = cube_.View();
      const v1::Position head = feed_.ledger().Head();
      return view != nullptr && view->position().ledger_id() == head.ledger_id() &&
             view->position().sequence() == head.sequence();
    });
  }
  void ExpectAsTheLedger() {
    const ModelLedger ledger = feed_.ledger();
    const auto view = cube_.View();
    ASSERT_NE(view, nullptr);
    const DefinitionPlane& plane = *view->FindPlane("received");
    const DayRange year = {Day("2023-01-01"), Day("2023-12-31")};
    for (const int unit : view->units().by_name()) {
      EXPECT_EQ(view->UnitCounts(plane, unit, year),
                ledger.Recount(view->units()[unit].unit_id, year, plane.definition,
                               view->position().sequence()));
    }
  }

  FakeFeedService feed_;
  LocalServer server_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  LiveCube cube_;
  std::unique_ptr<FeedClient> client_;
  std::unique_ptr<FeedFollower> follower_;
};

TEST_F(FeedFollowerTest, StartsWithASnapshotAndFollows) {
  feed_.Commit(Dossiers(10));
  Start();
  ASSERT_TRUE(WaitForHead());
  EXPECT_TRUE(WaitUntil([this] { return follower_->Ready(); }));
  for (int i = 0; i < 20; ++i) feed_.Commit(Dossiers(3));
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 1);
}

TEST_F(FeedFollowerTest, StartsOnAnEmptyLedger) {
  feed_.ReplaceLedger(ModelLedger("empty"));
  Start();
  ASSERT_TRUE(WaitForHead());
  feed_.Commit(Directory());
  feed_.Commit(Dossiers(4));
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
}

TEST_F(FeedFollowerTest, ResumesWhereItWasAfterACut) {
  Start();
  ASSERT_TRUE(WaitForHead());
  for (int i = 0; i < 5; ++i) {
    feed_.Cut();
    feed_.Commit(Dossiers(7));
    ASSERT_TRUE(WaitForHead());
  }
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 1);
  EXPECT_GE(feed_.follows(), 2);
}

TEST_F(FeedFollowerTest, ShowsNothingOfASequenceThatWasCutInItsMiddle) {
  feed_.SplitInto(10);
  Start();
  ASSERT_TRUE(WaitForHead());
  // The stream ends after three of the ten events of the next sequence, and then stays away.
  const int follows = feed_.follows();
  feed_.Cut(/*after_events=*/3);
  feed_.Commit(Dossiers(100));
  ASSERT_TRUE(feed_.WaitForFollows(follows + 1));
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 1);
}

TEST_F(FeedFollowerTest, LeavesAFeedThatHasNoHeartbeat) {
  FollowerOptions options;
  options.heartbeat_timeout = absl::Milliseconds(200);
  Start(options);
  ASSERT_TRUE(WaitForHead());
  const int follows = feed_.follows();
  feed_.BeSilent(true);
  EXPECT_TRUE(feed_.WaitForFollows(follows + 2));
  feed_.BeSilent(false);
  feed_.Commit(Dossiers(2));
  EXPECT_TRUE(WaitForHead());
  EXPECT_TRUE(follower_->Ready());
}

TEST_F(FeedFollowerTest, TakesASnapshotWhenItsPlaceInTheLogIsGone) {
  Start();
  ASSERT_TRUE(WaitForHead());
  feed_.BeSilent(true);
  for (int i = 0; i < 5; ++i) feed_.Commit(Dossiers(5));
  feed_.TrimBefore(6);
  feed_.Cut();
  feed_.BeSilent(false);
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 2);
}

TEST_F(FeedFollowerTest, TakesASnapshotWhenTheFeedLeavesASequenceOut) {
  Start();
  ASSERT_TRUE(WaitForHead());
  feed_.SkipNextSequence();
  feed_.Commit(Dossiers(5));
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 2);
}

TEST_F(FeedFollowerTest, TakesASnapshotInsteadOfASequenceThatIsTooLarge) {
  FollowerOptions options;
  options.pending_bytes_max = 1000;
  Start(options);
  ASSERT_TRUE(WaitForHead());
  feed_.Commit(Dossiers(500));
  ASSERT_TRUE(WaitForHead());
  ExpectAsTheLedger();
  EXPECT_EQ(feed_.snapshots(), 2);
}

TEST_F(FeedFollowerTest, DropsEverythingOfTheOldLedgerForAnotherOne) {
  for (int i = 0; i < 4; ++i) feed_.Commit(Dossiers(9));
  Start();
  ASSERT_TRUE(WaitForHead());
  ModelLedger other("ledger-2");
  other.Commit(Directory());
  other.Commit(Dossiers(1));
  feed_.ReplaceLedger(other);
  ASSERT_TRUE(WaitForHead());
  EXPECT_EQ(cube_.View()->position().ledger_id(), "ledger-2");
  ExpectAsTheLedger();
  EXPECT_EQ(metrics_.ledger_changes.Value(), 1);
  EXPECT_TRUE(WaitUntil([this] { return follower_->Ready(); }));
}

TEST_F(FeedFollowerTest, StaysNotReadyWithAnotherLedgerThanTheOneItWasGiven) {
  FollowerOptions options;
  options.ledger_id = "ledger-9";
  Start(options);
  ASSERT_TRUE(WaitUntil([this] { return metrics_.feed_errors.Value() >= 3; }));
  EXPECT_FALSE(follower_->Ready());
  EXPECT_EQ(cube_.View(), nullptr);
  EXPECT_EQ(feed_.snapshots(), 0);
  ModelLedger right("ledger-9");
  right.Commit(Directory());
  feed_.ReplaceLedger(right);
  EXPECT_TRUE(WaitForHead());
}

TEST_F(FeedFollowerTest, LoadsALedgerThatWentBackAgain) {
  for (int i = 0; i < 4; ++i) feed_.Commit(Dossiers(9));
  Start();
  ASSERT_TRUE(WaitForHead());
  ModelLedger shorter("ledger-1");
  shorter.Commit(Directory());
  feed_.ReplaceLedger(shorter);
  ASSERT_TRUE(WaitForHead());
  EXPECT_EQ(cube_.View()->position().sequence(), 1);
  ExpectAsTheLedger();
}

TEST_F(FeedFollowerTest, StopsAtOnceWhateverTheFeedDoes) {
  feed_.BeSilent(true);
  Start();
  ASSERT_TRUE(WaitForHead());
  const absl::Time start = absl::Now();
  Stop();
  EXPECT_LT(absl::Now() - start, absl::Seconds(4));
}

}  // namespace
}  // namespace dondoc::aggregation
