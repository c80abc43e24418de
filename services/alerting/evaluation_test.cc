#include "services/alerting/evaluation.h"

#include <memory>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
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
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kLaw[] = "so-tu-phap";         // below
constexpr char kTrade[] = "so-cong-thuong";   // exactly the target
constexpr char kForeign[] = "so-ngoai-vu";    // covered, no dossiers
constexpr char kTourism[] = "so-van-hoa";     // not covered
constexpr char kDistrict[] = "huyen-dak-ha";  // below, no contact
constexpr char kCommune[] = "xa-dak-long";    // its level has no target

const absl::CivilDay kCovered(2023, 11, 15);  // a Wednesday

class EvaluationTest : public ::testing::Test {
 protected:
  EvaluationTest()
      : clock_(StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9)), metrics_(registry_) {
    auto store = SqliteAlertStore::Open(folder_.File("alerting.db"));
    EXPECT_OK(store);
    store_ = *std::move(store);
    mail_.from = {.name = "Văn phòng UBND tỉnh", .address = "dondoc@kontum.invalid"};
    mail_.subject_prefix = "Kon Tum DVCTT";
    mail_.office_name = "Văn phòng UBND tỉnh";
    // 10 a day, 4 online, since 2 October: 330 and 132 in 33 working days.
    PutUnit(kLaw, "Sở Tư pháp", v1::Level::PROVINCE, 10, 4);
    PutUnit(kTrade, "Sở Công Thương", v1::Level::PROVINCE, 10, 5);
    PutUnit(kForeign, "Sở Ngoại vụ", v1::Level::PROVINCE, 0, 0);
    figures_.Put({.unit_id = kTourism, .name = "Sở Văn hóa, Thể thao và Du lịch"});
    PutUnit(kDistrict, "Huyện Đắk Hà", v1::Level::DISTRICT, 10, 1);
    PutUnit(kCommune, "Xã Đắk Long", v1::Level::COMMUNE, 10, 0);
    directory_.Put(kLaw, {"sotuphap@kontum.invalid"});
    directory_.Put(kTrade, {"soct@kontum.invalid"});
    directory_.Put(kDistrict, {});
    Create();
  }

  void PutUnit(const std::string& id, const std::string& name, v1::Level::Value level,
               int64_t daily, int64_t online) {
    FakeUnit unit = {.unit_id = id, .name = name, .level = level, .last_covered = kCovered};
    for (absl::CivilDay day(2023, 10, 2); day <= kCovered; ++day) {
      const bool weekend = absl::GetWeekday(day) == absl::Weekday::saturday ||
                           absl::GetWeekday(day) == absl::Weekday::sunday;
      if (!weekend && daily > 0) unit.days[day] = {.total = daily, .online = online};
    }
    figures_.Put(unit);
  }

  v1::Campaign Wanted() const {
    v1::Campaign campaign;
    campaign.set_campaign_id("dot-2023");
    campaign.set_title("Đôn đốc năm 2023");
    campaign.set_window_from("2023-01-01");
    campaign.set_deadline_day("2023-12-25");
    for (const auto level : {v1::Level::PROVINCE, v1::Level::DISTRICT}) {
      v1::Target& target = *campaign.add_targets();
      target.set_level(level);
      target.set_percent("50");
    }
    return campaign;
  }
  void Create(v1::SendMode::Value mode = v1::SendMode::APPROVAL) {
    v1::Campaign wanted = Wanted();
    wanted.set_send_mode(mode);
    const auto normal = NormalizeCampaign(wanted);
    ASSERT_OK(normal);
    campaign_ = *normal;
    const absl::Status created = store_->CreateCampaign(campaign_);
    ASSERT_TRUE(created.ok() || absl::IsAlreadyExists(created));
  }

  absl::StatusOr<v1::Evaluation> Evaluate(const std::string& request_id = "1",
                                          bool dry_run = false) {
    Evaluator evaluator(figures_, directory_, *store_, clock_, calendar_, metrics_, mail_);
    return evaluator.Evaluate({.deadline = absl::Now() + absl::Minutes(1), .request_id = "t"},
                              {.campaign = campaign_,
                               .slot = "manual:" + request_id,
                               .slot_time = clock_.Now(),
                               .late = false,
                               .dry_run = dry_run});
  }
  std::map<std::string, v1::Flag> Flags(const std::string& evaluation_id) {
    std::map<std::string, v1::Flag> flags;
    const auto listed = store_->ListFlags(evaluation_id);
    EXPECT_OK(listed);
    if (listed.ok()) {
      for (const v1::Flag& flag : *listed) flags[flag.unit_id()] = flag;
    }
    return flags;
  }
  std::vector<v1::Reminder> Reminders(const std::string& evaluation_id) {
    const auto page = store_->ListReminders(evaluation_id, 0, 100);
    EXPECT_OK(page);
    return page.ok() ? page->reminders : std::vector<v1::Reminder>();
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
  v1::Campaign campaign_;
};

TEST_F(EvaluationTest, RecordsTheFiguresOfOnePosition) {
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->state(), v1::EvaluationState::AWAITING_RELEASE);
  EXPECT_EQ(evaluation->slot(), "manual:1");
  EXPECT_EQ(evaluation->window().from(), "2023-01-01");
  EXPECT_EQ(evaluation->window().to(), "2023-11-15");
  EXPECT_EQ(evaluation->ledger_id(), "ledger-1");
  EXPECT_EQ(evaluation->sequence(), 7);
  EXPECT_EQ(evaluation->definition_id(), "received");
  EXPECT_EQ(evaluation->definition_version(), 1);
  EXPECT_EQ(evaluation->overall().total(), 1320);
  EXPECT_EQ(evaluation->overall().online(), 330);
  ASSERT_EQ(evaluation->levels_size(), 3);
  EXPECT_EQ(evaluation->levels(0).units(), 4);
  EXPECT_EQ(evaluation->levels(0).reached(), 1);
  EXPECT_EQ(evaluation->levels(0).below(), 1);
  EXPECT_EQ(evaluation->levels(0).no_dossiers(), 1);
  EXPECT_EQ(evaluation->levels(0).no_data(), 1);
  EXPECT_EQ(evaluation->flagged(), 2);
  EXPECT_EQ(evaluation->reminders().drafted(), 1);
  EXPECT_EQ(FromProto(evaluation->evaluate_time()), clock_.Now());
}

TEST_F(EvaluationTest, JudgesEveryUnitAndSaysWhoIsWrittenTo) {
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  auto flags = Flags(evaluation->evaluation_id());
  ASSERT_EQ(flags.size(), 6u);
  const v1::Flag& law = flags[kLaw];
  EXPECT_TRUE(law.flagged());
  EXPECT_EQ(law.writing(), v1::Writing::WRITTEN);
  EXPECT_EQ(law.ratio().percent(), "40.00");
  EXPECT_EQ(law.missing(), 66);
  // 10 a day × 27 working days from 16/11 to 22/12.
  EXPECT_EQ(law.expected(), 270);
  // (330 + 270 − 264)/(2·270)
  EXPECT_EQ(law.required_percent(), "62.22");
  EXPECT_EQ(law.recent_percent(), "40.00");
  EXPECT_EQ(law.outlook(), v1::Outlook::HARD);
  // 396/1386 − 330/1320
  EXPECT_EQ(law.lever_points(), "3.57");
  EXPECT_EQ(flags[kTrade].outlook(), v1::Outlook::REACHED);
  EXPECT_FALSE(flags[kTrade].flagged());
  EXPECT_EQ(flags[kTrade].writing(), v1::Writing::NOT_FLAGGED);
  EXPECT_EQ(flags[kTrade].missing(), 0);
  EXPECT_EQ(flags[kForeign].outlook(), v1::Outlook::NO_DOSSIERS);
  EXPECT_FALSE(flags[kForeign].flagged());
  EXPECT_FALSE(flags[kForeign].has_missing());
  EXPECT_EQ(flags[kTourism].outlook(), v1::Outlook::NO_DATA);
  EXPECT_FALSE(flags[kTourism].flagged());
  EXPECT_TRUE(flags[kDistrict].flagged());
  EXPECT_EQ(flags[kDistrict].writing(), v1::Writing::NO_CONTACT);
  EXPECT_EQ(flags[kCommune].target_percent(), "");
  EXPECT_FALSE(flags[kCommune].flagged());
  EXPECT_EQ(flags[kCommune].outlook(), v1::Outlook::UNSPECIFIED);
}

TEST_F(EvaluationTest, WritesACompleteMessage) {
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  const auto reminders = Reminders(evaluation->evaluation_id());
  ASSERT_EQ(reminders.size(), 1u);
  EXPECT_EQ(reminders[0].unit_id(), kLaw);
  EXPECT_EQ(reminders[0].recipient(), "sotuphap@kontum.invalid");
  EXPECT_EQ(reminders[0].kind(), "reminder");
  EXPECT_EQ(reminders[0].subject(),
            "[Kon Tum DVCTT] Sở Tư pháp: 40,00 % (chỉ tiêu 50 %), còn 34 ngày");
  EXPECT_EQ(reminders[0].message_id(), reminders[0].reminder_id() + "@kontum.invalid");
  const auto stored = store_->FindMessage(reminders[0].reminder_id());
  ASSERT_OK(stored);
  EXPECT_THAT(stored->message, HasSubstr("Message-ID: <" + reminders[0].message_id() + ">\r\n"));
  EXPECT_THAT(stored->message, HasSubstr("Date: Tue, 21 Nov 2023 09:00:00 +0700\r\n"));
  EXPECT_THAT(stored->message, HasSubstr("List-Id: <dot-2023.dondoc.kontum.invalid>\r\n"));
}

TEST_F(EvaluationTest, TheSameRequestAnswersTheStoredEvaluation) {
  const auto first = Evaluate();
  ASSERT_OK(first);
  figures_.MoveTo("ledger-1", 8);
  PutUnit(kLaw, "Sở Tư pháp", v1::Level::PROVINCE, 10, 10);
  const int calls = figures_.calls();
  const auto again = Evaluate();
  ASSERT_OK(again);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*first, *again));
  EXPECT_EQ(figures_.calls(), calls);
  const auto other = Evaluate("2");
  ASSERT_OK(other);
  EXPECT_EQ(other->sequence(), 8);
  EXPECT_NE(other->evaluation_id(), first->evaluation_id());
}

TEST_F(EvaluationTest, ADryRunStoresNothing) {
  const auto evaluation = Evaluate("1", /*dry_run=*/true);
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->state(), v1::EvaluationState::DRY_RUN);
  EXPECT_EQ(evaluation->evaluation_id(), "");
  EXPECT_EQ(evaluation->flagged(), 2);
  EXPECT_THAT(store_->FindSlot("dot-2023", "manual:1"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

TEST_F(EvaluationTest, TheSendModeDecidesTheState) {
  campaign_.set_send_mode(v1::SendMode::DRAFT);
  const auto draft = Evaluate("draft");
  ASSERT_OK(draft);
  EXPECT_EQ(draft->state(), v1::EvaluationState::DRAFTED);
  EXPECT_EQ(draft->reminders().drafted(), 1);
  campaign_.set_send_mode(v1::SendMode::AUTOMATIC);
  const auto automatic = Evaluate("automatic");
  ASSERT_OK(automatic);
  EXPECT_EQ(automatic->state(), v1::EvaluationState::RELEASED);
  EXPECT_EQ(automatic->reminders().queued(), 1);
  EXPECT_EQ(FromProto(automatic->release_time()), clock_.Now());
}

TEST_F(EvaluationTest, RefusesWhenThereIsNoDataAtAll) {
  FakeFigureSource empty;
  empty.Put({.unit_id = kLaw, .name = "Sở Tư pháp"});
  Evaluator evaluator(empty, directory_, *store_, clock_, calendar_, metrics_, mail_);
  EXPECT_THAT(evaluator.Evaluate({.deadline = absl::Now() + absl::Minutes(1), .request_id = ""},
                                 {.campaign = campaign_,
                                  .slot = "manual:1",
                                  .slot_time = clock_.Now(),
                                  .late = false,
                                  .dry_run = false}),
              StatusIs(absl::StatusCode::kFailedPrecondition, StartsWith("no data")));
  EXPECT_THAT(store_->FindSlot("dot-2023", "manual:1"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_EQ(metrics_.evaluations_failed.Value(), 1);
}

TEST_F(EvaluationTest, RefusesWhenDataEndsBeforeTheCampaignBegins) {
  campaign_.set_window_from("2023-11-16");
  EXPECT_THAT(Evaluate(), StatusIs(absl::StatusCode::kFailedPrecondition, StartsWith("no data")));
}

TEST_F(EvaluationTest, TheWindowEndsWithTheSlotsDayOrTheLastCountedDay) {
  clock_.Set(StartOf(absl::CivilDay(2023, 11, 10)) + absl::Hours(8));
  EXPECT_EQ(Evaluate("early")->window().to(), "2023-11-10");
  clock_.Set(StartOf(absl::CivilDay(2024, 1, 5)));
  campaign_.set_deadline_day("2023-11-14");
  EXPECT_EQ(Evaluate("after")->window().to(), "2023-11-13");
  campaign_.set_deadline_inclusive(true);
  EXPECT_EQ(Evaluate("inclusive")->window().to(), "2023-11-14");
}

TEST_F(EvaluationTest, AfterTheDeadlineNothingIsExpectedAndAnExplanationIsAsked) {
  clock_.Set(StartOf(absl::CivilDay(2024, 1, 5)));
  campaign_.set_deadline_day("2023-11-16");
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  const v1::Flag law = Flags(evaluation->evaluation_id())[kLaw];
  EXPECT_EQ(law.expected(), 0);
  EXPECT_EQ(law.outlook(), v1::Outlook::OUT_OF_REACH);
  EXPECT_FALSE(law.has_required_percent());
  EXPECT_THAT(Reminders(evaluation->evaluation_id())[0].subject(), HasSubstr("đề nghị giải trình"));
  EXPECT_TRUE(evaluation->after_deadline());
}

TEST_F(EvaluationTest, AUnitWhoseDataEndsEarlierIsForecastFromThere) {
  FakeUnit law = {.unit_id = kLaw,
                  .name = "Sở Tư pháp",
                  .level = v1::Level::PROVINCE,
                  .last_covered = absl::CivilDay(2023, 11, 10)};
  for (absl::CivilDay day(2023, 11, 1); day <= absl::CivilDay(2023, 11, 10); ++day) {
    law.days[day] = {.total = 5, .online = 1};
  }
  figures_.Put(law);
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  const v1::Flag flag = Flags(evaluation->evaluation_id())[kLaw];
  EXPECT_EQ(flag.ratio().basis(), v1::Basis::PARTIAL_DOSSIERS);
  // 40 in the 20 working days up to 10/11, which are empty before November: 2 a day, for 30 working
  // days from 11/11 to 22/12.
  EXPECT_EQ(flag.expected(), 60);
  EXPECT_TRUE(flag.flagged());
}

TEST_F(EvaluationTest, TakesTheFirstMailboxThatMayBeWrittenTo) {
  directory_.Put(kLaw, {"not an address", "x@other.invalid", "ok@kontum.invalid"});
  mail_.guard.domains = {"kontum.invalid"};
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  EXPECT_EQ(Reminders(evaluation->evaluation_id())[0].recipient(), "ok@kontum.invalid");
}

TEST_F(EvaluationTest, WritesToNobodyOutsideTheAllowedDomains) {
  mail_.guard.domains = {"other.invalid"};
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  EXPECT_EQ(Flags(evaluation->evaluation_id())[kLaw].writing(), v1::Writing::RECIPIENT_REFUSED);
  EXPECT_TRUE(Reminders(evaluation->evaluation_id()).empty());
}

TEST_F(EvaluationTest, ARedirectKeepsTheStoredKey) {
  mail_.guard.redirect_to = "trial@office.invalid";
  mail_.guard.domains = {"office.invalid"};
  const auto evaluation = Evaluate();
  ASSERT_OK(evaluation);
  EXPECT_EQ(Reminders(evaluation->evaluation_id())[0].recipient(), "sotuphap@kontum.invalid");
}

TEST_F(EvaluationTest, ALedgerReplacedMeanwhileAborts) {
  for (const std::string call : {"GetSummary", "ListRatios", "ListDailyCounts"}) {
    figures_.MoveTo("ledger-1", 7);
    figures_.OnCall([this, call](const std::string& made) {
      if (made == call) figures_.MoveTo("ledger-2", 7);
    });
    EXPECT_THAT(Evaluate(), StatusIs(absl::StatusCode::kAborted, HasSubstr("ledger-2"))) << call;
  }
}

TEST_F(EvaluationTest, NothingIsStoredWhenASourceIsAway) {
  figures_.FailNextWith(absl::UnavailableError("aggregation: down"));
  EXPECT_THAT(Evaluate(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("aggregation")));
  directory_.FailNextWith(absl::UnavailableError("ingestion: down"));
  EXPECT_THAT(Evaluate(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("ingestion")));
  EXPECT_THAT(store_->FindSlot("dot-2023", "manual:1"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  ASSERT_OK(Evaluate());
}

TEST_F(EvaluationTest, OneTargetForAllGivesTheProvinceAVerdict) {
  EXPECT_FALSE(Evaluate("two-targets")->overall().has_reached());
  v1::Target& third = *campaign_.add_targets();
  third.set_level(v1::Level::COMMUNE);
  third.set_percent("50");
  const auto evaluation = Evaluate("three-targets");
  ASSERT_OK(evaluation);
  EXPECT_TRUE(evaluation->overall().has_reached());
  EXPECT_EQ(evaluation->flagged(), 3);
  third.set_percent("70");
  EXPECT_FALSE(Evaluate("two-kinds")->overall().has_reached());
}

}  // namespace
}  // namespace dondoc::alerting
