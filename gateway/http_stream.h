#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "gateway/limits.h"
#include "gateway/problem.h"

namespace dondoc::gateway {

// One client's socket: reads requests piece by piece and writes bytes, with every wait bounded by
// `limits`. All members are for the thread of the socket's executor; nothing throws.
class HttpStream : public std::enable_shared_from_this<HttpStream> {
 public:
  using Header = boost::beast::http::request_header<>;
  struct Outcome {
    enum Kind {
      kOk,
      kGone,     // the client is gone, or nothing sensible can be sent to it
      kProblem,  // to be answered, then the connection closed
    };
    Kind kind = kOk;
    Problem problem = {};
  };

  HttpStream(boost::asio::ip::tcp::socket socket, const Limits& limits)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), limits_(limits) {}

  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

  // Waits for the first byte of the next request. False when there will be none: closed, idle for
  // too long, or EndIdle.
  boost::asio::awaitable<bool> WaitForRequest();
  // Reads request line and headers.
  boost::asio::awaitable<Outcome> ReadHeader();
  const Header& header() const { return parser_->get(); }

  bool body_done() const { return parser_->is_done(); }
  // Nothing that the client has sent so far is left over.
  bool all_read() const { return parser_ && parser_->is_done() && buffer_.size() == 0; }
  bool keep_alive() const { return parser_->keep_alive(); }
  bool chunked() const { return parser_->chunked(); }
  std::optional<std::uint64_t> content_length() const;
  // Call before the first ReadBody. `total_time`: for the whole body; otherwise for each read.
  void StartBody(std::uint64_t bytes_max, absl::Duration time, bool total_time);
  // Reads what is there, at least one byte; 0 bytes only at the end of the body.
  boost::asio::awaitable<Outcome> ReadBody(char* out, std::size_t size, std::size_t& bytes);
  // Makes a ReadBody that waits return kGone; for when the answer is known already.
  void StopReading();

  // False when the client is gone or takes nothing for too long.
  boost::asio::awaitable<bool> Write(absl::string_view head, absl::string_view body);

  // Calls `on_gone` when the client closes its side, until StopWatching. A client that sends more
  // instead (pipelining) is not watched any further.
  void Watch(std::function<void()> on_gone);
  void StopWatching();

  // Closes so that the client can read what was written last: a plain close with unread bytes would
  // make the kernel throw it away.
  boost::asio::awaitable<void> Linger();
  void Close();
  // Closes with a reset, so that the client cannot take what it got for the whole.
  void Reset();

  // Ends WaitForRequest, now and for good; a request under way goes on.
  void EndIdle();

 private:
  void Arm(absl::Duration time);
  void Disarm();
  Outcome Failure(const boost::system::error_code& error, absl::string_view what);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  const Limits& limits_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;

  std::uint64_t timer_generation_ = 0;
  bool expired_ = false;
  std::uint64_t watch_generation_ = 0;
  bool watching_ = false;
  bool waiting_ = false;  // in WaitForRequest
  bool ending_ = false;   // EndIdle was called

  std::uint64_t body_bytes_max_ = 0;
  std::uint64_t body_bytes_ = 0;
  absl::Duration body_time_;
  bool body_time_is_total_ = false;
  bool reading_stopped_ = false;
};

}  // namespace dondoc::gateway
