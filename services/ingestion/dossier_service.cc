#include "services/ingestion/dossier_service.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/coverage_check.h"
#include "services/ingestion/ledger/dossier_check.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/reading/row_place.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 100;
constexpr int kPageSizeMax = 1'000;

absl::StatusOr<absl::CivilDay> ReadDay(absl::string_view field, const std::string& text) {
  if (text.empty()) return Invalid(field, "required, e.g. 2023-01-01");
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  if (!day.ok()) return Invalid(field, day.status().message());
  return *day;
}

}  // namespace

DossierService::DossierService(Ledger& ledger, const Clock& clock, Metrics& metrics)
    : ledger_(ledger), clock_(clock), metrics_(metrics) {}

grpc::Status DossierService::BatchWriteDossiers(grpc::ServerContext*,
                                                const v1::BatchWriteDossiersRequest* request,
                                                v1::BatchWriteDossiersResponse* response) {
  return metrics_.Answer("BatchWriteDossiers", Write(*request, *response));
}

grpc::Status DossierService::StreamWriteDossiers(
    grpc::ServerContext*,
    grpc::ServerReaderWriter<v1::BatchWriteDossiersResponse, v1::BatchWriteDossiersRequest>*
        stream) {
  v1::BatchWriteDossiersRequest request;
  absl::Status status;
  // One batch at a time: its answer is its acknowledgement, and the sender's window bounds what
  // waits.
  while (status.ok() && stream->Read(&request)) {
    v1::BatchWriteDossiersResponse response;
    status = Write(request, response);
    if (status.ok() && !stream->Write(response)) {
      status = absl::CancelledError("the sender is gone");
    }
  }
  return metrics_.Answer("StreamWriteDossiers", status);
}

absl::Status DossierService::Write(const v1::BatchWriteDossiersRequest& request,
                                   v1::BatchWriteDossiersResponse& response) {
  if (request.dossiers_size() > kBatchDossiersMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("dossiers: ", request.dossiers_size(), ", limit ", kBatchDossiersMax));
  }
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  const absl::CivilDay today = DayOf(clock_.Now());
  DossierBatch batch;
  if (request.has_covers()) {
    RETURN_IF_ERROR(CheckCoverage(request.covers(), *directory, today, CoverageFields()));
    batch.covers = request.covers();
  }
  std::vector<v1::Dossier> accepted;
  std::vector<v1::DossierOutcome*> accepted_outcomes;
  accepted.reserve(static_cast<size_t>(request.dossiers_size()));
  for (const v1::Dossier& pushed : request.dossiers()) {
    v1::Dossier dossier = pushed;
    v1::DossierOutcome& outcome = *response.add_outcomes();
    std::optional<DossierProblem> problem = CheckDossier(dossier, *directory, today);
    outcome.set_code(dossier.code());
    if (problem.has_value()) {
      outcome.set_outcome(v1::Outcome::REJECTED);
      outcome.set_reason(problem->reason);
      outcome.set_message(std::move(problem->message));
      continue;
    }
    accepted.push_back(std::move(dossier));
    accepted_outcomes.push_back(&outcome);
  }
  CommitResult result;
  if (accepted.empty() && !batch.covers.has_value()) {
    result.position = ledger_.Head();
  } else {
    batch.dossiers = accepted;
    const absl::Time start = absl::Now();
    absl::StatusOr<CommitResult> committed = ledger_.Commit(batch);
    metrics_.ObserveCommit("push", absl::Now() - start);
    RETURN_IF_ERROR(committed.status());
    result = *std::move(committed);
  }
  for (size_t i = 0; i < accepted.size(); ++i) {
    accepted_outcomes[i]->set_outcome(result.outcomes[i]);
  }
  std::map<v1::Outcome::Value, int64_t> counts;
  for (const v1::DossierOutcome& outcome : response.outcomes()) ++counts[outcome.outcome()];
  for (const auto& [outcome, count] : counts) {
    metrics_.CountDossiers(v1::Outcome::Value_Name(outcome), count);
  }
  response.set_ledger_id(result.position.ledger_id());
  response.set_sequence(result.position.sequence());
  return absl::OkStatus();
}

grpc::Status DossierService::GetDossier(grpc::ServerContext*, const v1::GetDossierRequest* request,
                                        v1::DossierHistory* response) {
  return metrics_.Answer("GetDossier", Get(*request, *response));
}

absl::StatusOr<int64_t> DossierService::CheckPosition(int64_t sequence, int64_t head) const {
  if (sequence < 0) return Invalid("as_of_sequence", absl::StrCat(sequence, " is negative"));
  if (sequence > head) {
    return absl::OutOfRangeError(
        absl::StrCat("as_of_sequence: ", sequence, " is beyond the head, ", head));
  }
  return sequence;
}

absl::Status DossierService::Get(const v1::GetDossierRequest& request,
                                 v1::DossierHistory& response) const {
  const std::string code = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(request.code()));
  if (code.empty()) return Invalid("code", "required");
  const v1::Position head = ledger_.Head();
  ASSIGN_OR_RETURN(
      const int64_t sequence,
      CheckPosition(request.has_as_of_sequence() ? request.as_of_sequence() : head.sequence(),
                    head.sequence()));
  ASSIGN_OR_RETURN(response, ledger_.FindDossier(code, sequence));
  for (v1::DossierRevision& revision : *response.mutable_revisions()) {
    if (!revision.import_id().empty()) revision.set_row_number(ShownRow(revision.row_number()));
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(sequence);
  return absl::OkStatus();
}

grpc::Status DossierService::ListDossiers(grpc::ServerContext*,
                                          const v1::ListDossiersRequest* request,
                                          v1::ListDossiersResponse* response) {
  return metrics_.Answer("ListDossiers", List(*request, *response));
}

absl::StatusOr<v1::MetricDefinition> DossierService::FindDefinition(
    const std::string& definition_id, int64_t sequence) const {
  const std::string id = definition_id.empty() ? kDefaultDefinitionId : definition_id;
  // Before the first sequence there is nothing to count, by the definition that it brings.
  for (v1::MetricDefinition& definition :
       ledger_.DefinitionsAt(std::max<int64_t>(sequence, 1), false)) {
    if (definition.definition_id() == id) return std::move(definition);
  }
  return absl::NotFoundError(
      absl::StrCat("definition_id: ", Quoted(id), " is not known at sequence ", sequence));
}

absl::Status DossierService::List(const v1::ListDossiersRequest& request,
                                  v1::ListDossiersResponse& response) const {
  DossierQuery query;
  query.unit_id = request.unit_id();
  ASSIGN_OR_RETURN(query.from, ReadDay("from", request.from()));
  ASSIGN_OR_RETURN(query.to, ReadDay("to", request.to()));
  if (query.to < query.from) {
    return Invalid("to", absl::StrCat(request.to(), " is before ", request.from()));
  }
  if (request.has_channel()) {
    if (!v1::Channel::Value_IsValid(request.channel())) {
      return Invalid("channel",
                     absl::StrCat(static_cast<int>(request.channel()), " is no channel"));
    }
    query.channel = request.channel();
  }
  ASSIGN_OR_RETURN(query.page_size, CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  if (!query.unit_id.empty() && ledger_.CurrentDirectory()->Find(query.unit_id) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("unit_id: ", Quoted(query.unit_id), " is not in the directory"));
  }
  if (request.has_as_of_sequence() && request.has_known_at()) {
    return Invalid("known_at", "not together with as_of_sequence");
  }
  const v1::Position head = ledger_.Head();
  v1::ListDossiersRequest fields = request;
  fields.clear_page_size();
  fields.clear_page_token();
  if (!request.page_token().empty()) {
    // The first page's position goes on, so that all pages are of one list.
    ASSIGN_OR_RETURN(const std::string position, ReadPageToken(fields, request.page_token()));
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(position, absl::MaxSplits('|', 1));
    if (!absl::SimpleAtoi(parts.first, &query.as_of_sequence) ||
        query.as_of_sequence > head.sequence()) {
      return Invalid("page_token", "is of another ledger");
    }
    query.after_code = parts.second;
  } else if (request.has_known_at()) {
    query.as_of_sequence = ledger_.SequenceAt(FromProto(request.known_at()));
  } else {
    ASSIGN_OR_RETURN(
        query.as_of_sequence,
        CheckPosition(request.has_as_of_sequence() ? request.as_of_sequence() : head.sequence(),
                      head.sequence()));
  }
  ASSIGN_OR_RETURN(query.definition, FindDefinition(request.definition_id(), query.as_of_sequence));
  ASSIGN_OR_RETURN(DossierPage page, ledger_.ListDossiers(query));
  for (v1::Dossier& dossier : page.dossiers) *response.add_dossiers() = std::move(dossier);
  if (page.more && response.dossiers_size() > 0) {
    response.set_next_page_token(MakePageToken(
        fields, absl::StrCat(query.as_of_sequence, "|",
                             response.dossiers(response.dossiers_size() - 1).code())));
  }
  response.set_total_size(page.total_size);
  response.set_definition_id(query.definition.definition_id());
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(query.as_of_sequence);
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
