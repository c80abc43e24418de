#include "services/alerting/webhook.h"

#include <curl/curl.h>

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/alerting/acknowledgement.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

absl::Status Refuse(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("webhook.url: ", why));
}

// What is answered is of no interest, and not kept.
size_t Forget(char* /*bytes*/, size_t size, size_t count, void* /*user*/) { return size * count; }

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string Part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool IsPassing(long code) { return code == 408 || code == 425 || code == 429 || code >= 500; }

}  // namespace

absl::Status CheckWebhookUrl(const std::string& url, const std::vector<std::string>& hosts) {
  if (url.empty() || url.size() > kWebhookUrlBytesMax) {
    return Refuse(absl::StrCat("not 1–", kWebhookUrlBytesMax, " bytes"));
  }
  const bool printable = absl::c_all_of(url, [](char c) { return c > ' ' && c <= '~'; });
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (!printable || parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Refuse(absl::StrCat(Quoted(url), " is no URL"));
  }
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return Refuse("neither http nor https");
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty() ||
      !Part(parsed.get(), CURLUPART_FRAGMENT).empty()) {
    return Refuse("has a user, a password or a fragment");
  }
  std::string host = absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_HOST));
  if (const std::string port = Part(parsed.get(), CURLUPART_PORT); !port.empty()) {
    absl::StrAppend(&host, ":", port);
  }
  if (!absl::c_linear_search(hosts, host)) {
    return Refuse(absl::StrCat("host ", Quoted(host), " is not in --webhook_hosts_allowed"));
  }
  return absl::OkStatus();
}

std::string WebhookSignature(const std::string& secret_hex, absl::string_view id, int64_t timestamp,
                             absl::string_view body) {
  return absl::StrCat("v1,",
                      absl::Base64Escape(HmacSha256(absl::HexStringToBytes(secret_hex),
                                                    absl::StrCat(id, ".", timestamp, ".", body))));
}

absl::StatusOr<std::unique_ptr<WebhookTransport>> WebhookTransport::Create(
    const MailStore& store, Metrics& metrics, const WebhookOptions& options) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = started == CURLE_OK ? curl_easy_init() : nullptr;
  if (handle == nullptr) return absl::InternalError("libcurl does not start");
  return std::unique_ptr<WebhookTransport>(new WebhookTransport(handle, store, metrics, options));
}

WebhookTransport::~WebhookTransport() { curl_easy_cleanup(handle_); }

void WebhookTransport::Cancel(absl::Duration grace) {
  cancel_at_us_ = absl::ToUnixMicros(absl::Now() + grace);
}

int WebhookTransport::Progress(void* self, int64_t /*down*/, int64_t /*down_now*/, int64_t /*up*/,
                               int64_t /*up_now*/) {
  const auto& transport = *static_cast<WebhookTransport*>(self);
  return absl::ToUnixMicros(absl::Now()) >= transport.cancel_at_us_ ? 1 : 0;
}

Delivery WebhookTransport::Send(const std::string& /*from*/, const std::string& recipient,
                                const std::string& message) {
  const absl::StatusOr<StoredWebhook> webhook = store_.FindWebhook(recipient);
  Delivery delivery;
  if (!webhook.ok()) {
    delivery = {.result = absl::IsNotFound(webhook.status()) ? Delivery::Result::kRefused
                                                             : Delivery::Result::kDeferred,
                .reply = std::string(webhook.status().message())};
  } else if (const absl::Status url = CheckWebhookUrl(webhook->webhook.url(), options_.hosts);
             !url.ok()) {
    // The list may have become shorter since.
    delivery = {.result = Delivery::Result::kRefused, .reply = std::string(url.message())};
  } else {
    delivery = Post(*webhook, message);
  }
  switch (delivery.result) {
    case Delivery::Result::kAccepted:
      metrics_.webhooks_sent.Increment();
      break;
    case Delivery::Result::kRefused:
      metrics_.webhooks_failed.Increment();
      break;
    default:
      metrics_.webhooks_deferred.Increment();
      break;
  }
  return delivery;
}

Delivery WebhookTransport::Post(const StoredWebhook& webhook, const std::string& event) {
  curl_easy_reset(handle_);
  // The event's id is the reminder's; the header tells one webhook's calls apart.
  const std::string id =
      absl::StrCat(webhook.webhook.webhook_id(), ".",
                   absl::BytesToHexString(HmacSha256(webhook.secret, event)).substr(0, 32));
  const int64_t timestamp = absl::ToUnixSeconds(absl::Now());
  curl_slist* headers = nullptr;
  for (const std::string& header :
       {std::string("Content-Type: application/cloudevents+json; charset=utf-8"),
        absl::StrCat("Webhook-Id: ", id), absl::StrCat("Webhook-Timestamp: ", timestamp),
        absl::StrCat("Webhook-Signature: ", WebhookSignature(webhook.secret, id, timestamp, event)),
        std::string("Expect:")}) {
    headers = curl_slist_append(headers, header.c_str());
  }
  curl_easy_setopt(handle_, CURLOPT_URL, webhook.webhook.url().c_str());
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_PROXY, "");
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(event.size()));
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, event.data());
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, Forget);
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, Progress);
  curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  const CURLcode result = curl_easy_perform(handle_);
  curl_slist_free_all(headers);
  if (result != CURLE_OK) {
    return {.result = Delivery::Result::kDeferred, .reply = curl_easy_strerror(result)};
  }
  long code = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &code);
  Delivery delivery;
  delivery.reply = absl::StrCat("HTTP ", code);
  delivery.result = code >= 200 && code < 300 ? Delivery::Result::kAccepted
                    : IsPassing(code)         ? Delivery::Result::kDeferred
                                              : Delivery::Result::kRefused;
  return delivery;
}

}  // namespace dondoc::alerting
