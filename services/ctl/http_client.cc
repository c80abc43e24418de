#include "services/ctl/http_client.h"

#include <curl/curl.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dondoc::ctl {
namespace {

constexpr long kConnectTimeoutSeconds = 5;

bool IsUnreserved(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

// What libcurl's callbacks see of one call.
struct Transfer {
  const HttpRequest* request = nullptr;
  HttpResponse response;
  int64_t bytes_read = 0;
  bool too_large = false;
  bool file_failed = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (transfer->response.body.size() + bytes > kResponseBytesMax) {
    transfer->too_large = true;
    return 0;  // libcurl gives up
  }
  transfer->response.body.append(data, bytes);
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const absl::string_view line(data, size * count);
  const size_t colon = line.find(':');
  if (colon != absl::string_view::npos) {
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    if (absl::EqualsIgnoreCase(name, "x-request-id")) {
      transfer->response.request_id = std::string(value);
    } else if (absl::EqualsIgnoreCase(name, "content-type")) {
      const absl::string_view type = value.substr(0, value.find(';'));
      transfer->response.content_type = std::string(absl::StripAsciiWhitespace(type));
    }
  }
  return size * count;
}

size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const HttpRequest& request = *transfer->request;
  // Never more than was announced, should the file have grown meanwhile.
  const size_t left = static_cast<size_t>(request.body_bytes - transfer->bytes_read);
  const size_t got = std::fread(buffer, 1, std::min(size * count, left), request.body_file);
  if (got == 0 && left > 0) {
    transfer->file_failed = true;
    return CURL_READFUNC_ABORT;
  }
  transfer->bytes_read += static_cast<int64_t>(got);
  if (request.on_sent != nullptr) request.on_sent(transfer->bytes_read);
  return got;
}

// libcurl starts over when a kept connection turns out to be closed.
int OnSeek(void* user, curl_off_t offset, int origin) {
  auto* transfer = static_cast<Transfer*>(user);
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  const auto place = static_cast<off_t>(transfer->request->body_start + offset);
  if (fseeko(transfer->request->body_file, place, SEEK_SET) != 0) return CURL_SEEKFUNC_FAIL;
  transfer->bytes_read = offset;
  return CURL_SEEKFUNC_OK;
}

std::string UrlOf(const std::string& server, const HttpRequest& request) {
  std::string url = server;
  while (absl::EndsWith(url, "/")) url.pop_back();
  absl::StrAppend(&url, request.path);
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    absl::StrAppend(&url, std::string(1, separator), name, "=", EscapeSegment(value));
    separator = '&';
  }
  return url;
}

bool IsLoopback(absl::string_view server) {
  const absl::string_view host = server.substr(server.find("://") + 3);
  return absl::StartsWith(host, "127.") || absl::StartsWith(host, "localhost") ||
         absl::StartsWith(host, "[::1]");
}

absl::Status StatusOf(CURLcode code, const Transfer& transfer, const std::string& server) {
  if (transfer.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat(server, " trả lời quá dài, hơn ", kResponseBytesMax >> 20, " MiB"));
  }
  if (transfer.file_failed) {
    return absl::UnavailableError("không đọc hết được tệp đang gửi");
  }
  const char* const reason = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat(server, " không trả lời kịp (", reason, ")"));
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return absl::UnavailableError(absl::StrCat("không nối được tới ", server, " (", reason,
                                                 "); máy chủ có đang chạy không?"));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return absl::InvalidArgumentError(absl::StrCat("địa chỉ ", server, ": ", reason));
    default:
      return absl::UnavailableError(absl::StrCat("đứt kết nối với ", server, " (", reason, ")"));
  }
}

void SetBody(CURL* handle, const HttpRequest& request, Transfer& transfer) {
  if (request.method == "GET") return;
  curl_easy_setopt(handle, CURLOPT_POST, 1L);
  if (request.method != "POST") {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (request.body_file == nullptr) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    return;
  }
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request.body_bytes));
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, &OnRead);
  curl_easy_setopt(handle, CURLOPT_READDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, &OnSeek);
  curl_easy_setopt(handle, CURLOPT_SEEKDATA, &transfer);
}

}  // namespace

std::string EscapeSegment(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

void HttpClient::CloseHandle::operator()(void* handle) const { curl_easy_cleanup(handle); }

HttpClient::HttpClient(std::string server, absl::Duration timeout)
    : server_(std::move(server)), timeout_(timeout), handle_(curl_easy_init()) {}

HttpClient::~HttpClient() = default;

absl::StatusOr<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  CURL* const handle = handle_.get();
  if (handle == nullptr) return absl::InternalError("libcurl không khởi động được");
  curl_easy_reset(handle);  // options only: the connection stays
  Transfer transfer;
  transfer.request = &request;
  if (request.body_file != nullptr &&
      fseeko(request.body_file, static_cast<off_t>(request.body_start), SEEK_SET) != 0) {
    return absl::UnavailableError("không đọc được tệp đang gửi");
  }

  const std::string url = UrlOf(server_, request);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(timeout_)));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "dondocctl");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  if (IsLoopback(server_)) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  SetBody(handle, request, transfer);

  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  if (!request.content_type.empty()) {
    const std::string header = absl::StrCat("Content-Type: ", request.content_type);
    headers = curl_slist_append(headers, header.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  const CURLcode code = curl_easy_perform(handle);
  curl_slist_free_all(headers);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // A server that answers an error while the body is still on its way may close before reading it
  // all: what counts is its answer.
  const bool refused_early = status >= 400 && !transfer.response.body.empty();
  if (code != CURLE_OK && !refused_early) return StatusOf(code, transfer, server_);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace dondoc::ctl
