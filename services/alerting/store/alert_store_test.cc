// What every AlertStore and Outbox must do, and what SQLite's does besides.

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::dondoc::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const absl::Time kNow = StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9);

class AlertStoreTest : public ::testing::Test {
 protected:
  AlertStoreTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    auto store = SqliteAlertStore::Open(path());
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  std::string path() const { return folder_.File("alerting.db"); }

  static v1::Campaign CampaignOf(const std::string& id) {
    v1::Campaign campaign;
    campaign.set_campaign_id(id);
    campaign.set_title("Đôn đốc " + id);
    *campaign.mutable_create_time() = ToProto(kNow);
    return campaign;
  }

  static EvaluationRecord RecordOf(const std::string& campaign_id, const std::string& slot,
                                   v1::EvaluationState::Value state, int reminders) {
    EvaluationRecord record;
    record.evaluation.set_evaluation_id("e-" + campaign_id + "-" + slot);
    record.evaluation.set_campaign_id(campaign_id);
    record.evaluation.set_slot(slot);
    record.evaluation.set_state(state);
    record.evaluation.set_sequence(7);
    record.evaluation.set_flagged(reminders);
    record.evaluation.mutable_reminders();
    if (state == v1::EvaluationState::RELEASED) {
      *record.evaluation.mutable_release_time() = ToProto(kNow);
    }
    for (int i = 0; i < reminders; ++i) {
      const std::string unit = absl::StrCat("unit", i);
      v1::Flag& flag = record.flags.emplace_back();
      flag.set_unit_id(unit);
      flag.set_flagged(true);
      record.reminders.push_back({.reminder_id = absl::StrCat("r-", campaign_id, "-", slot, i),
                                  .unit_id = unit,
                                  .recipient = absl::StrCat(unit, "@x.invalid"),
                                  .kind = "reminder",
                                  .subject = "Nhắc",
                                  .message_id = absl::StrCat("m", i, "@x.invalid"),
                                  .message = absl::StrCat("From: a\r\n\r\nbody ", i, "\r\n")});
    }
    return record;
  }

  void Save(const EvaluationRecord& record) {
    ASSERT_THAT(store_->CreateCampaign(CampaignOf(record.evaluation.campaign_id())),
                ::testing::AnyOf(dondoc::testing::IsOk(),
                                 StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_)));
    ASSERT_OK(store_->SaveEvaluation(record));
  }

  ClaimedReminder MustClaim(absl::Time now = kNow) {
    auto claimed = store_->Claim({.now = now, .civil = kNow});
    EXPECT_OK(claimed);
    EXPECT_TRUE(claimed.ok() && claimed->has_value());
    return claimed.ok() && claimed->has_value() ? **claimed : ClaimedReminder();
  }
  bool NothingDue(absl::Time now = kNow) {
    const auto claimed = store_->Claim({.now = now, .civil = kNow});
    return claimed.ok() && !claimed->has_value();
  }
  v1::Reminder ReminderOf(const std::string& id) {
    const auto stored = store_->FindMessage(id);
    EXPECT_OK(stored);
    return stored.ok() ? stored->reminder : v1::Reminder();
  }
  static AttemptResult Result(v1::ReminderState::Value state, absl::Time next = kNow) {
    AttemptResult result;
    result.state = state;
    result.reply = "250 OK";
    result.sent_to = "unit0@x.invalid";
    result.next_attempt = next;
    if (state == v1::ReminderState::SENT) result.sent_time = kNow;
    return result;
  }

  TempDir folder_;
  std::unique_ptr<SqliteAlertStore> store_;
};

TEST_F(AlertStoreTest, KeepsACampaign) {
  ASSERT_OK(store_->CreateCampaign(CampaignOf("a")));
  Reopen();
  const auto found = store_->FindCampaign("a");
  ASSERT_OK(found);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*found, CampaignOf("a")));
  EXPECT_THAT(store_->CreateCampaign(CampaignOf("a")),
              StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_));
  EXPECT_THAT(store_->FindCampaign("b"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'b'")));
}

TEST_F(AlertStoreTest, ListsCampaignsInPages) {
  for (const char* id : {"c", "a", "b"}) ASSERT_OK(store_->CreateCampaign(CampaignOf(id)));
  const auto first = store_->ListCampaigns("", 2);
  ASSERT_OK(first);
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ(first->at(0).campaign_id(), "a");
  EXPECT_EQ(first->at(1).campaign_id(), "b");
  const auto second = store_->ListCampaigns("b", 2);
  ASSERT_OK(second);
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(second->at(0).campaign_id(), "c");
}

TEST_F(AlertStoreTest, ActivatesOnce) {
  ASSERT_OK(store_->CreateCampaign(CampaignOf("a")));
  const auto first = store_->ActivateCampaign("a", kNow);
  ASSERT_OK(first);
  EXPECT_EQ(FromProto(first->activate_time()), kNow);
  const auto again = store_->ActivateCampaign("a", kNow + absl::Hours(1));
  ASSERT_OK(again);
  EXPECT_EQ(FromProto(again->activate_time()), kNow);
  EXPECT_THAT(store_->ActivateCampaign("b", kNow),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'b'")));
}

TEST_F(AlertStoreTest, KeepsAnEvaluationWithItsFlagsAndReminders) {
  Save(RecordOf("a", "manual:1", v1::EvaluationState::AWAITING_RELEASE, 3));
  Reopen();
  const auto evaluation = store_->FindSlot("a", "manual:1");
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->evaluation_id(), "e-a-manual:1");
  EXPECT_EQ(evaluation->sequence(), 7);
  EXPECT_EQ(evaluation->reminders().drafted(), 3);
  const auto flags = store_->ListFlags("e-a-manual:1");
  ASSERT_OK(flags);
  ASSERT_EQ(flags->size(), 3u);
  EXPECT_EQ(flags->at(2).unit_id(), "unit2");
  const auto page = store_->ListReminders("e-a-manual:1", 0, 2);
  ASSERT_OK(page);
  ASSERT_EQ(page->reminders.size(), 2u);
  EXPECT_EQ(page->reminders[0].recipient(), "unit0@x.invalid");
  EXPECT_EQ(page->reminders[0].state(), v1::ReminderState::DRAFTED);
  const auto rest = store_->ListReminders("e-a-manual:1", page->next, 2);
  ASSERT_OK(rest);
  ASSERT_EQ(rest->reminders.size(), 1u);
  EXPECT_EQ(rest->next, 0);
  const auto message = store_->FindMessage("r-a-manual:12");
  ASSERT_OK(message);
  EXPECT_EQ(message->message, "From: a\r\n\r\nbody 2\r\n");
}

TEST_F(AlertStoreTest, WritesASlotOnceAndWhole) {
  Save(RecordOf("a", "s1", v1::EvaluationState::AWAITING_RELEASE, 2));
  EvaluationRecord again = RecordOf("a", "s1", v1::EvaluationState::RELEASED, 5);
  again.evaluation.set_evaluation_id("other");
  EXPECT_THAT(store_->SaveEvaluation(again),
              StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_));
  EXPECT_THAT(store_->FindEvaluation("other"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  // A reminder that breaks the last of all keys takes the whole record with it.
  EvaluationRecord broken = RecordOf("a", "s2", v1::EvaluationState::RELEASED, 2);
  broken.reminders[1].unit_id = broken.reminders[0].unit_id;
  broken.reminders[1].recipient = broken.reminders[0].recipient;
  EXPECT_THAT(store_->SaveEvaluation(broken),
              StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_));
  EXPECT_THAT(store_->FindSlot("a", "s2"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_TRUE(NothingDue());
}

TEST_F(AlertStoreTest, AnEvaluationNeedsItsCampaign) {
  EXPECT_THAT(store_->SaveEvaluation(RecordOf("none", "s", v1::EvaluationState::DRAFTED, 1)),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("FOREIGN KEY")));
}

TEST_F(AlertStoreTest, ListsEvaluationsNewestFirst) {
  for (const char* slot : {"s1", "s2", "s3"}) {
    Save(RecordOf("a", slot, v1::EvaluationState::DRAFTED, 1));
  }
  Save(RecordOf("b", "s9", v1::EvaluationState::DRAFTED, 0));
  const auto page = store_->ListEvaluations("a", 0, 2);
  ASSERT_OK(page);
  ASSERT_EQ(page->evaluations.size(), 2u);
  EXPECT_EQ(page->evaluations[0].slot(), "s3");
  EXPECT_EQ(page->evaluations[0].reminders().drafted(), 1);
  EXPECT_EQ(page->evaluations[1].slot(), "s2");
  const auto rest = store_->ListEvaluations("a", page->next, 2);
  ASSERT_OK(rest);
  ASSERT_EQ(rest->evaluations.size(), 1u);
  EXPECT_EQ(rest->evaluations[0].slot(), "s1");
  EXPECT_EQ(rest->next, 0);
}

TEST_F(AlertStoreTest, ReleasesOnce) {
  Save(RecordOf("a", "s", v1::EvaluationState::AWAITING_RELEASE, 2));
  EXPECT_TRUE(NothingDue());
  const auto released = store_->ReleaseEvaluation("e-a-s", kNow, {});
  ASSERT_OK(released);
  EXPECT_EQ(released->state(), v1::EvaluationState::RELEASED);
  EXPECT_EQ(FromProto(released->release_time()), kNow);
  EXPECT_EQ(released->reminders().queued(), 2);
  ASSERT_OK(store_->Finish(MustClaim().reminder_id, Result(v1::ReminderState::SENT)));
  const auto again = store_->ReleaseEvaluation("e-a-s", kNow + absl::Hours(5), {});
  ASSERT_OK(again);
  EXPECT_EQ(FromProto(again->release_time()), kNow);
  EXPECT_EQ(again->reminders().sent(), 1);
  EXPECT_EQ(again->reminders().queued(), 1);
}

TEST_F(AlertStoreTest, NeverReleasesADraft) {
  Save(RecordOf("a", "s", v1::EvaluationState::DRAFTED, 2));
  EXPECT_THAT(store_->ReleaseEvaluation("e-a-s", kNow, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DRAFT")));
  EXPECT_THAT(store_->ReleaseEvaluation("none", kNow, {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  EXPECT_TRUE(NothingDue());
}

TEST_F(AlertStoreTest, KnowsNoFlagsOfAnUnknownEvaluation) {
  EXPECT_THAT(store_->ListFlags("none"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_THAT(store_->ListReminders("none", 0, 9),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_THAT(store_->FindMessage("none"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

TEST_F(AlertStoreTest, HandsOutEachReminderOnceInOrder) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 2));
  const ClaimedReminder first = MustClaim();
  EXPECT_EQ(first.recipient, "unit0@x.invalid");
  EXPECT_EQ(first.message, "From: a\r\n\r\nbody 0\r\n");
  EXPECT_EQ(first.attempts, 1);
  EXPECT_FALSE(first.resent);
  EXPECT_EQ(ReminderOf(first.reminder_id).state(), v1::ReminderState::SENDING);
  EXPECT_EQ(MustClaim().recipient, "unit1@x.invalid");
  EXPECT_TRUE(NothingDue());
}

TEST_F(AlertStoreTest, RecordsWhatBecameOfAnAttempt) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 1));
  const std::string id = MustClaim().reminder_id;
  ASSERT_OK(store_->Finish(id, Result(v1::ReminderState::SENT)));
  const v1::Reminder reminder = ReminderOf(id);
  EXPECT_EQ(reminder.state(), v1::ReminderState::SENT);
  EXPECT_EQ(FromProto(reminder.sent_time()), kNow);
  EXPECT_EQ(reminder.last_reply(), "250 OK");
  EXPECT_EQ(reminder.attempts(), 1);
  EXPECT_FALSE(reminder.has_next_attempt_time());
  EXPECT_THAT(store_->Finish(id, Result(v1::ReminderState::DEFERRED)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not being sent")));
}

TEST_F(AlertStoreTest, ADeferredReminderWaitsForItsTime) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 1));
  const std::string id = MustClaim().reminder_id;
  const absl::Time later = kNow + absl::Minutes(1);
  ASSERT_OK(store_->Finish(id, Result(v1::ReminderState::DEFERRED, later)));
  EXPECT_TRUE(NothingDue(later - absl::Microseconds(1)));
  const auto due = store_->NextDue({.now = kNow, .civil = kNow});
  ASSERT_OK(due);
  EXPECT_EQ(*due, later);
  const ClaimedReminder again = MustClaim(later);
  EXPECT_EQ(again.attempts, 2);
  EXPECT_FALSE(again.resent);
}

TEST_F(AlertStoreTest, AnInterruptedReminderBecomesUnknownAndIsHandedOutOnceMore) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 2));
  const std::string id = MustClaim().reminder_id;
  Reopen();
  const auto recovered = store_->RecoverInterrupted(kNow);
  ASSERT_OK(recovered);
  EXPECT_EQ(*recovered, 1);
  EXPECT_EQ(ReminderOf(id).state(), v1::ReminderState::UNKNOWN);
  EXPECT_EQ(store_->FindSlot("a", "s")->reminders().unknown(), 1);
  // The other one is due longer.
  EXPECT_FALSE(MustClaim().resent);
  const ClaimedReminder again = MustClaim();
  EXPECT_EQ(again.reminder_id, id);
  EXPECT_TRUE(again.resent);
  EXPECT_TRUE(again.was_unknown);
}

TEST_F(AlertStoreTest, AReminderInterruptedTwiceIsNotTriedAgain) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 1));
  const std::string id = MustClaim().reminder_id;
  ASSERT_OK(store_->RecoverInterrupted(kNow));
  MustClaim();
  Reopen();
  EXPECT_EQ(*store_->RecoverInterrupted(kNow), 0);
  EXPECT_EQ(ReminderOf(id).state(), v1::ReminderState::FAILED);
  EXPECT_THAT(ReminderOf(id).last_reply(), HasSubstr("interrupted twice"));
  EXPECT_TRUE(NothingDue(absl::InfiniteFuture() - absl::Hours(1)));
}

TEST_F(AlertStoreTest, ADefiniteRefusalOfASecondTryKeepsItOpenToMoreTries) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 1));
  const std::string id = MustClaim().reminder_id;
  ASSERT_OK(store_->Finish(id, Result(v1::ReminderState::UNKNOWN)));
  EXPECT_TRUE(MustClaim().was_unknown);
  ASSERT_OK(store_->Finish(id, Result(v1::ReminderState::DEFERRED)));
  const ClaimedReminder third = MustClaim();
  EXPECT_TRUE(third.resent);
  EXPECT_FALSE(third.was_unknown);
}

TEST_F(AlertStoreTest, CountsByState) {
  EXPECT_THAT(*store_->CountByState(), IsEmpty());
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 3));
  Save(RecordOf("a", "t", v1::EvaluationState::DRAFTED, 1));
  ASSERT_OK(store_->Finish(MustClaim().reminder_id, Result(v1::ReminderState::FAILED)));
  EXPECT_THAT(*store_->CountByState(),
              ElementsAre(Pair(v1::ReminderState::DRAFTED, 1), Pair(v1::ReminderState::QUEUED, 2),
                          Pair(v1::ReminderState::FAILED, 1)));
}

TEST_F(AlertStoreTest, OneOfManyWritersOfASlotWins) {
  ASSERT_OK(store_->CreateCampaign(CampaignOf("a")));
  std::vector<std::thread> writers;
  std::vector<absl::StatusCode> codes(8);
  for (size_t i = 0; i < codes.size(); ++i) {
    writers.emplace_back([this, i, &codes] {
      codes[i] =
          store_->SaveEvaluation(RecordOf("a", "s", v1::EvaluationState::RELEASED, 20)).code();
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(std::count(codes.begin(), codes.end(), absl::StatusCode::kOk), 1);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), absl::StatusCode::kAlreadyExists), 7);
  EXPECT_EQ(store_->FindSlot("a", "s")->reminders().queued(), 20);
}

TEST_F(AlertStoreTest, ASecondProcessIsRefused) {
  EXPECT_THAT(SqliteAlertStore::Open(path()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("another process")));
}

TEST_F(AlertStoreTest, RefusesAFileOfANewerVersion) {
  store_.reset();
  {
    auto database = Database::Open(path());
    ASSERT_OK(database);
    ASSERT_OK((*database)->Execute("PRAGMA user_version = 99"));
  }
  EXPECT_THAT(SqliteAlertStore::Open(path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("schema 99")));
}

TEST_F(AlertStoreTest, SaysWhenTheFileIsNoDatabase) {
  const std::string other = folder_.File("other.db");
  FILE* file = fopen(other.c_str(), "w");
  for (int i = 0; i < 1000; ++i) fputs("not a database ", file);
  fclose(file);
  EXPECT_THAT(SqliteAlertStore::Open(other),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not a database")));
}

// A full disk: SQLite is told that the file may not grow.
TEST_F(AlertStoreTest, AFullDiskChangesNothingAndSaysSo) {
  Save(RecordOf("a", "s", v1::EvaluationState::RELEASED, 1));
  ASSERT_OK(store_->LimitPagesForTest(0));
  EXPECT_THAT(store_->SaveEvaluation(RecordOf("a", "t", v1::EvaluationState::RELEASED, 500)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("full")));
  ASSERT_OK(store_->LimitPagesForTest(1 << 20));
  EXPECT_THAT(store_->FindSlot("a", "t"), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  ASSERT_OK(store_->SaveEvaluation(RecordOf("a", "t", v1::EvaluationState::RELEASED, 500)));
}

}  // namespace
}  // namespace dondoc::alerting
