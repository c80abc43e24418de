#include "gateway/routes.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "dondoc/v1/options.pb.h"
#include "gateway/field_value.h"
#include "gateway/linked_protos.h"
#include "google/api/annotations.pb.h"
#include "services/common/status/macros.h"

namespace dondoc::gateway {
namespace {

using google::api::HttpRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

bool IsRawBody(const Descriptor* type) {
  return type != nullptr && type->full_name() == v1::RawBody::descriptor()->full_name();
}

// Types without a JSON form here would fail on the first request; they are found at start instead.
absl::Status CheckTypes(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return absl::OkStatus();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (FormOf(field) == FieldForm::kForeign) {
      return absl::InvalidArgumentError(
          absl::StrCat(field.full_name(), " has a type with no JSON form here"));
    }
    if (FormOf(field) == FieldForm::kMessage) {
      RETURN_IF_ERROR(CheckTypes(*field.message_type(), seen));
    }
  }
  return absl::OkStatus();
}

absl::Status SetVerbAndPath(const HttpRule& rule, Route& route, std::string& path) {
  switch (rule.pattern_case()) {
    case HttpRule::kGet:
      route.method = "GET";
      path = rule.get();
      return absl::OkStatus();
    case HttpRule::kPut:
      route.method = "PUT";
      path = rule.put();
      return absl::OkStatus();
    case HttpRule::kPost:
      route.method = "POST";
      path = rule.post();
      return absl::OkStatus();
    case HttpRule::kDelete:
      route.method = "DELETE";
      path = rule.delete_();
      return absl::OkStatus();
    case HttpRule::kPatch:
      route.method = "PATCH";
      path = rule.patch();
      return absl::OkStatus();
    case HttpRule::kCustom:
      route.method = rule.custom().kind();
      path = rule.custom().path();
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError("a rule without a path");
  }
}

absl::Status SetVariables(Route& route) {
  const Descriptor& request = *route.request->GetDescriptor();
  for (const auto& variable : route.path.variables) {
    auto fields = FindFieldPath(request, variable.field_path);
    if (fields.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", variable.field_path, "' is no field of ", request.full_name()));
    }
    if (fields.back()->is_repeated() || FormOf(*fields.back()) == FieldForm::kMessage) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", variable.field_path, "' is not a single value"));
    }
    route.variable_paths.push_back(variable.field_path);
    route.variable_fields.push_back(std::move(fields));
  }
  return absl::OkStatus();
}

absl::Status SetBodies(const HttpRule& rule, Route& route) {
  const Descriptor& request = *route.request->GetDescriptor();
  if (rule.body() == "*") {
    route.body = Route::Body::kAll;
  } else if (!rule.body().empty()) {
    route.body = Route::Body::kField;
    route.body_field = request.FindFieldByName(rule.body());
    if (route.body_field == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("body '", rule.body(), "' is no field of ", request.full_name()));
    }
    route.raw_request =
        !route.body_field->is_repeated() && IsRawBody(route.body_field->message_type());
  }
  if (route.body != Route::Body::kNone && (route.method == "GET" || route.method == "HEAD")) {
    return absl::InvalidArgumentError("a GET with a body");
  }
  const Descriptor& response = *route.response->GetDescriptor();
  route.raw_response = IsRawBody(&response);
  if (!rule.response_body().empty()) {
    route.response_field = response.FindFieldByName(rule.response_body());
    if (route.response_field == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("response_body '", rule.response_body(),
                                                     "' is no field of ", response.full_name()));
    }
    route.raw_response =
        !route.response_field->is_repeated() && IsRawBody(route.response_field->message_type());
  }
  return absl::OkStatus();
}

absl::Status CheckStreams(const Route& route) {
  if (route.rpc->client_streaming() && route.rpc->server_streaming()) {
    return absl::InvalidArgumentError("a bidirectional stream cannot be served over HTTP/1.1");
  }
  if (route.rpc->client_streaming() && !route.raw_request) {
    return absl::InvalidArgumentError("a client stream needs a RawBody as its body");
  }
  if (route.rpc->server_streaming() && !(route.raw_response && route.response_field == nullptr)) {
    return absl::InvalidArgumentError("a server stream has to be one of RawBody");
  }
  std::set<const Descriptor*> seen;
  RETURN_IF_ERROR(CheckTypes(*route.request->GetDescriptor(), seen));
  return CheckTypes(*route.response->GetDescriptor(), seen);
}

absl::StatusOr<std::unique_ptr<Route>> MakeRoute(const HttpRule& rule, const MethodDescriptor& rpc,
                                                 std::size_t upstream,
                                                 google::protobuf::MessageFactory& factory) {
  auto route = std::make_unique<Route>();
  std::string path;
  RETURN_IF_ERROR(SetVerbAndPath(rule, *route, path));
  ASSIGN_OR_RETURN(route->path, PathTemplate::Parse(path));
  route->label = absl::StrCat(route->method, " ", path);
  route->rpc = &rpc;
  route->rpc_path = absl::StrCat("/", rpc.service()->full_name(), "/", rpc.name());
  route->upstream = upstream;
  route->request = factory.GetPrototype(rpc.input_type());
  route->response = factory.GetPrototype(rpc.output_type());
  RETURN_IF_ERROR(SetVariables(*route));
  RETURN_IF_ERROR(SetBodies(rule, *route));
  RETURN_IF_ERROR(CheckStreams(*route));
  return route;
}

// The raw segments that variable `v` covers.
std::string ValueOf(const PathTemplate& path, const PathTemplate::Variable& v,
                    const std::vector<absl::string_view>& segments) {
  const bool rest = path.segments[v.last - 1].kind == PathTemplate::Kind::kRest;
  const std::size_t last = rest ? segments.size() : v.last;
  return absl::StrJoin(segments.begin() + static_cast<std::ptrdiff_t>(v.first),
                       segments.begin() + static_cast<std::ptrdiff_t>(last), "/");
}

std::string AllowText(std::set<std::string> methods) {
  if (methods.empty()) return "";
  if (methods.count("GET") != 0) methods.insert("HEAD");
  methods.insert("OPTIONS");
  return absl::StrJoin(methods, ", ");
}

}  // namespace

absl::StatusOr<RouteTable> RouteTable::Build(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services,
    const UpstreamOf& upstream_of, google::protobuf::MessageFactory& factory) {
  RouteTable table;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& rpc = *service->method(i);
      if (!rpc.options().HasExtension(google::api::http)) continue;
      const HttpRule& rule = rpc.options().GetExtension(google::api::http);
      std::vector<const HttpRule*> rules = {&rule};
      for (const HttpRule& more : rule.additional_bindings()) rules.push_back(&more);
      for (const HttpRule* one : rules) {
        auto route = MakeRoute(*one, rpc, upstream_of(service->full_name()), factory);
        const absl::Status status =
            route.ok() ? table.Add(*std::move(route)) : std::move(route).status();
        if (!status.ok()) {
          return absl::InvalidArgumentError(
              absl::StrCat("route of ", rpc.full_name(), ": ", status.message()));
        }
      }
    }
  }
  return table;
}

absl::Status RouteTable::Add(std::unique_ptr<Route> route) {
  Node* node = root_.get();
  for (const auto& segment : route->path.segments) {
    std::unique_ptr<Node>& next = segment.kind == PathTemplate::Kind::kLiteral
                                      ? node->literals[segment.literal]
                                  : segment.kind == PathTemplate::Kind::kSingle ? node->single
                                                                                : node->rest;
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  const auto [end, added] = node->ends.insert({{route->path.verb, route->method}, route.get()});
  if (!added) {
    return absl::InvalidArgumentError(
        absl::StrCat(route->label, " is answered by ", end->second->rpc->full_name(), " already"));
  }
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

void RouteTable::Find(const Node& node, const std::vector<absl::string_view>& raw,
                      const std::vector<std::string>& decoded, std::size_t at,
                      std::vector<const Node*>& found) {
  if (at == decoded.size()) {
    found.push_back(&node);
  } else if (!raw[at].empty()) {
    if (const auto it = node.literals.find(decoded[at]); it != node.literals.end()) {
      Find(*it->second, raw, decoded, at + 1, found);
    }
    if (node.single != nullptr) Find(*node.single, raw, decoded, at + 1, found);
  }
  if (node.rest != nullptr) found.push_back(node.rest.get());
}

RouteMatch RouteTable::Choose(const std::vector<const Node*>& nodes, absl::string_view verb,
                              absl::string_view method,
                              const std::vector<absl::string_view>& segments) const {
  RouteMatch match;
  std::set<std::string> methods;
  for (const Node* node : nodes) {
    for (const auto& [key, route] : node->ends) {
      if (key.first != verb) continue;
      methods.insert(key.second);
      if (match.route != nullptr || key.second != method) continue;
      match.route = route;
      for (const auto& variable : route->path.variables) {
        match.values.push_back(ValueOf(route->path, variable, segments));
      }
    }
  }
  match.allow = AllowText(std::move(methods));
  return match;
}

RouteMatch RouteTable::Match(absl::string_view method, absl::string_view path) const {
  if (!absl::ConsumePrefix(&path, "/")) return {};
  std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  std::vector<std::string> decoded;
  decoded.reserve(segments.size());
  for (const absl::string_view segment : segments) {
    auto text = PercentDecode(segment, /*keep_slashes=*/false, /*plus_is_space=*/false);
    // What cannot be decoded equals no literal; where it is a value, binding it says what is wrong.
    decoded.push_back(text.ok() ? *std::move(text) : std::string(segment));
  }
  const std::size_t colon = segments.back().rfind(':');
  std::vector<const Node*> nodes;
  if (colon != absl::string_view::npos && colon > 0 && colon + 1 < segments.back().size()) {
    std::vector<absl::string_view> before = segments;
    before.back() = segments.back().substr(0, colon);
    std::vector<std::string> before_decoded = decoded;
    auto text = PercentDecode(before.back(), /*keep_slashes=*/false, /*plus_is_space=*/false);
    before_decoded.back() = text.ok() ? *std::move(text) : std::string(before.back());
    Find(*root_, before, before_decoded, 0, nodes);
    RouteMatch match = Choose(nodes, segments.back().substr(colon + 1), method, before);
    if (!match.allow.empty()) return match;
    nodes.clear();
  }
  Find(*root_, segments, decoded, 0, nodes);
  return Choose(nodes, "", method, segments);
}

std::vector<const google::protobuf::ServiceDescriptor*> LinkedServices() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const char* name : LinkedProtoFiles()) {
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    if (file == nullptr || file->package() != "dondoc.v1") continue;
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  return services;
}

}  // namespace dondoc::gateway
