#include "services/alerting/smtp.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kReplyBytesMax = 500;

// What happened on the wire, gathered by libcurl's callbacks.
struct Conversation {
  absl::string_view unsent;    // of the message
  bool message_given = false;  // libcurl took the last byte: the final dot may follow
  bool mail_said = false;      // MAIL FROM went out: from here on a refusal is about this message
  bool quit_said = false;      // what is answered after it is about nothing
  int code = 0;                // of the last reply before QUIT
  std::string reply;           // its last line
};

size_t GiveMessage(char* buffer, size_t size, size_t count, void* user) {
  auto& conversation = *static_cast<Conversation*>(user);
  const size_t bytes = std::min(size * count, conversation.unsent.size());
  std::memcpy(buffer, conversation.unsent.data(), bytes);
  conversation.unsent.remove_prefix(bytes);
  // Told before libcurl writes it: a crash or a break from here on leaves the outcome open.
  conversation.message_given = conversation.unsent.empty();
  return bytes;
}

std::string OneLine(absl::string_view text) {
  std::string line(absl::StripAsciiWhitespace(text.substr(0, kReplyBytesMax)));
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  return line;
}

int Listen(CURL* /*handle*/, curl_infotype type, char* bytes, size_t size, void* user) {
  auto& conversation = *static_cast<Conversation*>(user);
  const absl::string_view line(bytes, size);
  if (type == CURLINFO_HEADER_OUT && absl::StartsWith(line, "MAIL FROM")) {
    conversation.mail_said = true;
  }
  if (type == CURLINFO_HEADER_OUT && absl::StartsWith(line, "QUIT")) conversation.quit_said = true;
  int code = 0;
  if (type == CURLINFO_HEADER_IN && !conversation.quit_said && size >= 3 &&
      absl::SimpleAtoi(line.substr(0, 3), &code)) {
    conversation.code = code;
    conversation.reply = OneLine(line);
  }
  return 0;
}

Delivery Judge(CURLcode result, const Conversation& conversation) {
  if (result == CURLE_OK) {
    return {.result = Delivery::Result::kAccepted, .reply = conversation.reply};
  }
  Delivery delivery;
  const bool refused = conversation.code >= 400;
  delivery.reply =
      refused
          ? conversation.reply
          : OneLine(absl::StrCat(
                curl_easy_strerror(result),
                conversation.reply.empty() ? "" : absl::StrCat(" after: ", conversation.reply)));
  if (!conversation.mail_said) {
    // A greeting or EHLO that refuses, or no connection: about the relay, not about the recipient.
    delivery.result = Delivery::Result::kUnreachable;
  } else if (refused) {
    delivery.result =
        conversation.code >= 500 ? Delivery::Result::kRefused : Delivery::Result::kDeferred;
  } else {
    delivery.result =
        conversation.message_given ? Delivery::Result::kUnknown : Delivery::Result::kDeferred;
  }
  return delivery;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CurlSmtpTransport>> CurlSmtpTransport::Create(
    const SmtpOptions& options) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = started == CURLE_OK ? curl_easy_init() : nullptr;
  if (handle == nullptr) return absl::InternalError("libcurl does not start");
  return std::unique_ptr<CurlSmtpTransport>(new CurlSmtpTransport(handle, options));
}

CurlSmtpTransport::~CurlSmtpTransport() {
  CutConnections();
  curl_easy_cleanup(handle_);
}

void CurlSmtpTransport::CutConnections() {
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

int CurlSmtpTransport::OpenSocket(void* self, int /*purpose*/, void* address) {
  const auto& wanted = *static_cast<curl_sockaddr*>(address);
  const int opened = socket(wanted.family, wanted.socktype | SOCK_CLOEXEC, wanted.protocol);
  if (opened < 0) return CURL_SOCKET_BAD;
  static_cast<CurlSmtpTransport*>(self)->sockets_.insert(opened);
  return opened;
}

int CurlSmtpTransport::CloseSocket(void* self, int socket) {
  static_cast<CurlSmtpTransport*>(self)->sockets_.erase(socket);
  return close(socket);
}

void CurlSmtpTransport::SetLimits() {
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout)));
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  // Also for the answer to QUIT: after a timeout libcurl waits for it, by itself for two minutes.
  curl_easy_setopt(
      handle_, CURLOPT_SERVER_RESPONSE_TIMEOUT,
      static_cast<long>(absl::ToInt64Seconds(absl::Ceil(options_.timeout, absl::Seconds(1)))));
  curl_easy_setopt(
      handle_, CURLOPT_OPENSOCKETFUNCTION,
      +[](void* self, curlsocktype purpose, curl_sockaddr* address) {
        return OpenSocket(self, static_cast<int>(purpose), address);
      });
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(
      handle_, CURLOPT_CLOSESOCKETFUNCTION,
      +[](void* self, curl_socket_t socket) { return CloseSocket(self, socket); });
  curl_easy_setopt(handle_, CURLOPT_CLOSESOCKETDATA, this);
  curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, Progress);
  curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, this);
}

void CurlSmtpTransport::SetSecurity() {
  // The level is set for every transfer alike, so a reused connection is one that met it.
  const long level = options_.tls == SmtpTls::kNone            ? CURLUSESSL_NONE
                     : options_.tls == SmtpTls::kOpportunistic ? CURLUSESSL_TRY
                                                               : CURLUSESSL_ALL;
  curl_easy_setopt(handle_, CURLOPT_USE_SSL, level);
  curl_easy_setopt(handle_, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
  }
  if (options_.user.empty()) return;
  curl_easy_setopt(handle_, CURLOPT_USERNAME, options_.user.c_str());
  curl_easy_setopt(handle_, CURLOPT_PASSWORD, options_.password.c_str());
  curl_easy_setopt(handle_, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
}

// libcurl asks about once a second, also while it waits for the answer to QUIT.
int CurlSmtpTransport::Progress(void* self, int64_t /*down*/, int64_t /*down_now*/, int64_t /*up*/,
                                int64_t /*up_now*/) {
  auto& transport = *static_cast<CurlSmtpTransport*>(self);
  if (absl::ToUnixMicros(absl::Now()) < transport.cancel_at_us_) return 0;
  transport.CutConnections();
  return 1;
}

void CurlSmtpTransport::Cancel(absl::Duration grace) {
  cancel_at_us_ = absl::ToUnixMicros(absl::Now() + grace);
}

Delivery CurlSmtpTransport::Send(const std::string& from, const std::string& recipient,
                                 const std::string& message) {
  if (cancel_at_us_ != INT64_MAX) {
    return {.result = Delivery::Result::kUnreachable, .reply = "not begun: the service is ending"};
  }
  Conversation conversation;
  conversation.unsent = message;
  // Reset keeps the connections.
  curl_easy_reset(handle_);
  curl_slist* recipients = curl_slist_append(nullptr, absl::StrCat("<", recipient, ">").c_str());
  const std::string url = absl::StrCat(options_.tls == SmtpTls::kImplicit ? "smtps://" : "smtp://",
                                       options_.address, "/", options_.ehlo_name);
  const std::string sender = absl::StrCat("<", from, ">");
  curl_easy_setopt(handle_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle_, CURLOPT_PROXY, "");
  curl_easy_setopt(handle_, CURLOPT_MAIL_FROM, sender.c_str());
  curl_easy_setopt(handle_, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(handle_, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle_, CURLOPT_READFUNCTION, GiveMessage);
  curl_easy_setopt(handle_, CURLOPT_READDATA, &conversation);
  curl_easy_setopt(handle_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));
  curl_easy_setopt(handle_, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(handle_, CURLOPT_DEBUGFUNCTION, Listen);
  curl_easy_setopt(handle_, CURLOPT_DEBUGDATA, &conversation);
  SetLimits();
  SetSecurity();
  const CURLcode result = curl_easy_perform(handle_);
  curl_slist_free_all(recipients);
  return Judge(result, conversation);
}

}  // namespace dondoc::alerting
