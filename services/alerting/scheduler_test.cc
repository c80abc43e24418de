#include "services/alerting/scheduler.h"

#include <memory>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/alerting/campaign.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/testing/fake_sources.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::alerting::testing::FakeDirectorySource;
using ::dondoc::alerting::testing::FakeFigureSource;
using ::dondoc::alerting::testing::FakeUnit;
using ::dondoc::testing::FakeClock;
using ::dondoc::testing::StatusIs;
using ::dondoc::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Time At(int month, int day, int hour = 8, int minute = 0) {
  return StartOf(absl::CivilDay(2023, month, day)) + absl::Hours(hour) + absl::Minutes(minute);
}

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() : clock_(At(11, 21, 9)), metrics_(registry_) {
    auto store = SqliteAlertStore::Open(folder_.File("alerting.db"));
    EXPECT_OK(store);
    store_ = *std::move(store);
    FakeUnit unit = {.unit_id = "so", .name = "Sở", .last_covered = absl::CivilDay(2023, 11, 15)};
    unit.days[absl::CivilDay(2023, 11, 15)] = {.total = 10, .online = 1};
    figures_.Put(unit);
    directory_.Put("so", {"so@x.invalid"});
    mail_.from.address = "d@x.invalid";
    evaluator_ = std::make_unique<Evaluator>(figures_, directory_, *store_, clock_, calendar_,
                                             metrics_, mail_);
    scheduler_ = std::make_unique<Scheduler>(*store_, *evaluator_, figures_, clock_, calendar_,
                                             metrics_, [this] { ++evaluated_; });
  }

  // The article's campaign with the default schedule.
  void Create(const std::string& id, bool activate) {
    v1::Campaign campaign;
    campaign.set_campaign_id(id);
    campaign.set_title("Đôn đốc");
    campaign.set_window_from("2023-01-01");
    campaign.set_deadline_day("2023-12-25");
    campaign.add_targets()->set_level(v1::Level::PROVINCE);
    campaign.mutable_targets(0)->set_percent("50");
    const auto normal = NormalizeCampaign(campaign);
    ASSERT_OK(normal);
    ASSERT_OK(store_->CreateCampaign(*normal));
    if (!activate) return;
    ASSERT_OK(store_->ActivateCampaign(id, clock_.Now()));
  }
  void RunAt(absl::Time time) {
    clock_.Set(time);
    EXPECT_OK(scheduler_->RunDue());
  }
  // Oldest first, "slot" or "slot late".
  std::vector<std::string> Slots(const std::string& id) {
    std::vector<std::string> slots;
    const auto page = store_->ListEvaluations(id, 0, 100);
    EXPECT_OK(page);
    for (const v1::Evaluation& evaluation : page->evaluations) {
      slots.insert(slots.begin(),
                   evaluation.slot().substr(0, 16) + (evaluation.late() ? " late" : ""));
    }
    return slots;
  }

  TempDir folder_;
  FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_;
  FakeFigureSource figures_;
  FakeDirectorySource directory_;
  CalendarSource calendar_;
  MailSettings mail_;
  std::unique_ptr<SqliteAlertStore> store_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<Scheduler> scheduler_;
  int evaluated_ = 0;
};

TEST_F(SchedulerTest, RunsEverySlotOnceAtItsTime) {
  Create("c", true);
  for (absl::Time time = At(11, 21, 9); time < At(12, 28); time += absl::Hours(1)) {
    RunAt(time);
    RunAt(time);
  }
  EXPECT_THAT(Slots("c"), ElementsAre("2023-11-27T08:00", "2023-12-04T08:00", "2023-12-11T08:00",
                                      "2023-12-14T08:00", "2023-12-18T08:00", "2023-12-20T08:00",
                                      "2023-12-21T08:00", "2023-12-22T08:00"));
  EXPECT_EQ(evaluated_, 8);
  EXPECT_EQ(metrics_.slots_late.Value(), 0);
  EXPECT_EQ(metrics_.slots_skipped.Value(), 0);
}

TEST_F(SchedulerTest, SlotsBeforeActivationAreNotMissed) {
  clock_.Set(At(12, 12, 9));
  Create("c", true);
  RunAt(At(12, 12, 9));
  EXPECT_THAT(Slots("c"), IsEmpty());
}

TEST_F(SchedulerTest, AnInactiveCampaignRunsNothing) {
  Create("c", false);
  RunAt(At(12, 12, 9));
  EXPECT_THAT(Slots("c"), IsEmpty());
}

TEST_F(SchedulerTest, AfterAnOutageOnlyTheNewestMissedSlotRunsOnceMarkedLate) {
  Create("c", true);
  RunAt(At(11, 27, 8));
  RunAt(At(12, 19, 10));
  RunAt(At(12, 19, 11));
  EXPECT_THAT(Slots("c"), ElementsAre("2023-11-27T08:00", "2023-12-18T08:00 late"));
  // 4, 11 and 14 December.
  EXPECT_EQ(metrics_.slots_skipped.Value(), 3);
  EXPECT_EQ(metrics_.slots_late.Value(), 1);
}

TEST_F(SchedulerTest, ALittleLateIsNotLate) {
  Create("c", true);
  RunAt(At(11, 27, 8, 10));
  RunAt(At(12, 4, 8, 11));
  EXPECT_THAT(Slots("c"), ElementsAre("2023-11-27T08:00", "2023-12-04T08:00 late"));
}

TEST_F(SchedulerTest, NothingRunsFromTheDeadlineOn) {
  Create("c", true);
  RunAt(At(12, 25, 0));
  EXPECT_THAT(Slots("c"), IsEmpty());
}

TEST_F(SchedulerTest, AFailedSlotIsTriedAgainAndDoesNotStopOthers) {
  Create("a", true);
  Create("b", true);
  clock_.Set(At(11, 27, 8));
  figures_.FailNextWith(absl::UnavailableError("aggregation: down"));
  EXPECT_THAT(scheduler_->RunDue(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("aggregation")));
  EXPECT_THAT(Slots("a"), IsEmpty());
  EXPECT_THAT(Slots("b"), ElementsAre("2023-11-27T08:00"));
  // It waits before the next try, on the real clock.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (Slots("a").empty() && absl::Now() < give_up) {
    EXPECT_OK(scheduler_->RunDue());
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_THAT(Slots("a"), ElementsAre("2023-11-27T08:00"));
}

TEST_F(SchedulerTest, LeasesTheWindowOfActiveCampaigns) {
  EXPECT_OK(scheduler_->RenewLeases());
  EXPECT_THAT(figures_.leases(), IsEmpty());
  Create("a", true);
  Create("b", false);
  EXPECT_OK(scheduler_->RenewLeases());
  ASSERT_EQ(figures_.leases().size(), 1u);
  EXPECT_EQ(figures_.leases()[0].from(), "2023-01-01");
  EXPECT_EQ(figures_.leases()[0].to(), "2023-11-15");
  EXPECT_EQ(figures_.leases()[0].definition_id(), "received");
  EXPECT_EQ(figures_.leases()[0].lease_seconds(), 600);
  clock_.Set(At(12, 25, 0));
  EXPECT_OK(scheduler_->RenewLeases());
  EXPECT_EQ(figures_.leases().size(), 1u);
}

TEST_F(SchedulerTest, TheThreadFollowsAClockThatIsMoved) {
  Create("c", true);
  scheduler_->Start();
  scheduler_->Wake();
  clock_.Set(At(11, 27, 8));
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (Slots("c").empty() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_THAT(Slots("c"), ElementsAre("2023-11-27T08:00"));
  scheduler_->Stop();
}

}  // namespace
}  // namespace dondoc::alerting
