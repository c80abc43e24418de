#include "gateway/problem.h"

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/json_text.h"

namespace dondoc::gateway {
namespace {

constexpr char kFieldPayload[] = "dondoc/field";
// After this many seconds a caller may ask again what was unavailable.
constexpr int kRetryAfterSeconds = 1;
// A service's text is shown up to here; ours are shorter.
constexpr size_t kDetailBytesMax = 4096;

// "name" or "name[12]" → the field, when `message` has it.
const google::protobuf::FieldDescriptor* FieldOfStep(absl::string_view step,
                                                     const google::protobuf::Descriptor* message) {
  const size_t bracket = step.find('[');
  if (bracket != absl::string_view::npos) {
    const absl::string_view index = step.substr(bracket + 1);
    if (index.size() < 2 || index.back() != ']') return nullptr;
    for (const char c : index.substr(0, index.size() - 1)) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return nullptr;
    }
    step = step.substr(0, bracket);
  }
  return message->FindFieldByName(std::string(step));
}

// The field path that `text` starts with, "" when it starts with none of `request`.
std::string LeadingFieldPath(absl::string_view text, const google::protobuf::Descriptor* request) {
  const size_t colon = text.find(':');
  if (request == nullptr || colon == absl::string_view::npos) return "";
  const absl::string_view path = text.substr(0, colon);
  const google::protobuf::Descriptor* message = request;
  for (const absl::string_view step : absl::StrSplit(path, '.')) {
    if (message == nullptr) return "";
    const auto* field = FieldOfStep(step, message);
    if (field == nullptr) return "";
    message = field->message_type();
  }
  return std::string(path);
}

}  // namespace

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return 500;
    default:
      return 500;
  }
}

absl::string_view ReasonOf(int http_status) {
  switch (http_status) {
    // clang-format off
    case 100: return "Continue";
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
      // clang-format on
  }
}

bool HidesText(absl::StatusCode code) { return HttpStatusOf(code) == 500; }

absl::Status FieldError(absl::string_view path, absl::string_view what) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
  status.SetPayload(kFieldPayload, absl::Cord(path));
  return status;
}

Problem ProblemOf(const absl::Status& status, const google::protobuf::Descriptor* request) {
  Problem problem;
  problem.http_status = HttpStatusOf(status.code());
  problem.code = status.code();
  if (HidesText(status.code())) {
    problem.detail = "the service failed; its log has the reason under this request id";
    return problem;
  }
  problem.detail = std::string(status.message().substr(0, kDetailBytesMax));
  if (const auto field = status.GetPayload(kFieldPayload)) {
    problem.field = std::string(*field);
  } else if (status.code() == absl::StatusCode::kInvalidArgument) {
    problem.field = LeadingFieldPath(status.message(), request);
  }
  if (problem.http_status == 503) problem.retry_after_seconds = kRetryAfterSeconds;
  return problem;
}

std::string ProblemBody(const Problem& problem, absl::string_view request_id) {
  // "about:blank" says that the title is the HTTP status's own (RFC 9457 §4.2.1): what sets our
  // problems apart is `code` and `field`.
  std::string body = "{\"type\":\"about:blank\",\"title\":";
  AppendJsonString(ReasonOf(problem.http_status), body);
  absl::StrAppend(&body, ",\"status\":", problem.http_status, ",\"detail\":");
  AppendJsonString(problem.detail, body);
  body += ",\"code\":";
  AppendJsonString(absl::StatusCodeToString(problem.code), body);
  if (!problem.field.empty()) {
    body += ",\"field\":";
    AppendJsonString(problem.field, body);
  }
  body += ",\"request_id\":";
  AppendJsonString(request_id, body);
  body += "}\n";
  return body;
}

}  // namespace dondoc::gateway
