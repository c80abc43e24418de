#pragma once

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace dondoc::alerting {

// Every metric of the service, registered once. Thread-safe.
struct Metrics {
  explicit Metrics(prometheus::Registry& registry);

  prometheus::Counter& evaluations_stored;
  prometheus::Counter& evaluations_failed;
  prometheus::Counter& evaluations_expired;
  prometheus::Histogram& evaluation_seconds;
  prometheus::Counter& slots_late;
  prometheus::Counter& slots_skipped;
  prometheus::Counter& leases_failed;

  prometheus::Counter& attempts_sent;
  prometheus::Counter& attempts_deferred;
  prometheus::Counter& attempts_failed;
  prometheus::Counter& attempts_unknown;
  prometheus::Counter& relay_unreachable;
  prometheus::Counter& reminders_resent_unknown;
  prometheus::Counter& outbox_errors;
  prometheus::Histogram& smtp_seconds;
  prometheus::Gauge& outbox_waiting;

  prometheus::Counter& bounces_matched;
  prometheus::Counter& bounces_unmatched;
  prometheus::Counter& bounces_unreadable;
  prometheus::Counter& suppressions;
  prometheus::Counter& acknowledgements;
  prometheus::Counter& acknowledgements_refused;
  prometheus::Counter& webhooks_sent;
  prometheus::Counter& webhooks_deferred;
  prometheus::Counter& webhooks_failed;
};

}  // namespace dondoc::alerting
