#include "services/alerting/hold_services.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/alerting/campaign.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kSilenceReasonBytesMax = 1000;

absl::Status CheckFigure(const v1::DisputedFigure& figure) {
  if (figure.total() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("claimed.total: ", figure.total(), " is negative"));
  }
  if (figure.online() < 0 || figure.online() > figure.total()) {
    return absl::InvalidArgumentError(
        absl::StrCat("claimed.online: ", figure.online(), " is not 0–", figure.total()));
  }
  return absl::OkStatus();
}

// Words over several lines.
absl::Status CheckWords(absl::string_view field, const std::string& text) {
  if (!text.empty() && text.size() <= kDisputeBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", text.size(), " bytes, not 1–", kDisputeBytesMax));
}

}  // namespace

absl::StatusOr<v1::Silence> SilenceServiceHandler::Create(const v1::Silence& wanted) {
  v1::Silence silence = wanted;
  silence.clear_create_time();
  silence.clear_end_time();
  if (silence.silence_id().empty()) silence.set_silence_id(ids_.Next("s"));
  if (!IsRequestId(silence.silence_id())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "silence.silence_id: ", Quoted(silence.silence_id()), " is not [A-Za-z0-9._-]{1,64}"));
  }
  RETURN_IF_ERROR(CheckLine("silence.unit_id", silence.unit_id(), 1, kUnitIdBytesMax));
  RETURN_IF_ERROR(CheckLine("silence.reason", silence.reason(), 1, kSilenceReasonBytesMax));
  RETURN_IF_ERROR(CheckLine("silence.author", silence.author(), 1, kAuthorBytesMax));
  const absl::StatusOr<v1::Silence> stored = store_.FindSilence(silence.silence_id());
  if (stored.ok()) {
    v1::Silence comparable = *stored;
    comparable.clear_create_time();
    comparable.clear_end_time();
    if (google::protobuf::util::MessageDifferencer::Equals(comparable, silence)) return stored;
    return absl::AlreadyExistsError(
        absl::StrCat("silence.silence_id: ", Quoted(silence.silence_id()), " is another silence"));
  }
  if (!absl::IsNotFound(stored.status())) return stored;
  const absl::Time now = clock_.Now();
  const absl::Time until = FromProto(silence.expire_time());
  if (!silence.has_expire_time() || until <= now ||
      until > now + absl::Hours(24 * kSilenceDaysMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat("silence.expire_time: not after now and within ", kSilenceDaysMax, " days"));
  }
  if (!silence.campaign_id().empty()) {
    RETURN_IF_ERROR(store_.FindCampaign(silence.campaign_id()).status());
  }
  *silence.mutable_create_time() = ToProto(now);
  RETURN_IF_ERROR(store_.CreateSilence(silence));
  return silence;
}

grpc::Status SilenceServiceHandler::CreateSilence(grpc::ServerContext* /*context*/,
                                                  const v1::CreateSilenceRequest* request,
                                                  v1::Silence* response) {
  return Answer(Create(request->silence()), response);
}

absl::StatusOr<v1::ListSilencesResponse> SilenceServiceHandler::List(
    const v1::ListSilencesRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const int64_t after, PageNumber(request.page_token()));
  std::optional<absl::Time> active_at;
  if (request.active_only()) active_at = clock_.Now();
  ASSIGN_OR_RETURN(const SilencePage page,
                   store_.ListSilences(request.unit_id(), active_at, after, size));
  v1::ListSilencesResponse response;
  response.mutable_silences()->Assign(page.silences.begin(), page.silences.end());
  response.set_next_page_token(PageToken(page.next));
  return response;
}

grpc::Status SilenceServiceHandler::ListSilences(grpc::ServerContext* /*context*/,
                                                 const v1::ListSilencesRequest* request,
                                                 v1::ListSilencesResponse* response) {
  return Answer(List(*request), response);
}

grpc::Status SilenceServiceHandler::EndSilence(grpc::ServerContext* /*context*/,
                                               const v1::EndSilenceRequest* request,
                                               v1::Silence* response) {
  if (const absl::Status author = CheckAuthor(request->author()); !author.ok()) {
    return ToGrpc(author);
  }
  auto ended = store_.EndSilence(request->silence_id(), clock_.Now());
  if (ended.ok()) {
    log::Info("silence ended",
              {{"silence_id", request->silence_id()}, {"author", request->author()}});
  }
  return Answer(std::move(ended), response);
}

absl::Status DisputeServiceHandler::AddOurs(v1::Dispute& dispute) const {
  ASSIGN_OR_RETURN(const EvaluationPage page, store_.ListEvaluations(dispute.campaign_id(), 0, 1));
  if (page.evaluations.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("campaign ", Quoted(dispute.campaign_id()),
                     " has no evaluation yet: there is no figure to dispute"));
  }
  dispute.set_evaluation_id(page.evaluations.front().evaluation_id());
  ASSIGN_OR_RETURN(const std::vector<v1::Flag> flags, store_.ListFlags(dispute.evaluation_id()));
  for (const v1::Flag& flag : flags) {
    if (flag.unit_id() != dispute.unit_id()) continue;
    dispute.mutable_ours()->set_total(flag.ratio().total());
    dispute.mutable_ours()->set_online(flag.ratio().online());
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("unit_id: ", Quoted(dispute.unit_id()),
                                          " is not in the campaign's newest evaluation"));
}

absl::StatusOr<v1::Dispute> DisputeServiceHandler::Open(const v1::OpenDisputeRequest& request) {
  RETURN_IF_ERROR(CheckLine("unit_id", request.unit_id(), 1, kUnitIdBytesMax));
  RETURN_IF_ERROR(CheckWords("reason", request.reason()));
  RETURN_IF_ERROR(CheckAuthor(request.author()));
  if (request.has_claimed()) RETURN_IF_ERROR(CheckFigure(request.claimed()));
  RETURN_IF_ERROR(store_.FindCampaign(request.campaign_id()).status());
  v1::Dispute dispute;
  dispute.set_dispute_id(ids_.Next("d"));
  dispute.set_campaign_id(request.campaign_id());
  dispute.set_unit_id(request.unit_id());
  dispute.set_state(v1::DisputeState::OPEN);
  if (request.has_claimed()) *dispute.mutable_claimed() = request.claimed();
  dispute.set_reason(request.reason());
  dispute.set_author(request.author());
  *dispute.mutable_open_time() = ToProto(clock_.Now());
  RETURN_IF_ERROR(AddOurs(dispute));
  const absl::Status opened = store_.OpenDispute(dispute);
  if (absl::IsAlreadyExists(opened)) {
    return absl::AlreadyExistsError(
        absl::StrCat("unit_id: ", Quoted(request.unit_id()), " has an open dispute already"));
  }
  RETURN_IF_ERROR(opened);
  return dispute;
}

grpc::Status DisputeServiceHandler::OpenDispute(grpc::ServerContext* /*context*/,
                                                const v1::OpenDisputeRequest* request,
                                                v1::Dispute* response) {
  return Answer(Open(*request), response);
}

grpc::Status DisputeServiceHandler::GetDispute(grpc::ServerContext* /*context*/,
                                               const v1::GetDisputeRequest* request,
                                               v1::Dispute* response) {
  return Answer(store_.FindDispute(request->dispute_id()), response);
}

absl::StatusOr<v1::ListDisputesResponse> DisputeServiceHandler::List(
    const v1::ListDisputesRequest& request) const {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const int64_t after, PageNumber(request.page_token()));
  const DisputeFilter filter = {.campaign_id = request.campaign_id(),
                                .unit_id = request.unit_id(),
                                .open_only = request.open_only()};
  ASSIGN_OR_RETURN(const DisputePage page, store_.ListDisputes(filter, after, size));
  v1::ListDisputesResponse response;
  response.mutable_disputes()->Assign(page.disputes.begin(), page.disputes.end());
  response.set_next_page_token(PageToken(page.next));
  return response;
}

grpc::Status DisputeServiceHandler::ListDisputes(grpc::ServerContext* /*context*/,
                                                 const v1::ListDisputesRequest* request,
                                                 v1::ListDisputesResponse* response) {
  return Answer(List(*request), response);
}

absl::StatusOr<v1::Dispute> DisputeServiceHandler::Resolve(
    const v1::ResolveDisputeRequest& request) {
  if (request.state() != v1::DisputeState::UPHELD &&
      request.state() != v1::DisputeState::DISMISSED &&
      request.state() != v1::DisputeState::WITHDRAWN) {
    return absl::InvalidArgumentError("state: is not UPHELD, DISMISSED or WITHDRAWN");
  }
  RETURN_IF_ERROR(CheckWords("resolution", request.resolution()));
  RETURN_IF_ERROR(CheckAuthor(request.author()));
  ASSIGN_OR_RETURN(v1::Dispute dispute, store_.FindDispute(request.dispute_id()));
  if (dispute.state() == request.state() && dispute.resolution() == request.resolution() &&
      dispute.resolver() == request.author()) {
    return dispute;
  }
  dispute.set_state(request.state());
  dispute.set_resolution(request.resolution());
  dispute.set_resolver(request.author());
  *dispute.mutable_resolve_time() = ToProto(clock_.Now());
  RETURN_IF_ERROR(store_.ResolveDispute(dispute));
  return dispute;
}

grpc::Status DisputeServiceHandler::ResolveDispute(grpc::ServerContext* /*context*/,
                                                   const v1::ResolveDisputeRequest* request,
                                                   v1::Dispute* response) {
  return Answer(Resolve(*request), response);
}

}  // namespace dondoc::alerting
