#include "gateway/http_stream.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
// An answer goes out in pieces of this size, each with its own time to be taken.
constexpr std::size_t kWriteBytesMax = 256 << 10;
// A connection that has grown its buffer for a body gives it back before it waits.
constexpr std::size_t kIdleBufferBytesMax = 16 << 10;
// Beast reads at most this much at a time; it also bounds what pipelining makes us hold.
constexpr std::size_t kReadBytesMax = 64 << 10;

HttpStream::Outcome Refused(int http_status, absl::StatusCode code, std::string detail) {
  return {HttpStream::Outcome::kProblem, {http_status, code, std::move(detail), "", "", 0}};
}

}  // namespace

void HttpStream::Arm(absl::Duration time) {
  expired_ = false;
  const std::uint64_t generation = ++timer_generation_;
  timer_.expires_after(absl::ToChronoNanoseconds(time));
  timer_.async_wait([self = shared_from_this(), generation](const error_code& error) {
    if (error || generation != self->timer_generation_) return;
    self->expired_ = true;
    error_code ignored;  // nothing may be waiting, or the client may be gone
    self->socket_.cancel(ignored);
    // A read that has just ended would start another one, which the cancel does not reach.
    self->socket_.shutdown(asio::ip::tcp::socket::shutdown_receive, ignored);
  });
}

void HttpStream::Disarm() {
  ++timer_generation_;
  timer_.cancel();
}

HttpStream::Outcome HttpStream::Failure(const error_code& error, absl::string_view what) {
  if (expired_) {
    return Refused(408, absl::StatusCode::kDeadlineExceeded,
                   absl::StrCat("the ", what, " took too long to arrive"));
  }
  if (error == http::error::body_limit) {
    return Refused(413, absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the body is larger than ", body_bytes_max_, " bytes"));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    // The request line is parsed as soon as it is whole.
    const bool line_too_long = parser_->get().method_string().empty();
    return Refused(line_too_long ? 414 : 431, absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the request line and headers are larger than ",
                                limits_.header_bytes_max, " bytes"));
  }
  if (error == http::error::bad_version) {
    return Refused(505, absl::StatusCode::kUnimplemented, "HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return Refused(400, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the ", what, " cannot be read as HTTP: ", error.message()));
  }
  return {Outcome::kGone};
}

asio::awaitable<bool> HttpStream::WaitForRequest() {
  if (buffer_.size() > 0) co_return true;  // pipelined
  if (ending_) co_return false;
  if (buffer_.capacity() > kIdleBufferBytesMax) buffer_.shrink_to_fit();
  Arm(limits_.idle_time);
  waiting_ = true;
  auto [error] = co_await socket_.async_wait(asio::ip::tcp::socket::wait_read, kNoThrow);
  waiting_ = false;
  Disarm();
  co_return !error && !expired_;
}

asio::awaitable<HttpStream::Outcome> HttpStream::ReadHeader() {
  parser_.emplace();
  parser_->header_limit(limits_.header_bytes_max);
  // Which limit applies is known only when the route is; ReadBody applies it.
  parser_->body_limit(boost::none);
  body_bytes_ = 0;
  reading_stopped_ = false;
  buffer_.max_size(std::max<std::size_t>(limits_.header_bytes_max, kReadBytesMax) + kReadBytesMax);
  Arm(limits_.header_time);
  auto [error, bytes] = co_await http::async_read_header(socket_, buffer_, *parser_, kNoThrow);
  Disarm();
  if (error) co_return Failure(error, "header");
  co_return Outcome{};
}

std::optional<std::uint64_t> HttpStream::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

void HttpStream::StartBody(std::uint64_t bytes_max, absl::Duration time, bool total_time) {
  body_bytes_max_ = bytes_max;
  body_time_ = time;
  body_time_is_total_ = total_time;
  if (total_time) Arm(time);
}

asio::awaitable<HttpStream::Outcome> HttpStream::ReadBody(char* out, std::size_t size,
                                                          std::size_t& bytes) {
  bytes = 0;
  buffer_.reserve(kReadBytesMax);
  while (bytes == 0 && !parser_->is_done()) {
    if (reading_stopped_) co_return Outcome{Outcome::kGone};
    if (body_time_is_total_ && expired_) co_return Failure({}, "body");
    parser_->get().body().data = out;
    parser_->get().body().size = size;
    parser_->get().body().more = true;
    if (!body_time_is_total_) Arm(body_time_);
    auto [error, read] = co_await http::async_read_some(socket_, buffer_, *parser_, kNoThrow);
    if (!body_time_is_total_) Disarm();
    bytes = size - parser_->get().body().size;
    body_bytes_ += bytes;
    if (error == http::error::need_buffer) error = {};
    if (!error && body_bytes_ > body_bytes_max_) error = http::error::body_limit;
    if (reading_stopped_) co_return Outcome{Outcome::kGone};
    if (error) {
      Disarm();
      co_return Failure(error, "body");
    }
  }
  if (parser_->is_done()) Disarm();
  co_return Outcome{};
}

void HttpStream::StopReading() {
  reading_stopped_ = true;
  error_code ignored;  // nothing may be waiting
  socket_.cancel(ignored);
}

asio::awaitable<bool> HttpStream::Write(absl::string_view head, absl::string_view body) {
  while (!head.empty() || !body.empty()) {
    const absl::string_view piece = body.substr(0, kWriteBytesMax);
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head.data(), head.size()),
                                                       asio::buffer(piece.data(), piece.size())};
    Arm(limits_.write_idle_time);
    auto [error, written] = co_await socket_.async_write_some(buffers, kNoThrow);
    Disarm();
    if (error) co_return false;
    const std::size_t of_head = std::min(written, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(written - of_head);
  }
  co_return true;
}

void HttpStream::Watch(std::function<void()> on_gone) {
  if (buffer_.size() > 0) return;
  watching_ = true;
  const std::uint64_t generation = ++watch_generation_;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this(), generation,
                      on_gone = std::move(on_gone)](const error_code& error) {
                       if (error || generation != self->watch_generation_) return;
                       self->watching_ = false;
                       char next = 0;
                       error_code peeked;
                       const std::size_t bytes = self->socket_.receive(
                           asio::buffer(&next, 1), asio::ip::tcp::socket::message_peek, peeked);
                       if (peeked || bytes == 0) on_gone();
                     });
}

void HttpStream::StopWatching() {
  ++watch_generation_;
  if (!watching_) return;
  watching_ = false;
  error_code ignored;  // the wait may just have ended
  socket_.cancel(ignored);
}

asio::awaitable<void> HttpStream::Linger() {
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  std::array<char, 16 << 10> scratch;
  std::uint64_t bytes = 0;
  Arm(limits_.linger_time);
  while (!error && !expired_ && bytes < limits_.linger_bytes_max) {
    auto [failed, read] = co_await socket_.async_read_some(asio::buffer(scratch), kNoThrow);
    error = failed;
    bytes += read;
  }
  Disarm();
  Close();
}

void HttpStream::Close() {
  Disarm();
  error_code ignored;  // closed is closed
  socket_.close(ignored);
}

void HttpStream::Reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  Close();
}

void HttpStream::EndIdle() {
  ending_ = true;
  error_code ignored;  // nothing may be waiting
  if (waiting_) socket_.cancel(ignored);
}

}  // namespace dondoc::gateway
