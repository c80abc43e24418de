#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "services/ctl/http_client.h"

namespace dondoc::ctl {

// The answer of a call: as a message, and the JSON as the server wrote it.
template <typename Message>
struct Answer {
  Message message;
  std::string json;
};

// The JSON of `message` as the API reads it (snake_case).
std::string ToJson(const google::protobuf::Message& message);

// Reads JSON into `message`. Unknown fields are an error when `strict`, as for a file that a person
// wrote; an answer of a newer server may have some. kInvalidArgument "<what>: …".
absl::Status FromJson(const std::string& json, const std::string& what, bool strict,
                      google::protobuf::Message& message);

// The error that an answer with status >= 400 stands for: the code and detail of its problem
// document with the request id, as one line. Safe to print whatever the server wrote.
absl::Status ProblemStatus(const HttpResponse& response);

// Calls of the HTTP API. Not thread-safe.
class ApiClient {
 public:
  // A GET that is answered 503 is asked again for at most `patience`: right after an import the
  // figures may not have its sequence yet.
  explicit ApiClient(HttpClient& http, absl::Duration patience = absl::ZeroDuration())
      : http_(http), patience_(patience) {}

  template <typename Message>
  absl::StatusOr<Answer<Message>> Get(const std::string& path,
                                      std::vector<std::pair<std::string, std::string>> query = {}) {
    HttpRequest request;
    request.path = path;
    request.query = std::move(query);
    return Ask<Message>(request);
  }

  template <typename Message>
  absl::StatusOr<Answer<Message>> Post(const std::string& path,
                                       const google::protobuf::Message& body) {
    HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.content_type = "application/json";
    request.body = ToJson(body);
    return Ask<Message>(request);
  }

  template <typename Message>
  absl::StatusOr<Answer<Message>> Ask(const HttpRequest& request) {
    absl::StatusOr<std::string> body = Call(request);
    if (!body.ok()) return body.status();
    Answer<Message> answer;
    absl::Status status = FromJson(*body, "câu trả lời của máy chủ", false, answer.message);
    if (!status.ok()) return status;
    answer.json = *std::move(body);
    return answer;
  }

  // The body of a successful answer; errors as ProblemStatus and HttpClient::Send.
  absl::StatusOr<std::string> Call(const HttpRequest& request);

 private:
  HttpClient& http_;
  const absl::Duration patience_;
};

}  // namespace dondoc::ctl
