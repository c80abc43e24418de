#include "gateway/exchange.h"

#include <ctime>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// "Tue, 21 Nov 2023 02:00:00 GMT", made once a second and thread. Real time: HTTP caches compare it
// with their own clocks.
absl::string_view HttpDate() {
  thread_local std::time_t made_for = 0;
  thread_local std::string date;
  const std::time_t now = std::time(nullptr);
  if (now != made_for) {
    made_for = now;
    date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromTimeT(now), absl::UTCTimeZone());
  }
  return date;
}

}  // namespace

void Exchange::SetRequest(bool keep_alive, bool head_only, bool http_1_0) {
  keep_alive_ = keep_alive;
  head_only_ = head_only;
  http_1_0_ = http_1_0;
}

std::string Exchange::Head(const Response& response, absl::string_view length_header) {
  http_status_ = response.http_status;
  std::string head =
      absl::StrCat("HTTP/1.1 ", response.http_status, " ", ReasonOf(response.http_status),
                   "\r\nDate: ", HttpDate(), "\r\nX-Request-Id: ", request_id_,
                   "\r\nX-Content-Type-Options: nosniff\r\n");
  bool cache_control = false;
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
    cache_control = cache_control || name == "Cache-Control";
  }
  if (!cache_control) head += "Cache-Control: no-store\r\n";
  if (!response.content_type.empty()) {
    absl::StrAppend(&head, "Content-Type: ", response.content_type, "\r\n");
  }
  absl::StrAppend(&head, length_header);
  if (!keep_alive_) {
    head += "Connection: close\r\n";
  } else if (http_1_0_) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  return head;
}

asio::awaitable<void> Exchange::Respond(Response response) {
  // An answer to a body that was not read: what follows on the connection is not a request.
  if (!stream_.body_done()) keep_alive_ = false;
  const bool has_body = response.http_status != 204 && response.http_status != 304;
  const std::string length =
      has_body ? absl::StrCat("Content-Length: ", response.body.size(), "\r\n") : "";
  const std::string head = Head(response, length);
  const absl::string_view body =
      has_body && !head_only_ ? absl::string_view(response.body) : absl::string_view();
  body_bytes_ = body.size();
  if (!co_await stream_.Write(head, body)) keep_alive_ = false;
}

asio::awaitable<void> Exchange::Fail(Problem problem) {
  Response response{
      problem.http_status, "application/problem+json", ProblemBody(problem, request_id_), {}};
  if (!problem.allow.empty()) response.headers.emplace_back("Allow", problem.allow);
  if (problem.retry_after_seconds > 0) {
    response.headers.emplace_back("Retry-After", absl::StrCat(problem.retry_after_seconds));
  }
  co_await Respond(std::move(response));
}

void Exchange::Abandon() {
  http_status_ = 499;
  keep_alive_ = false;
}

asio::awaitable<bool> Exchange::Begin(const Response& head) {
  if (!stream_.body_done() || http_1_0_) keep_alive_ = false;
  const std::string text = Head(head, http_1_0_ ? "" : "Transfer-Encoding: chunked\r\n");
  co_return co_await stream_.Write(text, "");
}

asio::awaitable<bool> Exchange::Piece(absl::string_view data) {
  // An empty chunk would be the last one.
  if (data.empty() || head_only_) co_return true;
  body_bytes_ += data.size();
  if (http_1_0_) co_return co_await stream_.Write("", data);
  const std::string size = absl::StrCat(absl::Hex(data.size()), "\r\n");
  if (!co_await stream_.Write(size, data)) co_return false;
  co_return co_await stream_.Write("\r\n", "");
}

asio::awaitable<void> Exchange::End() {
  // One exit only: GCC 12 miscompiles a bare co_return before a last statement that awaits in its
  // condition (SIGILL at -O0).
  if (!http_1_0_ && !head_only_) {
    const bool written = co_await stream_.Write("0\r\n\r\n", "");
    if (!written) keep_alive_ = false;
  }
}

void Exchange::Break() {
  keep_alive_ = false;
  stream_.Reset();
}

asio::awaitable<bool> Exchange::ContinueIfExpected() {
  const auto& header = stream_.header();
  if (stream_.body_done() || http_1_0_ ||
      !absl::EqualsIgnoreCase(std::string(header[http::field::expect]), "100-continue")) {
    co_return true;
  }
  co_return co_await stream_.Write("HTTP/1.1 100 Continue\r\n\r\n", "");
}

}  // namespace dondoc::gateway
