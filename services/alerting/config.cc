#include "services/alerting/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/alerting/bounce_intake.h"
#include "services/common/config/server_flags.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:9103", "host:port for gRPC; port 0 picks a free one");
ABSL_FLAG(std::string, metrics_listen, "127.0.0.1:9203", "host:port for /metrics");
ABSL_FLAG(std::string, ingestion_address, "127.0.0.1:9101", "host:port of ingestion: mailboxes");
ABSL_FLAG(std::string, aggregation_address, "127.0.0.1:9102", "host:port of aggregation: figures");
ABSL_FLAG(std::string, database, "var/alerting.db", "SQLite file of campaigns and the outbox");
ABSL_FLAG(std::string, smtp_address, "127.0.0.1:25", "host:port of the mail relay");
ABSL_FLAG(std::string, mail_from, "dondoc@dondoc.invalid",
          "sender, \"Name <address>\" or an address; its domain names our messages");
ABSL_FLAG(std::string, mail_subject_prefix, "Kon Tum DVCTT", "in brackets before each subject");
ABSL_FLAG(std::string, office_name, "Văn phòng UBND tỉnh", "who the units answer to");
ABSL_FLAG(std::string, public_url, "",
          "http(s) address of the page that a reminder links; empty = no link");
ABSL_FLAG(std::string, mail_redirect_to, "",
          "for trials: every reminder goes to this address instead, and says so in a header");
ABSL_FLAG(std::string, mail_domains_allowed, "",
          "for trials: comma-separated domains that may be written to; empty = all");
ABSL_FLAG(int, mail_attempts_max, 30, "attempts before a reminder that is put off has failed");
ABSL_FLAG(double, mail_retry_seconds, 30, "wait after the first attempt; doubles with each");
ABSL_FLAG(double, mail_retry_seconds_max, 3600, "longest wait between attempts");
ABSL_FLAG(double, smtp_timeout_seconds, 30, "longest conversation about one reminder");
ABSL_FLAG(std::string, smtp_tls, "none",
          "to the mail relay: none, opportunistic, starttls (or no mail), or implicit");
ABSL_FLAG(std::string, smtp_ca_file, "",
          "PEM bundle that the relay's certificate is verified by; empty = the system's");
ABSL_FLAG(std::string, smtp_user, "", "user for AUTH PLAIN or LOGIN; empty = no AUTH");
ABSL_FLAG(std::string, smtp_password_file, "", "file whose first line is the password");
ABSL_FLAG(double, smtp_messages_per_minute, 0, "no faster than this; 0 = as fast as it goes");
ABSL_FLAG(std::string, acknowledge_key_file, "",
          "file with the key that signs the links by which units confirm reminders, at least 16 "
          "bytes; empty = no such links. Needs --public_url");
ABSL_FLAG(std::string, bounce_maildir, "",
          "maildir to which the mail system delivers what came back; empty = none");
ABSL_FLAG(std::string, webhook_hosts_allowed, "",
          "comma-separated host[:port]s that webhooks may name; empty = no webhooks");
ABSL_FLAG(std::string, webhook_ca_file, "",
          "PEM bundle that webhooks' certificates are verified by; empty = the system's");

namespace dondoc::alerting {
namespace {

constexpr size_t kTextBytesMax = 100;
constexpr size_t kUrlBytesMax = 500;
constexpr size_t kSecretBytesMax = 1000;
constexpr size_t kKeyBytesMin = 16;

absl::Status Refuse(absl::string_view flag, absl::string_view value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", Quoted(value), ": ", why));
}

// One line for a header or a letter.
absl::Status CheckText(absl::string_view flag, const std::string& text, size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) {
    return Refuse(flag, text, absl::StrCat("not 1–", bytes_max, " bytes"));
  }
  const bool has_control = absl::c_any_of(
      text, [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
  return has_control ? Refuse(flag, text, "has a control character") : absl::OkStatus();
}

absl::Status CheckSeconds(absl::string_view flag, double seconds, double least) {
  if (seconds >= least && seconds <= 86400) return absl::OkStatus();
  return Refuse(flag, absl::StrCat(seconds), absl::StrCat("not ", least, "–86400"));
}

absl::StatusOr<MailGuard> GuardFromFlags() {
  MailGuard guard;
  guard.redirect_to = absl::GetFlag(FLAGS_mail_redirect_to);
  if (!guard.redirect_to.empty() && !IsMailAddress(guard.redirect_to)) {
    return Refuse("mail_redirect_to", guard.redirect_to, "not a mail address");
  }
  const std::string domains = absl::GetFlag(FLAGS_mail_domains_allowed);
  for (const absl::string_view part : absl::StrSplit(domains, ',', absl::SkipEmpty())) {
    const std::string domain = absl::AsciiStrToLower(absl::StripAsciiWhitespace(part));
    if (!IsMailAddress("x@" + domain)) {
      return Refuse("mail_domains_allowed", domains, absl::StrCat(Quoted(domain), " is no domain"));
    }
    guard.domains.push_back(domain);
  }
  if (!guard.redirect_to.empty() && !guard.Allows(guard.redirect_to)) {
    return Refuse("mail_redirect_to", guard.redirect_to, "not in --mail_domains_allowed");
  }
  return guard;
}

absl::StatusOr<MailSettings> MailFromFlags() {
  MailSettings mail;
  const std::string from = absl::GetFlag(FLAGS_mail_from);
  const absl::StatusOr<Mailbox> mailbox = ParseMailbox(from);
  if (!mailbox.ok()) return Refuse("mail_from", from, "not one mail address");
  mail.from = *mailbox;
  mail.subject_prefix = absl::GetFlag(FLAGS_mail_subject_prefix);
  RETURN_IF_ERROR(CheckText("mail_subject_prefix", mail.subject_prefix, kTextBytesMax));
  mail.office_name = absl::GetFlag(FLAGS_office_name);
  RETURN_IF_ERROR(CheckText("office_name", mail.office_name, kTextBytesMax));
  mail.public_url = absl::GetFlag(FLAGS_public_url);
  if (!mail.public_url.empty()) {
    RETURN_IF_ERROR(CheckText("public_url", mail.public_url, kUrlBytesMax));
    if (!absl::StartsWith(mail.public_url, "http://") &&
        !absl::StartsWith(mail.public_url, "https://")) {
      return Refuse("public_url", mail.public_url, "not an http or https address");
    }
  }
  ASSIGN_OR_RETURN(mail.guard, GuardFromFlags());
  return mail;
}

absl::StatusOr<DeliveryOptions> DeliveryFromFlags(const MailSettings& mail) {
  DeliveryOptions options;
  options.mail_from = mail.from.address;
  options.guard = mail.guard;
  options.attempts_max = absl::GetFlag(FLAGS_mail_attempts_max);
  if (options.attempts_max < 1 || options.attempts_max > 1000) {
    return Refuse("mail_attempts_max", absl::StrCat(options.attempts_max), "not 1–1000");
  }
  const double first = absl::GetFlag(FLAGS_mail_retry_seconds);
  const double longest = absl::GetFlag(FLAGS_mail_retry_seconds_max);
  RETURN_IF_ERROR(CheckSeconds("mail_retry_seconds", first, 0.01));
  RETURN_IF_ERROR(CheckSeconds("mail_retry_seconds_max", longest, first));
  const double rate = absl::GetFlag(FLAGS_smtp_messages_per_minute);
  if (!(rate >= 0 && rate <= 1e6)) {
    return Refuse("smtp_messages_per_minute", absl::StrCat(rate), "not 0–1000000");
  }
  if (rate > 0) options.spacing = absl::Minutes(1) / rate;
  options.retry_first = absl::Seconds(first);
  options.retry_max = absl::Seconds(longest);
  return options;
}

// The first line of a secret's file; the value itself is never in a message.
absl::StatusOr<std::string> SecretFromFile(absl::string_view flag, const std::string& path) {
  std::ifstream file(path);
  std::string secret;
  if (!file || !std::getline(file, secret)) return Refuse(flag, path, "cannot be read");
  if (!secret.empty() && secret.back() == '\r') secret.pop_back();
  if (secret.empty() || secret.size() > kSecretBytesMax) {
    return Refuse(flag, path, absl::StrCat("its first line is not 1–", kSecretBytesMax, " bytes"));
  }
  return secret;
}

absl::Status CheckReadable(absl::string_view flag, const std::string& path) {
  if (path.empty() || std::ifstream(path)) return absl::OkStatus();
  return Refuse(flag, path, "cannot be read");
}

absl::StatusOr<SmtpTls> TlsFromFlags() {
  const std::string tls = absl::GetFlag(FLAGS_smtp_tls);
  if (tls == "none") return SmtpTls::kNone;
  if (tls == "opportunistic") return SmtpTls::kOpportunistic;
  if (tls == "starttls") return SmtpTls::kStartTls;
  if (tls == "implicit") return SmtpTls::kImplicit;
  return Refuse("smtp_tls", tls, "not none, opportunistic, starttls or implicit");
}

absl::StatusOr<SmtpOptions> SmtpFromFlags(const MailSettings& mail) {
  SmtpOptions smtp;
  smtp.address = absl::GetFlag(FLAGS_smtp_address);
  RETURN_IF_ERROR(CheckAddress("smtp_address", smtp.address));
  smtp.ehlo_name = DomainOf(mail.from.address);
  const double timeout = absl::GetFlag(FLAGS_smtp_timeout_seconds);
  RETURN_IF_ERROR(CheckSeconds("smtp_timeout_seconds", timeout, 0.1));
  smtp.timeout = absl::Seconds(timeout);
  smtp.connect_timeout = std::min(smtp.connect_timeout, smtp.timeout);
  ASSIGN_OR_RETURN(smtp.tls, TlsFromFlags());
  smtp.ca_file = absl::GetFlag(FLAGS_smtp_ca_file);
  RETURN_IF_ERROR(CheckReadable("smtp_ca_file", smtp.ca_file));
  smtp.user = absl::GetFlag(FLAGS_smtp_user);
  if (smtp.user.empty()) return smtp;
  if (smtp.tls != SmtpTls::kStartTls && smtp.tls != SmtpTls::kImplicit) {
    return Refuse("smtp_user", smtp.user,
                  "a password goes over TLS only: --smtp_tls=starttls or implicit");
  }
  ASSIGN_OR_RETURN(smtp.password,
                   SecretFromFile("smtp_password_file", absl::GetFlag(FLAGS_smtp_password_file)));
  return smtp;
}

absl::StatusOr<WebhookOptions> WebhooksFromFlags() {
  WebhookOptions webhooks;
  const std::string hosts = absl::GetFlag(FLAGS_webhook_hosts_allowed);
  for (const absl::string_view part : absl::StrSplit(hosts, ',', absl::SkipEmpty())) {
    webhooks.hosts.push_back(absl::AsciiStrToLower(absl::StripAsciiWhitespace(part)));
  }
  webhooks.ca_file = absl::GetFlag(FLAGS_webhook_ca_file);
  RETURN_IF_ERROR(CheckReadable("webhook_ca_file", webhooks.ca_file));
  return webhooks;
}

// The links' key and the folder of what came back.
absl::Status AnswersFromFlags(Config& config) {
  if (const std::string path = absl::GetFlag(FLAGS_acknowledge_key_file); !path.empty()) {
    ASSIGN_OR_RETURN(config.mail.acknowledge_key, SecretFromFile("acknowledge_key_file", path));
    if (config.mail.acknowledge_key.size() < kKeyBytesMin) {
      return Refuse("acknowledge_key_file", path,
                    absl::StrCat("the key is shorter than ", kKeyBytesMin, " bytes"));
    }
    if (config.mail.public_url.empty()) {
      return Refuse("acknowledge_key_file", path, "links need --public_url");
    }
  }
  config.bounce_maildir = absl::GetFlag(FLAGS_bounce_maildir);
  if (config.bounce_maildir.empty()) return absl::OkStatus();
  const absl::Status folder = BounceMaildir::Check(config.bounce_maildir);
  return folder.ok() ? folder : Refuse("bounce_maildir", config.bounce_maildir, folder.message());
}

}  // namespace

absl::StatusOr<Config> ConfigFromFlags() {
  Config config;
  ASSIGN_OR_RETURN(config.server, ServerConfigFromFlags("alerting", absl::GetFlag(FLAGS_listen)));
  config.metrics_address = absl::GetFlag(FLAGS_metrics_listen);
  config.ingestion_address = absl::GetFlag(FLAGS_ingestion_address);
  config.aggregation_address = absl::GetFlag(FLAGS_aggregation_address);
  RETURN_IF_ERROR(CheckAddress("listen", config.server.listen_address));
  RETURN_IF_ERROR(CheckAddress("metrics_listen", config.metrics_address));
  RETURN_IF_ERROR(CheckAddress("ingestion_address", config.ingestion_address));
  RETURN_IF_ERROR(CheckAddress("aggregation_address", config.aggregation_address));
  config.database = absl::GetFlag(FLAGS_database);
  if (config.database.empty()) return Refuse("database", "", "no file named");
  ASSIGN_OR_RETURN(config.mail, MailFromFlags());
  ASSIGN_OR_RETURN(config.delivery, DeliveryFromFlags(config.mail));
  ASSIGN_OR_RETURN(config.smtp, SmtpFromFlags(config.mail));
  ASSIGN_OR_RETURN(config.webhooks, WebhooksFromFlags());
  RETURN_IF_ERROR(AnswersFromFlags(config));
  return config;
}

}  // namespace dondoc::alerting
