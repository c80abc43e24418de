#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/http_stream.h"
#include "gateway/problem.h"

namespace dondoc::gateway {

struct Response {
  int http_status = 200;
  std::string content_type;  // empty = no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// One request and its one answer on a stream. Exactly one of Respond, Fail, or Begin…End is called.
class Exchange {
 public:
  Exchange(HttpStream& stream, std::string request_id, absl::Time start)
      : stream_(stream), request_id_(std::move(request_id)), start_(start) {}

  HttpStream& stream() { return stream_; }
  const std::string& request_id() const { return request_id_; }
  absl::Time start() const { return start_; }
  int http_status() const { return http_status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  bool keep_alive() const { return keep_alive_; }

  // What the request says about its answer. Before it is known, the answer closes the connection.
  void SetRequest(bool keep_alive, bool head_only, bool http_1_0);
  void CloseAfter() { keep_alive_ = false; }

  boost::asio::awaitable<void> Respond(Response response);
  boost::asio::awaitable<void> Fail(Problem problem);
  // The client is gone: nothing is sent.
  void Abandon();

  // An answer whose length is not known yet.
  boost::asio::awaitable<bool> Begin(const Response& head);
  boost::asio::awaitable<bool> Piece(absl::string_view data);
  boost::asio::awaitable<void> End();
  // The answer cannot be completed, and a half must not look whole.
  void Break();

  // "HTTP/1.1 100 Continue", if the client waits for it.
  boost::asio::awaitable<bool> ContinueIfExpected();

 private:
  std::string Head(const Response& response, absl::string_view length_header);

  HttpStream& stream_;
  const std::string request_id_;
  const absl::Time start_;
  int http_status_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool http_1_0_ = false;
};

}  // namespace dondoc::gateway
