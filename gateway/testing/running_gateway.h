#pragma once

#include <memory>
#include <string>

#include "gateway/backend.h"
#include "gateway/server.h"
#include "prometheus/registry.h"

namespace dondoc::gateway::testing {

// A whole gateway in this process, on a free port, whose upstreams all are at `upstream_address`.
class RunningGateway {
 public:
  explicit RunningGateway(const std::string& upstream_address, const Limits& limits = {});
  int port() const { return server_->port(); }
  Server& server() { return *server_; }
  // The metrics page.
  std::string Metrics() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Server> server_;
};

}  // namespace dondoc::gateway::testing
