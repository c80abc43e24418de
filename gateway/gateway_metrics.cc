#include "gateway/gateway_metrics.h"

#include <utility>

namespace dondoc::gateway {
namespace {

// From a cached figure to a long report.
const prometheus::Histogram::BucketBoundaries kSecondsBuckets = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

prometheus::Counter& AddCounter(prometheus::Registry& registry, const char* name,
                                const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

void RouteMetrics::Observe(int http_status, double seconds) {
  std::size_t i = 0;
  while (i + 1 < kHttpStatuses.size() && kHttpStatuses[i] != http_status) ++i;
  prometheus::Counter* counter = counters_[i].load(std::memory_order_acquire);
  if (counter == nullptr) {
    // Two threads may both come here: Add gives both the same counter.
    counter = &requests_.Add({{"route", route_}, {"code", std::to_string(kHttpStatuses[i])}});
    counters_[i].store(counter, std::memory_order_release);
  }
  counter->Increment();
  seconds_.Observe(seconds);
}

GatewayMetrics::GatewayMetrics(prometheus::Registry& registry,
                               const std::vector<std::string>& route_labels)
    : connections(prometheus::BuildGauge()
                      .Name("dondoc_gateway_connections")
                      .Help("Open client connections.")
                      .Register(registry)
                      .Add({})),
      connections_refused(AddCounter(registry, "dondoc_gateway_connections_refused_total",
                                     "Connections refused because there were too many.")),
      request_body_bytes(AddCounter(registry, "dondoc_gateway_request_body_bytes_total",
                                    "Bytes of request bodies read.")),
      response_body_bytes(AddCounter(registry, "dondoc_gateway_response_body_bytes_total",
                                     "Bytes of response bodies written.")),
      upstream_cancelled(AddCounter(registry, "dondoc_gateway_upstream_cancelled_total",
                                    "Calls cancelled because the client went away.")) {
  auto& requests = prometheus::BuildCounter()
                       .Name("dondoc_gateway_requests_total")
                       .Help("Requests by route and HTTP status.")
                       .Register(registry);
  auto& seconds = prometheus::BuildHistogram()
                      .Name("dondoc_gateway_request_seconds")
                      .Help("From the first byte of a request to the last of its answer.")
                      .Register(registry);
  for (const std::string& label : route_labels) {
    routes[label] = std::make_unique<RouteMetrics>(
        requests, label, seconds.Add({{"route", label}}, kSecondsBuckets));
  }
}

}  // namespace dondoc::gateway
