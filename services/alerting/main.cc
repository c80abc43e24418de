#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/alerting/campaign_service.h"
#include "services/alerting/config.h"
#include "services/alerting/delivery.h"
#include "services/alerting/evaluation.h"
#include "services/alerting/grpc_sources.h"
#include "services/alerting/hold_services.h"
#include "services/alerting/holiday_service.h"
#include "services/alerting/mail_service.h"
#include "services/alerting/metrics.h"
#include "services/alerting/scheduler.h"
#include "services/alerting/smtp.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/webhook.h"
#include "services/common/config/flags.h"
#include "services/common/config/server_flags.h"
#include "services/common/log/log.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/server.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr char kAbout[] =
    "dondoc_alerting: campaigns, their evaluations, and reminders to the units that are behind.";

// Messages are written with the words that are stored at that time.
MailSettings WithStoredTemplates(MailSettings mail, const MailStore& store) {
  mail.changed_templates = [&store]() -> absl::StatusOr<TemplateSources> {
    ASSIGN_OR_RETURN(const std::vector<v1::Template> changed, store.ListTemplates());
    TemplateSources sources;
    for (const v1::Template& one : changed) sources[one.name()] = one.source();
    return sources;
  };
  return mail;
}

int Run(int argc, char** argv) {
  const sigset_t shutdown_signals = BlockShutdownSignals();  // before any thread exists
  const std::vector<std::string> words = ParseFlags(argc, argv, kAbout);
  if (!words.empty()) {
    return ExitWith(kExitBadConfig,
                    absl::InvalidArgumentError(absl::StrCat("unexpected word '", words[0], "'")));
  }
  const absl::StatusOr<Config> config = ConfigFromFlags();
  if (!config.ok()) return ExitWith(kExitBadConfig, config.status());
  const absl::StatusOr<std::unique_ptr<Clock>> clock = ClockFromFlags();
  if (!clock.ok()) return ExitWith(kExitBadConfig, clock.status());
  log::Info("starting", {{"flags", absl::StrJoin(DescribeFlags(), " ")}});

  auto metrics_server = MetricsServer::Start(config->metrics_address, config->server.service);
  if (!metrics_server.ok()) return ExitWith(kExitFailed, metrics_server.status());
  Metrics metrics((*metrics_server)->registry());
  auto store = SqliteAlertStore::Open(config->database);
  if (!store.ok()) return ExitWith(kExitFailed, store.status());
  auto transport = CurlSmtpTransport::Create(config->smtp);
  if (!transport.ok()) return ExitWith(kExitFailed, transport.status());

  auto webhook_transport = WebhookTransport::Create(**store, metrics, config->webhooks);
  if (!webhook_transport.ok()) return ExitWith(kExitFailed, webhook_transport.status());

  GrpcFigureSource figures(DialService(config->aggregation_address));
  GrpcDirectorySource directory(DialService(config->ingestion_address));
  CalendarSource calendar;
  if (const absl::Status loaded = LoadCalendar(**store, calendar); !loaded.ok()) {
    return ExitWith(kExitFailed, loaded);
  }
  Evaluator evaluator(figures, directory, **store, **clock, calendar, metrics,
                      WithStoredTemplates(config->mail, **store));
  DeliveryWorker delivery(**store, **transport, **clock, metrics, config->delivery);
  DeliveryOptions telling = config->delivery;
  telling.channel = Channel::kWebhook;
  telling.guard = {};
  telling.spacing = absl::ZeroDuration();
  DeliveryWorker webhooks(**store, **webhook_transport, **clock, metrics, telling);
  const auto wake = [&delivery, &webhooks] {
    delivery.Wake();
    webhooks.Wake();
  };
  Scheduler scheduler(**store, evaluator, figures, **clock, calendar, metrics, wake);
  CampaignServiceHandler service(
      **store, evaluator, **clock, calendar, config->mail.guard,
      {.campaigns_changed = [&scheduler] { scheduler.Wake(); }, .reminders_due = wake});
  MailServiceHandler mail(**store, **store, **store, **clock, metrics,
                          {.acknowledge_key = config->mail.acknowledge_key,
                           .webhook_hosts = config->webhooks.hosts,
                           .reminders_due = wake});
  BounceIntake intake(**store, **clock, metrics);
  BounceMaildir bounces(intake, config->bounce_maildir);
  HolidayServiceHandler holidays(**store, calendar, **clock, [&scheduler] { scheduler.Wake(); });
  SilenceServiceHandler silences(**store, **clock);
  DisputeServiceHandler disputes(**store, **clock);
  if (const absl::Status recovered = delivery.Recover(); !recovered.ok()) {
    return ExitWith(kExitFailed, recovered);
  }
  delivery.Start();
  webhooks.Start();
  if (!config->bounce_maildir.empty()) bounces.Start();
  scheduler.Start();
  ServerHooks hooks;
  hooks.stop = [&] {
    scheduler.Stop();
    delivery.Stop();
    webhooks.Stop();
    bounces.Stop();
  };
  return RunServer(config->server, {&service, &holidays, &silences, &disputes, &mail},
                   **metrics_server, shutdown_signals, hooks);
}

}  // namespace
}  // namespace dondoc::alerting

int main(int argc, char** argv) { return dondoc::alerting::Run(argc, argv); }
