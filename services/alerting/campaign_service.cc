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

constexpr int kChangesMax = 1000;
constexpr int kExcludedMax = 1000;
constexpr size_t kReasonBytesMax = 1000;
// How long an officer's own evaluation waits for running imports, at most.
constexpr absl::Duration kManualImportWaitMax = absl::Seconds(20);
constexpr absl::Duration kImportPollInterval = absl::Milliseconds(200);
// Of its deadline a call keeps so much for the evaluation itself.
constexpr absl::Duration kEvaluationTime = absl::Seconds(5);

// Waits run on the real clock; people read civil time.
void ShowInCivilTime(absl::Time now, v1::Reminder& reminder) {
  if (!reminder.has_next_attempt_time()) return;
  const absl::Duration wait = FromProto(reminder.next_attempt_time()) - absl::Now();
  *reminder.mutable_next_attempt_time() = ToProto(now + std::max(wait, absl::ZeroDuration()));
}

}  // namespace

CampaignServiceHandler::CampaignServiceHandler(AlertStore& store, Evaluator& evaluator,
                                               const Clock& clock, const CalendarSource& calendar,
                                               MailGuard guard, ServiceSignals signals)
    : store_(store),
      evaluator_(evaluator),
      clock_(clock),
      calendar_(calendar),
      guard_(std::move(guard)),
      signals_(std::move(signals)) {}

absl::StatusOr<v1::Campaign> CampaignServiceHandler::Create(const v1::Campaign& wanted) {
  ASSIGN_OR_RETURN(v1::Campaign campaign, NormalizeCampaign(wanted));
  if (campaign.campaign_id().empty()) campaign.set_campaign_id(ids_.Next("c"));
  campaign.set_revision(1);
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
  comparable.clear_slots_from_time();
  comparable.set_revision(1);
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
  ASSIGN_OR_RETURN(const std::vector<PlannedSlot> slots,
                   PlanCampaignSlots(campaign, now, *calendar_.Current()));
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
                   PlanCampaignSlots(slot.campaign, now, *calendar_.Current()));
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

absl::Status CampaignServiceHandler::WaitForImports(const CallContext& call, SlotRequest& slot) {
  const std::string& campaign_id = slot.campaign.campaign_id();
  if (store_.FindSlot(campaign_id, slot.slot).ok()) return absl::OkStatus();
  const absl::Time started = absl::Now();
  const absl::Duration wait_max =
      std::min({absl::Seconds(ImportWaitMaxSeconds(slot.campaign)), kManualImportWaitMax,
                call.deadline - kEvaluationTime - started});
  while (true) {
    ASSIGN_OR_RETURN(slot.unfinished_import_ids, evaluator_.RunningImports(call));
    slot.import_wait = absl::Now() - started;
    if (slot.unfinished_import_ids.empty() || slot.import_wait >= wait_max) {
      return absl::OkStatus();
    }
    absl::SleepFor(kImportPollInterval);
  }
}

grpc::Status CampaignServiceHandler::EvaluateCampaign(grpc::ServerContext* context,
                                                      const v1::EvaluateCampaignRequest* request,
                                                      v1::Evaluation* response) {
  absl::StatusOr<SlotRequest> slot = SlotOf(*request);
  if (!slot.ok()) return ToGrpc(slot.status());
  const CallContext call = ContextOf(*context);
  if (!slot->dry_run) {
    if (const absl::Status waited = WaitForImports(call, *slot); !waited.ok()) {
      return ToGrpc(waited);
    }
  }
  absl::StatusOr<v1::Evaluation> evaluation = evaluator_.Evaluate(call, *slot);
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
  if (const absl::Status expired = Expire(); !expired.ok()) return ToGrpc(expired);
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
  if (const absl::Status expired = Expire(); !expired.ok()) return ToGrpc(expired);
  return Answer(store_.FindEvaluation(request->evaluation_id()), response);
}

grpc::Status CampaignServiceHandler::ReleaseEvaluation(grpc::ServerContext* /*context*/,
                                                       const v1::ReleaseEvaluationRequest* request,
                                                       v1::Evaluation* response) {
  auto evaluation = Release(request->evaluation_id());
  if (evaluation.ok()) signals_.reminders_due();
  return Answer(std::move(evaluation), response);
}

absl::StatusOr<v1::Evaluation> CampaignServiceHandler::Release(const std::string& evaluation_id) {
  RETURN_IF_ERROR(Expire());
  ASSIGN_OR_RETURN(const v1::Evaluation evaluation, store_.FindEvaluation(evaluation_id));
  // A dispute or a silence may have come since it was made.
  ASSIGN_OR_RETURN(const std::vector<Hold> holds, evaluator_.HoldsNow(evaluation.campaign_id()));
  return store_.ReleaseEvaluation(evaluation_id, clock_.Now(), holds);
}

// Reads too go past the time at which an approval is over.
absl::Status CampaignServiceHandler::Expire() {
  return store_.ExpireEvaluations(clock_.Now()).status();
}

absl::StatusOr<v1::Campaign> CampaignServiceHandler::Update(
    const v1::UpdateCampaignRequest& request) {
  RETURN_IF_ERROR(CheckAuthor(request.author()));
  RETURN_IF_ERROR(CheckLine("reason", request.reason(), 0, kReasonBytesMax));
  ASSIGN_OR_RETURN(const v1::Campaign stored,
                   store_.FindCampaign(request.campaign().campaign_id()));
  if (request.if_revision() != 0 && request.if_revision() != stored.revision()) {
    return absl::AbortedError(absl::StrCat("if_revision: ", request.if_revision(),
                                           ", but it is at ", stored.revision(),
                                           ": read it again"));
  }
  const absl::Time now = clock_.Now();
  ASSIGN_OR_RETURN(const CampaignEdit edit,
                   EditCampaign(stored, request.campaign(), request.update_mask(), now));
  if (edit.changed.empty()) return stored;
  v1::CampaignChange change;
  change.set_revision(edit.campaign.revision());
  *change.mutable_change_time() = ToProto(now);
  change.set_author(request.author());
  change.set_reason(request.reason());
  change.mutable_fields()->Assign(edit.changed.begin(), edit.changed.end());
  *change.mutable_before() = stored;
  *change.mutable_after() = edit.campaign;
  RETURN_IF_ERROR(store_.UpdateCampaign(change));
  signals_.campaigns_changed();
  return store_.FindCampaign(stored.campaign_id());
}

grpc::Status CampaignServiceHandler::UpdateCampaign(grpc::ServerContext* /*context*/,
                                                    const v1::UpdateCampaignRequest* request,
                                                    v1::Campaign* response) {
  return Answer(Update(*request), response);
}

grpc::Status CampaignServiceHandler::ListCampaignChanges(
    grpc::ServerContext* /*context*/, const v1::ListCampaignChangesRequest* request,
    v1::ListCampaignChangesResponse* response) {
  const auto changes = store_.ListCampaignChanges(request->campaign_id(), kChangesMax);
  if (!changes.ok()) return ToGrpc(changes.status());
  response->mutable_changes()->Assign(changes->begin(), changes->end());
  return grpc::Status::OK;
}

absl::StatusOr<v1::Evaluation> CampaignServiceHandler::Exclude(
    const v1::ExcludeUnitsRequest& request) {
  RETURN_IF_ERROR(CheckLine("reason", request.reason(), 1, kReasonBytesMax));
  RETURN_IF_ERROR(CheckAuthor(request.author()));
  if (request.unit_ids_size() < 1 || request.unit_ids_size() > kExcludedMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("unit_ids: ", request.unit_ids_size(), " units, not 1–", kExcludedMax));
  }
  RETURN_IF_ERROR(Expire());
  std::vector<Hold> holds;
  for (const std::string& unit_id : request.unit_ids()) {
    holds.push_back({.unit_id = unit_id,
                     .writing = v1::Writing::EXCLUDED,
                     .note = absl::StrCat(request.reason(), " (", request.author(), ")")});
  }
  return store_.ExcludeUnits(request.evaluation_id(), holds);
}

grpc::Status CampaignServiceHandler::ExcludeUnits(grpc::ServerContext* /*context*/,
                                                  const v1::ExcludeUnitsRequest* request,
                                                  v1::Evaluation* response) {
  return Answer(Exclude(*request), response);
}

grpc::Status CampaignServiceHandler::ListLevers(grpc::ServerContext* /*context*/,
                                                const v1::ListLeversRequest* request,
                                                v1::ListLeversResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  auto flags = store_.ListFlags(request->evaluation_id());
  if (!flags.ok()) return ToGrpc(flags.status());
  const auto none = std::remove_if(flags->begin(), flags->end(), [](const v1::Flag& flag) {
    return !flag.flagged() || !flag.has_lever_points();
  });
  flags->erase(none, flags->end());
  // Exact, where the points that are shown are rounded: the province moves further, the more
  // dossiers a unit still files online.
  std::stable_sort(flags->begin(), flags->end(),
                   [](const v1::Flag& a, const v1::Flag& b) { return a.missing() > b.missing(); });
  if (static_cast<int>(flags->size()) > *size) flags->resize(static_cast<size_t>(*size));
  response->mutable_levers()->Assign(flags->begin(), flags->end());
  return grpc::Status::OK;
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
