#include "gateway/connection.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "gateway/api_handler.h"
#include "gateway/site.h"
#include "services/common/log/log.h"
#include "services/common/status/quote.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t kRequestIdBytesMax = 64;
constexpr unsigned kHttp10 = 10;
constexpr unsigned kHttp11 = 11;

Problem Bad(int http_status, std::string detail) {
  return {http_status, absl::StatusCode::kInvalidArgument, std::move(detail), "", "", 0};
}

Problem UnknownPath(absl::string_view path) {
  return {
      404, absl::StatusCode::kNotFound, absl::StrCat("there is nothing at ", Quoted(path)), "", "",
      0};
}

Problem WrongVerb(std::string allow) {
  return {405,
          absl::StatusCode::kUnimplemented,
          absl::StrCat("this path is for ", allow),
          "",
          std::move(allow),
          0};
}

Response Verbs(const std::string& allow) { return {204, "", "", {{"Allow", allow}}}; }

bool IsSafeMethod(absl::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// The paths that the gateway answers itself, all with GET.
bool IsOwnPath(absl::string_view path) {
  return path == "/healthz" || path == "/readyz" || FindWebFile(path) != nullptr;
}

}  // namespace

bool IsRequestId(absl::string_view id) {
  if (id.empty() || id.size() > kRequestIdBytesMax) return false;
  for (const char c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

std::string NewRequestId(absl::BitGen& random) {
  return absl::StrFormat("%016x%016x", absl::Uniform<std::uint64_t>(random),
                         absl::Uniform<std::uint64_t>(random));
}

bool SplitTarget(absl::string_view target, absl::string_view& path, absl::string_view& query) {
  if (absl::StartsWithIgnoreCase(target, "http://") ||
      absl::StartsWithIgnoreCase(target, "https://")) {
    target.remove_prefix(target.find("//") + 2);
    const std::size_t slash = target.find_first_of("/?");
    target = slash == absl::string_view::npos ? absl::string_view("/") : target.substr(slash);
  }
  if (!absl::StartsWith(target, "/")) return false;
  const std::size_t question = target.find('?');
  path = target.substr(0, question);
  query = question == absl::string_view::npos ? absl::string_view() : target.substr(question + 1);
  return true;
}

std::vector<std::string> RouteLabels(const RouteTable& routes) {
  std::vector<std::string> labels = {kLabelNotFound, kLabelHealthz, kLabelReadyz, kLabelPage};
  for (const auto& route : routes.routes()) labels.push_back(route->label);
  return labels;
}

asio::awaitable<void> Connection::Run() {
  // g++ 12.2 lays this frame out wrong, and crashes at once, when the loop leaves by co_return.
  bool sane = true;
  bool more = true;
  while (more && sane && keep_alive_ && !aborted_ && !backend_.draining.load()) {
    more = co_await stream_->WaitForRequest();
    if (more) sane = co_await ServeOne();
  }
  if (sane && !aborted_ && !stream_->all_read()) {
    co_await stream_->Linger();
  } else {
    stream_->Close();
  }
}

void Connection::Abort() {
  aborted_ = true;
  if (cancel_) cancel_();
  stream_->Close();
}

asio::awaitable<bool> Connection::ServeOne() {
  const absl::Time start = absl::Now();
  HttpStream::Outcome outcome = co_await stream_->ReadHeader();
  if (outcome.kind == HttpStream::Outcome::kGone) co_return false;
  label_ = kLabelNotFound;
  Exchange exchange(*stream_, RequestId(), start);
  if (outcome.kind == HttpStream::Outcome::kProblem) {
    co_await exchange.Fail(std::move(outcome.problem));
  } else {
    const auto& header = stream_->header();
    exchange.SetRequest(stream_->keep_alive() && !backend_.draining.load(),
                        header.method() == http::verb::head, header.version() == kHttp10);
    if (std::optional<Problem> problem = CheckHeader()) {
      exchange.CloseAfter();
      co_await exchange.Fail(*std::move(problem));
    } else {
      co_await Dispatch(exchange);
    }
  }
  Record(exchange);
  keep_alive_ = exchange.keep_alive();
  co_return !aborted_ && exchange.http_status() != 499;
}

std::optional<Problem> Connection::CheckHeader() const {
  const auto& header = stream_->header();
  const auto version = header.version();
  if (version != kHttp10 && version != kHttp11) {
    return Problem{
        505, absl::StatusCode::kUnimplemented, "HTTP/1.0 and HTTP/1.1 are spoken here", "", "", 0};
  }
  if (header.target().size() > backend_.limits.target_bytes_max) {
    return Problem{414,
                   absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the path and query are longer than ",
                                backend_.limits.target_bytes_max, " bytes"),
                   "",
                   "",
                   0};
  }
  const std::size_t hosts = header.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && version == kHttp11)) {
    return Bad(400, "exactly one Host header is needed");
  }
  // Two ways to say where the body ends are how requests are smuggled past proxies.
  if (header.count(http::field::transfer_encoding) > 0 &&
      (!stream_->chunked() || header.count(http::field::content_length) > 0)) {
    return Bad(400, "Transfer-Encoding has to be chunked, without a Content-Length");
  }
  const std::string expect(header[http::field::expect]);
  if (!expect.empty() && !absl::EqualsIgnoreCase(expect, "100-continue")) {
    return Bad(417, "only Expect: 100-continue is understood");
  }
  // A page of another site must not write through the browser of somebody who can reach us.
  const std::string origin(header[http::field::origin]);
  if (!origin.empty() && !IsSafeMethod(std::string(header.method_string()))) {
    const std::size_t slashes = origin.find("//");
    const std::string origin_host =
        slashes == std::string::npos ? origin : origin.substr(slashes + 2);
    if (!absl::EqualsIgnoreCase(origin_host, std::string(header[http::field::host]))) {
      return Problem{403,
                     absl::StatusCode::kPermissionDenied,
                     "a page of another site cannot write here",
                     "",
                     "",
                     0};
    }
  }
  return std::nullopt;
}

asio::awaitable<void> Connection::Dispatch(Exchange& exchange) {
  const auto& header = stream_->header();
  const std::string method(header.method_string());
  const std::string target(header.target());
  absl::string_view path;
  absl::string_view query;
  if (method == "OPTIONS" && target == "*") {
    co_await exchange.Respond(Verbs("GET, HEAD, OPTIONS, POST"));
    co_return;
  }
  if (!SplitTarget(target, path, query)) {
    co_await exchange.Fail(Bad(400, "the request target is no path"));
    co_return;
  }
  // A HEAD is a GET whose body stays here.
  const std::string verb = method == "HEAD" ? "GET" : method;
  RouteMatch match;
  if (IsOwnPath(path)) {
    match.allow = "GET, HEAD, OPTIONS";
  } else {
    match = backend_.routes.Match(verb, path);
  }
  if (match.allow.empty()) {
    co_await exchange.Fail(UnknownPath(path));
  } else if (method == "OPTIONS") {
    co_await exchange.Respond(Verbs(match.allow));
  } else if (match.route != nullptr) {
    label_ = match.route->label;
    co_await ServeApi(backend_, match, std::string(query), exchange, cancel_);
    cancel_ = nullptr;
  } else if (verb != "GET" || !IsOwnPath(path)) {
    co_await exchange.Fail(WrongVerb(match.allow));
  } else if (path == "/healthz") {
    label_ = kLabelHealthz;
    co_await exchange.Respond(Healthz());
  } else if (path == "/readyz") {
    label_ = kLabelReadyz;
    Response ready = co_await Readyz(backend_);
    co_await exchange.Respond(std::move(ready));
  } else {
    label_ = kLabelPage;
    const std::string if_none_match(header[http::field::if_none_match]);
    Response file = ServeWebFile(*FindWebFile(path), if_none_match);
    co_await exchange.Respond(std::move(file));
  }
}

std::string Connection::RequestId() {
  const auto& header = stream_->header();
  const std::string given(header["X-Request-Id"]);
  if (IsRequestId(given)) return given;
  return NewRequestId(random_);
}

void Connection::Record(const Exchange& exchange) {
  const absl::Duration took = absl::Now() - exchange.start();
  backend_.metrics.Of(label_).Observe(exchange.http_status(), absl::ToDoubleSeconds(took));
  // Never the path itself: it may hold a dossier's code.
  const log::Fields fields = {{"route", label_},
                              {"status", exchange.http_status()},
                              {"ms", absl::ToInt64Milliseconds(took)},
                              {"bytes", exchange.body_bytes()},
                              {"request_id", exchange.request_id()}};
  const bool writes = !absl::StartsWith(label_, "GET ") && label_ != kLabelNotFound;
  if (exchange.http_status() >= 500) {
    log::Warning("request", fields);
  } else if (writes) {
    log::Info("request", fields);
  } else {
    log::Debug("request", fields);
  }
}

}  // namespace dondoc::gateway
