#include "gateway/testing/running_gateway.h"

#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "prometheus/text_serializer.h"
#include "services/common/rpc/channel.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway::testing {

RunningGateway::RunningGateway(const std::string& upstream_address, const Limits& limits)
    : registry_(std::make_shared<prometheus::Registry>()) {
  auto routes = RouteTable::Build(LinkedServices(), UpstreamOf,
                                  *google::protobuf::MessageFactory::generated_factory());
  EXPECT_OK(routes);
  const auto labels = RouteLabels(*routes);
  const auto dial = [&](const char* name) {
    return std::make_unique<Upstream>(name, DialService(upstream_address));
  };
  backend_ = std::unique_ptr<Backend>(
      new Backend{limits,
                  *std::move(routes),
                  {dial("ingestion"), dial("aggregation"), dial("alerting")},
                  GatewayMetrics(*registry_, labels)});
  auto server = Server::Start({"127.0.0.1:0", 2}, *backend_);
  EXPECT_OK(server);
  server_ = *std::move(server);
}

std::string RunningGateway::Metrics() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace dondoc::gateway::testing
