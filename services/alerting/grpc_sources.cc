#include "services/alerting/grpc_sources.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr int kUnitPageSize = 5000;

// One unary call; a failure says which service did not answer.
template <typename Response, typename Stub, typename Method, typename Request>
absl::StatusOr<Response> Call(Stub& stub, Method method, const char* service,
                              const CallContext& call, const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(call.deadline));
  if (!call.request_id.empty()) context.AddMetadata("x-request-id", call.request_id);
  Response response;
  const absl::Status status = FromGrpc((stub.*method)(&context, request, &response));
  if (status.ok()) return response;
  return absl::Status(status.code(), absl::StrCat(service, ": ", status.message()));
}

constexpr char kAggregation[] = "aggregation";
constexpr char kIngestion[] = "ingestion";

absl::Status TooManyPages(const char* service) {
  return absl::InternalError(absl::StrCat(service, ": more than ", kPagesMax, " pages"));
}

}  // namespace

GrpcFigureSource::GrpcFigureSource(const std::shared_ptr<grpc::Channel>& aggregation)
    : stub_(v1::RatioService::NewStub(aggregation)) {}

absl::StatusOr<v1::GetFreshnessResponse> GrpcFigureSource::GetFreshness(
    const CallContext& context) {
  return Call<v1::GetFreshnessResponse>(*stub_, &v1::RatioService::Stub::GetFreshness, kAggregation,
                                        context, v1::GetFreshnessRequest());
}

absl::StatusOr<v1::GetSummaryResponse> GrpcFigureSource::GetSummary(
    const CallContext& context, const v1::GetSummaryRequest& request) {
  return Call<v1::GetSummaryResponse>(*stub_, &v1::RatioService::Stub::GetSummary, kAggregation,
                                      context, request);
}

absl::StatusOr<v1::ListRatiosResponse> GrpcFigureSource::ListRatios(const CallContext& context,
                                                                    v1::ListRatiosRequest request) {
  v1::ListRatiosResponse all;
  for (int page = 0; page < kPagesMax; ++page) {
    ASSIGN_OR_RETURN(v1::ListRatiosResponse response,
                     Call<v1::ListRatiosResponse>(*stub_, &v1::RatioService::Stub::ListRatios,
                                                  kAggregation, context, request));
    if (page > 0 &&
        (response.ledger_id() != all.ledger_id() || response.sequence() != all.sequence())) {
      return absl::AbortedError("aggregation: pages of different positions");
    }
    request.set_page_token(response.next_page_token());
    all.MergeFrom(response);
    if (response.next_page_token().empty()) return all;
  }
  return TooManyPages(kAggregation);
}

absl::StatusOr<v1::ListDailyCountsResponse> GrpcFigureSource::ListDailyCounts(
    const CallContext& context, const v1::ListDailyCountsRequest& request) {
  return Call<v1::ListDailyCountsResponse>(*stub_, &v1::RatioService::Stub::ListDailyCounts,
                                           kAggregation, context, request);
}

absl::Status GrpcFigureSource::RegisterWindow(const CallContext& context,
                                              const v1::RegisterWindowRequest& request) {
  return Call<v1::RegisterWindowResponse>(*stub_, &v1::RatioService::Stub::RegisterWindow,
                                          kAggregation, context, request)
      .status();
}

GrpcDirectorySource::GrpcDirectorySource(const std::shared_ptr<grpc::Channel>& ingestion)
    : units_(v1::UnitService::NewStub(ingestion)),
      definitions_(v1::DefinitionService::NewStub(ingestion)),
      imports_(v1::ImportService::NewStub(ingestion)) {}

absl::StatusOr<std::vector<v1::Unit>> GrpcDirectorySource::ListUnits(const CallContext& context,
                                                                     absl::CivilDay day) {
  v1::ListUnitsRequest request;
  request.set_valid_on(FormatDay(day));
  request.set_page_size(kUnitPageSize);
  std::vector<v1::Unit> units;
  for (int page = 0; page < kPagesMax; ++page) {
    ASSIGN_OR_RETURN(v1::ListUnitsResponse response,
                     Call<v1::ListUnitsResponse>(*units_, &v1::UnitService::Stub::ListUnits,
                                                 kIngestion, context, request));
    for (v1::Unit& unit : *response.mutable_units()) units.push_back(std::move(unit));
    if (response.next_page_token().empty()) return units;
    request.set_page_token(response.next_page_token());
  }
  return TooManyPages(kIngestion);
}

absl::StatusOr<std::vector<v1::MetricDefinition>> GrpcDirectorySource::ListDefinitions(
    const CallContext& context) {
  ASSIGN_OR_RETURN(const v1::ListDefinitionsResponse response,
                   Call<v1::ListDefinitionsResponse>(
                       *definitions_, &v1::DefinitionService::Stub::ListDefinitions, kIngestion,
                       context, v1::ListDefinitionsRequest()));
  return std::vector<v1::MetricDefinition>(response.definitions().begin(),
                                           response.definitions().end());
}

absl::StatusOr<std::vector<std::string>> GrpcDirectorySource::ListRunningImports(
    const CallContext& context) {
  v1::ListImportsRequest request;
  request.set_page_size(kImportsLookedAt);
  ASSIGN_OR_RETURN(const v1::ListImportsResponse response,
                   Call<v1::ListImportsResponse>(*imports_, &v1::ImportService::Stub::ListImports,
                                                 kIngestion, context, request));
  std::vector<std::string> running;
  for (const v1::Import& import : response.imports()) {
    if (import.state() == v1::ImportState::RUNNING) running.push_back(import.import_id());
  }
  return running;
}

}  // namespace dondoc::alerting
