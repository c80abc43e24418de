#include "services/alerting/campaign_service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpcpp/server_context.h"
#include "services/alerting/calendar/schedule.h"
#include "services/alerting/campaign.h"
#include "services/alerting/scheduler.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
constexpr size_t kRequestIdBytesMax = 64;
// For callers that set no deadline.
constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);

// Writes the value, or says why there is none.
template <typename Message>
grpc::Status Answer(absl::StatusOr<Message> result, Message* response) {
  if (!result.ok()) return ToGrpc(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

absl::StatusOr<int> PageSize(int32_t asked) {
  if (asked < 0 || asked > kPageSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", asked, " is not 0–", kPageSizeMax));
  }
  return asked == 0 ? kPageSizeDefault : asked;
}

// Tokens are ours: the number of the last row sent.
absl::StatusOr<int64_t> PageNumber(const std::string& token) {
  int64_t number = 0;
  if (!token.empty() && (!absl::SimpleAtoi(token, &number) || number <= 0)) {
    return absl::InvalidArgumentError(absl::StrCat("page_token: ", Quoted(token), " is not ours"));
  }
  return number;
}

CallContext ContextOf(const grpc::ServerContext& context) {
  CallContext call;
  call.deadline = std::min(absl::FromChrono(context.deadline()), absl::Now() + kDefaultTimeout);
  const auto id = context.client_metadata().find("x-request-id");
  if (id != context.client_metadata().end()) {
    call.request_id = std::string(id->second.data(), id->second.size());
  }
  return call;
}

bool IsRequestId(const std::string& text) {
  if (text.empty() || text.size() > kRequestIdBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

// Waits run on the real clock; people read civil time.
void ShowInCivilTime(absl::Time now, v1::Reminder& reminder) {
  if (!reminder.has_next_attempt_time()) return;
  const absl::Duration wait = FromProto(reminder.next_attempt_time()) - absl::Now();
  *reminder.mutable_next_attempt_time() = ToProto(now + std::max(wait, absl::ZeroDuration()));
}

}  // namespace

CampaignServiceHandler::CampaignServiceHandler(AlertStore& store, Evaluator& evaluator,
                                               const Clock& clock, const WorkingCalendar& calendar,
                                               MailGuard guard, ServiceSignals signals)
    : store_(store),
      evaluator_(evaluator),
      clock_(clock),
      calendar_(calendar),
      guard_(std::move(guard)),
      signals_(std::move(signals)) {}

std::string CampaignServiceHandler::NewCampaignId() {
  MutexLock lock(mutex_);
  return absl::StrFormat("c%016x", absl::Uniform<uint64_t>(random_));
}

absl::StatusOr<v1::Campaign> CampaignServiceHandler::Create(const v1::Campaign& wanted) {
  ASSIGN_OR_RETURN(v1::Campaign campaign, NormalizeCampaign(wanted));
  if (campaign.campaign_id().empty()) campaign.set_campaign_id(NewCampaignId());
  v1::Campaign stored = campaign;
  *stored.mutable_create_time() = ToProto(clock_.Now());
  const absl::Status created = store_.CreateCampaign(stored);
  if (!absl::IsAlreadyExists(created)) {
    RETURN_IF_ERROR(created);
    return stored;
  }
  ASSIGN_OR_RETURN(stored, store_.FindCampaign(campaign.campaign_id()));
  v1::Campaign comparable = stored;
  comparable.clear_create_time();
  comparable.clear_activate_time();
  if (google::protobuf::util::MessageDifferencer::Equals(campaign, comparable)) return stored;
  return absl::AlreadyExistsError(absl::StrCat(
      "campaign.campaign_id: ", Quoted(campaign.campaign_id()), " is another campaign"));
}

grpc::Status CampaignServiceHandler::CreateCampaign(grpc::ServerContext* /*context*/,
                                                    const v1::CreateCampaignRequest* request,
                                                    v1::Campaign* response) {
  return Answer(Create(request->campaign()), response);
}

grpc::Status CampaignServiceHandler::GetCampaign(grpc::ServerContext* /*context*/,
                                                 const v1::GetCampaignRequest* request,
                                                 v1::Campaign* response) {
  return Answer(store_.FindCampaign(request->campaign_id()), response);
}

grpc::Status CampaignServiceHandler::ListCampaigns(grpc::ServerContext* /*context*/,
                                                   const v1::ListCampaignsRequest* request,
                                                   v1::ListCampaignsResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  if (!request->page_token().empty() && !IsCampaignId(request->page_token())) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("page_token: ", Quoted(request->page_token()), " is not ours")));
  }
  auto campaigns = store_.ListCampaigns(request->page_token(), *size + 1);
  if (!campaigns.ok()) return ToGrpc(campaigns.status());
  if (static_cast<int>(campaigns->size()) > *size) {
    campaigns->pop_back();
    response->set_next_page_token(campaigns->back().campaign_id());
  }
  response->mutable_campaigns()->Assign(campaigns->begin(), campaigns->end());
  return grpc::Status::OK;
}

absl::StatusOr<v1::Campaign> CampaignServiceHandler::Activate(const std::string& campaign_id) {
  ASSIGN_OR_RETURN(v1::Campaign campaign, store_.FindCampaign(campaign_id));
  if (campaign.has_activate_time()) return campaign;
  const absl::Time now = clock_.Now();
  if (now >= DeadlineOf(campaign)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "campaign ", Quoted(campaign_id), " ended with ", FormatDay(LastDayOf(campaign))));
  }
  ASSIGN_OR_RETURN(campaign, store_.ActivateCampaign(campaign_id, now));
  signals_.campaigns_changed();
  return campaign;
}

grpc::Status CampaignServiceHandler::ActivateCampaign(grpc::ServerContext* /*context*/,
                                                      const v1::ActivateCampaignRequest* request,
                                                      v1::Campaign* response) {
  return Answer(Activate(request->campaign_id()), response);
}

absl::StatusOr<v1::ListSlotsResponse> CampaignServiceHandler::Slots(
    const std::string& campaign_id) const {
  ASSIGN_OR_RETURN(const v1::Campaign campaign, store_.FindCampaign(campaign_id));
  const absl::Time now = clock_.Now();
  // What would come if it were activated now, when it is not.
  const absl::Time from = campaign.has_activate_time() ? FromProto(campaign.activate_time()) : now;
  ASSIGN_OR_RETURN(const std::vector<PlannedSlot> slots,
                   PlanSlots(campaign.schedule(), from, DeadlineOf(campaign), calendar_));
  v1::ListSlotsResponse response;
  for (const PlannedSlot& slot : slots) {
    if (slot.time < now) continue;
    v1::Slot* listed = response.add_slots();
    listed->set_slot(FormatInstant(slot.time));
    if (slot.moved_from.has_value()) listed->set_moved_from(FormatDay(*slot.moved_from));
  }
  return response;
}

grpc::Status CampaignServiceHandler::ListSlots(grpc::ServerContext* /*context*/,
                                               const v1::ListSlotsRequest* request,
                                               v1::ListSlotsResponse* response) {
  return Answer(Slots(request->campaign_id()), response);
}

absl::StatusOr<SlotRequest> CampaignServiceHandler::SlotOf(
    const v1::EvaluateCampaignRequest& request) const {
  if (request.slot().empty() == request.request_id().empty()) {
    return absl::InvalidArgumentError("slot: exactly one of slot and request_id is needed");
  }
  const absl::Time now = clock_.Now();
  SlotRequest slot;
  slot.dry_run = request.dry_run();
  if (!request.request_id().empty()) {
    if (!IsRequestId(request.request_id())) {
      return absl::InvalidArgumentError(absl::StrCat("request_id: ", Quoted(request.request_id()),
                                                     " is not [A-Za-z0-9._-]{1,64}"));
    }
    ASSIGN_OR_RETURN(slot.campaign, store_.FindCampaign(request.campaign_id()));
    slot.slot = absl::StrCat(kManualPrefix, request.request_id());
    slot.slot_time = now;
    return slot;
  }
  const absl::StatusOr<absl::Time> time = ParseInstant(request.slot());
  if (!time.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("slot: ", time.status().message()));
  }
  ASSIGN_OR_RETURN(slot.campaign, store_.FindCampaign(request.campaign_id()));
  if (!slot.campaign.has_activate_time()) {
    return absl::FailedPreconditionError(absl::StrCat("campaign ", Quoted(request.campaign_id()),
                                                      " is not active: it has no slots"));
  }
  ASSIGN_OR_RETURN(const std::vector<PlannedSlot> planned,
                   PlanSlots(slot.campaign.schedule(), FromProto(slot.campaign.activate_time()),
                             DeadlineOf(slot.campaign), calendar_));
  const bool known = std::any_of(planned.begin(), planned.end(),
                                 [&time](const PlannedSlot& one) { return one.time == *time; });
  if (!known) {
    return absl::NotFoundError(absl::StrCat("slot: ", FormatInstant(*time),
                                            " is not a slot of campaign ",
                                            Quoted(request.campaign_id())));
  }
  if (*time > now) {
    return absl::FailedPreconditionError(
        absl::StrCat("slot: ", FormatInstant(*time), " is still to come"));
  }
  slot.slot = FormatInstant(*time);
  slot.slot_time = *time;
  slot.late = now - *time > kLateAfter;
  return slot;
}

grpc::Status CampaignServiceHandler::EvaluateCampaign(grpc::ServerContext* context,
                                                      const v1::EvaluateCampaignRequest* request,
                                                      v1::Evaluation* response) {
  const absl::StatusOr<SlotRequest> slot = SlotOf(*request);
  if (!slot.ok()) return ToGrpc(slot.status());
  absl::StatusOr<v1::Evaluation> evaluation = evaluator_.Evaluate(ContextOf(*context), *slot);
  if (evaluation.ok() && evaluation->state() == v1::EvaluationState::RELEASED) {
    signals_.reminders_due();
  }
  return Answer(std::move(evaluation), response);
}

grpc::Status CampaignServiceHandler::ListEvaluations(grpc::ServerContext* /*context*/,
                                                     const v1::ListEvaluationsRequest* request,
                                                     v1::ListEvaluationsResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  const absl::StatusOr<int64_t> after = PageNumber(request->page_token());
  if (!after.ok()) return ToGrpc(after.status());
  const absl::Status known = store_.FindCampaign(request->campaign_id()).status();
  if (!known.ok()) return ToGrpc(known);
  const auto page = store_.ListEvaluations(request->campaign_id(), *after, *size);
  if (!page.ok()) return ToGrpc(page.status());
  response->mutable_evaluations()->Assign(page->evaluations.begin(), page->evaluations.end());
  if (page->next != 0) response->set_next_page_token(absl::StrCat(page->next));
  return grpc::Status::OK;
}

grpc::Status CampaignServiceHandler::GetEvaluation(grpc::ServerContext* /*context*/,
                                                   const v1::GetEvaluationRequest* request,
                                                   v1::Evaluation* response) {
  return Answer(store_.FindEvaluation(request->evaluation_id()), response);
}

grpc::Status CampaignServiceHandler::ReleaseEvaluation(grpc::ServerContext* /*context*/,
                                                       const v1::ReleaseEvaluationRequest* request,
                                                       v1::Evaluation* response) {
  auto evaluation = store_.ReleaseEvaluation(request->evaluation_id(), clock_.Now());
  if (evaluation.ok()) signals_.reminders_due();
  return Answer(std::move(evaluation), response);
}

grpc::Status CampaignServiceHandler::ListFlags(grpc::ServerContext* /*context*/,
                                               const v1::ListFlagsRequest* request,
                                               v1::ListFlagsResponse* response) {
  const auto flags = store_.ListFlags(request->evaluation_id());
  if (!flags.ok()) return ToGrpc(flags.status());
  response->mutable_flags()->Assign(flags->begin(), flags->end());
  return grpc::Status::OK;
}

grpc::Status CampaignServiceHandler::ListReminders(grpc::ServerContext* /*context*/,
                                                   const v1::ListRemindersRequest* request,
                                                   v1::ListRemindersResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  const absl::StatusOr<int64_t> after = PageNumber(request->page_token());
  if (!after.ok()) return ToGrpc(after.status());
  auto page = store_.ListReminders(request->evaluation_id(), *after, *size);
  if (!page.ok()) return ToGrpc(page.status());
  const absl::Time now = clock_.Now();
  for (v1::Reminder& reminder : page->reminders) {
    ShowInCivilTime(now, reminder);
    *response->add_reminders() = std::move(reminder);
  }
  if (page->next != 0) response->set_next_page_token(absl::StrCat(page->next));
  return grpc::Status::OK;
}

grpc::Status CampaignServiceHandler::PreviewReminder(grpc::ServerContext* /*context*/,
                                                     const v1::PreviewReminderRequest* request,
                                                     v1::RawBody* response) {
  const absl::StatusOr<StoredMessage> stored = store_.FindMessage(request->reminder_id());
  if (!stored.ok()) return ToGrpc(stored.status());
  const std::string& recipient = stored->reminder.recipient();
  const std::string envelope =
      stored->sent_to.empty() ? guard_.Envelope(recipient) : stored->sent_to;
  response->set_content_type("message/rfc822");
  response->set_data(MailGuard::Addressed(stored->message, recipient, envelope));
  return grpc::Status::OK;
}

}  // namespace dondoc::alerting
