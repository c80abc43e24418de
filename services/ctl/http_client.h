#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dondoc::ctl {

inline constexpr size_t kResponseBytesMax = 256 << 20;

struct HttpRequest {
  std::string method = "GET";  // or "POST", "PATCH"
  // Begins with '/'; its parts are already escaped (see EscapeSegment).
  std::string path = {};
  // Values as they are: Send escapes them.
  std::vector<std::pair<std::string, std::string>> query = {};
  std::string content_type = {};
  std::string body = {};
  // When set, the body is the `body_bytes` bytes of this file from `body_start` on instead, read as
  // they are sent.
  std::FILE* body_file = nullptr;
  int64_t body_start = 0;
  int64_t body_bytes = 0;
  // Called with the bytes of `body_file` read so far, from the thread that sends.
  std::function<void(int64_t)> on_sent = {};
};

struct HttpResponse {
  int status = 0;
  std::string content_type;  // "application/json", parameters left out
  std::string request_id;    // of the header X-Request-Id; empty = none
  std::string body;
};

// One path segment, percent-escaped.
std::string EscapeSegment(absl::string_view text);

// Speaks HTTP to one server over a kept connection. One call at a time: not thread-safe. Redirects
// are not followed, and nothing but http and https is spoken.
class HttpClient {
 public:
  // `server` is "http://host:port"; `timeout` bounds each call as a whole.
  HttpClient(std::string server, absl::Duration timeout);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any answer is OK, whatever its status. kUnavailable: the server cannot be reached or the
  // connection broke; the call may or may not have taken effect. kDeadlineExceeded: no answer in
  // time. kResourceExhausted: an answer larger than kResponseBytesMax. Messages are Vietnamese and
  // name the server.
  absl::StatusOr<HttpResponse> Send(const HttpRequest& request);

  const std::string& server() const { return server_; }

 private:
  const std::string server_;
  const absl::Duration timeout_;
  struct CloseHandle {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, CloseHandle> handle_;
};

}  // namespace dondoc::ctl
