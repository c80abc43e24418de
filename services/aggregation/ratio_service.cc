#include "services/aggregation/ratio_service.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "services/aggregation/breakdown.h"
#include "services/aggregation/freshness.h"
#include "services/aggregation/nation.h"
#include "services/aggregation/page_token.h"
#include "services/aggregation/questions.h"
#include "services/aggregation/reconciliation.h"
#include "services/aggregation/trend.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
RatioServiceServer::RatioServiceServer(Ledgers& ledgers, WindowRegistry& windows, Metrics& metrics,
                                       std::function<void()> registered,
                                       RatioServiceOptions options)
    : ledgers_(ledgers),
      windows_(windows),
      metrics_(metrics),
      registered_(std::move(registered)),
      options_(options) {}

absl::Time RatioServiceServer::Deadline(const grpc::ServerContext& context) const {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + options_.call_timeout);
}

absl::StatusOr<RatioServiceServer::View> RatioServiceServer::Find(const Question& question,
                                                                  absl::Time deadline) {
  ASSIGN_OR_RETURN(const Ledgers::Finder finder, ledgers_.Find(question.province_id));
  return finder->Find(question.asked, question.PlaneIds(), deadline);
}

absl::Status RatioServiceServer::Answer(const v1::GetSummaryRequest& request, absl::Time deadline,
                                        v1::GetSummaryResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question, deadline));
  response = AnswerSummary(*view, *view->FindPlane(question.definition_id), question);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListRatiosRequest& request, absl::Time deadline,
                                        v1::ListRatiosResponse& response) {
  ASSIGN_OR_RETURN(RatiosQuestion question, DecodeRequest(request));
  PageToken token;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(token, DecodePageToken(request.page_token(), question.fingerprint));
    ASSIGN_OR_RETURN(const Ledgers::Finder finder, ledgers_.Find(question.common.province_id));
    const View live = finder->Live();
    if (live == nullptr) return NothingLoaded();
    if (token.ledger_id != live->position().ledger_id()) {
      return absl::InvalidArgumentError("page_token: of another ledger, begin again");
    }
    // The following pages are of the position of the first, whatever was written since.
    question.common.asked.known_at.reset();
    question.common.asked.min_sequence.reset();
    question.common.asked.as_of_sequence = token.sequence;
  }
  ASSIGN_OR_RETURN(const View view, Find(question.common, deadline));
  ASSIGN_OR_RETURN(
      RatiosPage page,
      AnswerRatios(*view, *view->FindPlane(question.common.definition_id), question, token.offset));
  response = std::move(page.response);
  if (page.more) {
    response.set_next_page_token(
        EncodePageToken({view->position().ledger_id(), view->position().sequence(),
                         token.offset + response.ratios_size()},
                        question.fingerprint));
  }
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetUnitRatioRequest& request, absl::Time deadline,
                                        v1::GetUnitRatioResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question, deadline));
  ASSIGN_OR_RETURN(response, AnswerUnitRatio(*view, *view->FindPlane(question.definition_id),
                                             question, request.unit_id(), request.with_change()));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListTrendRequest& request, absl::Time deadline,
                                        v1::ListTrendResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question, deadline));
  ASSIGN_OR_RETURN(response,
                   AnswerTrend(*view, *view->FindPlane(question.definition_id), question, request));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetBreakdownRequest& request, absl::Time deadline,
                                        v1::GetBreakdownResponse& response) {
  ASSIGN_OR_RETURN(const BreakdownQuestion question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question.common, deadline));
  ASSIGN_OR_RETURN(
      response, AnswerBreakdown(*view, *view->FindPlane(question.common.definition_id), question));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListUnitProceduresRequest& request,
                                        absl::Time deadline,
                                        v1::ListUnitProceduresResponse& response) {
  ASSIGN_OR_RETURN(const BreakdownQuestion question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question.common, deadline));
  ASSIGN_OR_RETURN(response, AnswerUnitProcedures(
                                 *view, *view->FindPlane(question.common.definition_id), question));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetNationRequest& request, absl::Time deadline,
                                        v1::GetNationResponse& response) {
  ASSIGN_OR_RETURN(const NationQuestion question, DecodeRequest(request));
  ASSIGN_OR_RETURN(response, AnswerNation(ledgers_, question, deadline));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetReconciliationRequest& request,
                                        absl::Time deadline,
                                        v1::GetReconciliationResponse& response) {
  ASSIGN_OR_RETURN(ReconciliationQuestion question, DecodeRequest(request));
  Question& common = question.units.common;
  PageToken token;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(token, DecodePageToken(request.page_token(), question.units.fingerprint));
    ASSIGN_OR_RETURN(const Ledgers::Finder finder, ledgers_.Find(common.province_id));
    const View live = finder->Live();
    if (live == nullptr) return NothingLoaded();
    if (token.ledger_id != live->position().ledger_id()) {
      return absl::InvalidArgumentError("page_token: of another ledger, begin again");
    }
    // The following pages are of the position of the first, whatever was written since.
    common.asked = Asked();
    common.asked.as_of_sequence = token.sequence;
  }
  ASSIGN_OR_RETURN(const View view, Find(common, deadline));
  ASSIGN_OR_RETURN(
      ReconciliationPage page,
      AnswerReconciliation(*view, *view->FindPlane(common.definition_id), question, token.offset));
  response = std::move(page.response);
  if (page.more) {
    response.set_next_page_token(
        EncodePageToken({view->position().ledger_id(), view->position().sequence(),
                         token.offset + response.units_size()},
                        question.units.fingerprint));
  }
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetFreshnessRequest& request, absl::Time deadline,
                                        v1::GetFreshnessResponse& response) {
  ASSIGN_OR_RETURN(const FreshnessQuestion question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const Ledgers::Finder finder, ledgers_.Find(question.province_id));
  ASSIGN_OR_RETURN(const View view, finder->Find(question.asked, {}, deadline));
  response = AnswerFreshness(*view, question);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListDailyCountsRequest& request,
                                        absl::Time deadline,
                                        v1::ListDailyCountsResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question, deadline));
  response = AnswerDailyCounts(*view, *view->FindPlane(question.definition_id), question);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::RegisterWindowRequest& request, absl::Time,
                                        v1::RegisterWindowResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const Ledgers::Finder finder, ledgers_.Find(""));
  RETURN_IF_ERROR(finder->cube().ViewFor(question.definition_id).status());
  // A lease is a TTL: real time, not civil.
  const absl::Time now = absl::Now();
  const absl::Time expire = now + absl::Seconds(request.lease_seconds());
  RETURN_IF_ERROR(windows_.Register({question.definition_id, question.window}, now, expire));
  *response.mutable_expire_time() = ToProto(expire);
  registered_();
  return absl::OkStatus();
}

template <typename Request, typename Response>
grpc::Status RatioServiceServer::Serve(const char* rpc, const grpc::ServerContext* context,
                                       const Request* request, Response* response) {
  const absl::Time start = absl::Now();
  const absl::Status status = Answer(*request, Deadline(*context), *response);
  metrics_.CountRequest(rpc, status.code(), absl::ToDoubleSeconds(absl::Now() - start));
  return ToGrpc(status);
}

grpc::Status RatioServiceServer::GetSummary(grpc::ServerContext* context,
                                            const v1::GetSummaryRequest* request,
                                            v1::GetSummaryResponse* response) {
  return Serve("GetSummary", context, request, response);
}

grpc::Status RatioServiceServer::ListRatios(grpc::ServerContext* context,
                                            const v1::ListRatiosRequest* request,
                                            v1::ListRatiosResponse* response) {
  return Serve("ListRatios", context, request, response);
}

grpc::Status RatioServiceServer::GetUnitRatio(grpc::ServerContext* context,
                                              const v1::GetUnitRatioRequest* request,
                                              v1::GetUnitRatioResponse* response) {
  return Serve("GetUnitRatio", context, request, response);
}

grpc::Status RatioServiceServer::ListTrend(grpc::ServerContext* context,
                                           const v1::ListTrendRequest* request,
                                           v1::ListTrendResponse* response) {
  return Serve("ListTrend", context, request, response);
}

grpc::Status RatioServiceServer::GetBreakdown(grpc::ServerContext* context,
                                              const v1::GetBreakdownRequest* request,
                                              v1::GetBreakdownResponse* response) {
  return Serve("GetBreakdown", context, request, response);
}

grpc::Status RatioServiceServer::ListUnitProcedures(grpc::ServerContext* context,
                                                    const v1::ListUnitProceduresRequest* request,
                                                    v1::ListUnitProceduresResponse* response) {
  return Serve("ListUnitProcedures", context, request, response);
}

grpc::Status RatioServiceServer::GetNation(grpc::ServerContext* context,
                                           const v1::GetNationRequest* request,
                                           v1::GetNationResponse* response) {
  return Serve("GetNation", context, request, response);
}

grpc::Status RatioServiceServer::GetReconciliation(grpc::ServerContext* context,
                                                   const v1::GetReconciliationRequest* request,
                                                   v1::GetReconciliationResponse* response) {
  return Serve("GetReconciliation", context, request, response);
}

grpc::Status RatioServiceServer::GetFreshness(grpc::ServerContext* context,
                                              const v1::GetFreshnessRequest* request,
                                              v1::GetFreshnessResponse* response) {
  return Serve("GetFreshness", context, request, response);
}

grpc::Status RatioServiceServer::ListDailyCounts(grpc::ServerContext* context,
                                                 const v1::ListDailyCountsRequest* request,
                                                 v1::ListDailyCountsResponse* response) {
  return Serve("ListDailyCounts", context, request, response);
}

grpc::Status RatioServiceServer::RegisterWindow(grpc::ServerContext* context,
                                                const v1::RegisterWindowRequest* request,
                                                v1::RegisterWindowResponse* response) {
  return Serve("RegisterWindow", context, request, response);
}

}  // namespace dondoc::aggregation
