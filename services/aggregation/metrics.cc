#include "services/aggregation/metrics.h"

#include "absl/status/status.h"

namespace dondoc::aggregation {
namespace {

constexpr int kCodes = 17;  // OK to UNAUTHENTICATED

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const std::string& name,
                            const std::string& help) {
  return prometheus::BuildGauge()
      .Name("dondoc_aggregation_" + name)
      .Help(help)
      .Register(registry)
      .Add({});
}

prometheus::Counter& AddCounter(prometheus::Registry& registry, const std::string& name,
                                const std::string& help) {
  return prometheus::BuildCounter()
      .Name("dondoc_aggregation_" + name)
      .Help(help)
      .Register(registry)
      .Add({});
}

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : feed_connected(AddGauge(registry, "feed_connected", "1 while the feed is being followed")),
      sequence(AddGauge(registry, "sequence", "Last sequence readers see; -1 = nothing loaded")),
      head_sequence(AddGauge(registry, "head_sequence", "Newest head ingestion told")),
      ready(AddGauge(registry, "ready", "1 once caught up with the head at connect")),
      units(AddGauge(registry, "units", "Units of the directory")),
      cell_entries(AddGauge(registry, "cell_entries", "Entries of the cell logs in memory")),
      sequences(AddCounter(registry, "sequences_total", "Sequences taken in from the feed")),
      feed_errors(
          AddCounter(registry, "feed_errors_total", "Ends of the feed, whatever the cause")),
      snapshots(AddCounter(registry, "snapshots_total", "Snapshots loaded by the follower")),
      ledger_changes(AddCounter(registry, "ledger_changes_total", "Changes to another ledger")),
      past_loads(AddCounter(registry, "past_loads_total", "Past positions loaded")),
      past_hits(AddCounter(registry, "past_hits_total", "Questions answered by a loaded past")),
      redis_up(AddGauge(registry, "redis_up", "1 while Redis takes what is published; 0 = away")),
      registered_windows(AddGauge(registry, "registered_windows", "Windows kept in Redis")),
      redis_written(AddCounter(registry, "redis_windows_written_total", "Windows written")),
      redis_refused(AddCounter(registry, "redis_windows_refused_total",
                               "Windows not written because Redis holds a newer position")),
      redis_errors(AddCounter(registry, "redis_errors_total", "Calls to Redis that failed")) {
  auto& requests = prometheus::BuildCounter()
                       .Name("dondoc_aggregation_requests_total")
                       .Help("Calls answered, by RPC and gRPC code")
                       .Register(registry);
  auto& seconds = prometheus::BuildHistogram()
                      .Name("dondoc_aggregation_request_seconds")
                      .Help("Time to answer a call")
                      .Register(registry);
  const prometheus::Histogram::BucketBoundaries buckets = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                           0.1,    0.3,    1,     3,     10};
  for (const std::string rpc : kRpcs) {
    for (int code = 0; code < kCodes; ++code) {
      requests_[{rpc, code}] = &requests.Add(
          {{"rpc", rpc}, {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}});
    }
    seconds_[rpc] = &seconds.Add({{"rpc", rpc}}, buckets);
  }
}

void Metrics::CountRequest(absl::string_view rpc, absl::StatusCode code, double seconds) {
  const auto counter = requests_.find({std::string(rpc), static_cast<int>(code)});
  if (counter != requests_.end()) counter->second->Increment();
  const auto histogram = seconds_.find(std::string(rpc));
  if (histogram != seconds_.end()) histogram->second->Observe(seconds);
}

}  // namespace dondoc::aggregation
