#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dondoc::ctl::testing {

struct ApiRequest {
  std::string method;
  std::string target;  // path and query as sent
  std::string content_type;
  std::string body;
};

struct ApiResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string request_id;
  // Closes the connection without an answer.
  bool hang_up = false;
};

// A small HTTP server on a free loopback port that answers what `handler` says and keeps what it
// was asked. The handler runs on several threads.
class FakeApi {
 public:
  explicit FakeApi(std::function<ApiResponse(const ApiRequest&)> handler);
  ~FakeApi();
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  std::string url() const;
  std::vector<ApiRequest> requests() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace dondoc::ctl::testing
