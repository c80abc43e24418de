// Requests and their answers through a whole gateway, each with where the rule comes from: a
// section of the design, an RFC, or the issue of another gateway that got it wrong.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/testing/fake_upstream.h"
#include "gateway/testing/raw_client.h"
#include "gateway/testing/running_gateway.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dondoc::gateway {
namespace {

using ::testing::HasSubstr;
using testing::RawResponse;
using testing::Request;

struct Case {
  const char* source;
  std::string request;
  int status;
  // For 200: the request that the service got (text format, part of it). Otherwise: part of the
  // problem's detail.
  std::string says;
  const char* code = "";   // gRPC code name of the problem
  const char* field = "";  // of the problem
};

std::string Get(const std::string& target) { return Request("GET", target); }
std::string Post(const std::string& target, const std::string& body,
                 const std::string& type = "application/json", const std::string& more = "") {
  return Request("POST", target, body, type, more);
}
// Without the headers that Request adds.
std::string Bare(const std::string& text) { return text; }

constexpr char kBatch[] = "/v1/dossiers:batchWrite";
constexpr char kInvalid[] = "INVALID_ARGUMENT";

const std::vector<Case>& GoodCases() {
  static const std::vector<Case> cases = {
      {"design §6", Get("/v1/summary?from=2023-01-01&to=2023-11-15&target_percent=50"), 200,
       "from: \"2023-01-01\" to: \"2023-11-15\" target_percent: \"50\""},
      {"design §6: enums in any case", Get("/v1/ratios?level=commune"), 200, "level: COMMUNE"},
      {"design §6: enums in any case", Get("/v1/summary?target_operator=gt"), 200,
       "target_operator: GT"},
      {"proto3 JSON: enum by number", Get("/v1/ratios?level=3"), 200, "level: COMMUNE"},
      {"optional enum, zero is set", Get("/v1/ratios?level=0"), 200, "level: UNSPECIFIED"},
      {"APISIX 821: int64 keeps its digits", Get("/v1/summary?as_of_sequence=9007199254740993"),
       200, "as_of_sequence: 9007199254740993"},
      {"optional int64, zero is set", Get("/v1/summary?min_sequence=0"), 200, "min_sequence: 0"},
      {"RFC 3339 offset in a query", Get("/v1/summary?known_at=2023-11-21T09:00:00%2B07:00"), 200,
       "known_at { seconds: 1700532000 }"},
      {"unescaped plus in a query", Get("/v1/summary?known_at=2023-11-21T09:00:00+07:00"), 200,
       "known_at { seconds: 1700532000 }"},
      {"http.proto: path variable", Get("/v1/units/kontum.so-y-te/ratio"), 200,
       "unit_id: \"kontum.so-y-te\""},
      {"http.proto: percent-encoded variable", Get("/v1/units/a%2Fb%20c/ratio"), 200,
       "unit_id: \"a/b c\""},
      {"RFC 3986: UTF-8 in a path", Get("/v1/units/s%E1%BB%9F/ratio"), 200,
       "unit_id: \"s\\341\\273\\237\""},
      {"a colon that is no verb", Get("/v1/dossiers/H34.14-231115:0001"), 200,
       "code: \"H34.14-231115:0001\""},
      {"an id that ends like a verb", Get("/v1/dossiers/x%3AbatchWrite"), 200,
       "code: \"x:batchWrite\""},
      {"RFC 9112 §3.2.2: absolute form",
       Bare("GET http://test/v1/units/a/ratio HTTP/1.1\r\nHost: test\r\n\r\n"), 200,
       "unit_id: \"a\""},
      {"RFC 9112 §9.3: HTTP/1.0", Bare("GET /v1/units/a/ratio HTTP/1.0\r\n\r\n"), 200,
       "unit_id: \"a\""},
      {"RFC 9112 §5: no space is needed after the colon",
       Bare("GET /v1/units/a/ratio HTTP/1.1\r\nHost:test\r\n\r\n"), 200, "unit_id: \"a\""},
      {"design §6: batch", Post(kBatch, R"({"dossiers":[{"code":"A-1","channel":"online"}]})"), 200,
       "dossiers { code: \"A-1\" channel: ONLINE }"},
      {"proto3 JSON: lowerCamelCase is read too", Post(kBatch, R"({"dossiers":[{"unitId":"u"}]})"),
       200, "unit_id: \"u\""},
      {"RFC 9110 §8.3: parameters of the type",
       Post(kBatch, "{}", "Application/JSON; charset=utf-8"), 200, ""},
      {"custom verb", Post("/v1/imports/i-1:apply", R"({"confirm_withdrawals":true})"), 200,
       "import_id: \"i-1\" confirm_withdrawals: true"},
      {"body: \"*\" and no body", Post("/v1/imports/i-1:apply", ""), 200, "import_id: \"i-1\""},
      {"path field again in the body", Post("/v1/imports/i-1:apply", R"({"import_id":"i-1"})"), 200,
       "import_id: \"i-1\""},
      {"body: a field", Post("/v1/campaigns", R"({"campaign_id":"c"})"), 200,
       "campaign { campaign_id: \"c\" }"},
      {"RFC 9112 §7.1: chunked JSON",
       Bare(absl::StrCat("POST ", kBatch,
                         " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{\"dos\r\nc\r\nsiers\":[{}]}"
                         "\r\n0\r\nTrailer: t\r\n\r\n")),
       200, "dossiers { }"},
      {"raw body, query fields first",
       Post("/v1/imports?filename=b%C3%A1o.csv&channel=online&covers_unit_ids=a&covers_unit_ids=b",
            "a,b", "text/csv"),
       200, "covers_unit_ids: \"a\" covers_unit_ids: \"b\" body { content_type: \"text/csv\" }"},
      {"Kong 14907: repeated field given once", Post("/v1/imports?covers_unit_ids=a", "x"), 200,
       "covers_unit_ids: \"a\""},
      {"curl --data-binary's own type",
       Post("/v1/imports", "x", "application/x-www-form-urlencoded"), 200, "content_type:"},
      {"raw body, empty", Post("/v1/imports?filename=a", ""), 200, "filename: \"a\""},
      {"bool in a query", Post("/v1/imports?preview=true", "x"), 200, "preview: true"},
  };
  return cases;
}

const std::vector<Case>& BadUrlCases() {
  static const std::vector<Case> cases = {
      {"style §3.3", Get("/v1/nothing"), 404, "'/v1/nothing'", "NOT_FOUND"},
      {"style §3.3", Get("/v2/summary"), 404, "", "NOT_FOUND"},
      {"trailing slash is another path", Get("/v1/summary/"), 404, "", "NOT_FOUND"},
      {"Envoy 5010: unknown path, whatever the type", Post("/v1/nothing", "x", "application/xml"),
       404, "", "NOT_FOUND"},
      {"no RPC is reachable by its gRPC name", Post("/dondoc.v1.FeedService/GetHead", "{}"), 404,
       "", "NOT_FOUND"},
      {"no files but ours", Get("/../../etc/passwd"), 404, "", "NOT_FOUND"},
      {"RFC 9110 §15.5.6", Request("DELETE", "/v1/summary"), 405, "GET, HEAD, OPTIONS",
       "UNIMPLEMENTED"},
      {"RFC 9110 §15.5.6", Get(kBatch), 405, "OPTIONS, POST", "UNIMPLEMENTED"},
      {"methods are case-sensitive (RFC 9110 §9.1)", Request("get", "/v1/summary"), 405, "",
       "UNIMPLEMENTED"},
      {"own paths", Request("DELETE", "/healthz"), 405, "GET, HEAD, OPTIONS", "UNIMPLEMENTED"},
      {"TRACE is not served", Request("TRACE", "/v1/summary"), 405, "", "UNIMPLEMENTED"},
      {"Envoy 9395: unknown query field is named", Get("/v1/summary?colour=red"), 400,
       "unknown query field", kInvalid, "colour"},
      {"unknown nested query field", Get("/v1/summary?known_at.hour=1"), 400, "unknown query field",
       kInvalid, "known_at.hour"},
      {"query field bound by the path", Get("/v1/units/a/ratio?unit_id=b"), 400, "set by the path",
       kInvalid, "unit_id"},
      {"query beside body: \"*\"", Post("/v1/imports/i:apply?confirm_withdrawals=true", "{}"), 400,
       "in its body", kInvalid, "confirm_withdrawals"},
      {"query into the body's field", Post("/v1/imports?body.data=x", "x"), 400, "is set by",
       kInvalid, "body.data"},
      {"single field twice", Get("/v1/summary?from=a&from=b"), 400, "given twice", kInvalid,
       "from"},
      {"APISIX 11355: a word is no number", Get("/v1/ratios?page_size=a"), 400, "32-bit integer",
       kInvalid, "page_size"},
      {"number too large", Get("/v1/ratios?page_size=2147483648"), 400, "32-bit integer", kInvalid,
       "page_size"},
      {"enum word unknown", Get("/v1/ratios?level=VILLAGE"), 400, "PROVINCE, DISTRICT, COMMUNE",
       kInvalid, "level"},
      {"instant without offset", Get("/v1/summary?known_at=2023-11-21T09:00:00"), 400, "instant",
       kInvalid, "known_at"},
      {"bad percent-encoding in the path", Get("/v1/units/%zz/ratio"), 400, "hex digits", kInvalid,
       "unit_id"},
      {"not UTF-8 in the path", Get("/v1/units/%ff/ratio"), 400, "UTF-8", kInvalid, "unit_id"},
      {"NUL in the path", Get("/v1/units/%00/ratio"), 400, "NUL", kInvalid, "unit_id"},
      {"bad percent-encoding in the query", Get("/v1/summary?from=%"), 400, "hex digits", kInvalid,
       "from"},
  };
  return cases;
}

const std::vector<Case>& BadBodyCases() {
  static const std::vector<Case> cases = {
      {"design §6: unknown JSON field", Post(kBatch, R"({"dosiers":[]})"), 400, "unknown field",
       kInvalid, "dosiers"},
      {"unknown nested field", Post(kBatch, R"({"dossiers":[{},{"owner":"A"}]})"), 400,
       "unknown field", kInvalid, "dossiers[1].owner"},
      {"protobuf 3.21 takes it: duplicate key", Post(kBatch, R"({"dossiers":[],"dossiers":[]})"),
       400, "given twice", kInvalid, "dossiers"},
      {"protobuf 3.21 takes it: single quotes", Post(kBatch, "{'dossiers':[]}"), 400, "not JSON",
       kInvalid},
      {"protobuf 3.21 takes it: trailing comma", Post(kBatch, R"({"dossiers":[],})"), 400,
       "not JSON", kInvalid},
      {"protobuf 3.21 takes it: scalar for a list", Post(kBatch, R"({"dossiers":5})"), 400,
       "an array is expected", kInvalid, "dossiers"},
      {"Envoy 21490: depth", Post(kBatch, std::string(4000, '[')), 400, "", kInvalid},
      {"lone surrogate", Post(kBatch, R"({"dossiers":[{"code":"\ud800"}]})"), 400, "not JSON",
       kInvalid},
      {"not UTF-8", Post(kBatch, "{\"dossiers\":[{\"code\":\"\xff\"}]}"), 400, "not JSON",
       kInvalid},
      {"list as the body", Post(kBatch, "[]"), 400, "an object is expected", kInvalid},
      {"nothing but a brace", Post(kBatch, "{"), 400, "not JSON", kInvalid},
      {"enum word unknown", Post(kBatch, R"({"dossiers":[{"channel":"PIGEON"}]})"), 400,
       "'PIGEON' is not one of", kInvalid, "dossiers[0].channel"},
      {"instant that cannot be read", Post(kBatch, R"({"dossiers":[{"received_time":"x"}]})"), 400,
       "instant", kInvalid, "dossiers[0].received_time"},
      {"body says another id", Post("/v1/imports/a:apply", R"({"import_id":"b"})"), 400,
       "another value than the path", kInvalid, "import_id"},
      {"body: a field, and empty", Post("/v1/campaigns", ""), 400, "body is empty", kInvalid,
       "campaign"},
      {"error inside body: a field", Post("/v1/campaigns", R"({"x":1})"), 400, "unknown field",
       kInvalid, "campaign.x"},
      {"style §3.3: wrong type", Post(kBatch, "{}", "text/plain"), 415, "application/json",
       kInvalid},
      {"style §3.3: no type", Post(kBatch, "{}", ""), 415, "application/json", kInvalid},
      {"RFC 9110 §15.5.16: content coding",
       Post(kBatch, "{}", "application/json", "Content-Encoding: gzip\r\n"), 415,
       "Content-Encoding", kInvalid},
      {"a form is not a file", Post("/v1/imports", "--x", "multipart/form-data; boundary=x"), 415,
       "--data-binary", kInvalid},
      {"GET with a body", Request("GET", "/v1/summary", "{}"), 400, "takes no body", kInvalid},
      {"etcd 21651: refused by its length, before it is read",
       Bare(absl::StrCat("POST ", kBatch,
                         " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                         "Content-Length: 99999999999\r\n\r\n")),
       413, "larger than 4096 bytes", "RESOURCE_EXHAUSTED"},
      {"the same for an upload",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\n\r\n"), 413,
       "larger than 1048576 bytes", "RESOURCE_EXHAUSTED"},
      {"chunked body over the limit",
       Bare(absl::StrCat("POST ", kBatch,
                         " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n2000\r\n",
                         std::string(0x2000, ' '), "\r\n0\r\n\r\n")),
       413, "larger than 4096 bytes", "RESOURCE_EXHAUSTED"},
  };
  return cases;
}

const std::vector<Case>& BadHttpCases() {
  static const std::vector<Case> cases = {
      {"not HTTP", Bare("HELO mail\r\n\r\n"), 400, "", kInvalid},
      {"RFC 9112 §3: three words", Bare("GET /\r\nHost: t\r\n\r\n"), 400, "", kInvalid},
      {"HTTP/2 preface", Bare("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "HTTP/1.1",
       "UNIMPLEMENTED"},
      {"RFC 9112 §3.2: no Host", Bare("GET /healthz HTTP/1.1\r\n\r\n"), 400, "Host", kInvalid},
      {"RFC 9112 §3.2: two Hosts", Bare("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400,
       "Host", kInvalid},
      {"RFC 9112 §5.1: space before the colon", Bare("GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n"),
       400, "", kInvalid},
      {"RFC 9112 §6.3: length and chunks",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       400, "", kInvalid},
      {"the same the other way round",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            "Content-Length: 3\r\n\r\n0\r\n\r\n"),
       400, "", kInvalid},
      {"RFC 9112 §6.3: two lengths",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: "
            "4\r\n\r\nabcd"),
       400, "", kInvalid},
      {"negative length",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"), 400, "",
       kInvalid},
      {"a coding that is not chunked",
       Bare("POST /v1/imports HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), 400,
       "chunked", kInvalid},
      {"bad chunk size",
       Bare(absl::StrCat("POST ", kBatch,
                         " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
       400, "", kInvalid},
      {"RFC 6585 §5: header too large",
       Bare(absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\nX: ", std::string(9000, 'x'), "\r\n\r\n")),
       431, "2048 bytes", "RESOURCE_EXHAUSTED"},
      {"RFC 9110 §15.5.15: line too long, over the header limit",
       Bare(absl::StrCat("GET /", std::string(9000, 'x'), " HTTP/1.1\r\nHost: a\r\n\r\n")), 414, "",
       "RESOURCE_EXHAUSTED"},
      {"RFC 9110 §15.5.15: line too long, over its own limit",
       Get(absl::StrCat("/v1/summary?from=", std::string(1100, 'x'))), 414, "1024 bytes",
       "RESOURCE_EXHAUSTED"},
      {"RFC 9110 §10.1.1", Request("GET", "/healthz", "", "", "Expect: the-unexpected\r\n"), 417,
       "100-continue", kInvalid},
      {"CONNECT is no path", Bare("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), 400, "no path",
       kInvalid},
      {"a page of another site cannot write",
       Post("/v1/imports", "x", "text/plain", "Origin: http://evil.example\r\n"), 403,
       "another site", "PERMISSION_DENIED"},
  };
  return cases;
}

class RequestTableTest : public ::testing::Test {
 protected:
  static Limits SmallLimits() {
    Limits limits;
    limits.header_bytes_max = 2048;
    limits.target_bytes_max = 1024;
    limits.json_body_bytes_max = 4096;
    limits.upload_bytes_max = 1 << 20;
    return limits;
  }

  void ExpectProblem(const Case& each) {
    SCOPED_TRACE(absl::StrCat(each.source, "\n", each.request.substr(0, 300)));
    const int calls = upstream_.calls();
    const RawResponse response = testing::Fetch(gateway_.port(), each.request);
    EXPECT_EQ(response.status, each.status) << response.body;
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"status\":", each.status, ",")));
    EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"code\":\"", each.code, "\"")));
    EXPECT_THAT(response.body, HasSubstr(each.says));
    EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"request_id\":\"",
                                                      response.headers.at("x-request-id"), "\"")));
    if (*each.field != '\0') {
      EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"field\":\"", each.field, "\"")));
    }
    if (each.status == 405) {
      EXPECT_NE(response.headers.at("allow"), "");
    }
    EXPECT_EQ(upstream_.calls(), calls) << "a refused request reached the service";
  }

  testing::FakeUpstream upstream_;
  testing::RunningGateway gateway_{upstream_.address(), SmallLimits()};
};

TEST_F(RequestTableTest, PassesGoodRequestsOn) {
  for (const Case& each : GoodCases()) {
    SCOPED_TRACE(absl::StrCat(each.source, "\n", each.request.substr(0, 300)));
    const RawResponse response = testing::Fetch(gateway_.port(), each.request);
    EXPECT_EQ(response.status, each.status) << response.body;
    EXPECT_EQ(response.headers.at("content-type"), "application/json");
    EXPECT_THAT(upstream_.last_request(), HasSubstr(each.says));
    EXPECT_EQ(upstream_.last_request_id(), response.headers.at("x-request-id"));
  }
}

TEST_F(RequestTableTest, AnswersBadUrlsWithAProblem) {
  for (const Case& each : BadUrlCases()) ExpectProblem(each);
}

TEST_F(RequestTableTest, AnswersBadBodiesWithAProblem) {
  for (const Case& each : BadBodyCases()) ExpectProblem(each);
}

TEST_F(RequestTableTest, AnswersBadHttpWithAProblem) {
  for (const Case& each : BadHttpCases()) ExpectProblem(each);
}

TEST_F(RequestTableTest, MapsEveryStatusOfAService) {
  struct StatusCase {
    grpc::StatusCode code;
    int http_status;
    const char* name;
    bool hidden;
  };
  // style §3.3.
  const std::vector<StatusCase> cases = {
      {grpc::StatusCode::CANCELLED, 499, "CANCELLED", false},
      {grpc::StatusCode::UNKNOWN, 500, "UNKNOWN", true},
      {grpc::StatusCode::INVALID_ARGUMENT, 400, kInvalid, false},
      {grpc::StatusCode::DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED", false},
      {grpc::StatusCode::NOT_FOUND, 404, "NOT_FOUND", false},
      {grpc::StatusCode::ALREADY_EXISTS, 409, "ALREADY_EXISTS", false},
      {grpc::StatusCode::PERMISSION_DENIED, 403, "PERMISSION_DENIED", false},
      {grpc::StatusCode::RESOURCE_EXHAUSTED, 429, "RESOURCE_EXHAUSTED", false},
      {grpc::StatusCode::FAILED_PRECONDITION, 400, "FAILED_PRECONDITION", false},
      {grpc::StatusCode::ABORTED, 409, "ABORTED", false},
      {grpc::StatusCode::OUT_OF_RANGE, 400, "OUT_OF_RANGE", false},
      {grpc::StatusCode::UNIMPLEMENTED, 501, "UNIMPLEMENTED", false},
      {grpc::StatusCode::INTERNAL, 500, "INTERNAL", true},
      {grpc::StatusCode::UNAVAILABLE, 503, "UNAVAILABLE", false},
      {grpc::StatusCode::DATA_LOSS, 500, "DATA_LOSS", true},
      {grpc::StatusCode::UNAUTHENTICATED, 401, "UNAUTHENTICATED", false},
  };
  for (const StatusCase& each : cases) {
    SCOPED_TRACE(each.name);
    upstream_.SetStatus(grpc::Status(each.code, "from: this is what went wrong"));
    const RawResponse response = testing::Fetch(gateway_.port(), Get("/v1/summary"));
    EXPECT_EQ(response.status, each.http_status);
    EXPECT_THAT(response.body, HasSubstr(absl::StrCat("\"code\":\"", each.name, "\"")));
    EXPECT_EQ(response.body.find("went wrong") == std::string::npos, each.hidden) << response.body;
    EXPECT_EQ(response.headers.count("retry-after"), each.http_status == 503 ? 1U : 0U);
    const bool names_field = each.code == grpc::StatusCode::INVALID_ARGUMENT;
    EXPECT_EQ(response.body.find("\"field\":\"from\"") != std::string::npos, names_field);
  }
}

TEST_F(RequestTableTest, HoldsEnoughCasesToMeanSomething) {
  EXPECT_GE(
      GoodCases().size() + BadUrlCases().size() + BadBodyCases().size() + BadHttpCases().size(),
      90U);
}

}  // namespace
}  // namespace dondoc::gateway
