#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/alerting/metrics.h"
#include "services/alerting/smtp.h"
#include "services/alerting/store/mail_store.h"

namespace dondoc::alerting {

inline constexpr size_t kWebhookUrlBytesMax = 1000;

// Whether a webhook may have `url`: http or https, without user or fragment, its "host" or
// "host:port" one of `hosts` (lower case; a host without a port stands for the scheme's own). The
// list is the guard against being sent into our own network: names in it are trusted to resolve to
// what the operator meant. kInvalidArgument says what is wrong, beginning with "webhook.url: ".
absl::Status CheckWebhookUrl(const std::string& url, const std::vector<std::string>& hosts);

// The value of the Webhook-Signature header for a body.
std::string WebhookSignature(const std::string& secret_hex, absl::string_view id, int64_t timestamp,
                             absl::string_view body);

struct WebhookOptions {
  std::vector<std::string> hosts;  // that may be called; empty = none
  absl::Duration timeout = absl::Seconds(15);
  std::string ca_file;  // PEM bundle; empty = the system's
};

// Posts events: the recipient of a row is a webhook's id, the message the event. 2xx is accepted;
// 408, 425, 429, 5xx and a broken connection are put off; anything else is refused. A receiver may
// see an event twice and knows it by its Webhook-Id. No redirect is followed.
class WebhookTransport : public SmtpTransport {
 public:
  static absl::StatusOr<std::unique_ptr<WebhookTransport>> Create(const MailStore& store,
                                                                  Metrics& metrics,
                                                                  const WebhookOptions& options);
  ~WebhookTransport() override;
  Delivery Send(const std::string& from, const std::string& recipient,
                const std::string& message) override;
  void Cancel(absl::Duration grace) override;

 private:
  WebhookTransport(void* handle, const MailStore& store, Metrics& metrics,
                   const WebhookOptions& options)
      : handle_(handle), store_(store), metrics_(metrics), options_(options) {}
  Delivery Post(const StoredWebhook& webhook, const std::string& event);
  static int Progress(void* self, int64_t, int64_t, int64_t, int64_t);

  void* const handle_;  // CURL*
  const MailStore& store_;
  Metrics& metrics_;
  const WebhookOptions options_;
  std::atomic<int64_t> cancel_at_us_ = INT64_MAX;  // real clock
};

}  // namespace dondoc::alerting
