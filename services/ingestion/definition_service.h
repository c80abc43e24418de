#pragma once

#include "dondoc/v1/definitions.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

class DefinitionService final : public v1::DefinitionService::Service {
 public:
  DefinitionService(const Ledger& ledger, Metrics& metrics);

  grpc::Status ListDefinitions(grpc::ServerContext* context,
                               const v1::ListDefinitionsRequest* request,
                               v1::ListDefinitionsResponse* response) override;

 private:
  const Ledger& ledger_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
