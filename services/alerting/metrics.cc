#include "services/alerting/metrics.h"

#include <map>
#include <string>

namespace dondoc::alerting {
namespace {

using Labels = std::map<std::string, std::string>;

prometheus::Counter& Counter(prometheus::Registry& registry, const std::string& name,
                             const std::string& help, const Labels& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

prometheus::Histogram& Seconds(prometheus::Registry& registry, const std::string& name,
                               const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{0.005, 0.02, 0.1, 0.5, 2, 10, 60});
}

constexpr char kEvaluations[] = "dondoc_alerting_evaluations_total";
constexpr char kEvaluationsHelp[] = "Evaluations by outcome; one that was stored before is none";
constexpr char kAttempts[] = "dondoc_alerting_delivery_attempts_total";
constexpr char kAttemptsHelp[] = "Attempts to hand a reminder to the relay, by outcome";

constexpr char kBounces[] = "dondoc_alerting_bounces_total";
constexpr char kBouncesHelp[] = "Delivery status notifications, by whether they are about ours";
constexpr char kAcknowledged[] = "dondoc_alerting_acknowledgements_total";
constexpr char kAcknowledgedHelp[] = "Uses of a reminder's link, by outcome";
constexpr char kWebhooks[] = "dondoc_alerting_webhook_attempts_total";
constexpr char kWebhooksHelp[] = "Attempts to tell a webhook of a reminder, by outcome";

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : evaluations_stored(
          Counter(registry, kEvaluations, kEvaluationsHelp, {{"outcome", "stored"}})),
      evaluations_failed(
          Counter(registry, kEvaluations, kEvaluationsHelp, {{"outcome", "failed"}})),
      evaluations_expired(
          Counter(registry, kEvaluations, kEvaluationsHelp, {{"outcome", "expired"}})),
      evaluation_seconds(Seconds(registry, "dondoc_alerting_evaluation_seconds",
                                 "Time to gather, judge and write one evaluation")),
      slots_late(
          Counter(registry, "dondoc_alerting_slots_late_total",
                  "Slots run after their time because the service or a dependency was away")),
      slots_skipped(Counter(registry, "dondoc_alerting_slots_skipped_total",
                            "Missed slots left out in favour of a newer one")),
      leases_failed(Counter(registry, "dondoc_alerting_window_lease_failures_total",
                            "Failed renewals of a campaign's window with aggregation")),
      attempts_sent(Counter(registry, kAttempts, kAttemptsHelp, {{"outcome", "sent"}})),
      attempts_deferred(Counter(registry, kAttempts, kAttemptsHelp, {{"outcome", "deferred"}})),
      attempts_failed(Counter(registry, kAttempts, kAttemptsHelp, {{"outcome", "failed"}})),
      attempts_unknown(Counter(registry, kAttempts, kAttemptsHelp, {{"outcome", "unknown"}})),
      relay_unreachable(Counter(registry, "dondoc_alerting_relay_unreachable_total",
                                "Attempts that found no relay to talk to")),
      reminders_resent_unknown(
          Counter(registry, "dondoc_alerting_reminders_resent_unknown_total",
                  "Reminders sent again because an earlier attempt may have delivered them")),
      outbox_errors(Counter(registry, "dondoc_alerting_outbox_errors_total",
                            "Failed reads or writes of the outbox")),
      smtp_seconds(Seconds(registry, "dondoc_alerting_smtp_seconds",
                           "Time of one SMTP conversation about one message")),
      outbox_waiting(prometheus::BuildGauge()
                         .Name("dondoc_alerting_outbox_waiting")
                         .Help("Reminders that are due or will be tried again")
                         .Register(registry)
                         .Add({})),
      bounces_matched(Counter(registry, kBounces, kBouncesHelp, {{"outcome", "matched"}})),
      bounces_unmatched(Counter(registry, kBounces, kBouncesHelp, {{"outcome", "unmatched"}})),
      bounces_unreadable(Counter(registry, kBounces, kBouncesHelp, {{"outcome", "unreadable"}})),
      suppressions(Counter(registry, "dondoc_alerting_suppressions_total",
                           "Addresses that are not written to any more because mail came back")),
      acknowledgements(Counter(registry, kAcknowledged, kAcknowledgedHelp, {{"outcome", "taken"}})),
      acknowledgements_refused(
          Counter(registry, kAcknowledged, kAcknowledgedHelp, {{"outcome", "refused"}})),
      webhooks_sent(Counter(registry, kWebhooks, kWebhooksHelp, {{"outcome", "sent"}})),
      webhooks_deferred(Counter(registry, kWebhooks, kWebhooksHelp, {{"outcome", "deferred"}})),
      webhooks_failed(Counter(registry, kWebhooks, kWebhooksHelp, {{"outcome", "failed"}})) {}

}  // namespace dondoc::alerting
