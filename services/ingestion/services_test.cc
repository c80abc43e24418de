// Pushes, the directory and the feed through the real gRPC services.

#include <future>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/testing/ingestion_server.h"
#include "services/ingestion/testing/kontum_units.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IngestionServer;
using ::testing::SizeIs;

v1::Dossier MakeDossier(const std::string& code, const std::string& unit_id = "kontum.so-y-te",
                        const std::string& received = "2023-11-15T08:00:00+07:00") {
  v1::Dossier dossier;
  dossier.set_code(code);
  dossier.set_unit_id(unit_id);
  dossier.set_channel(v1::Channel::ONLINE);
  dossier.set_status(v1::Status::PROCESSING);
  if (!received.empty()) *dossier.mutable_received_time() = ToProto(*ParseInstant(received));
  return dossier;
}

class ServicesTest : public ::testing::Test {
 protected:
  ServicesTest() : server_(testing::InMemory()) {}

  absl::StatusOr<v1::BatchWriteDossiersResponse> Write(
      const v1::BatchWriteDossiersRequest& request) {
    grpc::ClientContext context;
    v1::BatchWriteDossiersResponse response;
    const grpc::Status status =
        server_.dossiers()->BatchWriteDossiers(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  absl::StatusOr<v1::BatchWriteDossiersResponse> Write(const std::vector<v1::Dossier>& dossiers) {
    v1::BatchWriteDossiersRequest request;
    for (const v1::Dossier& dossier : dossiers) *request.add_dossiers() = dossier;
    return Write(request);
  }
  absl::StatusOr<v1::ListDossiersResponse> List(const v1::ListDossiersRequest& request) {
    grpc::ClientContext context;
    v1::ListDossiersResponse response;
    const grpc::Status status = server_.dossiers()->ListDossiers(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  static v1::ListDossiersRequest Year() {
    v1::ListDossiersRequest request;
    request.set_from("2023-01-01");
    request.set_to("2023-12-31");
    return request;
  }
  v1::Position Head() { return server_.ledger().Head(); }

  IngestionServer server_;
};

TEST_F(ServicesTest, ABatchAnswersEachDossier) {
  const int64_t before = Head().sequence();
  const auto first = Write({MakeDossier("A-1"), MakeDossier(" a-2 "), MakeDossier("A 3"),
                            MakeDossier("A-4", "khong-co"),
                            MakeDossier("A-5", "kontum.so-y-te", "2023-11-22T00:00:00+07:00")});
  ASSERT_OK(first);
  EXPECT_EQ(first->sequence(), before + 1);
  EXPECT_EQ(first->ledger_id(), Head().ledger_id());
  ASSERT_THAT(first->outcomes(), SizeIs(5));
  EXPECT_EQ(first->outcomes(0).outcome(), v1::Outcome::CREATED);
  EXPECT_EQ(first->outcomes(1).outcome(), v1::Outcome::CREATED);
  EXPECT_EQ(first->outcomes(1).code(), "A-2");
  const v1::RejectReason::Value kReasons[] = {
      v1::RejectReason::BAD_CODE, v1::RejectReason::UNKNOWN_UNIT, v1::RejectReason::FUTURE_DATE};
  for (int i = 2; i < 5; ++i) {
    EXPECT_EQ(first->outcomes(i).outcome(), v1::Outcome::REJECTED);
    EXPECT_EQ(first->outcomes(i).reason(), kReasons[i - 2]);
    EXPECT_FALSE(first->outcomes(i).message().empty());
  }
  // Sent again, nothing changes and no sequence is taken.
  const auto again = Write({MakeDossier("A-1"), MakeDossier("A-2")});
  ASSERT_OK(again);
  EXPECT_EQ(again->outcomes(0).outcome(), v1::Outcome::UNCHANGED);
  EXPECT_EQ(again->sequence(), before + 1);
  EXPECT_EQ(Head().sequence(), before + 1);
  // A batch of nothing but rejects is no error.
  ASSERT_OK(Write({MakeDossier("")}));
  EXPECT_EQ(Head().sequence(), before + 1);
}

TEST_F(ServicesTest, BadBatchesAreRefusedWhole) {
  v1::BatchWriteDossiersRequest many;
  for (int i = 0; i <= 10'000; ++i) many.add_dossiers()->set_code("A");
  EXPECT_THAT(Write(many),
              StatusIs(absl::StatusCode::kResourceExhausted, "dossiers: 10001, limit 10000"));
  v1::BatchWriteDossiersRequest request;
  *request.add_dossiers() = MakeDossier("A-1");
  const auto covering = [&](const std::string& from, const std::string& to,
                            v1::Coverage::Extent::Value extent, const std::string& unit_id) {
    v1::BatchWriteDossiersRequest covered = request;
    covered.mutable_covers()->set_from(from);
    covered.mutable_covers()->set_to(to);
    covered.mutable_covers()->set_extent(extent);
    if (!unit_id.empty()) covered.mutable_covers()->add_unit_ids(unit_id);
    return covered;
  };
  const auto kComplete = v1::Coverage::Extent::COMPLETE;
  const struct {
    v1::BatchWriteDossiersRequest request;
    const char* message;
  } kCases[] = {
      {covering("", "2023-11-15", kComplete, ""), "covers.from: "},
      {covering("2023-11-01", "hôm nay", kComplete, ""), "covers.to: "},
      {covering("2023-11-15", "2023-11-01", kComplete, ""), "covers.to: "},
      {covering("2023-11-01", "2024-11-01", kComplete, ""), "covers.to: "},
      {covering("2023-11-01", "2023-11-15", v1::Coverage::Extent::UNSPECIFIED, ""),
       "covers.extent: "},
      {covering("2023-11-01", "2023-11-15", kComplete, "x"), "covers.unit_ids[0]: 'x'"},
  };
  const int64_t before = Head().sequence();
  for (const auto& each : kCases) {
    EXPECT_THAT(Write(each.request),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.message)));
  }
  EXPECT_EQ(Head().sequence(), before);
}

TEST_F(ServicesTest, AStreamAcknowledgesBatchByBatchInOrder) {
  grpc::ClientContext context;
  const auto stub = server_.dossiers();
  const auto stream = stub->StreamWriteDossiers(&context);
  constexpr int kBatches = 50;
  const int64_t before = Head().sequence();
  std::thread sender([&] {
    for (int i = 0; i < kBatches; ++i) {
      v1::BatchWriteDossiersRequest request;
      *request.add_dossiers() = MakeDossier(absl::StrCat("A-", i));
      ASSERT_TRUE(stream->Write(request));
    }
    stream->WritesDone();
  });
  v1::BatchWriteDossiersResponse response;
  for (int i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.outcomes(0).code(), absl::StrCat("A-", i));
    EXPECT_EQ(response.sequence(), before + i + 1);
  }
  EXPECT_FALSE(stream->Read(&response));
  sender.join();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ServicesTest, ADossierTellsItsRevisions) {
  ASSERT_OK(Write({MakeDossier("A-1")}));
  const int64_t first = Head().sequence();
  v1::Dossier moved = MakeDossier("A-1", "kontum.so-tu-phap");
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_OK(Write({moved}));
  const auto get = [&](const std::string& code,
                       std::optional<int64_t> at) -> absl::StatusOr<v1::DossierHistory> {
    grpc::ClientContext context;
    v1::GetDossierRequest request;
    request.set_code(code);
    if (at.has_value()) request.set_as_of_sequence(*at);
    v1::DossierHistory history;
    const grpc::Status status = server_.dossiers()->GetDossier(&context, request, &history);
    if (!status.ok()) return FromGrpc(status);
    return history;
  };
  EXPECT_EQ(get("a-1", {})->dossier().unit_id(), "kontum.so-tu-phap");
  EXPECT_THAT(get("A-1", {})->revisions(), SizeIs(2));
  EXPECT_EQ(get("A-1", first)->dossier().unit_id(), "kontum.so-y-te");
  EXPECT_EQ(get("A-1", first)->sequence(), first);
  EXPECT_THAT(get("B", {}), StatusIs(absl::StatusCode::kNotFound, ::testing::_));
  EXPECT_THAT(get("", {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("code: ")));
  EXPECT_THAT(get("A-1", 999), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("999")));
  EXPECT_THAT(get("A-1", -1), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-1")));
}

TEST_F(ServicesTest, ListsTheDossiersBehindAFigureAtOnePosition) {
  std::vector<v1::Dossier> dossiers;
  for (int i = 0; i < 7; ++i) dossiers.push_back(MakeDossier(absl::StrCat("A-", i)));
  dossiers[6].set_channel(v1::Channel::COUNTER);
  ASSERT_OK(Write(dossiers));
  const int64_t sequence = Head().sequence();
  v1::ListDossiersRequest request = Year();
  request.set_channel(v1::Channel::ONLINE);
  request.set_page_size(4);
  const auto first = List(request);
  ASSERT_OK(first);
  EXPECT_THAT(first->dossiers(), SizeIs(4));
  EXPECT_EQ(first->total_size(), 6);
  EXPECT_EQ(first->definition_id(), "received");
  // A write between the pages changes nothing of the list.
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_OK(Write({MakeDossier("A-45"), MakeDossier("A-9")}));
  request.set_page_token(first->next_page_token());
  const auto second = List(request);
  ASSERT_OK(second);
  EXPECT_EQ(second->sequence(), sequence);
  EXPECT_THAT(second->dossiers(), SizeIs(2));
  EXPECT_EQ(second->next_page_token(), "");
  v1::ListDossiersRequest known = Year();
  *known.mutable_known_at() = ToProto(*ParseInstant("2023-11-21T09:00:30+07:00"));
  EXPECT_EQ(List(known)->sequence(), sequence);
  EXPECT_EQ(List(known)->total_size(), 7);
  EXPECT_EQ(List(Year())->total_size(), 9);
}

TEST_F(ServicesTest, BadListsAreRefusedWithTheirField) {
  ASSERT_OK(Write({MakeDossier("A-1"), MakeDossier("A-2")}));
  const auto with = [](auto change) {
    v1::ListDossiersRequest request = Year();
    change(request);
    return request;
  };
  using Request = v1::ListDossiersRequest;
  v1::ListDossiersRequest one = Year();
  one.set_page_size(1);
  const std::string token = List(one)->next_page_token();
  ASSERT_FALSE(token.empty());
  const struct {
    Request request;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {with([](Request& r) { r.clear_from(); }), absl::StatusCode::kInvalidArgument, "from: "},
      {with([](Request& r) { r.set_to("31/12/2023"); }), absl::StatusCode::kInvalidArgument,
       "to: "},
      {with([](Request& r) { r.set_to("2022-12-31"); }), absl::StatusCode::kInvalidArgument,
       "to: "},
      {with([](Request& r) { r.set_channel(static_cast<v1::Channel::Value>(5)); }),
       absl::StatusCode::kInvalidArgument, "channel: 5"},
      {with([](Request& r) { r.set_definition_id("vpcp-766"); }), absl::StatusCode::kNotFound,
       "definition_id: 'vpcp-766'"},
      {with([](Request& r) { r.set_unit_id("x"); }), absl::StatusCode::kNotFound, "unit_id: 'x'"},
      {with([](Request& r) { r.set_as_of_sequence(99); }), absl::StatusCode::kOutOfRange,
       "as_of_sequence: 99"},
      {with([](Request& r) { r.set_as_of_sequence(-1); }), absl::StatusCode::kInvalidArgument,
       "as_of_sequence: -1"},
      {with([](Request& r) { r.set_as_of_sequence(1), r.mutable_known_at(); }),
       absl::StatusCode::kInvalidArgument, "known_at: "},
      {with([](Request& r) { r.set_page_size(1001); }), absl::StatusCode::kInvalidArgument,
       "page_size: 1001"},
      {with([](Request& r) { r.set_page_size(-1); }), absl::StatusCode::kInvalidArgument,
       "page_size: -1"},
      {with([](Request& r) { r.set_page_token("abc"); }), absl::StatusCode::kInvalidArgument,
       "page_token: "},
      {with([&](Request& r) { r.set_page_token(token), r.set_unit_id("kontum.so-y-te"); }),
       absl::StatusCode::kInvalidArgument, "page_token: "},
  };
  for (const auto& each : kCases) {
    EXPECT_THAT(List(each.request), StatusIs(each.code, HasSubstr(each.message)));
  }
}

TEST_F(ServicesTest, UnitsAreListedAndReplacedAllOrNone) {
  const auto stub = server_.units();
  const auto list = [&](const v1::ListUnitsRequest& request) {
    grpc::ClientContext context;
    v1::ListUnitsResponse response;
    EXPECT_TRUE(stub->ListUnits(&context, request, &response).ok());
    return response;
  };
  v1::ListUnitsRequest request;
  request.set_page_size(50);
  std::set<std::string> seen;
  do {
    const v1::ListUnitsResponse page = list(request);
    for (const v1::Unit& unit : page.units()) EXPECT_TRUE(seen.insert(unit.unit_id()).second);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, SizeIs(129));
  v1::ListUnitsRequest districts;
  districts.set_level(v1::Level::DISTRICT);
  EXPECT_THAT(list(districts).units(), SizeIs(10));
  v1::ListUnitsRequest children;
  children.set_parent_id("kontum.ia-hdrai");
  EXPECT_THAT(list(children).units(), SizeIs(3));

  const auto put = [&](const std::vector<v1::Unit>& units,
                       v1::ImportUnitsResponse* response) -> absl::Status {
    grpc::ClientContext context;
    v1::ImportUnitsRequest import;
    for (const v1::Unit& unit : units) *import.add_units() = unit;
    return FromGrpc(stub->ImportUnits(&context, import, response));
  };
  const int64_t before = Head().sequence();
  v1::ImportUnitsResponse response;
  ASSERT_OK(put(testing::KontumUnits(), &response));
  EXPECT_EQ(response.unchanged(), 129);
  EXPECT_EQ(Head().sequence(), before);
  v1::Unit renamed = testing::KontumUnits().front();
  renamed.set_name(" S\xC6\xA1\xCC\x89 Co\xCC\x82ng Th\xC6\xB0\xC6\xA1ng ");  // NFD
  renamed.add_emails("soct@kontum.invalid");
  ASSERT_OK(put({renamed, testing::MakeUnit("moi", "Xã Mới", v1::Level::COMMUNE, "kontum.dak-ha")},
                &response));
  EXPECT_EQ(response.created(), 1);
  EXPECT_EQ(response.updated(), 1);
  EXPECT_EQ(response.sequence(), before + 1);
  v1::Unit unit;
  grpc::ClientContext context;
  v1::GetUnitRequest get;
  get.set_unit_id(renamed.unit_id());
  ASSERT_TRUE(stub->GetUnit(&context, get, &unit).ok());
  EXPECT_EQ(unit.name(), "Sở Công Thương");

  const auto bad = [&](const v1::Unit& each) {
    v1::ImportUnitsResponse ignored;
    return put({testing::MakeUnit("tot", "Xã Tốt", v1::Level::COMMUNE), each}, &ignored);
  };
  v1::Unit no_name = testing::MakeUnit("x", "", v1::Level::COMMUNE);
  EXPECT_THAT(bad(no_name),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[1].name")));
  EXPECT_THAT(bad(testing::MakeUnit("Xã", "Xã", v1::Level::COMMUNE)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[1].unit_id")));
  EXPECT_THAT(bad(testing::MakeUnit("x", "Xã X", v1::Level::UNSPECIFIED)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[1].level")));
  EXPECT_THAT(bad(testing::MakeUnit("x", "Xã X", v1::Level::COMMUNE, "khong-co")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[1].parent_id")));
  EXPECT_THAT(put({}, &response), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units")));
  grpc::ClientContext missing_context;
  get.set_unit_id("tot");
  EXPECT_EQ(stub->GetUnit(&missing_context, get, &unit).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServicesTest, TheFeedCatchesUpThenFollowsWithHeartbeats) {
  ASSERT_OK(Write({MakeDossier("A-1")}));
  const int64_t head = Head().sequence();
  grpc::ClientContext context;
  v1::FollowRequest request;
  const auto stub = server_.feed();
  const auto reader = stub->Follow(&context, request);
  v1::FeedEvent event;
  for (int64_t sequence = 1; sequence <= head; ++sequence) {
    do {
      ASSERT_TRUE(reader->Read(&event));
    } while (event.sequence() == 0 || !event.complete());
    EXPECT_EQ(event.sequence(), sequence);
    EXPECT_EQ(event.head().ledger_id(), Head().ledger_id());
  }
  const absl::Time start = absl::Now();
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.sequence(), 0);
  EXPECT_EQ(event.head().sequence(), head);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  ASSERT_OK(Write({MakeDossier("A-2")}));
  do {
    ASSERT_TRUE(reader->Read(&event));
  } while (event.sequence() == 0);
  EXPECT_EQ(event.sequence(), head + 1);
  EXPECT_EQ(event.deltas().count(0), 1);
  // A shutdown ends it.
  server_.feed_service().Stop();
  while (reader->Read(&event)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServicesTest, TheFeedEndsWhenItsReaderLeaves) {
  const auto stub = server_.feed();
  grpc::ClientContext context;
  const auto reader = stub->Follow(&context, v1::FollowRequest());
  v1::FeedEvent event;
  ASSERT_TRUE(reader->Read(&event));
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const absl::Time until = absl::Now() + absl::Seconds(10);
  while (server_.metrics().feed_followers.Value() > 0 && absl::Now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(server_.metrics().feed_followers.Value(), 0);
}

TEST_F(ServicesTest, TheFeedRefusesAnotherLedgerAndPositionsItDoesNotHave) {
  const auto stub = server_.feed();
  const auto follow = [&](const std::string& ledger_id, int64_t after) {
    grpc::ClientContext context;
    v1::FollowRequest request;
    request.set_ledger_id(ledger_id);
    request.set_after_sequence(after);
    const auto reader = stub->Follow(&context, request);
    v1::FeedEvent event;
    while (reader->Read(&event)) {
    }
    return FromGrpc(reader->Finish());
  };
  const std::string ours = Head().ledger_id();
  EXPECT_THAT(follow("other", 0), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(ours)));
  EXPECT_THAT(follow("", 1), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(ours)));
  EXPECT_THAT(follow(ours, 99), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("99")));
  EXPECT_THAT(follow(ours, -1), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("-1")));
  const auto snapshot = [&](const std::string& ledger_id, int64_t at) {
    grpc::ClientContext context;
    v1::SnapshotRequest request;
    request.set_ledger_id(ledger_id);
    request.set_at_sequence(at);
    const auto reader = stub->Snapshot(&context, request);
    v1::SnapshotChunk chunk;
    while (reader->Read(&chunk)) {
    }
    return FromGrpc(reader->Finish());
  };
  EXPECT_THAT(snapshot("other", 0),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(ours)));
  EXPECT_THAT(snapshot("", 99), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("99")));
}

TEST_F(ServicesTest, ASnapshotIsTheLedgerAtAPosition) {
  ASSERT_OK(Write({MakeDossier("A-1")}));
  const int64_t at = Head().sequence();
  ASSERT_OK(Write({MakeDossier("A-2", "kontum.so-tu-phap")}));
  for (const auto& [sequence, cells] :
       {std::pair<int64_t, int>(at, 1), std::pair<int64_t, int>(0, 2)}) {
    grpc::ClientContext context;
    v1::SnapshotRequest request;
    request.set_at_sequence(sequence);
    const auto stub = server_.feed();
    const auto reader = stub->Snapshot(&context, request);
    v1::SnapshotChunk chunk;
    ASSERT_TRUE(reader->Read(&chunk));
    EXPECT_EQ(chunk.position().sequence(), sequence == 0 ? Head().sequence() : at);
    EXPECT_THAT(chunk.units(), SizeIs(129));
    EXPECT_THAT(chunk.definitions(), SizeIs(1));
    EXPECT_EQ(chunk.cells().count_size(), cells);
    EXPECT_TRUE(chunk.complete());
    EXPECT_FALSE(reader->Read(&chunk));
    EXPECT_TRUE(reader->Finish().ok());
  }
}

TEST_F(ServicesTest, TheHeadIsToldForAnInstant) {
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_OK(Write({MakeDossier("A-1")}));
  const int64_t sequence = Head().sequence();
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_OK(Write({MakeDossier("A-2")}));
  const auto head = [&](const std::string& ledger_id,
                        const std::string& known_at) -> absl::StatusOr<v1::Position> {
    grpc::ClientContext context;
    v1::GetHeadRequest request;
    request.set_ledger_id(ledger_id);
    if (!known_at.empty()) *request.mutable_known_at() = ToProto(*ParseInstant(known_at));
    v1::Position position;
    const grpc::Status status = server_.feed()->GetHead(&context, request, &position);
    if (!status.ok()) return FromGrpc(status);
    return position;
  };
  EXPECT_EQ(head("", "")->sequence(), sequence + 1);
  EXPECT_EQ(head("", "2023-11-21T09:01:30+07:00")->sequence(), sequence);
  EXPECT_EQ(FormatInstant(FromProto(head("", "2023-11-21T09:01:30+07:00")->commit_time())),
            "2023-11-21T09:01:00+07:00");
  EXPECT_EQ(head("", "2001-01-01T00:00:00Z")->sequence(), 0);
  EXPECT_FALSE(head("", "2001-01-01T00:00:00Z")->has_commit_time());
  EXPECT_THAT(head("other", ""), StatusIs(absl::StatusCode::kFailedPrecondition, ::testing::_));
}

// Enough events that neither a stream's window nor its queue holds them.
void FillLedger(LogLedger& ledger) {
  for (int batch = 0; batch < 12; ++batch) {
    std::vector<v1::Dossier> dossiers;
    for (int i = 0; i < 5'000; ++i) {
      v1::Dossier dossier = MakeDossier(absl::StrCat("A-", batch, "-", i));
      // A cell each.
      dossier.set_procedure_code(absl::StrCat(std::string(50, 'p'), batch, "-", i));
      dossiers.push_back(dossier);
    }
    ASSERT_OK(ledger.Commit(DossierBatch{dossiers, std::nullopt}, false));
  }
}

TEST(FeedStallTest, ASlowReaderIsCutAndBlocksNobody) {
  IngestionServer::Options options;
  options.feed.stall_max = absl::Milliseconds(300);
  IngestionServer server(testing::InMemory(), options);
  FillLedger(server.ledger());
  const auto stub = server.feed();
  grpc::ClientContext context;
  const auto slow = stub->Follow(&context, v1::FollowRequest());
  v1::FeedEvent event;
  ASSERT_TRUE(slow->Read(&event));
  // It reads no more. Meanwhile others write.
  const absl::Time until = absl::Now() + absl::Seconds(30);
  while (server.metrics().feed_followers_cut.Value() == 0 && absl::Now() < until) {
    const std::vector<v1::Dossier> dossiers = {
        MakeDossier(absl::StrCat("B-", absl::ToUnixNanos(absl::Now())))};
    ASSERT_OK(server.ledger().Commit(DossierBatch{dossiers, std::nullopt}, false));
    std::this_thread::yield();
  }
  EXPECT_EQ(server.metrics().feed_followers_cut.Value(), 1);
  while (slow->Read(&event)) {
  }
  // What was on its way is read first, then the status; CANCELLED when that took too long as well.
  EXPECT_THAT(slow->Finish().error_code(),
              ::testing::AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::CANCELLED));
}

TEST(FeedStallTest, AReaderThatReadsNothingHoldsUpNoShutdown) {
  IngestionServer::Options options;
  options.feed.stall_max = absl::Milliseconds(300);
  IngestionServer server(testing::InMemory(), options);
  FillLedger(server.ledger());
  const auto stub = server.feed();
  grpc::ClientContext context;
  const auto slow = stub->Follow(&context, v1::FollowRequest());
  v1::FeedEvent event;
  ASSERT_TRUE(slow->Read(&event));
  server.feed_service().Stop();
  EXPECT_EQ(server.metrics().feed_followers.Value(), 0);
  // A new stream is told why.
  grpc::ClientContext late_context;
  const auto late = stub->Follow(&late_context, v1::FollowRequest());
  EXPECT_FALSE(late->Read(&event));
  EXPECT_EQ(late->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServicesTest, DefinitionsAreListed) {
  grpc::ClientContext context;
  v1::ListDefinitionsResponse response;
  ASSERT_TRUE(server_.definitions()
                  ->ListDefinitions(&context, v1::ListDefinitionsRequest(), &response)
                  .ok());
  ASSERT_THAT(response.definitions(), SizeIs(1));
  EXPECT_EQ(response.definitions(0).definition_id(), "received");
}

}  // namespace
}  // namespace dondoc::ingestion
