// The campaign API over a real gRPC server, its figures over another one.

#include "services/alerting/campaign_service.h"

#include <atomic>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpcpp/server_builder.h"
#include "services/alerting/campaign.h"
#include "services/alerting/grpc_sources.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/testing/fake_servers.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::alerting::testing::FakeDirectorySource;
using ::dondoc::alerting::testing::FakeFigureSource;
using ::dondoc::alerting::testing::FakeServers;
using ::dondoc::alerting::testing::FakeUnit;
using ::dondoc::testing::FakeClock;
using ::dondoc::testing::StatusIs;
using ::dondoc::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

absl::Time At(int month, int day, int hour) {
  return StartOf(absl::CivilDay(2023, month, day)) + absl::Hours(hour);
}

class CampaignServiceTest : public ::testing::Test {
 protected:
  CampaignServiceTest()
      : clock_(At(11, 21, 9)),
        metrics_(registry_),
        servers_(figures_, directory_),
        figure_client_(DialService(servers_.address())),
        directory_client_(DialService(servers_.address())) {
    auto store = SqliteAlertStore::Open(folder_.File("alerting.db"));
    EXPECT_OK(store);
    store_ = *std::move(store);
    for (const char* id : {"a", "b", "c"}) {
      FakeUnit unit = {.unit_id = id, .name = id, .last_covered = absl::CivilDay(2023, 11, 15)};
      unit.days[absl::CivilDay(2023, 11, 15)] = {.total = 10, .online = 1};
      figures_.Put(unit);
      directory_.Put(id, {std::string(id) + "@x.invalid"});
    }
    mail_.from.address = "dondoc@x.invalid";
    mail_.subject_prefix = "T";
    mail_.guard.redirect_to = "trial@x.invalid";
    evaluator_ = std::make_unique<Evaluator>(figure_client_, directory_client_, *store_, clock_,
                                             calendar_, metrics_, mail_);
    handler_ = std::make_unique<CampaignServiceHandler>(
        *store_, *evaluator_, clock_, calendar_, mail_.guard,
        ServiceSignals{.campaigns_changed = [this] { ++campaigns_changed_; },
                       .reminders_due = [this] { ++reminders_due_; }});
    grpc::ServerBuilder builder;
    builder.RegisterService(handler_.get());
    // Over a socket: what an in-process channel hands over looks like a race to ThreadSanitizer.
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder.BuildAndStart();
    stub_ = v1::CampaignService::NewStub(DialService(absl::StrCat("127.0.0.1:", port)));
  }
  ~CampaignServiceTest() override { server_->Shutdown(); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(grpc::Status (v1::CampaignService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    Response response;
    const absl::Status status = FromGrpc((stub_.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  absl::StatusOr<v1::Campaign> Create(const v1::Campaign& campaign) {
    v1::CreateCampaignRequest request;
    *request.mutable_campaign() = campaign;
    return Call(&v1::CampaignService::Stub::CreateCampaign, request);
  }
  absl::StatusOr<v1::Campaign> Activate(const std::string& id) {
    v1::ActivateCampaignRequest request;
    request.set_campaign_id(id);
    return Call(&v1::CampaignService::Stub::ActivateCampaign, request);
  }
  absl::StatusOr<v1::Evaluation> Evaluate(const std::string& id, const std::string& slot,
                                          const std::string& request_id, bool dry_run = false) {
    v1::EvaluateCampaignRequest request;
    request.set_campaign_id(id);
    request.set_slot(slot);
    request.set_request_id(request_id);
    request.set_dry_run(dry_run);
    return Call(&v1::CampaignService::Stub::EvaluateCampaign, request);
  }
  absl::StatusOr<v1::Evaluation> Release(const std::string& id) {
    v1::ReleaseEvaluationRequest request;
    request.set_evaluation_id(id);
    return Call(&v1::CampaignService::Stub::ReleaseEvaluation, request);
  }
  absl::StatusOr<v1::ListRemindersResponse> Reminders(const std::string& id, int size,
                                                      const std::string& token) {
    v1::ListRemindersRequest request;
    request.set_evaluation_id(id);
    request.set_page_size(size);
    request.set_page_token(token);
    return Call(&v1::CampaignService::Stub::ListReminders, request);
  }

  static v1::Campaign Wanted() {
    v1::Campaign campaign;
    campaign.set_campaign_id("dot-2023");
    campaign.set_title("Đôn đốc năm 2023");
    campaign.set_window_from("2023-01-01");
    campaign.set_deadline_day("2023-12-25");
    v1::Target& target = *campaign.add_targets();
    target.set_level(v1::Level::PROVINCE);
    target.set_percent("50");
    return campaign;
  }

  TempDir folder_;
  FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_;
  FakeFigureSource figures_;
  FakeDirectorySource directory_;
  FakeServers servers_;
  GrpcFigureSource figure_client_;
  GrpcDirectorySource directory_client_;
  CalendarSource calendar_;
  MailSettings mail_;
  std::unique_ptr<SqliteAlertStore> store_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<CampaignServiceHandler> handler_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::CampaignService::Stub> stub_;
  std::atomic<int> campaigns_changed_ = 0;
  std::atomic<int> reminders_due_ = 0;
};

TEST_F(CampaignServiceTest, CreatesWithDefaults) {
  const auto campaign = Create(Wanted());
  ASSERT_OK(campaign);
  EXPECT_EQ(campaign->definition_id(), "received");
  EXPECT_EQ(campaign->send_mode(), v1::SendMode::APPROVAL);
  EXPECT_EQ(campaign->schedule().rules_size(), 2);
  EXPECT_EQ(campaign->schedule().last_working_days(), 3);
  EXPECT_EQ(FromProto(campaign->create_time()), clock_.Now());
  EXPECT_FALSE(campaign->has_activate_time());
}

TEST_F(CampaignServiceTest, TheSameAgainAnswersTheStoredOneAndAnotherIsRefused) {
  const auto first = Create(Wanted());
  ASSERT_OK(first);
  ASSERT_OK(Activate("dot-2023"));
  clock_.Advance(absl::Hours(1));
  const auto again = Create(Wanted());
  ASSERT_OK(again);
  EXPECT_EQ(FromProto(again->create_time()), FromProto(first->create_time()));
  EXPECT_TRUE(again->has_activate_time());
  v1::Campaign other = Wanted();
  other.set_title("Khác");
  EXPECT_THAT(Create(other), StatusIs(absl::StatusCode::kAlreadyExists,
                                      StartsWith("campaign.campaign_id: 'dot-2023'")));
}

TEST_F(CampaignServiceTest, MakesAnIdWhenNoneIsGiven) {
  v1::Campaign wanted = Wanted();
  wanted.clear_campaign_id();
  const auto first = Create(wanted);
  const auto second = Create(wanted);
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_TRUE(IsCampaignId(first->campaign_id())) << first->campaign_id();
  EXPECT_NE(first->campaign_id(), second->campaign_id());
}

TEST_F(CampaignServiceTest, RefusesBadCampaignsWithTheFieldPath) {
  struct Case {
    std::string starts;
    std::string says;
    std::function<void(v1::Campaign&)> spoil;
  };
  const std::vector<Case> cases = {
      {"campaign.campaign_id: ", "[a-z0-9-]", [](auto& c) { c.set_campaign_id("Đợt 1"); }},
      {"campaign.campaign_id: ", "[a-z0-9-]",
       [](auto& c) { c.set_campaign_id(std::string(64, 'a')); }},
      {"campaign.title: ", "0 bytes", [](auto& c) { c.clear_title(); }},
      {"campaign.title: ", "201 bytes", [](auto& c) { c.set_title(std::string(201, 'x')); }},
      {"campaign.title: ", "control", [](auto& c) { c.set_title("a\r\nBcc: b"); }},
      {"campaign.title: ", "blank", [](auto& c) { c.set_title("   "); }},
      {"campaign.window_from: ", "", [](auto& c) { c.clear_window_from(); }},
      {"campaign.window_from: ", "01/01/2023", [](auto& c) { c.set_window_from("01/01/2023"); }},
      {"campaign.deadline_day: ", "2023-02-30", [](auto& c) { c.set_deadline_day("2023-02-30"); }},
      {"campaign.deadline_day: ", "leaves no day",
       [](auto& c) { c.set_deadline_day("2023-01-01"); }},
      {"campaign.deadline_day: ", "1096", [](auto& c) { c.set_deadline_day("2027-01-01"); }},
      {"campaign.targets: ", "empty", [](auto& c) { c.clear_targets(); }},
      {"campaign.targets[0].level: ", "is not",
       [](auto& c) { c.mutable_targets(0)->clear_level(); }},
      {"campaign.targets[1].level: ", "PROVINCE is there twice",
       [](auto& c) { *c.add_targets() = c.targets(0); }},
      {"campaign.targets[0].percent: ", "is 0",
       [](auto& c) { c.mutable_targets(0)->set_percent("0"); }},
      {"campaign.targets[0].percent: ", "",
       [](auto& c) { c.mutable_targets(0)->set_percent("100.000001"); }},
      {"campaign.targets[0].percent: ", "",
       [](auto& c) { c.mutable_targets(0)->set_percent("50%"); }},
      {"campaign.targets[0].percent: ", "", [](auto& c) { c.mutable_targets(0)->clear_percent(); }},
      {"campaign.targets[0].legal_basis: ", "control",
       [](auto& c) { c.mutable_targets(0)->set_legal_basis("a\nb"); }},
      {"campaign.definition_id: ", "'a b'", [](auto& c) { c.set_definition_id("a b"); }},
      {"campaign.legal_basis: ", "1001 bytes",
       [](auto& c) { c.set_legal_basis(std::string(1001, 'x')); }},
      {"campaign.schedule.rules[0].rrule: ", "FREQ=SECONDLY",
       [](auto& c) {
         c.mutable_schedule()->add_rules()->set_rrule("FREQ=SECONDLY");
         c.mutable_schedule()->mutable_rules(0)->set_time("08:00");
       }},
      {"campaign.schedule.last_working_days: ", "99",
       [](auto& c) { c.mutable_schedule()->set_last_working_days(99); }},
      {"campaign.schedule: ", "more than 400 slots",
       [](auto& c) {
         c.set_window_from("2021-01-01");
         c.mutable_schedule()->add_rules()->set_rrule("FREQ=DAILY");
         c.mutable_schedule()->mutable_rules(0)->set_time("08:00");
       }},
      {"campaign.send_mode: ", "is not",
       [](auto& c) { c.set_send_mode(static_cast<v1::SendMode::Value>(9)); }},
  };
  for (const Case& one : cases) {
    v1::Campaign campaign = Wanted();
    one.spoil(campaign);
    EXPECT_THAT(Create(campaign), StatusIs(absl::StatusCode::kInvalidArgument,
                                           AllOf(StartsWith(one.starts), HasSubstr(one.says))))
        << campaign.ShortDebugString();
  }
  EXPECT_THAT(store_->ListCampaigns("", 10)->size(), 0u);
}

TEST_F(CampaignServiceTest, ActivatesOnceAndNotAfterTheDeadline) {
  ASSERT_OK(Create(Wanted()));
  const auto active = Activate("dot-2023");
  ASSERT_OK(active);
  EXPECT_EQ(FromProto(active->activate_time()), At(11, 21, 9));
  clock_.Set(At(12, 1, 0));
  EXPECT_EQ(FromProto(Activate("dot-2023")->activate_time()), At(11, 21, 9));
  EXPECT_EQ(campaigns_changed_, 1);
  v1::Campaign late = Wanted();
  late.set_campaign_id("late");
  ASSERT_OK(Create(late));
  clock_.Set(At(12, 25, 0));
  EXPECT_THAT(Activate("late"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ended with 2023-12-24")));
  EXPECT_THAT(Activate("none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
}

TEST_F(CampaignServiceTest, ListsTheSlotsToCome) {
  v1::Campaign wanted = Wanted();
  wanted.mutable_schedule()->set_last_working_days(0);
  v1::ScheduleRule& rule = *wanted.mutable_schedule()->add_rules();
  rule.set_rrule("FREQ=WEEKLY;BYDAY=SA");
  rule.set_time("10:00");
  ASSERT_OK(Create(wanted));
  v1::ListSlotsRequest request;
  request.set_campaign_id("dot-2023");
  clock_.Set(At(12, 12, 0));
  const auto slots = Call(&v1::CampaignService::Stub::ListSlots, request);
  ASSERT_OK(slots);
  ASSERT_EQ(slots->slots_size(), 2);
  EXPECT_EQ(slots->slots(0).slot(), "2023-12-18T10:00:00+07:00");
  EXPECT_EQ(slots->slots(0).moved_from(), "2023-12-16");
  // The requests for an explanation, on the first worked day from the deadline on.
  EXPECT_EQ(slots->slots(1).slot(), "2023-12-25T08:00:00+07:00");
}

TEST_F(CampaignServiceTest, EvaluatesReleasesAndPreviews) {
  ASSERT_OK(Create(Wanted()));
  const auto evaluation = Evaluate("dot-2023", "", "first");
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->slot(), "manual:first");
  EXPECT_EQ(evaluation->flagged(), 3);
  EXPECT_EQ(reminders_due_, 0);
  const auto released = Release(evaluation->evaluation_id());
  ASSERT_OK(released);
  EXPECT_EQ(released->reminders().queued(), 3);
  EXPECT_EQ(reminders_due_, 1);
  const auto again = Evaluate("dot-2023", "", "first");
  ASSERT_OK(again);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*again, *released));

  const auto page = Reminders(evaluation->evaluation_id(), 2, "");
  ASSERT_OK(page);
  ASSERT_EQ(page->reminders_size(), 2);
  const auto rest = Reminders(evaluation->evaluation_id(), 2, page->next_page_token());
  ASSERT_OK(rest);
  ASSERT_EQ(rest->reminders_size(), 1);
  EXPECT_EQ(rest->next_page_token(), "");
  EXPECT_EQ(rest->reminders(0).recipient(), "c@x.invalid");

  v1::PreviewReminderRequest request;
  request.set_reminder_id(rest->reminders(0).reminder_id());
  const auto preview = Call(&v1::CampaignService::Stub::PreviewReminder, request);
  ASSERT_OK(preview);
  EXPECT_EQ(preview->content_type(), "message/rfc822");
  EXPECT_THAT(preview->data(), AllOf(StartsWith("X-Dondoc-Redirected-From: c@x.invalid\r\n"),
                                     HasSubstr("To: \"c\"\r\n <c@x.invalid>\r\n")));

  v1::ListFlagsRequest flags;
  flags.set_evaluation_id(evaluation->evaluation_id());
  EXPECT_EQ(Call(&v1::CampaignService::Stub::ListFlags, flags)->flags_size(), 3);
}

TEST_F(CampaignServiceTest, EvaluatesASlotThatHasCome) {
  ASSERT_OK(Create(Wanted()));
  ASSERT_OK(Activate("dot-2023"));
  clock_.Set(At(12, 4, 8));
  const auto evaluation = Evaluate("dot-2023", "2023-12-04T01:00:00Z", "");
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->slot(), "2023-12-04T08:00:00+07:00");
  EXPECT_FALSE(evaluation->late());
  clock_.Set(At(12, 4, 9));
  EXPECT_TRUE(Evaluate("dot-2023", "2023-11-27T08:00:00+07:00", "")->late());
}

TEST_F(CampaignServiceTest, ListsEvaluationsNewestFirst) {
  ASSERT_OK(Create(Wanted()));
  for (const char* id : {"1", "2", "3"}) ASSERT_OK(Evaluate("dot-2023", "", id));
  v1::ListEvaluationsRequest request;
  request.set_campaign_id("dot-2023");
  request.set_page_size(2);
  auto page = Call(&v1::CampaignService::Stub::ListEvaluations, request);
  ASSERT_OK(page);
  ASSERT_EQ(page->evaluations_size(), 2);
  EXPECT_EQ(page->evaluations(0).slot(), "manual:3");
  request.set_page_token(page->next_page_token());
  page = Call(&v1::CampaignService::Stub::ListEvaluations, request);
  ASSERT_OK(page);
  ASSERT_EQ(page->evaluations_size(), 1);
  EXPECT_EQ(page->evaluations(0).slot(), "manual:1");
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(CampaignServiceTest, ListsCampaignsInPages) {
  for (const char* id : {"a", "b", "c"}) {
    v1::Campaign wanted = Wanted();
    wanted.set_campaign_id(id);
    ASSERT_OK(Create(wanted));
  }
  v1::ListCampaignsRequest request;
  request.set_page_size(2);
  auto page = Call(&v1::CampaignService::Stub::ListCampaigns, request);
  ASSERT_OK(page);
  ASSERT_EQ(page->campaigns_size(), 2);
  EXPECT_EQ(page->next_page_token(), "b");
  request.set_page_token("b");
  page = Call(&v1::CampaignService::Stub::ListCampaigns, request);
  ASSERT_OK(page);
  ASSERT_EQ(page->campaigns_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(CampaignServiceTest, RefusesBadRequests) {
  ASSERT_OK(Create(Wanted()));
  const std::string slot = "2023-11-27T08:00:00+07:00";
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Evaluate("dot-2023", "", ""), StatusIs(invalid, StartsWith("slot: exactly one")));
  EXPECT_THAT(Evaluate("dot-2023", slot, "x"), StatusIs(invalid, StartsWith("slot: exactly one")));
  EXPECT_THAT(Evaluate("dot-2023", "", "a b"), StatusIs(invalid, StartsWith("request_id: ")));
  EXPECT_THAT(Evaluate("dot-2023", "", std::string(65, 'a')),
              StatusIs(invalid, StartsWith("request_id: ")));
  EXPECT_THAT(Evaluate("dot-2023", "Monday", ""), StatusIs(invalid, StartsWith("slot: ")));
  EXPECT_THAT(Evaluate("dot-2023", slot, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not active")));
  ASSERT_OK(Activate("dot-2023"));
  EXPECT_THAT(Evaluate("dot-2023", slot, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("still to come")));
  EXPECT_THAT(Evaluate("dot-2023", "2023-11-20T08:00:00+07:00", ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("is not a slot")));
  EXPECT_THAT(Evaluate("none", "", "1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  EXPECT_THAT(Release("none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  EXPECT_THAT(Reminders("none", -1, ""), StatusIs(invalid, StartsWith("page_size: -1")));
  EXPECT_THAT(Reminders("none", 1001, ""), StatusIs(invalid, StartsWith("page_size: 1001")));
  EXPECT_THAT(Reminders("none", 1, "x"), StatusIs(invalid, StartsWith("page_token: 'x'")));
  EXPECT_THAT(Reminders("none", 1, "-5"), StatusIs(invalid, StartsWith("page_token: ")));
  EXPECT_THAT(Reminders("none", 1, ""), StatusIs(absl::StatusCode::kNotFound, Not("")));
  v1::ListCampaignsRequest campaigns;
  campaigns.set_page_token("'; DROP TABLE campaigns");
  EXPECT_THAT(Call(&v1::CampaignService::Stub::ListCampaigns, campaigns),
              StatusIs(invalid, StartsWith("page_token: ")));
  v1::ListEvaluationsRequest evaluations;
  evaluations.set_campaign_id("none");
  EXPECT_THAT(Call(&v1::CampaignService::Stub::ListEvaluations, evaluations),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  v1::PreviewReminderRequest preview;
  EXPECT_THAT(Call(&v1::CampaignService::Stub::PreviewReminder, preview),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no reminder")));
}

TEST_F(CampaignServiceTest, PassesOnThatASourceIsAway) {
  ASSERT_OK(Create(Wanted()));
  figures_.FailNextWith(absl::UnavailableError("still loading"));
  EXPECT_THAT(Evaluate("dot-2023", "", "1"),
              StatusIs(absl::StatusCode::kUnavailable, "aggregation: still loading"));
  directory_.FailNextWith(absl::DeadlineExceededError("slow"));
  EXPECT_THAT(Evaluate("dot-2023", "", "1"),
              StatusIs(absl::StatusCode::kDeadlineExceeded, "ingestion: slow"));
}

TEST_F(CampaignServiceTest, ADraftIsNeverReleased) {
  v1::Campaign wanted = Wanted();
  wanted.set_send_mode(v1::SendMode::DRAFT);
  ASSERT_OK(Create(wanted));
  const auto evaluation = Evaluate("dot-2023", "", "1");
  ASSERT_OK(evaluation);
  EXPECT_THAT(Release(evaluation->evaluation_id()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DRAFT")));
}

TEST_F(CampaignServiceTest, AnAutomaticCampaignQueuesAtOnce) {
  v1::Campaign wanted = Wanted();
  wanted.set_send_mode(v1::SendMode::AUTOMATIC);
  ASSERT_OK(Create(wanted));
  ASSERT_OK(Evaluate("dot-2023", "", "1"));
  EXPECT_EQ(reminders_due_, 1);
}

}  // namespace
}  // namespace dondoc::alerting
