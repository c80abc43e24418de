#pragma once

#include <string>

#include "absl/status/status.h"
#include "dondoc/v1/definitions.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

class DefinitionService final : public v1::DefinitionService::Service {
 public:
  // Ledger and metrics outlive the service.
  DefinitionService(Ledger& ledger, Metrics& metrics);

  grpc::Status ListDefinitions(grpc::ServerContext* context,
                               const v1::ListDefinitionsRequest* request,
                               v1::ListDefinitionsResponse* response) override;
  grpc::Status PutDefinition(grpc::ServerContext* context, const v1::PutDefinitionRequest* request,
                             v1::PutDefinitionResponse* response) override;

 private:
  absl::Status List(const v1::ListDefinitionsRequest& request,
                    v1::ListDefinitionsResponse& response) const;
  absl::Status Put(const v1::PutDefinitionRequest& request, const std::string& author,
                   v1::PutDefinitionResponse& response);

  Ledger& ledger_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
