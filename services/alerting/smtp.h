#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dondoc::alerting {

struct Delivery {
  enum class Result {
    kAccepted,     // the relay answered the final dot with 2xx
    kUnreachable,  // no conversation: nothing was sent, whoever the recipient
    kDeferred,     // a passing refusal, or the connection broke before the final dot
    kRefused,      // 5xx to this sender, recipient or message
    kUnknown,      // the final dot may have gone out and no answer came
  };
  Result result = Result::kUnknown;
  // The relay's last line, or what went wrong; one line of printable text.
  std::string reply;
};

// Hands one message to one recipient. Used by one thread at a time.
class SmtpTransport {
 public:
  virtual ~SmtpTransport() = default;
  virtual Delivery Send(const std::string& from, const std::string& recipient,
                        const std::string& message) = 0;
  // From any thread, for good: a conversation under way has `grace` left, later ones do not begin.
  virtual void Cancel(absl::Duration grace) { static_cast<void>(grace); }
};

enum class SmtpTls {
  kNone,           // plain text
  kOpportunistic,  // STARTTLS when it is offered
  kStartTls,       // STARTTLS, or no mail
  kImplicit,       // TLS from the first byte (port 465)
};

struct SmtpOptions {
  std::string address;    // host:port of the relay
  std::string ehlo_name;  // our name in EHLO
  absl::Duration connect_timeout = absl::Seconds(10);
  // For the whole conversation about one message; a relay that hangs costs it twice (QUIT).
  absl::Duration timeout = absl::Seconds(30);
  SmtpTls tls = SmtpTls::kNone;
  std::string ca_file{};  // PEM bundle to verify by; empty = the system's. Always verified
  std::string user{};     // empty = no AUTH; else AUTH PLAIN or LOGIN
  std::string password{};
};

// SMTP through libcurl; keeps its connection for the next message.
class CurlSmtpTransport : public SmtpTransport {
 public:
  static absl::StatusOr<std::unique_ptr<CurlSmtpTransport>> Create(const SmtpOptions& options);
  ~CurlSmtpTransport() override;
  Delivery Send(const std::string& from, const std::string& recipient,
                const std::string& message) override;
  void Cancel(absl::Duration grace) override;

 private:
  void SetSecurity();
  void SetLimits();
  void CutConnections();
  static int OpenSocket(void* self, int purpose, void* address);
  static int CloseSocket(void* self, int socket);
  static int Progress(void* self, int64_t, int64_t, int64_t, int64_t);

  CurlSmtpTransport(void* handle, const SmtpOptions& options)
      : handle_(handle), options_(options) {}

  void* const handle_;  // CURL*
  const SmtpOptions options_;
  // Of the sending thread. libcurl says QUIT to what it closes and waits for the answer, by itself
  // for minutes; a socket that is cut does not answer.
  std::set<int> sockets_;
  std::atomic<int64_t> cancel_at_us_ = INT64_MAX;  // real clock
};

}  // namespace dondoc::alerting
