#include "services/alerting/writing_plan.h"

#include "gmock/gmock.h"
#include "services/alerting/campaign.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kUnit[] = "xa-mot";
constexpr char kDistrict[] = "huyen";
const absl::CivilDay kToday(2023, 11, 20);

class WritingPlanTest : public ::testing::Test {
 protected:
  WritingPlanTest() {
    campaign_.set_title("Đợt");
    campaign_.set_window_from("2023-01-01");
    campaign_.set_deadline_day("2023-12-25");
    v1::Target& target = *campaign_.add_targets();
    target.set_level(v1::Level::COMMUNE);
    target.set_percent("50");
    campaign_.add_office_emails("vp@kontum.invalid");
    campaign_.set_escalate_after(2);
    auto normal = NormalizeCampaign(campaign_);
    EXPECT_OK(normal);
    campaign_ = *normal;
    figures_.from = absl::CivilDay(2023, 1, 1);
    figures_.to = absl::CivilDay(2023, 11, 15);
    figures_.last_days[kUnit] = figures_.to;
    input_.contacts[kUnit] = {.name = "Xã Một",
                              .level = v1::Level::COMMUNE,
                              .parent_id = kDistrict,
                              .emails = {"xa@kontum.invalid"}};
    flag_.set_unit_id(kUnit);
    flag_.set_name("Xã Một");
    flag_.set_level(v1::Level::COMMUNE);
    flag_.set_parent_id(kDistrict);
    flag_.set_target_percent("50");
    flag_.mutable_ratio()->set_total(10);
    flag_.mutable_ratio()->set_basis(v1::Basis::DOSSIERS);
    SetBelow();
  }

  void SetBelow() {
    flag_.set_flagged(true);
    flag_.set_outlook(v1::Outlook::HARD);
  }
  void SetReached() {
    flag_.set_flagged(false);
    flag_.set_outlook(v1::Outlook::REACHED);
    flag_.set_writing(v1::Writing::NOT_FLAGGED);
  }
  // "kind>unit" of what is written; the unit's flag is left in `flag_`.
  std::vector<std::string> Plan() {
    std::vector<v1::Flag> flags = {flag_};
    std::vector<std::string> planned;
    for (const PlannedWriting& one : PlanWriting(input_, flags)) {
      planned.push_back(std::string(KindName(one.kind)) + ">" + one.unit_id);
    }
    flag_ = flags.front();
    return planned;
  }

  v1::Campaign campaign_;
  EvaluationFigures figures_;
  MailGuard guard_;
  WritingInput input_ = {
      .campaign = campaign_, .figures = figures_, .guard = guard_, .today = kToday};
  v1::Flag flag_;
};

TEST_F(WritingPlanTest, AUnitBelowItsTargetIsRemindedAndTheOfficeGetsTheTable) {
  EXPECT_THAT(Plan(), ElementsAre("reminder>xa-mot", "office_digest>office"));
  EXPECT_EQ(flag_.writing(), v1::Writing::WRITTEN);
  EXPECT_EQ(flag_.written_kind(), "reminder");
}

TEST_F(WritingPlanTest, ADistrictThatCanBeWrittenToGetsTheDigestOfItsCommunes) {
  input_.contacts[kDistrict] = {.name = "Huyện",
                                .level = v1::Level::DISTRICT,
                                .parent_id = "",
                                .emails = {"huyen@kontum.invalid"}};
  EXPECT_THAT(Plan(),
              ElementsAre("reminder>xa-mot", "district_digest>huyen", "office_digest>office"));
}

TEST_F(WritingPlanTest, ReachingTheTargetIsConfirmedOnceAndOnlyToWhoWasTold) {
  SetReached();
  EXPECT_THAT(Plan(), ElementsAre("office_digest>office"));
  input_.histories[kUnit].told_below = true;
  EXPECT_THAT(Plan(), ElementsAre("confirmation>xa-mot", "office_digest>office"));
  input_.histories[kUnit] = {.confirmed = true, .last_days = {{"confirmation", kToday - 7}}};
  EXPECT_THAT(Plan(), ElementsAre("office_digest>office"));
}

TEST_F(WritingPlanTest, FallingBackIsSaidButNothingTwiceOnOneDay) {
  input_.histories[kUnit].confirmed = true;
  EXPECT_THAT(Plan(), ElementsAre("fell_back>xa-mot", "office_digest>office"));
  input_.histories[kUnit].last_days["reminder"] = kToday;
  EXPECT_THAT(Plan(), ElementsAre("office_digest>office"));
  EXPECT_EQ(flag_.writing(), v1::Writing::ALREADY_TODAY);
}

TEST_F(WritingPlanTest, DisputesAndSilencesHold) {
  input_.holds.silenced[kUnit] = "lũ";
  EXPECT_THAT(Plan(), ElementsAre("office_digest>office"));
  EXPECT_EQ(flag_.writing(), v1::Writing::SILENCED);
  EXPECT_EQ(flag_.writing_note(), "lũ");
  input_.holds.disputed[kUnit] = "d1";
  Plan();
  EXPECT_EQ(flag_.writing(), v1::Writing::DISPUTED);
}

TEST_F(WritingPlanTest, DoubtfulDataIsToldToTheOfficeInstead) {
  flag_.mutable_ratio()->set_basis(v1::Basis::PARTIAL_DOSSIERS);
  EXPECT_THAT(Plan(), ElementsAre("doubtful_data>office", "office_digest>office"));
  EXPECT_EQ(flag_.writing(), v1::Writing::DATA_INCOMPLETE);
  flag_.mutable_ratio()->set_basis(v1::Basis::DOSSIERS);
  figures_.last_days[kUnit] = kToday - 15;
  Plan();
  EXPECT_EQ(flag_.writing(), v1::Writing::DATA_STALE);
  figures_.last_days.clear();
  flag_.mutable_ratio()->set_basis(v1::Basis::NONE);
  Plan();
  EXPECT_EQ(flag_.writing(), v1::Writing::DATA_NEVER_FED);
}

TEST_F(WritingPlanTest, UnansweredRemindersAreEscalatedEveryNth) {
  input_.histories[kUnit].unanswered = 1;
  EXPECT_THAT(Plan(), ElementsAre("reminder>xa-mot", "office_digest>office"));
  input_.histories[kUnit].unanswered = 2;
  EXPECT_THAT(Plan(), ElementsAre("reminder>xa-mot", "escalation>office", "office_digest>office"));
  input_.histories[kUnit].unanswered = 3;
  EXPECT_THAT(Plan(), ElementsAre("reminder>xa-mot", "office_digest>office"));
}

TEST_F(WritingPlanTest, AfterTheDeadlineAnExplanationIsAskedOnce) {
  input_.after_deadline = true;
  input_.today = absl::CivilDay(2023, 12, 25);
  figures_.to = absl::CivilDay(2023, 12, 24);
  figures_.last_days[kUnit] = figures_.to;
  EXPECT_THAT(Plan(), ElementsAre("explanation>xa-mot", "office_digest>office"));
  input_.histories[kUnit].explanation_asked = true;
  EXPECT_THAT(Plan(), ElementsAre("office_digest>office"));
  EXPECT_EQ(flag_.writing(), v1::Writing::ALREADY_ASKED);
  figures_.to = absl::CivilDay(2023, 12, 20);
  Plan();
  EXPECT_EQ(flag_.writing(), v1::Writing::DATA_INCOMPLETE);
}

TEST_F(WritingPlanTest, WithoutAnOfficeAndAKindNobodyIsWrittenTo) {
  campaign_.clear_office_emails();
  campaign_.clear_kinds();
  campaign_.add_kinds(v1::MessageKind::CONFIRMATION);
  EXPECT_THAT(Plan(), IsEmpty());
  EXPECT_EQ(flag_.writing(), v1::Writing::KIND_NOT_WRITTEN);
}

}  // namespace
}  // namespace dondoc::alerting
