// The real outbox, worker and SMTP client as a process of their own, to be killed:
// tests/chaos/mail.

#include <csignal>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/alerting/delivery.h"
#include "services/alerting/mime.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/common/clock/civil.h"
#include "services/common/clock/clock.h"

ABSL_FLAG(std::string, database, "", "the outbox's file");
ABSL_FLAG(std::string, smtp_address, "", "host:port of the relay");
ABSL_FLAG(int, queue, 0, "writes so many reminders and ends");
ABSL_FLAG(std::string, hold, "",
          "connect | accepted: says so before the first conversation begins, "
          "or after the relay's 250 to it, and waits to be killed");
ABSL_FLAG(double, deadline_seconds, 60, "gives up after that");
ABSL_FLAG(std::string, smtp_tls, "none", "none | starttls | implicit");
ABSL_FLAG(std::string, smtp_ca_file, "", "as in dondoc_alerting");
ABSL_FLAG(std::string, smtp_user, "", "as in dondoc_alerting");
ABSL_FLAG(std::string, smtp_password, "", "plain: for tests");
ABSL_FLAG(std::string, domain, "x.invalid", "of the recipients");

namespace dondoc::alerting {
namespace {

class MachineClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

// Waits to be killed where no server can hold us.
class HoldingTransport : public SmtpTransport {
 public:
  HoldingTransport(SmtpTransport& transport, std::string hold)
      : transport_(transport), hold_(std::move(hold)) {}
  Delivery Send(const std::string& from, const std::string& recipient,
                const std::string& message) override {
    if (hold_ == "connect") Hold();
    const Delivery delivery = transport_.Send(from, recipient, message);
    if (hold_ == "accepted" && delivery.result == Delivery::Result::kAccepted) Hold();
    return delivery;
  }

 private:
  void Hold() {
    std::printf("holding %s\n", hold_.c_str());
    std::fflush(stdout);
    while (true) pause();
  }
  SmtpTransport& transport_;
  const std::string hold_;
};

absl::Status Queue(SqliteAlertStore& store, int count) {
  v1::Campaign campaign;
  campaign.set_campaign_id("c");
  if (const absl::Status created = store.CreateCampaign(campaign); !created.ok()) return created;
  EvaluationRecord record;
  record.evaluation.set_evaluation_id("e");
  record.evaluation.set_campaign_id("c");
  record.evaluation.set_slot("manual:1");
  record.evaluation.set_state(v1::EvaluationState::RELEASED);
  *record.evaluation.mutable_release_time() = ToProto(absl::Now());
  for (int i = 0; i < count; ++i) {
    NewReminder reminder;
    reminder.reminder_id = reminder.unit_id = absl::StrCat("r", i);
    reminder.recipient = absl::StrCat("r", i, "@", absl::GetFlag(FLAGS_domain));
    reminder.kind = "reminder";
    reminder.subject = "Nhắc";
    reminder.message_id = absl::StrCat("r", i, "@kontum.invalid");
    MailParts parts;
    parts.from = {.name = "Đôn đốc", .address = "dondoc@kontum.invalid"};
    parts.to = {.name = "Sở Tư pháp", .address = reminder.recipient};
    parts.subject = "[Kon Tum DVCTT] Sở Tư pháp: 41,20 % (chỉ tiêu 50 %), còn 12 ngày";
    parts.message_id = reminder.message_id;
    parts.list_id = "c.dondoc.kontum.invalid";
    parts.thread_id = "thread-c@kontum.invalid";
    parts.date = absl::FromUnixSeconds(1700532000);
    // Larger than any socket's buffer, so that a server that stops reading stops us.
    parts.text = "Kính gửi: Sở Tư pháp\n.dấu chấm\n..\n" + std::string(4000, 'x') + "\n";
    for (int line = 0; line < 40; ++line)
      parts.text += "Số liệu của đơn vị trong kỳ báo cáo này.\n";
    parts.html = "<p>Kính gửi: <b>Sở Tư pháp</b></p>";
    const auto message = BuildMail(parts);
    if (!message.ok()) return message.status();
    reminder.message = *message;
    record.reminders.push_back(reminder);
  }
  return store.SaveEvaluation(record);
}

bool Waits(const SqliteAlertStore& store) {
  const auto counts = store.CountByState();
  if (!counts.ok()) return true;
  for (const auto& [state, count] : *counts) {
    if (count > 0 && (state == v1::ReminderState::QUEUED || state == v1::ReminderState::DEFERRED ||
                      state == v1::ReminderState::UNKNOWN || state == v1::ReminderState::SENDING)) {
      return true;
    }
  }
  return false;
}

SmtpOptions Options() {
  SmtpOptions options;
  options.address = absl::GetFlag(FLAGS_smtp_address);
  options.ehlo_name = "kontum.invalid";
  options.timeout = absl::Seconds(20);
  const std::string tls = absl::GetFlag(FLAGS_smtp_tls);
  options.tls = tls == "starttls"   ? SmtpTls::kStartTls
                : tls == "implicit" ? SmtpTls::kImplicit
                                    : SmtpTls::kNone;
  options.ca_file = absl::GetFlag(FLAGS_smtp_ca_file);
  options.user = absl::GetFlag(FLAGS_smtp_user);
  options.password = absl::GetFlag(FLAGS_smtp_password);
  return options;
}

int Run() {
  auto store = SqliteAlertStore::Open(absl::GetFlag(FLAGS_database));
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  if (const int count = absl::GetFlag(FLAGS_queue); count > 0) {
    return Queue(**store, count).ok() ? 0 : 1;
  }
  MachineClock clock;
  prometheus::Registry registry;
  Metrics metrics(registry);
  auto smtp = CurlSmtpTransport::Create(Options());
  if (!smtp.ok()) return 1;
  HoldingTransport transport(**smtp, absl::GetFlag(FLAGS_hold));
  DeliveryOptions options;
  options.mail_from = "dondoc@kontum.invalid";
  options.retry_first = absl::Milliseconds(50);
  options.retry_max = absl::Milliseconds(200);
  options.relay_retry_first = absl::Milliseconds(50);
  options.relay_retry_max = absl::Milliseconds(200);
  DeliveryWorker worker(**store, transport, clock, metrics, options);
  if (!worker.Recover().ok()) return 1;
  worker.Start();
  const absl::Time give_up = absl::Now() + absl::Seconds(absl::GetFlag(FLAGS_deadline_seconds));
  while (Waits(**store) && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(5));
  worker.Stop();
  const auto counts = (*store)->CountByState();
  if (!counts.ok()) return 1;
  for (const auto& [state, count] : *counts) {
    std::printf("%s %d\n", v1::ReminderState::Value_Name(state).c_str(), static_cast<int>(count));
  }
  std::printf("resent_unknown %d\n", static_cast<int>(metrics.reminders_resent_unknown.Value()));
  return 0;
}

}  // namespace
}  // namespace dondoc::alerting

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return dondoc::alerting::Run();
}
