#include "services/ingestion/definition_service.h"

#include "services/common/metric/definition.h"

namespace dondoc::ingestion {

DefinitionService::DefinitionService(const Ledger& ledger, Metrics& metrics)
    : ledger_(ledger), metrics_(metrics) {}

grpc::Status DefinitionService::ListDefinitions(grpc::ServerContext*,
                                                const v1::ListDefinitionsRequest*,
                                                v1::ListDefinitionsResponse* response) {
  // No change makes another one yet, so the one that every ledger starts with is all.
  *response->add_definitions() = DefaultDefinition();
  const v1::Position head = ledger_.Head();
  response->set_ledger_id(head.ledger_id());
  response->set_sequence(head.sequence());
  return metrics_.Answer("ListDefinitions", absl::OkStatus());
}

}  // namespace dondoc::ingestion
