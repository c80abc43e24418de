#include "services/aggregation/ratio_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/aggregation/page_token.h"
#include "services/aggregation/questions.h"
#include "services/aggregation/reconciliation.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

absl::Status NothingLoaded() {
  return absl::UnavailableError("no figures yet: the ledger is still being loaded, retry");
}

// An error of ingestion as a caller of ours may see it.
absl::Status PastError(const absl::Status& status, int64_t sequence) {
  if (absl::IsOutOfRange(status)) {
    return absl::OutOfRangeError(
        absl::StrCat("as_of_sequence: ", sequence, " is not in the ledger"));
  }
  log::Warning("a past position cannot be loaded",
               {{"sequence", sequence}, {"reason", status.ToString()}});
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(
        absl::StrCat("as_of_sequence: ", sequence, " was not loaded in time, retry"));
  }
  // FAILED_PRECONDITION is another ledger, which the follower is about to meet as well. What else
  // ingestion said is for our log, not for callers.
  return absl::UnavailableError(
      absl::StrCat("as_of_sequence: ", sequence, " cannot be loaded now, retry"));
}

}  // namespace

RatioServiceServer::RatioServiceServer(LiveCube& cube, PastCubes& past, FeedClient& feed,
                                       WindowRegistry& windows, Metrics& metrics,
                                       std::function<void()> registered,
                                       RatioServiceOptions options)
    : cube_(cube),
      past_(past),
      feed_(feed),
      windows_(windows),
      metrics_(metrics),
      registered_(std::move(registered)),
      options_(options) {}

absl::Time RatioServiceServer::Deadline(const grpc::ServerContext& context) const {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + options_.call_timeout);
}

absl::StatusOr<RatioServiceServer::View> RatioServiceServer::FindPast(
    const View& live, int64_t sequence, const std::string& definition_id, absl::Time deadline) {
  const std::string& ledger_id = live->position().ledger_id();
  if (sequence == 0) {
    // Before everything: nothing to load (and a snapshot "at 0" would be one of the head).
    LiveCube empty;
    empty.Replace(Cube(ledger_id));
    return empty.ViewFor(definition_id);
  }
  const absl::StatusOr<std::shared_ptr<LiveCube>> cube = past_.Get(ledger_id, sequence, deadline);
  if (!cube.ok()) return PastError(cube.status(), sequence);
  return (*cube)->ViewFor(definition_id);
}

absl::StatusOr<RatioServiceServer::View> RatioServiceServer::Find(const Asked& asked,
                                                                  const std::string& definition_id,
                                                                  absl::Time deadline) {
  ASSIGN_OR_RETURN(View view, FindView(asked, definition_id, deadline));
  recent_.Keep(view);
  return view;
}

absl::StatusOr<RatioServiceServer::View> RatioServiceServer::FindView(
    const Asked& asked, const std::string& definition_id, absl::Time deadline) {
  View live = cube_.View();
  if (live == nullptr) return NothingLoaded();
  std::optional<int64_t> sequence = asked.as_of_sequence;
  if (asked.known_at.has_value()) {
    const absl::StatusOr<v1::Position> then =
        feed_.GetHead(live->position().ledger_id(), asked.known_at, deadline);
    if (!then.ok()) {
      log::Warning("known_at cannot be looked up", {{"reason", then.status().ToString()}});
      return absl::UnavailableError("known_at: cannot be looked up now, retry");
    }
    sequence = then->sequence();
  }
  const int64_t least = std::max(asked.min_sequence.value_or(0), sequence.value_or(0));
  if (live->position().sequence() < least) {
    // Most of the time the caller has just written it and the feed is milliseconds behind.
    live = cube_.WaitForSequence(least, std::min(options_.sequence_wait, deadline - absl::Now()));
    if (live == nullptr) return NothingLoaded();
  }
  if (!sequence.has_value()) {
    if (live->position().sequence() < least) {
      return absl::UnavailableError(absl::StrCat("min_sequence: ", least, " asked, ",
                                                 live->position().sequence(), " held, retry"));
    }
    // The newest, which is at least what was just seen: never older than asked.
    return cube_.ViewFor(definition_id);
  }
  if (asked.min_sequence.has_value() && *asked.min_sequence > *sequence) {
    return absl::UnavailableError(absl::StrCat("min_sequence: ", *asked.min_sequence, " asked, ",
                                               *sequence, " was known then"));
  }
  if (View recent = recent_.Find(live->position().ledger_id(), *sequence, definition_id)) {
    return recent;
  }
  if (live->position().sequence() == *sequence) {
    ASSIGN_OR_RETURN(View newest, cube_.ViewFor(definition_id));
    if (newest->position().sequence() == *sequence) return newest;
  }
  if (*sequence > live->position().sequence()) {
    const absl::StatusOr<v1::Position> head =
        feed_.GetHead(live->position().ledger_id(), std::nullopt, deadline);
    if (head.ok() && *sequence > head->sequence()) {
      return absl::OutOfRangeError(
          absl::StrCat("as_of_sequence: ", *sequence, " is beyond the head, ", head->sequence()));
    }
  }
  return FindPast(live, *sequence, definition_id, deadline);
}

absl::Status RatioServiceServer::Answer(const v1::GetSummaryRequest& request, absl::Time deadline,
                                        v1::GetSummaryResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question.asked, question.definition_id, deadline));
  response = AnswerSummary(*view, *view->FindPlane(question.definition_id), question);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListRatiosRequest& request, absl::Time deadline,
                                        v1::ListRatiosResponse& response) {
  ASSIGN_OR_RETURN(RatiosQuestion question, DecodeRequest(request));
  PageToken token;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(token, DecodePageToken(request.page_token(), question.fingerprint));
    const View live = cube_.View();
    if (live == nullptr) return NothingLoaded();
    if (token.ledger_id != live->position().ledger_id()) {
      return absl::InvalidArgumentError("page_token: of another ledger, begin again");
    }
    // The following pages are of the position of the first, whatever was written since.
    question.common.asked.known_at.reset();
    question.common.asked.min_sequence.reset();
    question.common.asked.as_of_sequence = token.sequence;
  }
  ASSIGN_OR_RETURN(const View view,
                   Find(question.common.asked, question.common.definition_id, deadline));
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
  ASSIGN_OR_RETURN(const View view, Find(question.asked, question.definition_id, deadline));
  ASSIGN_OR_RETURN(response, AnswerUnitRatio(*view, *view->FindPlane(question.definition_id),
                                             question, request.unit_id()));
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListTrendRequest& request, absl::Time deadline,
                                        v1::ListTrendResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question.asked, question.definition_id, deadline));
  ASSIGN_OR_RETURN(response, AnswerTrend(*view, *view->FindPlane(question.definition_id), question,
                                         request.unit_id(), request.step()));
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
    const View live = cube_.View();
    if (live == nullptr) return NothingLoaded();
    if (token.ledger_id != live->position().ledger_id()) {
      return absl::InvalidArgumentError("page_token: of another ledger, begin again");
    }
    // The following pages are of the position of the first, whatever was written since.
    common.asked = Asked();
    common.asked.as_of_sequence = token.sequence;
  }
  ASSIGN_OR_RETURN(const View view, Find(common.asked, common.definition_id, deadline));
  ASSIGN_OR_RETURN(ReconciliationPage page,
                   AnswerReconciliation(*view, *view->FindPlane(common.definition_id), question,
                                        token.offset));
  response = std::move(page.response);
  if (page.more) {
    response.set_next_page_token(
        EncodePageToken({view->position().ledger_id(), view->position().sequence(),
                         token.offset + response.units_size()},
                        question.units.fingerprint));
  }
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::GetFreshnessRequest&, absl::Time,
                                        v1::GetFreshnessResponse& response) {
  const View view = cube_.View();
  if (view == nullptr) return NothingLoaded();
  response = AnswerFreshness(*view);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::ListDailyCountsRequest& request,
                                        absl::Time deadline,
                                        v1::ListDailyCountsResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  ASSIGN_OR_RETURN(const View view, Find(question.asked, question.definition_id, deadline));
  response = AnswerDailyCounts(*view, *view->FindPlane(question.definition_id), question);
  return absl::OkStatus();
}

absl::Status RatioServiceServer::Answer(const v1::RegisterWindowRequest& request, absl::Time,
                                        v1::RegisterWindowResponse& response) {
  ASSIGN_OR_RETURN(const Question question, DecodeRequest(request));
  RETURN_IF_ERROR(cube_.ViewFor(question.definition_id).status());
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
