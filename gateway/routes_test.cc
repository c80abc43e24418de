#include "gateway/routes.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dondoc/v1/options.pb.h"
#include "gateway/testing/kitchen_sink.h"
#include "gateway/upstream.h"
#include "gmock/gmock.h"
#include "google/api/annotations.pb.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

// One method of the kitchen sink's service with this http rule.
std::string Method(const std::string& name, const std::string& rule, const std::string& more = "") {
  return absl::StrCat("method { name: '", name,
                      "' input_type: '.test.Sink' output_type: '.test.Sink' ", more,
                      " options { [google.api.http] { ", rule, " } } } ");
}

absl::StatusOr<RouteTable> TableOf(testing::KitchenSink& sink) {
  return RouteTable::Build(
      {sink.service()}, [](absl::string_view) { return std::size_t{0}; }, sink.factory());
}

// "name(value,value)" of the RPC that answers, or "404", or "405 <Allow>".
std::string Answer(const RouteTable& table, const std::string& method, const std::string& path) {
  const RouteMatch match = table.Match(method, path);
  if (match.route != nullptr) {
    return absl::StrCat(match.route->rpc->name(), "(", absl::StrJoin(match.values, ","), ")");
  }
  return match.allow.empty() ? "404" : absl::StrCat("405 ", match.allow);
}

TEST(RouteTableTest, FindsTheRuleForAPath) {
  testing::KitchenSink sink(
      Method("List", "get: '/v1/sinks'") +
      Method("Get",
             "get: '/v1/sinks/{name}' additional_bindings { get: '/v1/{name=sinks/*/it}' }") +
      Method("Special", "get: '/v1/sinks/special'") +
      Method("Put", "put: '/v1/sinks/{name}' body: '*'") +
      Method("Remove", "delete: '/v1/sinks/{name}'") +
      Method("Patch", "patch: '/v1/sinks/{inner.name}' body: 'inner'") +
      Method("Run", "post: '/v1/sinks/{name}:run' body: '*'") +
      Method("Import", "post: '/v1/sinks:import' body: '*'") +
      Method("Files", "get: '/v1/files/{name=**}'") +
      Method("Verb", "get: '/v1/files/{name=**}:sum'") +
      Method("Deep", "get: '/v1/a/{name=b/*/c/**}'") + Method("Star", "get: '/v1/stars/*/end'") +
      Method("Custom", "custom { kind: 'PURGE' path: '/v1/sinks' }"));
  const auto table = TableOf(sink);
  ASSERT_THAT(table, IsOk());
  struct Case {
    const char* method;
    const char* path;
    const char* answer;
  };
  const std::vector<Case> cases = {
      {"GET", "/v1/sinks", "List()"},
      {"GET", "/v1/sinks/a", "Get(a)"},
      {"GET", "/v1/sinks/special", "Special()"},
      {"GET", "/v1/sinks/%73pecial", "Special()"},
      {"GET", "/v1/sinks/a/it", "Get(sinks/a/it)"},
      {"GET", "/v1/sinks/a%2Fb", "Get(a%2Fb)"},
      {"GET", "/v1/sinks/a:b", "Get(a:b)"},
      {"GET", "/v1/sinks/..", "Get(..)"},
      {"PUT", "/v1/sinks/a", "Put(a)"},
      // The literal has no PUT, so the variable's rule answers.
      {"PUT", "/v1/sinks/special", "Put(special)"},
      {"DELETE", "/v1/sinks/a", "Remove(a)"},
      {"PATCH", "/v1/sinks/a", "Patch(a)"},
      {"POST", "/v1/sinks/a:run", "Run(a)"},
      {"POST", "/v1/sinks/a:b:run", "Run(a:b)"},
      {"POST", "/v1/sinks:import", "Import()"},
      {"PURGE", "/v1/sinks", "Custom()"},
      {"GET", "/v1/files/a", "Files(a)"},
      {"GET", "/v1/files/a/b/c", "Files(a/b/c)"},
      {"GET", "/v1/files", "Files()"},
      {"GET", "/v1/files/a/b:sum", "Verb(a/b)"},
      {"GET", "/v1/a/b/x/c/d/e", "Deep(b/x/c/d/e)"},
      {"GET", "/v1/stars/x/end", "Star()"},
      {"POST", "/v1/sinks/a", "405 DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
      {"GET", "/v1/sinks/a:run", "405 OPTIONS, POST"},
      {"GET", "/v1/sinks:import", "405 OPTIONS, POST"},
      {"POST", "/v1/files/a", "405 GET, HEAD, OPTIONS"},
      {"get", "/v1/sinks", "405 GET, HEAD, OPTIONS, PURGE"},
      {"GET", "/v1/sinks/a%3Arun", "Get(a%3Arun)"},
      {"GET", "/v1/sinks/", "404"},
      {"GET", "/v1/sinks/a/", "404"},
      {"GET", "/v1//sinks", "404"},
      {"GET", "//v1/sinks", "404"},
      {"GET", "/v1/sinks/a/b", "404"},
      {"GET", "/V1/sinks", "404"},
      {"GET", "/v1/sinks:", "404"},
      {"GET", "/v1/sinks:fly", "404"},
      // Nothing before the colon: an id that begins with one.
      {"POST", "/v1/sinks/:run", "405 DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
      {"GET", "/", "404"},
      {"GET", "", "404"},
      {"GET", "v1/sinks", "404"},
      {"GET", "/v1/stars/x/y/end", "404"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(Answer(*table, each.method, each.path), each.answer)
        << each.method << " " << each.path;
  }
}

TEST(RouteTableTest, RefusesToStartOnARuleItCannotServe) {
  struct Case {
    std::string methods;
    const char* says;
  };
  const std::string raw = "output_type: '.dondoc.v1.RawBody' ";
  const std::vector<Case> cases = {
      {Method("A", "get: '/v1/x'") + Method("B", "get: '/v1/x'"), "is answered by test.Sinks.A"},
      {Method("A", "get: '/v1/{name}'") + Method("B", "get: '/v1/{left}'"), "is answered by"},
      {Method("A", "get: 'v1/x'"), "must begin with '/'"},
      {Method("A", "get: '/'"), "an empty segment"},
      {Method("A", "get: '/v1//x'"), "an empty segment"},
      {Method("A", "get: '/v1/x/'"), "an empty segment"},
      {Method("A", "get: '/v1/**/x'"), "not in the last place"},
      {Method("A", "get: '/v1/{name'"), "'}' expected"},
      {Method("A", "get: '/v1/{}'"), "without a name"},
      {Method("A", "get: '/v1/{name={left}}'"), "inside a variable"},
      {Method("A", "get: '/v1/{name}/{name}'"), "bound twice"},
      {Method("A", "get: '/v1/x:'"), "verb after ':' is empty"},
      {Method("A", "get: '/v1/x y'"), "unexpected character"},
      {Method("A", "get: '/v1/{nane}'"), "'nane' is no field of test.Sink"},
      {Method("A", "get: '/v1/{names}'"), "not a single value"},
      {Method("A", "get: '/v1/{inner}'"), "not a single value"},
      {Method("A", "get: '/v1/x' body: '*'"), "a GET with a body"},
      {Method("A", "post: '/v1/x' body: 'bodi'"), "body 'bodi' is no field"},
      {Method("A", "get: '/v1/x' response_body: 'out'"), "response_body 'out' is no field"},
      {Method("A", "body: '*'"), "a rule without a path"},
      {Method("A", "post: '/v1/x' body: '*'", "client_streaming: true"), "needs a RawBody"},
      {Method("A", "get: '/v1/x'", "server_streaming: true"), "one of RawBody"},
      {Method("A", "post: '/v1/x' body: 'body'", "client_streaming: true server_streaming: true"),
       "bidirectional"},
      {"method { name: 'A' input_type: '.test.Sink' output_type: '.test.Foreign' options { "
       "[google.api.http] { get: '/v1/x' } } }",
       "test.Foreign.any has a type with no JSON form"},
  };
  for (const Case& each : cases) {
    testing::KitchenSink sink(each.methods);
    ASSERT_NE(sink.service(), nullptr) << each.methods;
    EXPECT_THAT(TableOf(sink), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.says)))
        << each.methods;
  }
}

absl::StatusOr<RouteTable> OurTable() {
  return RouteTable::Build(LinkedServices(), UpstreamOf,
                           *google::protobuf::MessageFactory::generated_factory());
}

TEST(RouteTableTest, LinksEveryServiceOfTheContract) {
  std::set<std::string> names;
  for (const auto* service : LinkedServices()) names.insert(service->name());
  for (const char* name : {"UnitService", "DossierService", "DefinitionService", "ImportService",
                           "RatioService", "CampaignService", "FeedService"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
  }
}

// A made-up path for a route: its template with a value in each variable.
std::string ExamplePath(const Route& route) {
  std::string path;
  for (const auto& segment : route.path.segments) {
    absl::StrAppend(&path, "/",
                    segment.kind == PathTemplate::Kind::kLiteral ? segment.literal : "id-1");
  }
  return path + (route.path.verb.empty() ? "" : absl::StrCat(":", route.path.verb));
}

TEST(RouteTableTest, RoutesEveryAnnotatedRpcOfTheContract) {
  const auto table = OurTable();
  ASSERT_THAT(table, IsOk());
  std::set<std::string> routed;
  for (const auto& route : table->routes()) {
    const RouteMatch match = table->Match(route->method, ExamplePath(*route));
    ASSERT_EQ(match.route, route.get()) << route->label;
    EXPECT_EQ(match.values.size(), route->path.variables.size());
    routed.insert(route->rpc->full_name());
  }
  // Reached over gRPC alone.
  const std::set<std::string> internal = {
      "dondoc.v1.DossierService.StreamWriteDossiers",
      "dondoc.v1.FeedService.GetHead",
      "dondoc.v1.FeedService.Follow",
      "dondoc.v1.FeedService.Snapshot",
      "dondoc.v1.RatioService.ListDailyCounts",
      "dondoc.v1.RatioService.RegisterWindow",
  };
  for (const auto* service : LinkedServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto& rpc = *service->method(i);
      EXPECT_NE(routed.count(rpc.full_name()), internal.count(rpc.full_name()))
          << rpc.full_name() << " needs a route or a place on the internal list, not both";
      if (routed.count(rpc.full_name()) != 0) {
        EXPECT_NE(rpc.options().GetExtension(v1::access), v1::Access::UNSPECIFIED)
            << rpc.full_name() << " says nothing about who may call it";
      }
    }
  }
}

TEST(RouteTableTest, KnowsWhichServiceServesWhat) {
  const auto table = OurTable();
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->Match("GET", "/v1/summary").route->upstream, kAggregation);
  EXPECT_EQ(table->Match("GET", "/v1/units/x/ratio").route->upstream, kAggregation);
  EXPECT_EQ(table->Match("GET", "/v1/units/x").route->upstream, kIngestion);
  EXPECT_EQ(table->Match("POST", "/v1/imports").route->upstream, kIngestion);
  EXPECT_EQ(table->Match("POST", "/v1/evaluations/x:release").route->upstream, kAlerting);
  EXPECT_TRUE(table->Match("POST", "/v1/imports").route->raw_request);
  EXPECT_TRUE(table->Match("GET", "/v1/imports/x/rejects:download").route->raw_response);
  EXPECT_TRUE(table->Match("GET", "/v1/reminders/x/preview").route->raw_response);
}

}  // namespace
}  // namespace dondoc::gateway
