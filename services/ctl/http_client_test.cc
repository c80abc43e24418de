#include "services/ctl/http_client.h"

#include <cstdio>

#include "dondoc/v1/units.pb.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/api_client.h"
#include "services/ctl/files.h"
#include "services/ctl/testing/fake_api.h"

namespace dondoc::ctl {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using testing::ApiRequest;
using testing::ApiResponse;
using testing::FakeApi;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kTimeout = absl::Seconds(20);

TEST(HttpClientTest, EscapesWhatItSendsAndReadsTheAnswer) {
  FakeApi server([](const ApiRequest&) {
    ApiResponse response;
    response.body = "{}";
    response.content_type = "application/json; charset=utf-8";
    response.request_id = "req-1";
    return response;
  });
  HttpClient http(server.url(), kTimeout);
  HttpRequest request;
  request.path = "/v1/dossiers/" + EscapeSegment("H34/14 ?&");
  request.query = {{"known_at", "2023-11-20T08:00:00+07:00"}, {"filename", "tuần 46&x=1.csv"}};
  const auto response = http.Send(request);
  ASSERT_OK(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_EQ(response->request_id, "req-1");
  EXPECT_EQ(response->body, "{}");
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].target,
            "/v1/dossiers/H34%2F14%20%3F%26?known_at=2023-11-20T08%3A00%3A00%2B07%3A00"
            "&filename=tu%E1%BA%A7n%2046%26x%3D1.csv");
}

TEST(HttpClientTest, SendsAFileWholeAndSaysHowFarItIs) {
  const dondoc::testing::TempDir folder;
  const std::string content(3'000'000, 'x');
  ASSERT_OK(WriteFile(folder.File("big"), content));
  FakeApi server([](const ApiRequest&) { return ApiResponse(); });
  HttpClient http(server.url(), kTimeout);
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/imports";
  request.content_type = "text/csv";
  request.body_file = std::fopen(folder.File("big").c_str(), "rb");
  ASSERT_NE(request.body_file, nullptr);
  request.body_bytes = static_cast<int64_t>(content.size());
  int64_t last = 0;
  request.on_sent = [&](int64_t bytes) {
    EXPECT_GE(bytes, last);
    last = bytes;
  };
  const auto response = http.Send(request);
  std::fclose(request.body_file);
  ASSERT_OK(response);
  EXPECT_EQ(last, request.body_bytes);
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].body, content);
  EXPECT_EQ(server.requests()[0].content_type, "text/csv");
}

TEST(HttpClientTest, NamesTheServerThatCannotBeReached) {
  std::string url;
  {
    const FakeApi gone([](const ApiRequest&) { return ApiResponse(); });
    url = gone.url();
  }
  HttpClient http(url, kTimeout);
  EXPECT_THAT(http.Send({.path = "/v1/summary"}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("không nối được tới " + url), Not(HasSubstr("\n")))));
}

TEST(HttpClientTest, TellsABrokenConnectionFromAnAnswer) {
  FakeApi server([](const ApiRequest&) {
    ApiResponse response;
    response.hang_up = true;
    return response;
  });
  HttpClient http(server.url(), kTimeout);
  EXPECT_THAT(http.Send({.path = "/"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("đứt kết nối")));
}

TEST(HttpClientTest, DoesNotFollowRedirects) {
  FakeApi server([](const ApiRequest&) {
    ApiResponse response;
    response.status = 302;
    return response;
  });
  HttpClient http(server.url(), kTimeout);
  ApiClient api(http);
  EXPECT_THAT(api.Call({.path = "/"}),
              StatusIs(absl::StatusCode::kUnknown, HasSubstr("trả lời 302")));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(ApiClientTest, TurnsAProblemIntoOneLineWithTheRequestId) {
  FakeApi server([](const ApiRequest&) {
    ApiResponse response;
    response.status = 400;
    response.content_type = "application/problem+json";
    response.body =
        R"({"type":"about:blank","title":"Bad Request","status":400,)"
        R"("detail":"from: '2023-13-01' is not a day","code":"INVALID_ARGUMENT","field":"from",)"
        R"("request_id":"r-42"})";
    return response;
  });
  HttpClient http(server.url(), kTimeout);
  ApiClient api(http);
  EXPECT_THAT(api.Call({.path = "/v1/summary"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "lỗi 400 INVALID_ARGUMENT: from: '2023-13-01' is not a day (mã yêu cầu "
                       "r-42)"));
}

TEST(ApiClientTest, SurvivesAnErrorThatIsNoProblemDocument) {
  HttpResponse response;
  response.status = 502;
  response.body = "<html>\x1b[31m";
  response.request_id = "r-7";
  EXPECT_THAT(
      ProblemStatus(response),
      StatusIs(absl::StatusCode::kUnknown, "lỗi 502: máy chủ không nói lý do (mã yêu cầu r-7)"));
  response.body = R"({"detail":"a\u001b[2J\nb","code":"NOT_FOUND"})";
  EXPECT_THAT(
      ProblemStatus(response),
      StatusIs(absl::StatusCode::kNotFound, "lỗi 502 NOT_FOUND: a\uFFFD[2J b (mã yêu cầu r-7)"));
  response.body = "{\"detail\":\"" + std::string(1'000'000, 'x') + "\"}";
  EXPECT_LT(ProblemStatus(response).message().size(), 2100u);
}

TEST(ApiClientTest, ForgivesFieldsOfANewerServerButNotNonsense) {
  v1::Unit unit;
  EXPECT_OK(FromJson(R"({"unit_id":"a","born":true})", "x", false, unit));
  EXPECT_THAT(FromJson(R"({"unit_id":"a","born":true})", "f.json", true, unit),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("f.json: JSON không hợp lệ"), HasSubstr("born"))));
  EXPECT_THAT(FromJson("<html>", "x", false, unit),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x: JSON không hợp lệ")));
}

}  // namespace
}  // namespace dondoc::ctl
