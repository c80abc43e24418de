#include "gateway/problem.h"

#include <vector>

#include "dondoc/v1/dossiers.pb.h"
#include "gateway/json_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dondoc::gateway {
namespace {

TEST(ProblemTest, GivesEveryCodeItsHttpStatus) {
  struct Case {
    absl::StatusCode code;
    int http_status;
  };
  // style §3.3, all seventeen codes.
  const std::vector<Case> cases = {
      {absl::StatusCode::kOk, 200},
      {absl::StatusCode::kCancelled, 499},
      {absl::StatusCode::kUnknown, 500},
      {absl::StatusCode::kInvalidArgument, 400},
      {absl::StatusCode::kDeadlineExceeded, 504},
      {absl::StatusCode::kNotFound, 404},
      {absl::StatusCode::kAlreadyExists, 409},
      {absl::StatusCode::kPermissionDenied, 403},
      {absl::StatusCode::kResourceExhausted, 429},
      {absl::StatusCode::kFailedPrecondition, 400},
      {absl::StatusCode::kAborted, 409},
      {absl::StatusCode::kOutOfRange, 400},
      {absl::StatusCode::kUnimplemented, 501},
      {absl::StatusCode::kInternal, 500},
      {absl::StatusCode::kUnavailable, 503},
      {absl::StatusCode::kDataLoss, 500},
      {absl::StatusCode::kUnauthenticated, 401},
      {static_cast<absl::StatusCode>(99), 500},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(HttpStatusOf(each.code), each.http_status) << absl::StatusCodeToString(each.code);
    EXPECT_NE(ReasonOf(each.http_status), "");
  }
}

TEST(ProblemTest, HidesTheTextOfOurOwnFaults) {
  for (const auto code :
       {absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kDataLoss}) {
    const Problem problem = ProblemOf(absl::Status(code, "rocksdb at /var/lib: secret"), nullptr);
    EXPECT_EQ(problem.http_status, 500);
    EXPECT_THAT(problem.detail, ::testing::Not(::testing::HasSubstr("secret")));
  }
}

TEST(ProblemTest, FindsTheFieldThatAMessageBeginsWith) {
  const auto* request = v1::BatchWriteDossiersRequest::descriptor();
  struct Case {
    const char* message;
    const char* field;
  };
  const std::vector<Case> cases = {
      {"dossiers[2].code: 'x y' has a space", "dossiers[2].code"},
      {"covers.unit_ids[0]: no such unit", "covers.unit_ids[0]"},
      {"covers: no days", "covers"},
      {"batch: 70000 dossiers, limit 10000", ""},  // begins like one, but is none of the request's
      {"dossiers[x].code: no", ""},
      {"dossiers[2.code: no", ""},
      {"dossiers[2].codes: no", ""},
      {"dossiers[2].code.more: no", ""},
      {"no colon at all", ""},
      {": nothing before", ""},
      {"", ""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(ProblemOf(absl::InvalidArgumentError(each.message), request).field, each.field)
        << each.message;
  }
  EXPECT_EQ(ProblemOf(absl::NotFoundError("covers: none"), request).field, "");
}

TEST(ProblemTest, KeepsAFieldWithOddCharactersWhole) {
  const absl::Status status = FieldError("a: b", "unknown query field");
  EXPECT_EQ(status.message(), "a: b: unknown query field");
  EXPECT_EQ(ProblemOf(status, nullptr).field, "a: b");
}

TEST(ProblemTest, WritesRfc9457) {
  Problem problem{404, absl::StatusCode::kNotFound, "no \"unit\"\n", "unit_id", "", 0};
  EXPECT_EQ(ProblemBody(problem, "id-1"),
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"no \\\"unit\\\"\\n\",\"code\":\"NOT_FOUND\",\"field\":\"unit_id\","
            "\"request_id\":\"id-1\"}\n");
}

TEST(ProblemTest, TellsWhenToComeBackFromUnavailable) {
  EXPECT_GT(ProblemOf(absl::UnavailableError("later"), nullptr).retry_after_seconds, 0);
  EXPECT_EQ(ProblemOf(absl::NotFoundError("no"), nullptr).retry_after_seconds, 0);
}

TEST(JsonTextTest, NeverWritesBytesThatAreNotUtf8) {
  std::string out;
  AppendJsonString("a\xff\xc0\xaf\xed\xa0\x80\xf5\xe2\x82", out);
  EXPECT_TRUE(IsUtf8(out));
  out.clear();
  AppendJsonString("\xe2\x80\xa8\xe2\x80\xa9\x7f\x01", out);
  EXPECT_EQ(out, "\"\\u2028\\u2029\\u007f\\u0001\"");
}

TEST(JsonTextTest, KnowsUtf8) {
  for (const char* good : {"", "a", "é", "€", "😀", "\xf4\x8f\xbf\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc1\x81", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xc3"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace dondoc::gateway
