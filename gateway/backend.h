#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "gateway/gateway_metrics.h"
#include "gateway/limits.h"
#include "gateway/routes.h"
#include "gateway/upstream.h"

namespace dondoc::gateway {

// What all connections share. Made before the first and outlives the last.
struct Backend {
  const Limits limits;
  const RouteTable routes;
  // By UpstreamIndex.
  const std::array<std::unique_ptr<Upstream>, 3> upstreams;
  GatewayMetrics metrics;
  // SIGTERM came: answers close their connections and /readyz says no.
  std::atomic<bool> draining = false;
};

// Labels for requests that no annotation routes.
inline constexpr char kLabelNotFound[] = "none";
inline constexpr char kLabelHealthz[] = "GET /healthz";
inline constexpr char kLabelReadyz[] = "GET /readyz";
inline constexpr char kLabelPage[] = "GET /";

// Every value that the `route` label can take.
std::vector<std::string> RouteLabels(const RouteTable& routes);

}  // namespace dondoc::gateway
