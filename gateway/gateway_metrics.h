#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace dondoc::gateway {

// HTTP statuses that we send: the values of the `code` label.
inline constexpr std::array<int, 23> kHttpStatuses = {200, 204, 304, 400, 401, 403, 404, 405,
                                                      408, 409, 413, 414, 415, 417, 429, 431,
                                                      499, 500, 501, 503, 504, 505, 0};

// The counters of one route. Thread-safe.
class RouteMetrics {
 public:
  RouteMetrics(prometheus::Family<prometheus::Counter>& requests, std::string route,
               prometheus::Histogram& seconds)
      : requests_(requests), route_(std::move(route)), seconds_(seconds) {}
  // 499 is a client that left before its answer.
  void Observe(int http_status, double seconds);

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  const std::string route_;
  prometheus::Histogram& seconds_;
  // Looked up once each: Family::Add takes a lock and builds a label map.
  std::array<std::atomic<prometheus::Counter*>, kHttpStatuses.size()> counters_ = {};
};

// Everything the gateway counts; see gateway/README.md. Thread-safe once made.
struct GatewayMetrics {
  // `routes` are the values of the `route` label.
  GatewayMetrics(prometheus::Registry& registry, const std::vector<std::string>& routes);

  RouteMetrics& Of(const std::string& route) { return *routes.at(route); }

  std::map<std::string, std::unique_ptr<RouteMetrics>> routes;
  prometheus::Gauge& connections;
  prometheus::Counter& connections_refused;
  prometheus::Counter& request_body_bytes;
  prometheus::Counter& response_body_bytes;
  prometheus::Counter& upstream_cancelled;
};

}  // namespace dondoc::gateway
