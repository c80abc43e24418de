#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/path_template.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

// HTTP routes, read from the google.api.http annotations through descriptors: a new RPC needs no
// code here.

namespace dondoc::gateway {

struct Route {
  enum class Body { kNone, kAll, kField };

  std::string method;  // "GET"
  // "GET /v1/units/{unit_id}/ratio": what metrics and logs call it.
  std::string label;
  PathTemplate path;
  // Field paths of the path's variables, in their order, and the fields they name.
  std::vector<std::string> variable_paths;
  std::vector<std::vector<const google::protobuf::FieldDescriptor*>> variable_fields;

  const google::protobuf::MethodDescriptor* rpc = nullptr;
  std::string rpc_path;  // "/dondoc.v1.RatioService/GetUnitRatio"
  std::size_t upstream = 0;
  const google::protobuf::Message* request = nullptr;  // prototypes
  const google::protobuf::Message* response = nullptr;

  Body body = Body::kNone;
  const google::protobuf::FieldDescriptor* body_field = nullptr;      // for kField
  const google::protobuf::FieldDescriptor* response_field = nullptr;  // null = the whole response
  bool raw_request = false;                                           // body_field is a RawBody
  bool raw_response = false;  // the response, or its response_field, is a RawBody
};

struct RouteMatch {
  // Null when the path has no such verb, or is unknown.
  const Route* route = nullptr;
  // The path's values, still percent-encoded, one for each of the route's variables.
  std::vector<std::string> values;
  // The verbs that the path has, HEAD and OPTIONS included, as an Allow header writes them; empty
  // when the path is unknown.
  std::string allow;
};

// Immutable, so safe from any thread.
class RouteTable {
 public:
  // Number of the upstream that serves the service of this full name.
  using UpstreamOf = std::function<std::size_t(absl::string_view service)>;

  // The routes of all annotated methods of `services`. kInvalidArgument names the RPC for a rule
  // that cannot be served: a bad template, a variable or body that is no field of the request, a
  // variable that is not a single value, two rules that answer the same path and verb, a
  // bidirectional stream, a type with no JSON form here (Any, Struct).
  static absl::StatusOr<RouteTable> Build(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services,
      const UpstreamOf& upstream_of, google::protobuf::MessageFactory& factory);

  // `path` is the URL's path, percent-encoded, without the query. A last segment "x:verb" belongs
  // to the custom verb when a rule has it; an id that contains ":verb" must write %3A. Literals are
  // preferred to "*", and "*" to "**".
  RouteMatch Match(absl::string_view method, absl::string_view path) const;

  const std::vector<std::unique_ptr<const Route>>& routes() const { return routes_; }

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> single;
    std::unique_ptr<Node> rest;
    // (custom verb, HTTP verb) → route, for paths that end here.
    std::map<std::pair<std::string, std::string>, const Route*> ends;
  };

  RouteTable() : root_(std::make_unique<Node>()) {}
  absl::Status Add(std::unique_ptr<Route> route);
  static void Find(const Node& node, const std::vector<absl::string_view>& raw,
                   const std::vector<std::string>& decoded, std::size_t at,
                   std::vector<const Node*>& found);
  RouteMatch Choose(const std::vector<const Node*>& nodes, absl::string_view verb,
                    absl::string_view method, const std::vector<absl::string_view>& segments) const;

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<const Route>> routes_;
};

// Every service of package dondoc.v1 that is linked into this binary: all that dondoc::proto has.
std::vector<const google::protobuf::ServiceDescriptor*> LinkedServices();

}  // namespace dondoc::gateway
