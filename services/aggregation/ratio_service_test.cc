#include "services/aggregation/ratio_service.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "services/aggregation/testing/fake_feed_service.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using testing::CommitTimeOf;
using testing::Day;
using ::testing::ElementsAre;
using testing::FakeFeedService;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LocalServer;
using testing::MakeClaim;
using testing::MakeUnit;
using testing::ModelCell;
using testing::ModelChange;
using ::testing::StartsWith;

ModelCell Cells(const std::string& unit_id, const std::string& day, v1::Channel::Value channel,
                int64_t count) {
  return {
      .unit_id = unit_id, .procedure = "p", .day = Day(day), .channel = channel, .count = count};
}

// A province of two departments, a district and three communes; January to March 2023 is covered
// for all but "x-no-data", which nothing ever covered: claims name the others.
ModelChange Province() {
  ModelChange change;
  change.units = {
      MakeUnit("so-tu-phap", "Sở Tư pháp", v1::Level::PROVINCE),
      MakeUnit("so-y-te", "Sở Y tế", v1::Level::PROVINCE),
      MakeUnit("dak-ha", "Huyện Đắk Hà", v1::Level::DISTRICT),
      MakeUnit("x-ngoc-reo", "Xã Ngọk Réo", v1::Level::COMMUNE, "dak-ha"),
      MakeUnit("x-dak-la", "Xã Đắk La", v1::Level::COMMUNE, "dak-ha"),
      MakeUnit("x-no-data", "Xã Không Có", v1::Level::COMMUNE, "dak-ha"),
      MakeUnit("x-ended", "Xã Cũ", v1::Level::COMMUNE, "dak-ha", "", "2023-01-31"),
  };
  change.claims = {
      MakeClaim({"so-tu-phap", "so-y-te", "dak-ha", "x-ngoc-reo", "x-dak-la", "x-ended"},
                "2023-01-01", "2023-03-31")};
  change.cells = {
      Cells("so-tu-phap", "2023-01-02", v1::Channel::ONLINE, 50),
      Cells("so-tu-phap", "2023-02-02", v1::Channel::COUNTER, 50),
      Cells("so-y-te", "2023-01-02", v1::Channel::ONLINE, 1),
      Cells("so-y-te", "2023-03-31", v1::Channel::POSTAL, 2),
      Cells("dak-ha", "2023-01-15", v1::Channel::COUNTER, 10),
      Cells("x-ngoc-reo", "2023-01-15", v1::Channel::ONLINE, 9),
      Cells("x-ngoc-reo", "2023-01-16", v1::Channel::UNKNOWN, 1),
      Cells("x-ended", "2023-01-15", v1::Channel::ONLINE, 4),
  };
  return change;
}

class RatioServiceTest : public ::testing::Test {
 protected:
  RatioServiceTest()
      : feed_("ledger-1"),
        server_(feed_),
        client_(v1::FeedService::NewStub(server_.Channel())),
        past_(
            [this](const std::string& ledger_id, int64_t sequence, absl::Time deadline) {
              return client_.LoadSnapshot(ledger_id, sequence, deadline, absl::Seconds(5));
            },
            metrics_),
        service_(ledgers_, windows_, metrics_, [this] { ++registered_; }) {
    ledgers_.Put("", std::make_shared<PositionFinder>(cube_, past_, client_, kSequenceWait));
    feed_.Commit(Province());
    Load();
  }

  void Load() { cube_.Replace(testing::LoadCube(feed_.ledger(), feed_.ledger().head())); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(grpc::Status (RatioServiceServer::*method)(grpc::ServerContext*,
                                                                          const Request*,
                                                                          Response*),
                               const Request& request) {
    grpc::ServerContext context;
    Response response;
    const grpc::Status status = (service_.*method)(&context, &request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  auto Summary(const v1::GetSummaryRequest& request) {
    return Ask<v1::GetSummaryResponse>(&RatioServiceServer::GetSummary, request);
  }
  auto Ratios(const v1::ListRatiosRequest& request) {
    return Ask<v1::ListRatiosResponse>(&RatioServiceServer::ListRatios, request);
  }
  auto UnitRatio(const v1::GetUnitRatioRequest& request) {
    return Ask<v1::GetUnitRatioResponse>(&RatioServiceServer::GetUnitRatio, request);
  }
  auto Trend(const v1::ListTrendRequest& request) {
    return Ask<v1::ListTrendResponse>(&RatioServiceServer::ListTrend, request);
  }

  template <typename Request>
  Request Quarter() {
    Request request;
    request.set_from("2023-01-01");
    request.set_to("2023-03-31");
    return request;
  }

  FakeFeedService feed_;
  LocalServer server_;
  FeedClient client_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  LiveCube cube_;
  PastCubes past_;
  WindowRegistry windows_;
  int registered_ = 0;
  Ledgers ledgers_;
  RatioServiceServer service_;
};

std::vector<std::string> Names(const v1::ListRatiosResponse& response) {
  std::vector<std::string> names;
  for (const v1::UnitRatio& ratio : response.ratios()) names.push_back(ratio.unit_id());
  return names;
}

TEST_F(RatioServiceTest, SummaryPoolsAndCountsUnitsByWhatBecameOfThem) {
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_target_percent("50");
  const auto response = Summary(request);
  ASSERT_OK(response);
  EXPECT_EQ(response->overall().total(), 127);
  EXPECT_EQ(response->overall().online(), 64);
  EXPECT_EQ(response->overall().counter(), 60);
  EXPECT_EQ(response->overall().postal(), 2);
  EXPECT_EQ(response->overall().unknown(), 1);
  EXPECT_EQ(response->overall().percent(), "50.39");
  EXPECT_TRUE(response->overall().reached());
  EXPECT_EQ(response->overall().basis(), v1::Basis::PARTIAL_DOSSIERS);
  ASSERT_EQ(response->levels_size(), 3);
  const v1::LevelSummary& province = response->levels(0);
  EXPECT_EQ(province.level(), v1::Level::PROVINCE);
  EXPECT_EQ(province.units(), 2);
  EXPECT_EQ(province.reached(), 1);  // exactly 50 %
  EXPECT_EQ(province.below(), 1);
  EXPECT_EQ(province.ratio().basis(), v1::Basis::DOSSIERS);
  const v1::LevelSummary& communes = response->levels(2);
  EXPECT_EQ(communes.level(), v1::Level::COMMUNE);
  EXPECT_EQ(communes.units(), 3);  // x-ended does not exist on 31/03
  EXPECT_EQ(communes.reached(), 1);
  EXPECT_EQ(communes.no_dossiers(), 1);
  EXPECT_EQ(communes.no_data(), 1);
  EXPECT_EQ(communes.ratio().total(), 14);  // its dossiers stay with it, and are the level's
  EXPECT_EQ(response->window().from(), "2023-01-01");
  EXPECT_EQ(response->window().to(), "2023-03-31");
  EXPECT_EQ(response->definition_id(), "received");
  EXPECT_EQ(response->definition_version(), 1);
  EXPECT_EQ(response->ledger_id(), "ledger-1");
  EXPECT_EQ(response->sequence(), 1);
  EXPECT_EQ(FromProto(response->commit_time()), CommitTimeOf(1));
}

TEST_F(RatioServiceTest, ExactlyTheTargetIsNotReachedWhenItMustBeAbove) {
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_target_percent("50");
  request.set_target_operator(v1::Operator::GT);
  const auto response = Summary(request);
  ASSERT_OK(response);
  EXPECT_EQ(response->levels(0).reached(), 0);
  EXPECT_EQ(response->levels(0).below(), 2);
}

TEST_F(RatioServiceTest, SummaryWithoutATargetJudgesNobody) {
  const auto response = Summary(Quarter<v1::GetSummaryRequest>());
  ASSERT_OK(response);
  EXPECT_FALSE(response->overall().has_reached());
  for (const v1::LevelSummary& level : response->levels()) {
    EXPECT_EQ(level.reached() + level.below(), 0);
  }
}

TEST_F(RatioServiceTest, ListsUnitsInVietnameseOrderAndByMeasure) {
  v1::ListRatiosRequest request = Quarter<v1::ListRatiosRequest>();
  auto response = Ratios(request);
  ASSERT_OK(response);
  EXPECT_THAT(Names(*response), ElementsAre("dak-ha", "so-tu-phap", "so-y-te", "x-dak-la",
                                            "x-no-data", "x-ngoc-reo"));
  request.set_order_by("percent desc");
  response = Ratios(request);
  ASSERT_OK(response);
  EXPECT_THAT(Names(*response), ElementsAre("x-ngoc-reo", "so-tu-phap", "so-y-te", "dak-ha",
                                            "x-dak-la", "x-no-data"));
  request.set_order_by("percent");
  response = Ratios(request);
  ASSERT_OK(response);
  EXPECT_THAT(Names(*response), ElementsAre("dak-ha", "so-y-te", "so-tu-phap", "x-ngoc-reo",
                                            "x-dak-la", "x-no-data"));
  request.set_order_by("total desc");
  request.set_level(v1::Level::COMMUNE);
  response = Ratios(request);
  ASSERT_OK(response);
  EXPECT_THAT(Names(*response), ElementsAre("x-ngoc-reo", "x-dak-la", "x-no-data"));
  request.clear_level();
  request.set_parent_id("dak-ha");
  request.set_order_by("online");
  response = Ratios(request);
  ASSERT_OK(response);
  EXPECT_THAT(Names(*response), ElementsAre("x-dak-la", "x-no-data", "x-ngoc-reo"));
  EXPECT_EQ(response->ratios(1).ratio().basis(), v1::Basis::NONE);
  EXPECT_EQ(response->ratios(0).ratio().basis(), v1::Basis::DOSSIERS);
  EXPECT_FALSE(response->ratios(0).ratio().has_percent());
}

TEST_F(RatioServiceTest, PagesStayAtThePositionOfTheFirst) {
  v1::ListRatiosRequest request = Quarter<v1::ListRatiosRequest>();
  request.set_page_size(4);
  auto first = Ratios(request);
  ASSERT_OK(first);
  EXPECT_EQ(first->ratios_size(), 4);
  ASSERT_NE(first->next_page_token(), "");
  // A unit joins whose name comes first: at the new position every page would shift.
  ModelChange change;
  change.units = {MakeUnit("a", "An", v1::Level::COMMUNE)};
  feed_.Commit(change);
  Load();
  request.set_page_token(first->next_page_token());
  const auto second = Ratios(request);
  ASSERT_OK(second);
  EXPECT_THAT(Names(*second), ElementsAre("x-no-data", "x-ngoc-reo"));
  EXPECT_EQ(second->sequence(), 1);
  EXPECT_THAT(second->next_page_token(), IsEmpty());
}

TEST_F(RatioServiceTest, RefusesATokenOfAnotherQueryOrLedger) {
  v1::ListRatiosRequest request = Quarter<v1::ListRatiosRequest>();
  request.set_page_size(2);
  const auto first = Ratios(request);
  ASSERT_OK(first);
  request.set_page_token(first->next_page_token());
  v1::ListRatiosRequest other = request;
  other.set_order_by("total");
  EXPECT_THAT(Ratios(other),
              StatusIs(absl::StatusCode::kInvalidArgument, "page_token: belongs to another query"));
  request.set_page_size(3);  // the size may change
  EXPECT_OK(Ratios(request));
  cube_.Replace(Cube("ledger-2"));
  EXPECT_THAT(Ratios(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("page_token: of another ledger")));
}

TEST_F(RatioServiceTest, AnswersTheUnit) {
  v1::GetUnitRatioRequest request = Quarter<v1::GetUnitRatioRequest>();
  request.set_unit_id("x-ngoc-reo");
  const auto response = UnitRatio(request);
  ASSERT_OK(response);
  EXPECT_EQ(response->name(), "Xã Ngọk Réo");
  EXPECT_EQ(response->level(), v1::Level::COMMUNE);
  EXPECT_EQ(response->parent_id(), "dak-ha");
  EXPECT_EQ(response->ratio().total(), 10);
  EXPECT_EQ(response->ratio().percent(), "90.00");
}

TEST_F(RatioServiceTest, TrendIsCutToTheWindowAndAddsUp) {
  v1::ListTrendRequest request;
  request.set_unit_id("so-tu-phap");
  request.set_from("2023-01-02");
  request.set_to("2023-02-10");
  const auto response = Trend(request);
  ASSERT_OK(response);
  ASSERT_EQ(response->points_size(), 2);
  EXPECT_EQ(response->points(0).window().from(), "2023-01-02");
  EXPECT_EQ(response->points(0).window().to(), "2023-01-31");
  EXPECT_EQ(response->points(0).ratio().total(), 50);
  EXPECT_EQ(response->points(1).window().from(), "2023-02-01");
  EXPECT_EQ(response->points(1).window().to(), "2023-02-10");
  EXPECT_EQ(response->points(1).ratio().total(), 50);
  EXPECT_EQ(response->points(1).cumulative().total(), 100);
  EXPECT_EQ(response->points(1).cumulative().percent(), "50.00");
}

TEST_F(RatioServiceTest, FreshnessSaysHowFarClaimsReach) {
  const auto response =
      Ask<v1::GetFreshnessResponse>(&RatioServiceServer::GetFreshness, v1::GetFreshnessRequest());
  ASSERT_OK(response);
  EXPECT_EQ(response->last_covered_day(), "2023-03-31");
  int without = 0;
  for (const v1::UnitFreshness& unit : response->units()) {
    if (unit.unit_id() == "x-no-data") {
      ++without;
      EXPECT_EQ(unit.last_covered_day(), "");
      EXPECT_FALSE(unit.has_last_claim_time());
    } else {
      EXPECT_EQ(unit.last_covered_day(), "2023-03-31");
      EXPECT_EQ(FromProto(unit.last_claim_time()), CommitTimeOf(1));
    }
  }
  EXPECT_EQ(without, 1);
}

TEST_F(RatioServiceTest, DailyCountsHaveAnEntryForEachDay) {
  v1::ListDailyCountsRequest request;
  request.set_from("2023-01-14");
  request.set_to("2023-01-16");
  const auto response =
      Ask<v1::ListDailyCountsResponse>(&RatioServiceServer::ListDailyCounts, request);
  ASSERT_OK(response);
  EXPECT_EQ(response->units_size(), 7);
  for (const v1::UnitDailyCounts& unit : response->units()) {
    if (unit.unit_id() != "x-ngoc-reo") continue;
    EXPECT_THAT(unit.total(), ElementsAre(0, 9, 1));
    EXPECT_THAT(unit.online(), ElementsAre(0, 9, 0));
  }
}

TEST_F(RatioServiceTest, AnswersThePastAgain) {
  const auto before = Summary(Quarter<v1::GetSummaryRequest>());
  ASSERT_OK(before);
  ModelChange change;
  change.cells = {Cells("so-y-te", "2023-01-02", v1::Channel::ONLINE, 1000)};
  feed_.Commit(change);
  Load();
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  EXPECT_EQ(Summary(request)->overall().total(), 1127);
  request.set_as_of_sequence(1);
  EXPECT_EQ(Summary(request)->SerializeAsString(), before->SerializeAsString());
  request.clear_as_of_sequence();
  *request.mutable_known_at() = ToProto(CommitTimeOf(2) - absl::Seconds(1));
  EXPECT_EQ(Summary(request)->SerializeAsString(), before->SerializeAsString());
  *request.mutable_known_at() = ToProto(CommitTimeOf(1) - absl::Seconds(1));
  const auto nothing = Summary(request);
  ASSERT_OK(nothing);
  EXPECT_EQ(nothing->sequence(), 0);
  EXPECT_EQ(nothing->overall().total(), 0);
  EXPECT_EQ(nothing->overall().basis(), v1::Basis::NONE);
  EXPECT_FALSE(nothing->has_commit_time());
}

TEST_F(RatioServiceTest, AnswersAgainAtThePositionOfALateAnswerWithoutASnapshot) {
  const auto before = Summary(Quarter<v1::GetSummaryRequest>());
  ASSERT_OK(before);
  feed_.Commit({});
  Load();
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_as_of_sequence(1);
  EXPECT_EQ(Summary(request)->SerializeAsString(), before->SerializeAsString());
  EXPECT_EQ(feed_.snapshots(), 0);
}

TEST_F(RatioServiceTest, LoadsAPositionThatNobodyAskedAboutLately) {
  feed_.Commit({});
  Load();
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_as_of_sequence(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Summary(request)->sequence(), 1);
  EXPECT_EQ(feed_.snapshots(), 1);
  feed_.BeAway();
  cube_.Replace(Cube("ledger-1"));
  request.set_as_of_sequence(7);
  EXPECT_THAT(Summary(request), StatusIs(absl::StatusCode::kUnavailable,
                                         "as_of_sequence: 7 cannot be loaded now, retry"));
}

TEST_F(RatioServiceTest, RefusesAPositionThatIsNotThereYet) {
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_as_of_sequence(9);
  EXPECT_THAT(Summary(request),
              StatusIs(absl::StatusCode::kOutOfRange, "as_of_sequence: 9 is beyond the head, 1"));
  request.clear_as_of_sequence();
  request.set_min_sequence(9);
  EXPECT_THAT(Summary(request),
              StatusIs(absl::StatusCode::kUnavailable, "min_sequence: 9 asked, 1 held, retry"));
}

TEST_F(RatioServiceTest, WaitsAMomentForTheSequenceACallerHasSeen) {
  feed_.Commit({});
  v1::GetSummaryRequest request = Quarter<v1::GetSummaryRequest>();
  request.set_min_sequence(2);
  // Whichever comes first, the question or the sequence: the answer is the same.
  const testing::ModelLedger ledger = feed_.ledger();
  std::thread writer([&] { ASSERT_OK(cube_.Apply(ledger.Events(2), true)); });
  const auto response = Summary(request);
  writer.join();
  ASSERT_OK(response);
  EXPECT_EQ(response->sequence(), 2);
}

TEST_F(RatioServiceTest, IsUnavailableUntilSomethingIsLoaded) {
  cube_.Clear();
  EXPECT_THAT(Summary(Quarter<v1::GetSummaryRequest>()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("retry")));
}

TEST_F(RatioServiceTest, KnowsNoUnknownUnitOrDefinition) {
  v1::GetUnitRatioRequest unit = Quarter<v1::GetUnitRatioRequest>();
  unit.set_unit_id("nope\n");
  EXPECT_THAT(UnitRatio(unit),
              StatusIs(absl::StatusCode::kNotFound, "unit_id: there is no unit 'nope\\n'"));
  v1::ListRatiosRequest parent = Quarter<v1::ListRatiosRequest>();
  parent.set_parent_id("nope");
  EXPECT_THAT(Ratios(parent), StatusIs(absl::StatusCode::kNotFound, StartsWith("parent_id: ")));
  v1::GetSummaryRequest definition = Quarter<v1::GetSummaryRequest>();
  definition.set_definition_id("nope");
  EXPECT_THAT(Summary(definition),
              StatusIs(absl::StatusCode::kNotFound, "definition_id: there is no 'nope'"));
}

TEST_F(RatioServiceTest, RegistersWindowsAndRefusesTooMany) {
  v1::RegisterWindowRequest request;
  request.set_from("2023-01-01");
  request.set_lease_seconds(60);
  for (size_t i = 0; i < kRegisteredWindowsMax; ++i) {
    request.set_to(FormatDay(absl::CivilDay(2023, 2, 1) + static_cast<int>(i)));
    ASSERT_OK(Ask<v1::RegisterWindowResponse>(&RatioServiceServer::RegisterWindow, request));
  }
  EXPECT_EQ(registered_, static_cast<int>(kRegisteredWindowsMax));
  EXPECT_OK(Ask<v1::RegisterWindowResponse>(&RatioServiceServer::RegisterWindow, request));
  request.set_to("2023-12-31");
  EXPECT_THAT(Ask<v1::RegisterWindowResponse>(&RatioServiceServer::RegisterWindow, request),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit 64")));
}

TEST_F(RatioServiceTest, NamesTheFieldOfABadRequest) {
  using Summary_ = v1::GetSummaryRequest;
  struct SummaryCase {
    std::function<void(Summary_&)> spoil;
    const char* message;
  };
  const SummaryCase summaries[] = {
      {[](Summary_& r) { r.clear_from(); }, "from: required, a day like 2023-11-15"},
      {[](Summary_& r) { r.clear_to(); }, "to: required, a day like 2023-11-15"},
      {[](Summary_& r) { r.set_from("2023-13-01"); }, "from: '2023-13-01' is not a day"},
      {[](Summary_& r) { r.set_to("2023-02-29"); }, "to: '2023-02-29' is not a day"},
      {[](Summary_& r) { r.set_to("15/11/2023"); }, "to: '15/11/2023' is not a day"},
      {[](Summary_& r) { r.set_from("2023-1-1"); }, "from: '2023-1-1' is not a day"},
      {[](Summary_& r) { r.set_from("2023-01-01\n"); }, "from: '2023-01-01\\n' is not a day"},
      {[](Summary_& r) { r.set_to("2022-12-31"); }, "to: 2022-12-31 is before from, 2023-01-01"},
      {[](Summary_& r) { r.set_to("2033-02-01"); }, "to: 3684 days after from, limit 3660"},
      {[](Summary_& r) { r.set_target_percent("abc"); }, "target_percent: "},
      {[](Summary_& r) { r.set_target_percent("100.01"); }, "target_percent: "},
      {[](Summary_& r) { r.set_target_percent("-1"); }, "target_percent: "},
      {[](Summary_& r) { r.set_target_percent("50,5"); }, "target_percent: "},
      {[](Summary_& r) { r.set_target_percent("1.1234567"); }, "target_percent: "},
      {[](Summary_& r) { r.set_target_operator(static_cast<v1::Operator::Value>(7)); },
       "target_operator: 7 is not GE or GT"},
      {[](Summary_& r) { r.set_definition_id(std::string(129, 'x')); },
       "definition_id: 129 bytes, limit 128"},
      {[](Summary_& r) { r.set_as_of_sequence(-1); }, "as_of_sequence: -1 is below 0"},
      {[](Summary_& r) { r.set_min_sequence(-5); }, "min_sequence: -5 is below 0"},
      {[](Summary_& r) {
         r.set_as_of_sequence(1);
         r.mutable_known_at()->set_seconds(1);
       },
       "known_at: cannot be asked together with as_of_sequence"},
      {[](Summary_& r) { r.mutable_known_at()->set_nanos(-1); }, "known_at: not an instant"},
      {[](Summary_& r) { r.mutable_known_at()->set_seconds(INT64_MAX); },
       "known_at: not an instant"},
      {[](Summary_& r) {
         r.set_as_of_sequence(1);
         r.set_min_sequence(2);
       },
       "min_sequence: 2 is after as_of_sequence, 1"},
  };
  for (const SummaryCase& c : summaries) {
    SCOPED_TRACE(c.message);
    Summary_ request = Quarter<Summary_>();
    c.spoil(request);
    EXPECT_THAT(Summary(request),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith(c.message)));
  }

  using List = v1::ListRatiosRequest;
  struct ListCase {
    std::function<void(List&)> spoil;
    const char* message;
  };
  const ListCase lists[] = {
      {[](List& r) { r.set_page_size(-1); }, "page_size: -1 is not 0 to 20000"},
      {[](List& r) { r.set_page_size(20001); }, "page_size: 20001 is not 0 to 20000"},
      {[](List& r) { r.set_page_token("%%%"); }, "page_token: not one of ours"},
      {[](List& r) { r.set_page_token(std::string(5000, 'A')); }, "page_token: not one of ours"},
      {[](List& r) { r.set_page_token("MXxhfDF8MQ=="); }, "page_token: not one of ours"},
      {[](List& r) { r.set_order_by("drop table"); },
       "order_by: 'drop table' is not name, percent, total or online"},
      {[](List& r) { r.set_order_by(" desc"); }, "order_by: ' desc' is not"},
      {[](List& r) { r.set_order_by("name asc"); }, "order_by: 'name asc' is not"},
      {[](List& r) { r.set_level(v1::Level::UNSPECIFIED); },
       "level: 0 is not PROVINCE, DISTRICT or COMMUNE"},
      {[](List& r) { r.set_level(static_cast<v1::Level::Value>(9)); },
       "level: 9 is not PROVINCE, DISTRICT or COMMUNE"},
      {[](List& r) { r.set_parent_id(std::string(200, 'x')); }, "parent_id: 200 bytes, limit 128"},
  };
  for (const ListCase& c : lists) {
    SCOPED_TRACE(c.message);
    List request = Quarter<List>();
    c.spoil(request);
    EXPECT_THAT(Ratios(request),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith(c.message)));
  }
}

TEST_F(RatioServiceTest, NamesTheFieldOfABadQuestionAboutAUnit) {
  EXPECT_THAT(UnitRatio(Quarter<v1::GetUnitRatioRequest>()),
              StatusIs(absl::StatusCode::kInvalidArgument, "unit_id: required"));
  v1::ListTrendRequest trend = Quarter<v1::ListTrendRequest>();
  trend.set_unit_id("so-y-te");
  trend.set_step(static_cast<v1::TrendStep::Value>(8));
  EXPECT_THAT(Trend(trend), StatusIs(absl::StatusCode::kInvalidArgument,
                                     "step: 8 is not DAY, WEEK, MONTH, QUARTER, HALF_YEAR, "
                                     "NINE_MONTHS or YEAR"));
  trend.set_step(v1::TrendStep::DAY);
  trend.set_to("2026-01-01");
  EXPECT_THAT(Trend(trend),
              StatusIs(absl::StatusCode::kInvalidArgument, "step: 1097 steps, limit 1000"));
  v1::ListDailyCountsRequest daily;
  daily.set_from("2023-01-01");
  daily.set_to("2024-02-06");
  EXPECT_THAT(Ask<v1::ListDailyCountsResponse>(&RatioServiceServer::ListDailyCounts, daily),
              StatusIs(absl::StatusCode::kInvalidArgument, "to: 401 days after from, limit 400"));
  v1::RegisterWindowRequest window = Quarter<v1::RegisterWindowRequest>();
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, kLeaseSecondsMax + 1}) {
    window.set_lease_seconds(seconds);
    EXPECT_THAT(Ask<v1::RegisterWindowResponse>(&RatioServiceServer::RegisterWindow, window),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         absl::StrCat("lease_seconds: ", seconds, " is not 1 to 691200")));
  }
}

}  // namespace
}  // namespace dondoc::aggregation
