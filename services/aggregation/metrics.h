#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace dondoc::aggregation {

// Every metric of the service, registered once at start (README.md lists them). Thread-safe.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  // Counts one answered call; `rpc` is one of kRpcs.
  void CountRequest(absl::string_view rpc, absl::StatusCode code, double seconds);

  prometheus::Gauge& feed_connected;
  prometheus::Gauge& sequence;
  prometheus::Gauge& head_sequence;
  prometheus::Gauge& ready;
  prometheus::Gauge& units;
  prometheus::Gauge& cell_entries;
  prometheus::Counter& sequences;
  prometheus::Counter& feed_errors;
  prometheus::Counter& snapshots;
  prometheus::Counter& ledger_changes;
  prometheus::Counter& past_loads;
  prometheus::Counter& past_hits;
  prometheus::Gauge& redis_up;
  prometheus::Gauge& registered_windows;
  prometheus::Counter& redis_written;
  prometheus::Counter& redis_refused;
  prometheus::Counter& redis_errors;

 private:
  std::map<std::pair<std::string, int>, prometheus::Counter*> requests_;
  std::map<std::string, prometheus::Histogram*, std::less<>> seconds_;
};

inline constexpr const char* kRpcs[] = {
    "GetSummary",      "ListRatios",     "GetUnitRatio", "ListTrend",          "GetFreshness",
    "ListDailyCounts", "RegisterWindow", "GetBreakdown", "ListUnitProcedures", "GetNation"};

}  // namespace dondoc::aggregation
