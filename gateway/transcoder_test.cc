#include "gateway/transcoder.h"

#include <string>
#include <vector>

#include "gateway/testing/kitchen_sink.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

class TranscoderTest : public ::testing::Test {
 protected:
  TranscoderTest()
      : sink_(
            "method { name: 'Run' input_type: '.test.Sink' output_type: '.test.Sink' options { "
            "[google.api.http] { post: '/v1/sinks/{name}:run' body: '*' additional_bindings { get: "
            "'/v1/{inner.count}/{name=files/**}' } additional_bindings { post: "
            "'/v1/parts/{colour}' body: 'inner' } } } }"),
        table_(RouteTable::Build(
            {sink_.service()}, [](absl::string_view) { return std::size_t{0}; }, sink_.factory())) {
  }

  // The bound request as text, or its error.
  absl::StatusOr<std::string> Bind(const std::string& method, const std::string& path,
                                   const std::string& query, const std::string& body = "") {
    const RouteMatch match = table_->Match(method, path);
    auto request = BindUrl(*match.route, match.values, query);
    if (!request.ok()) return request.status();
    if (match.route->body != Route::Body::kNone) {
      absl::Status status = BindJsonBody(*match.route, match.values, body, **request);
      if (!status.ok()) return status;
    }
    return (*request)->ShortDebugString();
  }

  testing::KitchenSink sink_;
  absl::StatusOr<RouteTable> table_;
};

TEST_F(TranscoderTest, PutsPathQueryAndBodyTogether) {
  struct Case {
    const char* method;
    const char* path;
    const char* query;
    const char* body;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"POST", "/v1/sinks/a:run", "", "", R"(name: "a")"},
      {"POST", "/v1/sinks/a:run", "", "{}", R"(name: "a")"},
      {"POST", "/v1/sinks/a:run", "", R"({"count":1})", R"(name: "a" count: 1)"},
      {"POST", "/v1/sinks/a:run", "", R"({"name":"a"})", R"(name: "a")"},
      {"POST", "/v1/sinks/a:run", "", R"({"name":""})", R"(name: "a")"},
      {"POST", "/v1/sinks/a%2Fb%20c:run", "", "{}", R"(name: "a/b c")"},
      {"POST", "/v1/sinks/a+b:run", "", "{}", R"(name: "a+b")"},
      {"POST", "/v1/sinks/%3A:run", "", "{}", R"(name: ":")"},
      {"GET", "/v1/7/files/a%2Fb/c%20d", "yes=true", "",
       R"(name: "files/a%2Fb/c d" yes: true inner { count: 7 })"},
      {"POST", "/v1/parts/red", "count=2", R"({"name":"x"})",
       R"(count: 2 colour: RED inner { name: "x" })"},
  };
  for (const Case& each : cases) {
    const auto message = Bind(each.method, each.path, each.query, each.body);
    ASSERT_THAT(message, IsOk()) << each.path << " " << each.body;
    EXPECT_EQ(*message, each.message) << each.path << " " << each.body;
  }
}

TEST_F(TranscoderTest, RefusesContradictions) {
  const auto invalid = [](const char* says) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(says));
  };
  EXPECT_THAT(Bind("POST", "/v1/sinks/a:run", "", R"({"name":"b"})"),
              invalid("name: the body has another value"));
  EXPECT_THAT(Bind("POST", "/v1/sinks/a:run", "count=1", "{}"), invalid("count: all fields"));
  EXPECT_THAT(Bind("GET", "/v1/7/files/a", "name=b"), invalid("name: is set by the path"));
  EXPECT_THAT(Bind("GET", "/v1/7/files/a", "inner.count=8"), invalid("inner.count: is set by"));
  EXPECT_THAT(Bind("GET", "/v1/x/files/a", ""), invalid("inner.count: 'x' is not"));
  EXPECT_THAT(Bind("POST", "/v1/parts/red", "inner.name=x", "{}"), invalid("inner.name: is set"));
  EXPECT_THAT(Bind("POST", "/v1/parts/red", "", ""), invalid("inner: the body is empty"));
  EXPECT_THAT(Bind("POST", "/v1/parts/pink", "", "{}"), invalid("colour: 'pink' is not one of"));
  EXPECT_THAT(Bind("POST", "/v1/sinks/%zz:run", "", "{}"), invalid("name: has a '%'"));
  EXPECT_THAT(Bind("POST", "/v1/sinks/%ff:run", "", "{}"), invalid("UTF-8"));
  EXPECT_THAT(Bind("POST", "/v1/sinks/%00:run", "", "{}"), invalid("NUL"));
}

TEST(TranscoderTextTest, WritesAContentDispositionThatNobodyCanBreakOutOf) {
  struct Case {
    std::string name;
    const char* header;
  };
  const std::vector<Case> cases = {
      {"", "inline"},
      {"a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"},
      {"báo cáo.csv",
       "attachment; filename=\"b_o c_o.csv\"; filename*=UTF-8''b%C3%A1o%20c%C3%A1o.csv"},
      {"a\"b;c.csv", "attachment; filename=\"a_b;c.csv\"; filename*=UTF-8''a%22b%3Bc.csv"},
      {"a\r\nX: y", "attachment; filename=\"a__X: y\"; filename*=UTF-8''a__X%3A%20y"},
      {"../../x", "attachment; filename=\".._.._x\"; filename*=UTF-8''.._.._x"},
      {"50%.csv", "attachment; filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"},
      {"\xff.csv", "attachment; filename=\"_.csv\""},
  };
  for (const Case& each : cases) EXPECT_EQ(ContentDisposition(each.name), each.header);
}

TEST(TranscoderTextTest, SendsNoContentTypeThatWouldSplitTheHeader) {
  EXPECT_EQ(SafeContentType("text/csv; charset=\"utf-8\""), "text/csv; charset=\"utf-8\"");
  EXPECT_EQ(SafeContentType(""), "application/octet-stream");
  EXPECT_EQ(SafeContentType("a\r\nX: y"), "application/octet-stream");
  EXPECT_EQ(SafeContentType("text/\xc3\xa9"), "application/octet-stream");
}

TEST(TranscoderTextTest, RefusesBytesThatAreNotTheMessage) {
  testing::KitchenSink sink;
  const auto message = sink.FromText("name: 'a' inner { count: 5 }");
  const auto again = sink.New();
  EXPECT_THAT(Parse(Serialize(*message), *again), IsOk());
  EXPECT_EQ(again->DebugString(), message->DebugString());
  grpc::Slice slice(std::string("\x0a\xff"));
  EXPECT_THAT(Parse(grpc::ByteBuffer(&slice, 1), *again),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("test.Sink")));
}

}  // namespace
}  // namespace dondoc::gateway
