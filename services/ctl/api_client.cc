#include "services/ctl/api_client.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/common/status/macros.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

constexpr size_t kDetailWidthMax = 2000;
constexpr absl::Duration kAskAgainAfter = absl::Milliseconds(50);

std::string TextField(const google::protobuf::Struct& document, const char* name) {
  const auto found = document.fields().find(name);
  return found == document.fields().end() ? "" : found->second.string_value();
}

absl::StatusCode CodeOf(const std::string& name, int http_status) {
  for (int code = 1; code <= 16; ++code) {
    if (absl::StatusCodeToString(static_cast<absl::StatusCode>(code)) == name) {
      return static_cast<absl::StatusCode>(code);
    }
  }
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAlreadyExists;
    case 503:
      return absl::StatusCode::kUnavailable;
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kUnknown;
  }
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages with malformed well-known types, which no code here makes.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

absl::Status FromJson(const std::string& json, const std::string& what, bool strict,
                      google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = !strict;
  options.case_insensitive_enum_parsing = true;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message, options);
  if (status.ok()) return absl::OkStatus();
  const std::string reason(status.message().data(), status.message().size());
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": JSON không hợp lệ: ", CutTo(Printable(reason), kDetailWidthMax)));
}

absl::Status ProblemStatus(const HttpResponse& response) {
  google::protobuf::Struct document;
  std::string detail;
  std::string code;
  std::string request_id = response.request_id;
  if (FromJson(response.body, "", false, document).ok()) {
    code = TextField(document, "code");
    detail = TextField(document, "detail");
    if (detail.empty()) detail = TextField(document, "title");
    const std::string named = TextField(document, "request_id");
    if (!named.empty()) request_id = named;
  }
  if (detail.empty()) detail = "máy chủ không nói lý do";
  std::string line = absl::StrCat("lỗi ", response.status);
  if (!code.empty()) absl::StrAppend(&line, " ", code);
  absl::StrAppend(&line, ": ", detail);
  if (!request_id.empty()) absl::StrAppend(&line, " (mã yêu cầu ", request_id, ")");
  return absl::Status(CodeOf(code, response.status), CutTo(Printable(line), kDetailWidthMax));
}

absl::StatusOr<std::string> ApiClient::Call(const HttpRequest& request) {
  const absl::Time give_up = absl::Now() + patience_;
  ASSIGN_OR_RETURN(HttpResponse response, http_.Send(request));
  while (response.status == 503 && request.method == "GET" && absl::Now() < give_up) {
    absl::SleepFor(kAskAgainAfter);
    ASSIGN_OR_RETURN(response, http_.Send(request));
  }
  if (response.status >= 400) return ProblemStatus(response);
  if (response.status < 200 || response.status >= 300) {
    return absl::UnknownError(
        absl::StrCat(http_.server(), " trả lời ", response.status, ", không phải API của dondoc"));
  }
  return std::move(response.body);
}

}  // namespace dondoc::ctl
