#include "services/ingestion/definition_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/status/macros.h"
#include "services/ingestion/principal.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {

DefinitionService::DefinitionService(Ledger& ledger, Metrics& metrics)
    : ledger_(ledger), metrics_(metrics) {}

grpc::Status DefinitionService::ListDefinitions(grpc::ServerContext*,
                                                const v1::ListDefinitionsRequest* request,
                                                v1::ListDefinitionsResponse* response) {
  return metrics_.Answer("ListDefinitions", List(*request, *response));
}

absl::Status DefinitionService::List(const v1::ListDefinitionsRequest& request,
                                     v1::ListDefinitionsResponse& response) const {
  const v1::Position head = ledger_.Head();
  const int64_t sequence =
      request.has_as_of_sequence() ? request.as_of_sequence() : head.sequence();
  if (sequence < 0 || sequence > head.sequence()) {
    return absl::OutOfRangeError(absl::StrCat(
        "as_of_sequence: ", sequence, " is not in the log, which ends with ", head.sequence()));
  }
  for (v1::MetricDefinition& definition : ledger_.DefinitionsAt(sequence, request.all_versions())) {
    if (!request.definition_id().empty() && definition.definition_id() != request.definition_id()) {
      continue;
    }
    *response.add_definitions() = std::move(definition);
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(sequence);
  return absl::OkStatus();
}

grpc::Status DefinitionService::PutDefinition(grpc::ServerContext* context,
                                              const v1::PutDefinitionRequest* request,
                                              v1::PutDefinitionResponse* response) {
  return metrics_.Answer("PutDefinition", Put(*request, PrincipalOf(*context), *response));
}

absl::Status DefinitionService::Put(const v1::PutDefinitionRequest& request,
                                    const std::string& author,
                                    v1::PutDefinitionResponse& response) {
  v1::MetricDefinition definition = request.definition();
  definition.set_name(ToNfc(Trim(definition.name())));
  definition.set_legal_basis(ToNfc(Trim(definition.legal_basis())));
  definition.set_note(ToNfc(Trim(definition.note())));
  const absl::Time start = absl::Now();
  const absl::StatusOr<CommitResult> result = ledger_.Commit(DefinitionsPut{{definition}, author});
  metrics_.ObserveCommit("definitions", absl::Now() - start);
  RETURN_IF_ERROR(result.status());
  // As of the position that is answered: a later version would not be what was put.
  for (v1::MetricDefinition& known : ledger_.DefinitionsAt(result->position.sequence(), false)) {
    if (known.definition_id() == definition.definition_id()) {
      *response.mutable_definition() = std::move(known);
    }
  }
  response.set_ledger_id(result->position.ledger_id());
  response.set_sequence(result->position.sequence());
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
