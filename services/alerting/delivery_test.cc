// The outbox against a real SMTP server (testing/smtp_sink.py) that can fail in every place.

#include "services/alerting/delivery.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/testing/python.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::alerting::testing::SmtpSink;
using ::dondoc::testing::FakeClock;
using ::dondoc::testing::StatusIs;
using ::dondoc::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Le;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kCivil = StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9);

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() : clock_(kCivil), metrics_(registry_) {
    options_.mail_from = "dondoc@kontum.invalid";
    OpenStore();
  }

  void OpenStore() {
    store_.reset();
    auto store = SqliteAlertStore::Open(folder_.File("alerting.db"));
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  void StartSink(const std::vector<std::string>& rules) {
    sink_ = std::make_unique<SmtpSink>(folder_.File("mail"), rules);
    StartWorker(sink_->address());
  }
  void StartWorker(const std::string& address, absl::Duration timeout = absl::Seconds(20)) {
    worker_.reset();
    auto transport = CurlSmtpTransport::Create(
        {.address = address, .ehlo_name = "kontum.invalid", .timeout = timeout});
    ASSERT_OK(transport);
    transport_ = *std::move(transport);
    worker_ = std::make_unique<DeliveryWorker>(*store_, *transport_, clock_, metrics_, options_);
  }

  // Queues reminders to a@x.invalid, b@x.invalid, …
  void Queue(int count) {
    v1::Campaign campaign;
    campaign.set_campaign_id("c");
    ASSERT_OK(store_->CreateCampaign(campaign));
    EvaluationRecord record;
    record.evaluation.set_evaluation_id("e");
    record.evaluation.set_campaign_id("c");
    record.evaluation.set_slot("manual:1");
    record.evaluation.set_state(v1::EvaluationState::RELEASED);
    *record.evaluation.mutable_release_time() = ToProto(kCivil);
    for (int i = 0; i < count; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      record.reminders.push_back({.reminder_id = name,
                                  .unit_id = name,
                                  .recipient = name + "@x.invalid",
                                  .kind = "reminder",
                                  .subject = "Nhắc",
                                  .message_id = name + "@kontum.invalid",
                                  .message = "Message-ID: <" + name +
                                             "@kontum.invalid>\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"});
    }
    ASSERT_OK(store_->SaveEvaluation(record));
  }

  absl::StatusOr<int> Deliver(absl::Time now = absl::Now()) {
    return worker_->DeliverDue([now] { return now; });
  }
  v1::Reminder Of(const std::string& id) {
    const auto stored = store_->FindMessage(id);
    EXPECT_OK(stored);
    return stored.ok() ? stored->reminder : v1::Reminder();
  }
  double Resent() { return metrics_.reminders_resent_unknown.Value(); }

  TempDir folder_;
  FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_;
  DeliveryOptions options_;
  std::unique_ptr<SqliteAlertStore> store_;
  std::unique_ptr<SmtpSink> sink_;
  std::unique_ptr<SmtpTransport> transport_;
  std::unique_ptr<DeliveryWorker> worker_;
};

TEST_F(DeliveryTest, SendsEachReminderOnceOverOneConnection) {
  Queue(3);
  StartSink({});
  const auto sent = Deliver();
  ASSERT_OK(sent);
  EXPECT_EQ(*sent, 3);
  EXPECT_THAT(sink_->Messages(),
              ElementsAre(Key("a@x.invalid"), Key("b@x.invalid"), Key("c@x.invalid")));
  for (const char* id : {"a", "b", "c"}) {
    EXPECT_EQ(Of(id).state(), v1::ReminderState::SENT);
    EXPECT_EQ(FromProto(Of(id).sent_time()), kCivil);
    EXPECT_THAT(Of(id).last_reply(), StartsWith("250 2.0.0 taken as "));
  }
  EXPECT_EQ(*Deliver(), 0);
  const std::vector<std::string> log = sink_->Log();
  EXPECT_EQ(std::count(log.begin(), log.end(), "ehlo kontum.invalid"), 1);
  EXPECT_EQ(std::count(log.begin(), log.end(), "mail dondoc@kontum.invalid"), 3);
}

TEST_F(DeliveryTest, LinesThatBeginWithADotArriveAsTheyAre) {
  Queue(1);
  StartSink({});
  ASSERT_OK(Deliver());
  EXPECT_THAT(sink_->Messages().find("a@x.invalid")->second,
              HasSubstr("\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"));
}

TEST_F(DeliveryTest, OneRefusedAddressStopsNobodyElse) {
  Queue(3);
  StartSink({"rcpt:b@x.invalid:550 5.1.1 no such mailbox"});
  ASSERT_OK(Deliver());
  EXPECT_THAT(sink_->Messages(), ElementsAre(Key("a@x.invalid"), Key("c@x.invalid")));
  EXPECT_EQ(Of("b").state(), v1::ReminderState::FAILED);
  EXPECT_EQ(Of("b").last_reply(), "550 5.1.1 no such mailbox");
  EXPECT_EQ(Of("c").state(), v1::ReminderState::SENT);
}

TEST_F(DeliveryTest, APassingRefusalIsTriedAgainLater) {
  Queue(2);
  StartSink({"rcpt:a@x.invalid:450 4.2.0 greylisted:1"});
  const absl::Time now = absl::Now();
  ASSERT_OK(Deliver(now));
  EXPECT_THAT(sink_->Messages(), ElementsAre(Key("b@x.invalid")));
  EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
  EXPECT_EQ(Of("a").last_reply(), "450 4.2.0 greylisted");
  const absl::Time next = FromProto(Of("a").next_attempt_time());
  EXPECT_THAT(next - now, AllOf(Ge(options_.retry_first * 0.79), Le(options_.retry_first * 1.21)));
  EXPECT_EQ(*Deliver(next - absl::Seconds(1)), 0);
  EXPECT_EQ(*Deliver(next + absl::Seconds(1)), 1);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
  EXPECT_EQ(Of("a").attempts(), 2);
  EXPECT_EQ(Resent(), 0);
}

TEST_F(DeliveryTest, GivesUpAfterTheLastAttempt) {
  Queue(1);
  options_.attempts_max = 3;
  StartSink({"rcpt:*:451 4.3.0 busy"});
  absl::Time now = absl::Now();
  for (int i = 0; i < 5; ++i, now += absl::Hours(2)) ASSERT_OK(Deliver(now));
  EXPECT_EQ(Of("a").state(), v1::ReminderState::FAILED);
  EXPECT_EQ(Of("a").attempts(), 3);
}

TEST_F(DeliveryTest, ARelayThatIsAwayGivesUpNobody) {
  Queue(1);
  options_.attempts_max = 2;
  {
    const SmtpSink gone(folder_.File("gone"), {});
    StartWorker(gone.address());
  }
  absl::Time now = absl::Now();
  for (int i = 0; i < 5; ++i, now += absl::Hours(2)) {
    EXPECT_THAT(Deliver(now), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("connect")));
  }
  EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
  StartSink({});
  EXPECT_EQ(*Deliver(now), 1);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
}

TEST_F(DeliveryTest, AMailboxThatIsNotThereIsNotWrittenToAgain) {
  Queue(3);
  StartSink({"rcpt:a@x.invalid:550 5.1.1 no such user", "rcpt:b@x.invalid:550 5.7.1 policy"});
  ASSERT_OK(Deliver());
  const auto suppressed = store_->ListSuppressions("", 10);
  ASSERT_OK(suppressed);
  ASSERT_EQ(suppressed->suppressions.size(), 1u);
  EXPECT_EQ(suppressed->suppressions[0].address(), "a@x.invalid");
  EXPECT_EQ(suppressed->suppressions[0].reason(), "550 5.1.1 no such user");
  EXPECT_EQ(metrics_.suppressions.Value(), 1);
  EXPECT_THAT(store_->Retry("a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("suppressed")));
  ASSERT_OK(store_->DeleteSuppression("A@x.invalid"));
  ASSERT_OK(store_->Retry("a"));
  ASSERT_OK(store_->Suppress(suppressed->suppressions[0]));
  EXPECT_EQ(*Deliver(), 0);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SUPPRESSED);
}

TEST_F(DeliveryTest, KeepsItsDistance) {
  Queue(3);
  options_.spacing = absl::Seconds(6);
  StartSink({});
  const absl::Time now = absl::Now();
  EXPECT_EQ(*Deliver(now), 1);
  EXPECT_EQ(*Deliver(now + absl::Seconds(5)), 0);
  EXPECT_EQ(*Deliver(now + absl::Seconds(6)), 1);
  EXPECT_EQ(*Deliver(now + absl::Seconds(12)), 1);
}

TEST_F(DeliveryTest, ASlowDripOfAnAnswerIsStillAnAnswer) {
  Queue(1);
  StartSink({"dot:*:drip:1"});
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
}

TEST_F(DeliveryTest, ARelayThatHangsHoldsNobodyAtTheEnd) {
  Queue(1);
  options_.stop_grace = absl::ZeroDuration();
  StartSink({"dot:*:hang"});
  StartWorker(sink_->address(), absl::Seconds(600));
  worker_->Start();
  sink_->WaitUntilHanging();
  const absl::Time told = absl::Now();
  worker_->Stop();
  EXPECT_LT(absl::Now() - told, absl::Seconds(60));
  EXPECT_EQ(Of("a").state(), v1::ReminderState::UNKNOWN);
}

TEST_F(DeliveryTest, AbsentTlsIsNoMailWhenItIsRequired) {
  Queue(1);
  StartSink({});
  auto transport = CurlSmtpTransport::Create(
      {.address = sink_->address(), .ehlo_name = "kontum.invalid", .tls = SmtpTls::kStartTls});
  ASSERT_OK(transport);
  DeliveryWorker worker(*store_, **transport, clock_, metrics_, options_);
  EXPECT_THAT(worker.DeliverDue([] { return absl::Now(); }),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("SSL")));
  EXPECT_THAT(sink_->Messages(), IsEmpty());
}

TEST_F(DeliveryTest, SignsInWhenItIsTo) {
  Queue(2);
  StartSink({"auth:dondoc@kontum.invalid:mật khẩu 1"});
  for (const std::string password : {"sai", "mật khẩu 1"}) {
    auto transport = CurlSmtpTransport::Create({.address = sink_->address(),
                                                .ehlo_name = "kontum.invalid",
                                                .user = "dondoc@kontum.invalid",
                                                .password = password});
    ASSERT_OK(transport);
    DeliveryWorker worker(*store_, **transport, clock_, metrics_, options_);
    const auto sent = worker.DeliverDue([] { return absl::Now() + absl::Hours(1); });
    if (password == "sai") {
      EXPECT_THAT(sent, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("535")));
      EXPECT_THAT(sink_->Messages(), IsEmpty());
    } else {
      ASSERT_OK(sent);
      EXPECT_EQ(sink_->Messages().size(), 1u);  // the other one is put off
    }
  }
}

TEST_F(DeliveryTest, AServiceThatIsClosingIsTriedAgain) {
  Queue(2);
  StartSink({"mail:*:421 4.3.2 closing:1"});
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
  EXPECT_EQ(Of("b").state(), v1::ReminderState::SENT);
}

TEST_F(DeliveryTest, ARefusedSenderOrMessageFails) {
  Queue(3);
  StartSink({"mail:*:553 5.7.1 sender refused:1", "data:b@x.invalid:554 5.5.1 no valid recipients",
             "dot:c@x.invalid:552 5.3.4 too big"});
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").last_reply(), "553 5.7.1 sender refused");
  EXPECT_EQ(Of("b").last_reply(), "554 5.5.1 no valid recipients");
  EXPECT_EQ(Of("c").last_reply(), "552 5.3.4 too big");
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(Of(id).state(), v1::ReminderState::FAILED);
}

TEST_F(DeliveryTest, APassingRefusalOfTheMessageIsNoDoubt) {
  Queue(1);
  StartSink({"dot:*:452 4.3.1 disk full:1"});
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
  EXPECT_EQ(*Deliver(absl::Now() + absl::Hours(1)), 1);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
  EXPECT_EQ(Resent(), 0);
}

TEST_F(DeliveryTest, ABreakBeforeTheFinalDotIsSafeToTryAgain) {
  for (const std::string place : {"mail", "rcpt", "data"}) {
    SCOPED_TRACE(place);
    store_.reset();
    std::filesystem::remove_all(folder_.File("alerting.db"));
    std::filesystem::remove_all(folder_.File("mail"));
    OpenStore();
    Queue(2);
    StartSink({place + ":*:drop:1"});
    ASSERT_OK(Deliver());
    EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
    EXPECT_EQ(Of("b").state(), v1::ReminderState::SENT);
    EXPECT_EQ(*Deliver(absl::Now() + absl::Hours(1)), 1);
    EXPECT_THAT(sink_->Messages(), ElementsAre(Key("a@x.invalid"), Key("b@x.invalid")));
    EXPECT_EQ(Resent(), 0);
    worker_.reset();
    sink_.reset();
  }
}

TEST_F(DeliveryTest, ABreakAfterTheFinalDotIsSentOnceMoreUnderTheSameMessageIdAndCounted) {
  Queue(1);
  StartSink({"dot:*:take-and-drop:1"});
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::UNKNOWN);
  EXPECT_EQ(*Deliver(absl::Now() + absl::Hours(1)), 1);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
  EXPECT_EQ(Resent(), 1);
  const auto messages = sink_->Messages();
  ASSERT_EQ(messages.size(), 2u);
  for (const auto& [recipient, message] : messages) {
    EXPECT_THAT(message, HasSubstr("Message-ID: <a@kontum.invalid>\r\n"));
  }
}

TEST_F(DeliveryTest, AfterTwoTriesWithoutAnAnswerItStops) {
  Queue(1);
  StartSink({"dot:*:take-and-drop"});
  ASSERT_OK(Deliver());
  ASSERT_OK(Deliver(absl::Now() + absl::Hours(1)));
  EXPECT_EQ(Of("a").state(), v1::ReminderState::FAILED);
  EXPECT_THAT(Of("a").last_reply(), HasSubstr("no answer to two tries"));
  EXPECT_EQ(*Deliver(absl::Now() + absl::Hours(9)), 0);
  EXPECT_EQ(sink_->Messages().size(), 2u);
}

TEST_F(DeliveryTest, ARelayThatNeverAnswersTheFinalDotTimesOutAsUnknown) {
  Queue(1);
  StartSink({"dot:*:hang:1"});
  StartWorker(sink_->address(), absl::Seconds(1));
  ASSERT_OK(Deliver());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::UNKNOWN);
}

TEST_F(DeliveryTest, AnUnreachableRelayLeavesTheRestDue) {
  Queue(3);
  {
    const SmtpSink gone(folder_.File("gone"), {});
    StartWorker(gone.address());
  }
  EXPECT_THAT(Deliver(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("connect")));
  EXPECT_EQ(Of("a").state(), v1::ReminderState::DEFERRED);
  EXPECT_EQ(Of("b").state(), v1::ReminderState::QUEUED);
  EXPECT_EQ(metrics_.relay_unreachable.Value(), 1);
  StartSink({});
  EXPECT_EQ(*Deliver(absl::Now() + absl::Hours(1)), 3);
  EXPECT_EQ(sink_->Messages().size(), 3u);
}

TEST_F(DeliveryTest, AReminderOfAKilledProcessIsSentOnceMore) {
  Queue(2);
  StartSink({});
  // What a kill -9 between the claim and the answer leaves behind.
  ASSERT_OK(store_->Claim({.now = absl::Now(), .civil = kCivil}));
  OpenStore();
  StartWorker(sink_->address());
  ASSERT_OK(worker_->Recover());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::UNKNOWN);
  EXPECT_EQ(*Deliver(absl::Now() + absl::Seconds(1)), 2);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
  EXPECT_EQ(Resent(), 1);
  EXPECT_THAT(sink_->Messages(), ElementsAre(Key("a@x.invalid"), Key("b@x.invalid")));
}

TEST_F(DeliveryTest, ARedirectChangesTheEnvelopeAndSaysSo) {
  Queue(1);
  options_.guard.redirect_to = "trial@office.invalid";
  options_.guard.domains = {"office.invalid"};
  StartSink({});
  ASSERT_OK(Deliver());
  const auto messages = sink_->Messages();
  ASSERT_THAT(messages, ElementsAre(Key("trial@office.invalid")));
  EXPECT_THAT(messages.begin()->second, HasSubstr("X-Dondoc-Redirected-From: a@x.invalid\r\n"));
  EXPECT_EQ(Of("a").recipient(), "a@x.invalid");
  const auto stored = store_->FindMessage("a");
  ASSERT_OK(stored);
  EXPECT_EQ(stored->sent_to, "trial@office.invalid");
  EXPECT_THAT(stored->message, Not(HasSubstr("X-Dondoc-Redirected-From")));
}

TEST_F(DeliveryTest, NothingLeavesToADomainThatIsNotAllowed) {
  Queue(2);
  options_.guard.domains = {"office.invalid"};
  StartSink({});
  ASSERT_OK(Deliver());
  EXPECT_THAT(sink_->Messages(), IsEmpty());
  EXPECT_THAT(sink_->Log(), IsEmpty());
  EXPECT_EQ(Of("a").state(), v1::ReminderState::FAILED);
  EXPECT_THAT(Of("a").last_reply(), HasSubstr("--mail_domains_allowed"));
}

TEST_F(DeliveryTest, BacksOffTwiceAsLongEachTimeUpToTheLongest) {
  StartWorker("127.0.0.1:1");
  absl::Duration expected = absl::Seconds(30);
  for (int attempt = 1; attempt <= 40; ++attempt) {
    const absl::Duration wait = worker_->Backoff(attempt, absl::Seconds(30), absl::Hours(1));
    EXPECT_THAT(wait, AllOf(Ge(expected * 0.79), Le(expected * 1.21))) << attempt;
    expected = std::min(expected * 2, absl::Hours(1));
  }
}

TEST_F(DeliveryTest, TheThreadSendsWhatIsQueuedWhenWokenAndStops) {
  StartSink({});
  worker_->Start();
  Queue(3);
  worker_->Wake();
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  // Waits on the outbox, which is what the thread changes.
  while (store_->FindEvaluation("e")->reminders().sent() < 3 && absl::Now() < give_up) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(store_->FindEvaluation("e")->reminders().sent(), 3);
  worker_->Stop();
}

// A store that does not take a result once.
class ForgetfulOutbox : public Outbox {
 public:
  explicit ForgetfulOutbox(Outbox& outbox) : outbox_(outbox) {}
  absl::StatusOr<std::optional<ClaimedReminder>> Claim(const OutboxMoment& moment) override {
    return outbox_.Claim(moment);
  }
  absl::Status Finish(const std::string& id, const AttemptResult& result) override {
    if (failures_-- > 0) return absl::ResourceExhaustedError("disk full");
    return outbox_.Finish(id, result);
  }
  absl::StatusOr<int> RecoverInterrupted(absl::Time now) override {
    return outbox_.RecoverInterrupted(now);
  }
  absl::StatusOr<std::optional<absl::Time>> NextDue(const OutboxMoment& moment) const override {
    return outbox_.NextDue(moment);
  }
  absl::Status Suppress(const v1::Suppression& suppression) override {
    return outbox_.Suppress(suppression);
  }
  absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> CountByState() const override {
    return outbox_.CountByState();
  }

 private:
  Outbox& outbox_;
  int failures_ = 2;
};

TEST_F(DeliveryTest, AResultTheStoreDidNotTakeIsWrittenBeforeAnythingElseIsSent) {
  Queue(2);
  StartSink({});
  ForgetfulOutbox forgetful(*store_);
  DeliveryWorker worker(forgetful, *transport_, clock_, metrics_, options_);
  const auto now = [] { return absl::Now(); };
  EXPECT_THAT(worker.DeliverDue(now),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk full")));
  EXPECT_THAT(worker.DeliverDue(now),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk full")));
  EXPECT_EQ(sink_->Messages().size(), 1u);
  ASSERT_OK(worker.DeliverDue(now));
  EXPECT_EQ(sink_->Messages().size(), 2u);
  EXPECT_EQ(Of("a").state(), v1::ReminderState::SENT);
  EXPECT_EQ(Of("b").state(), v1::ReminderState::SENT);
}

}  // namespace
}  // namespace dondoc::alerting
