// A whole gateway over real sockets, against a real gRPC server: time, size, streams, clients that
// go, and the end of the process.

#include "gateway/server.h"

#include <sys/socket.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/testing/fake_upstream.h"
#include "gateway/testing/raw_client.h"
#include "gateway/testing/running_gateway.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using testing::RawResponse;
using testing::Request;

constexpr char kSummary[] = "/v1/summary?from=2023-01-01&to=2023-11-15";

// AddressSanitizer keeps what was freed for a while, so that resident memory says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsMeasurable = false;
#else
constexpr bool kMemoryIsMeasurable = true;
#endif

// Resident memory of this process.
std::int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

// Polls a page until `text` is in it; the connection count moves a moment after a socket closes.
bool EventuallyHas(const testing::RunningGateway& gateway, const std::string& text) {
  const absl::Time end = absl::Now() + absl::Seconds(20);
  while (absl::Now() < end) {
    if (gateway.Metrics().find(text) != std::string::npos) return true;
    std::this_thread::yield();
  }
  return false;
}

class ServerTest : public ::testing::Test {
 protected:
  testing::FakeUpstream upstream_;
};

TEST_F(ServerTest, AnswersJsonAsTheContractSays) {
  v1::GetSummaryResponse summary;
  summary.mutable_overall()->set_total(100);
  summary.mutable_overall()->set_percent("26.77");
  summary.mutable_overall()->set_reached(false);
  summary.set_sequence(7);
  upstream_.SetSummary(summary);
  testing::RunningGateway gateway(upstream_.address());
  const RawResponse response = testing::Fetch(gateway.port(), Request("GET", kSummary));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(response.body,
            R"({"overall":{"total":"100","online":"0","counter":"0","postal":"0","unknown":"0",)"
            R"("percent":"26.77","reached":false,"basis":"NONE"},"levels":[],"definition_id":"",)"
            R"("definition_version":0,"ledger_id":"","sequence":"7","structure":"",)"
            R"("compare_definition_id":"","compare_definition_version":0})"
            "\n");
}

TEST_F(ServerTest, KeepsAConnectionAndAnswersPipelinedRequestsInOrder) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  std::string requests;
  constexpr int kRequests = 50;
  for (int i = 0; i < kRequests; ++i) {
    absl::StrAppend(&requests, Request("GET", absl::StrCat("/v1/units/u", i, "/ratio")));
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_THAT(client.Read().body, HasSubstr(absl::StrCat("\"unit_id\":\"u", i, "\"")));
  }
}

TEST_F(ServerTest, KeepsTheConnectionAfterARefusalWhoseBodyWasRead) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(Request("POST", "/v1/dossiers:batchWrite", "{x")));
  EXPECT_EQ(client.Read().status, 400);
  ASSERT_TRUE(client.Send(Request("GET", kSummary)));
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(ServerTest, NeverTakesAnUnreadBodyForTheNextRequest) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  const std::string smuggled = Request("GET", kSummary);
  ASSERT_TRUE(client.Send(Request("POST", "/v1/nothing", smuggled, "text/plain")));
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(upstream_.calls(), 0);
}

TEST_F(ServerTest, ClosesAfterConnectionCloseAndHttp10) {
  testing::RunningGateway gateway(upstream_.address());
  for (const char* request : {"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                              "GET /healthz HTTP/1.0\r\n\r\n"}) {
    RawClient client(gateway.port());
    ASSERT_TRUE(client.Send(request));
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("connection"), "close");
    EXPECT_TRUE(client.IsClosed());
  }
}

TEST_F(ServerTest, AnswersHeadWithoutABodyAndOptionsWithTheVerbs) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(Request("HEAD", kSummary)));
  const RawResponse head = client.Read(/*head=*/true);
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.headers.at("content-length"), "0");
  ASSERT_TRUE(client.Send(Request("OPTIONS", "/v1/imports")));
  const RawResponse options = client.Read();
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.at("allow"), "GET, HEAD, OPTIONS, POST");
  ASSERT_TRUE(client.Send(Request("OPTIONS", "*")));
  EXPECT_EQ(client.Read().status, 204);
  ASSERT_TRUE(client.Send(Request("OPTIONS", "/v1/nothing")));
  EXPECT_EQ(client.Read().status, 404);
}

TEST_F(ServerTest, TakesASaneRequestIdAndReplacesAnyOther) {
  testing::RunningGateway gateway(upstream_.address());
  const auto id_of = [&](const std::string& header) {
    return testing::Fetch(gateway.port(), Request("GET", kSummary, "", "", header))
        .headers.at("x-request-id");
  };
  EXPECT_EQ(id_of("X-Request-Id: abc-123._Z\r\n"), "abc-123._Z");
  EXPECT_EQ(upstream_.last_request_id(), "abc-123._Z");
  for (const std::string& bad :
       {std::string(), std::string("X-Request-Id: \r\n"), std::string("X-Request-Id: <b>\r\n"),
        absl::StrCat("X-Request-Id: ", std::string(65, 'a'), "\r\n")}) {
    EXPECT_THAT(id_of(bad), ::testing::MatchesRegex("[0-9a-f]{32}"));
  }
}

TEST_F(ServerTest, PassesADeadlineOnAndAnswers504WhenItPasses) {
  Limits limits;
  limits.call_time = absl::Milliseconds(200);
  testing::RunningGateway gateway(upstream_.address(), limits);
  upstream_.Hold();
  const RawResponse response = testing::Fetch(gateway.port(), Request("GET", kSummary));
  EXPECT_EQ(response.status, 504);
  EXPECT_THAT(response.body, HasSubstr("DEADLINE_EXCEEDED"));
  // gRPC rounds it up on its way.
  EXPECT_LT(upstream_.last_time_left(), absl::Seconds(1));
}

TEST_F(ServerTest, Answers503WithoutInternalTextWhenAServiceIsDown) {
  testing::RunningGateway gateway("127.0.0.1:1");
  const RawResponse response = testing::Fetch(gateway.port(), Request("GET", kSummary));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.at("retry-after"), "1");
  EXPECT_THAT(response.body, HasSubstr("the aggregation service is not available"));
  EXPECT_THAT(response.body, Not(HasSubstr("127.0.0.1")));
}

TEST_F(ServerTest, ReportsHealthOfEachService) {
  testing::RunningGateway gateway(upstream_.address());
  EXPECT_EQ(testing::Fetch(gateway.port(), Request("GET", "/healthz")).status, 200);
  RawResponse ready = testing::Fetch(gateway.port(), Request("GET", "/readyz"));
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr(R"("ready":true)"));
  upstream_.SetServing(false);
  ready = testing::Fetch(gateway.port(), Request("GET", "/readyz"));
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr(R"("alerting":{"serving":false)"));
  EXPECT_EQ(testing::Fetch(gateway.port(), Request("GET", "/healthz")).status, 200);
}

// --- Slow and greedy clients
// ----------------------------------------------------------------------

TEST_F(ServerTest, Answers408WhenHeadersTakeTooLong) {
  Limits limits;
  limits.header_time = absl::Milliseconds(150);
  testing::RunningGateway gateway(upstream_.address(), limits);
  RawClient client(gateway.port());
  // A byte now and then does not help: the time is for the whole header.
  ASSERT_TRUE(client.Send("GET /healthz HTTP/1.1\r\nHost: a\r\nX-"));
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 408);
  EXPECT_THAT(response.body, HasSubstr("header took too long"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, ASlowlorisOfDripsIsCutOffInTheSameTime) {
  Limits limits;
  limits.header_time = absl::Milliseconds(300);
  testing::RunningGateway gateway(upstream_.address(), limits);
  RawClient client(gateway.port());
  const absl::Time start = absl::Now();
  client.Send("GET /healthz HTTP/1.1\r\n");
  // Drips as fast as the peer's answers allow: stops when the server has closed.
  timeval drip{0, 20000};
  setsockopt(client.socket().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &drip, sizeof drip);
  while (!client.IsClosed() && absl::Now() - start < absl::Seconds(20)) {
    if (!client.Send("X: y\r\n")) break;
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_EQ(upstream_.calls(), 0);
}

TEST_F(ServerTest, Answers408WhenAJsonBodyTakesTooLong) {
  Limits limits;
  limits.body_time = absl::Milliseconds(150);
  testing::RunningGateway gateway(upstream_.address(), limits);
  RawClient client(gateway.port());
  ASSERT_TRUE(
      client.Send("POST /v1/dossiers:batchWrite HTTP/1.1\r\nHost: a\r\nContent-Type: "
                  "application/json\r\nContent-Length: 100\r\n\r\n{"));
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_EQ(upstream_.calls(), 0);
}

TEST_F(ServerTest, Answers408AndCancelsWhenAnUploadStandsStill) {
  Limits limits;
  limits.upload_idle_time = absl::Milliseconds(150);
  testing::RunningGateway gateway(upstream_.address(), limits);
  RawClient client(gateway.port());
  ASSERT_TRUE(
      client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"));
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(upstream_.WaitForCancelled(1));
}

TEST_F(ServerTest, ClosesAnIdleConnection) {
  Limits limits;
  limits.idle_time = absl::Milliseconds(100);
  testing::RunningGateway gateway(upstream_.address(), limits);
  RawClient silent(gateway.port());
  EXPECT_TRUE(silent.IsClosed());
  RawClient once(gateway.port());
  ASSERT_TRUE(once.Send(Request("GET", "/healthz")));
  EXPECT_EQ(once.Read().status, 200);
  EXPECT_TRUE(once.IsClosed());
}

TEST_F(ServerTest, Refuses503BeyondTheMostConnectionsAndRecovers) {
  Limits limits;
  limits.connections_max = 2;
  testing::RunningGateway gateway(upstream_.address(), limits);
  {
    RawClient first(gateway.port());
    RawClient second(gateway.port());
    for (RawClient* client : {&first, &second}) {
      ASSERT_TRUE(client->Send(Request("GET", "/healthz")));
      EXPECT_EQ(client->Read().status, 200);
    }
    RawClient third(gateway.port());
    const RawResponse refused = third.Read();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.at("retry-after"), "1");
    EXPECT_THAT(refused.body, HasSubstr("too many connections"));
    EXPECT_THAT(gateway.Metrics(), HasSubstr("dondoc_gateway_connections_refused_total 1"));
  }
  EXPECT_TRUE(EventuallyHas(gateway, "dondoc_gateway_connections 0"));
  EXPECT_EQ(testing::Fetch(gateway.port(), Request("GET", "/healthz")).status, 200);
}

// --- Uploads and downloads
// ------------------------------------------------------------------------

TEST_F(ServerTest, StreamsAnUploadWithFlatMemory) {
  testing::RunningGateway gateway(upstream_.address());
  constexpr std::int64_t kBytes = 64 << 20;
  const std::string block(1 << 20, 'x');
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(absl::StrCat(
      "POST /v1/imports?filename=a.csv HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n"
      "Content-Length: ",
      kBytes, "\r\n\r\n")));
  ASSERT_TRUE(client.Send(block));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  const std::int64_t before = ResidentBytes();
  std::int64_t largest = before;
  for (std::int64_t sent = 1 << 20; sent < kBytes; sent += 1 << 20) {
    ASSERT_TRUE(client.Send(block));
    largest = std::max(largest, ResidentBytes());
  }
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"bytes\":\"", kBytes, "\"")));
  EXPECT_EQ(upstream_.upload_bytes(), kBytes);
  EXPECT_LE(upstream_.largest_piece(), std::int64_t{kPieceBytesMax});
  EXPECT_THAT(upstream_.last_request(), HasSubstr("filename: \"a.csv\""));
  // Both ends are in this process; without flow control all 64 MiB would be.
  if (kMemoryIsMeasurable) {
    EXPECT_LT(largest - before, 24 << 20);
  }
}

TEST_F(ServerTest, ASlowServiceSlowsTheClientDownInsteadOfFillingMemory) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.Hold();  // the service takes the first message and then nothing
  RawClient client(gateway.port());
  ASSERT_TRUE(
      client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 268435456\r\n\r\n"));
  ASSERT_TRUE(client.Send("x"));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  // Sends without waiting until the socket takes no more for a while.
  const std::string block(1 << 20, 'x');
  std::int64_t sent = 0;
  timeval patience{0, 300000};
  setsockopt(client.socket().native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  while (true) {
    const ssize_t bytes = send(client.socket().native_handle(), block.data(), block.size(), 0);
    if (bytes <= 0) break;
    sent += bytes;
  }
  EXPECT_LT(sent, 64 << 20) << "256 MiB were on offer";
  // The end of the connection is behind the bytes that nobody has read yet.
  client.Close();
  upstream_.Release();
  EXPECT_TRUE(upstream_.WaitForCancelled(1));
}

TEST_F(ServerTest, Answers504WhenAServiceStopsTakingAnUpload) {
  Limits limits;
  limits.stall_time = absl::Milliseconds(200);
  testing::RunningGateway gateway(upstream_.address(), limits);
  upstream_.Hold();
  RawClient client(gateway.port());
  ASSERT_TRUE(
      client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n"));
  std::thread sending([&] {
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 64 && client.Send(block); ++i) {
    }
  });
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 504);
  EXPECT_THAT(response.body, HasSubstr("stopped taking the body"));
  sending.join();
}

TEST_F(ServerTest, AnswersAnUploadThatTheServiceRefusesHalfway) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.SetUploadStopsAfter(2);
  RawClient client(gateway.port());
  client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
  for (int i = 0; i < 16; ++i) client.Send(std::string(256 << 10, 'x'));
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("\"field\":\"import_id\""));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, AnswersAnUploadRefusedWhileTheClientIsSilent) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.SetUploadStopsAfter(1);
  RawClient client(gateway.port());
  client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
  // The rest never comes; the answer does, long before the upload's idle time.
  EXPECT_EQ(client.Read().status, 400);
}

TEST_F(ServerTest, SaysContinueToAClientThatAsksAndNotToOneItRefuses) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(
      "POST /v1/imports HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  EXPECT_THAT(client.ReadHead(), HasSubstr("100 Continue"));
  ASSERT_TRUE(client.Send("abc"));
  EXPECT_EQ(client.Read().status, 200);
  RawClient refused(gateway.port());
  ASSERT_TRUE(
      refused.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 99999999999\r\n\r\n"));
  EXPECT_THAT(refused.ReadHead(), HasSubstr("413"));
}

TEST_F(ServerTest, AnUploadCutOffByTheClientIsNeverTakenForWhole) {
  testing::RunningGateway gateway(upstream_.address());
  RawClient client(gateway.port());
  ASSERT_TRUE(
      client.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  client.Close();
  EXPECT_TRUE(upstream_.WaitForCancelled(1));
}

TEST_F(ServerTest, StreamsADownloadWithItsTypeAndName) {
  testing::RunningGateway gateway(upstream_.address());
  v1::RawBody first;
  first.set_content_type("text/csv; charset=utf-8");
  first.set_filename("dòng bị loại.csv");
  first.set_data("a,b\n");
  v1::RawBody empty;
  v1::RawBody second;
  second.set_data(std::string(300000, 'x'));
  upstream_.SetPieces({first, empty, second}, grpc::Status::OK);
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(Request("GET", "/v1/imports/i/rejects:download")));
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(response.headers.at("content-type"), "text/csv; charset=utf-8");
  EXPECT_THAT(response.headers.at("content-disposition"),
              HasSubstr("filename*=UTF-8''d%C3%B2ng%20b%E1%BB%8B%20lo%E1%BA%A1i.csv"));
  EXPECT_EQ(response.body, "a,b\n" + std::string(300000, 'x'));
  // The connection goes on.
  ASSERT_TRUE(client.Send(Request("GET", "/healthz")));
  EXPECT_EQ(client.Read().status, 200);
  // HTTP/1.0 knows no chunks: the end of the connection is the end.
  const RawResponse old =
      testing::Fetch(gateway.port(), "GET /v1/imports/i/rejects:download HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.body.size(), response.body.size());
}

TEST_F(ServerTest, AnswersAProblemWhenADownloadFailsBeforeItsFirstPiece) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.SetStatus(grpc::Status(grpc::StatusCode::NOT_FOUND, "no import 'i'"));
  const RawResponse response =
      testing::Fetch(gateway.port(), Request("GET", "/v1/imports/i/rejects:download"));
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("no import 'i'"));
}

TEST_F(ServerTest, ABrokenDownloadNeverLooksWhole) {
  // Envoy 5011: a stream answers 200 even on error.
  testing::RunningGateway gateway(upstream_.address());
  v1::RawBody piece;
  piece.set_data("half");
  upstream_.SetPieces({piece}, grpc::Status(grpc::StatusCode::INTERNAL, "disk"));
  for (const char* version : {"1.1", "1.0"}) {
    RawClient client(gateway.port());
    ASSERT_TRUE(client.Send(
        absl::StrCat("GET /v1/imports/i/rejects:download HTTP/", version, "\r\nHost: a\r\n\r\n")));
    const RawResponse response = client.Read();
    if (std::string(version) == "1.1") {
      EXPECT_FALSE(response.complete);
    }
    EXPECT_THAT(response.body, Not(HasSubstr("disk")));
  }
}

TEST_F(ServerTest, AClientThatTakesNothingOfADownloadIsGivenUp) {
  Limits limits;
  limits.write_idle_time = absl::Milliseconds(200);
  testing::RunningGateway gateway(upstream_.address(), limits);
  v1::RawBody piece;
  piece.set_data(std::string(1 << 20, 'x'));
  upstream_.SetPieces(std::vector<v1::RawBody>(64, piece), grpc::Status::OK);
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(Request("GET", "/v1/imports/i/rejects:download")));
  EXPECT_TRUE(upstream_.WaitForCancelled(1));
  EXPECT_TRUE(EventuallyHas(gateway, "dondoc_gateway_connections 0"));
}

TEST_F(ServerTest, ServesADocumentOfAServiceAsDataOnly) {
  testing::RunningGateway gateway(upstream_.address());
  v1::RawBody preview;
  preview.set_content_type("text/html; charset=utf-8");
  preview.set_data("<script>alert(1)</script>");
  upstream_.SetPreview(preview);
  const RawResponse response =
      testing::Fetch(gateway.port(), Request("GET", "/v1/reminders/r/preview"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(response.headers.at("content-disposition"), "inline");
  EXPECT_THAT(response.headers.at("content-security-policy"), HasSubstr("sandbox"));
  EXPECT_EQ(response.body, "<script>alert(1)</script>");
}

// --- Clients that go, and the end
// -----------------------------------------------------------------

TEST_F(ServerTest, CancelsTheCallWhenTheClientGoesAway) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.Hold();
  RawClient client(gateway.port());
  ASSERT_TRUE(client.Send(Request("GET", kSummary)));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  client.Close();
  EXPECT_TRUE(upstream_.WaitForCancelled(1));
  EXPECT_TRUE(EventuallyHas(gateway, "code=\"499\""));
  EXPECT_THAT(gateway.Metrics(), HasSubstr("dondoc_gateway_upstream_cancelled_total 1"));
}

TEST_F(ServerTest, DrainsRequestsUnderWayAndTakesNoNewOnes) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.Hold();
  RawClient idle(gateway.port());
  ASSERT_TRUE(idle.Send(Request("GET", "/healthz")));
  EXPECT_EQ(idle.Read().status, 200);
  RawClient busy(gateway.port());
  ASSERT_TRUE(busy.Send(Request("GET", kSummary)));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  std::thread stopping([&] { gateway.server().Stop(absl::Seconds(30)); });
  // The idle connection is closed at once, the busy one only after its answer.
  EXPECT_TRUE(idle.IsClosed());
  RawClient late(gateway.port());
  EXPECT_TRUE(late.IsClosed());
  upstream_.Release();
  const RawResponse response = busy.Read();
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(busy.IsClosed());
  stopping.join();
}

TEST_F(ServerTest, BreaksOffWhatDoesNotEndInTheDrainTime) {
  testing::RunningGateway gateway(upstream_.address());
  upstream_.Hold();
  RawClient busy(gateway.port());
  ASSERT_TRUE(busy.Send(Request("GET", kSummary)));
  ASSERT_TRUE(upstream_.WaitForCalls(1));
  RawClient uploading(gateway.port());
  ASSERT_TRUE(
      uploading.Send("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"));
  ASSERT_TRUE(upstream_.WaitForCalls(2));
  const absl::Time start = absl::Now();
  gateway.server().Stop(absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_TRUE(upstream_.WaitForCancelled(2));
  EXPECT_TRUE(busy.IsClosed());
}

TEST_F(ServerTest, RefusesAPortThatIsTakenAndNamesIt) {
  testing::RunningGateway first(upstream_.address());
  prometheus::Registry registry;
  auto routes =
      RouteTable::Build({}, UpstreamOf, *google::protobuf::MessageFactory::generated_factory());
  Backend backend{{}, *std::move(routes), {}, GatewayMetrics(registry, {})};
  const std::string address = absl::StrCat("127.0.0.1:", first.port());
  EXPECT_THAT(Server::Start({address, 1}, backend),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address)));
}

TEST_F(ServerTest, CountsByTemplateNeverByPath) {
  testing::RunningGateway gateway(upstream_.address());
  testing::Fetch(gateway.port(), Request("GET", "/v1/dossiers/H34.14-231115-0001"));
  testing::Fetch(gateway.port(), Request("GET", "/v1/secret-path"));
  ASSERT_TRUE(EventuallyHas(
      gateway, "dondoc_gateway_requests_total{code=\"200\",route=\"GET /v1/dossiers/{code}\"} 1"));
  ASSERT_TRUE(
      EventuallyHas(gateway, "dondoc_gateway_requests_total{code=\"404\",route=\"none\"} 1"));
  EXPECT_THAT(gateway.Metrics(), Not(HasSubstr("H34")));
  EXPECT_THAT(gateway.Metrics(), Not(HasSubstr("secret")));
}

// --- The page
// -------------------------------------------------------------------------------------

TEST_F(ServerTest, ServesThePageLockedDownAndCacheable) {
  testing::RunningGateway gateway(upstream_.address());
  struct File {
    const char* path;
    const char* type;
  };
  for (const File& file :
       {File{"/", "text/html; charset=utf-8"}, File{"/app.js", "text/javascript; charset=utf-8"},
        File{"/style.css", "text/css; charset=utf-8"}, File{"/icon.svg", "image/svg+xml"}}) {
    const RawResponse page = testing::Fetch(gateway.port(), Request("GET", file.path));
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.headers.at("content-type"), file.type);
    EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(page.headers.at("content-security-policy"), Not(HasSubstr("unsafe")));
    const std::string etag = page.headers.at("etag");
    const RawResponse again = testing::Fetch(
        gateway.port(),
        Request("GET", file.path, "", "", absl::StrCat("If-None-Match: \"x\", ", etag, "\r\n")));
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.headers.at("etag"), etag);
  }
}

}  // namespace
}  // namespace dondoc::gateway
