#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "dondoc/v1/campaigns.grpc.pb.h"
#include "services/alerting/calendar/calendar_source.h"
#include "services/alerting/calls.h"
#include "services/alerting/delivery.h"
#include "services/alerting/evaluation.h"
#include "services/alerting/store/alert_store.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

// Called when something became due.
struct ServiceSignals {
  std::function<void()> campaigns_changed = [] {};
  std::function<void()> reminders_due = [] {};
};

// The campaign API: decode and check, call, encode. Thread-safe.
class CampaignServiceHandler final : public v1::CampaignService::Service {
 public:
  CampaignServiceHandler(AlertStore& store, Evaluator& evaluator, const Clock& clock,
                         const CalendarSource& calendar, MailGuard guard, ServiceSignals signals);

  grpc::Status CreateCampaign(grpc::ServerContext* context,
                              const v1::CreateCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status GetCampaign(grpc::ServerContext* context, const v1::GetCampaignRequest* request,
                           v1::Campaign* response) override;
  grpc::Status ListCampaigns(grpc::ServerContext* context, const v1::ListCampaignsRequest* request,
                             v1::ListCampaignsResponse* response) override;
  grpc::Status UpdateCampaign(grpc::ServerContext* context,
                              const v1::UpdateCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status ListCampaignChanges(grpc::ServerContext* context,
                                   const v1::ListCampaignChangesRequest* request,
                                   v1::ListCampaignChangesResponse* response) override;
  grpc::Status ExcludeUnits(grpc::ServerContext* context, const v1::ExcludeUnitsRequest* request,
                            v1::Evaluation* response) override;
  grpc::Status ListLevers(grpc::ServerContext* context, const v1::ListLeversRequest* request,
                          v1::ListLeversResponse* response) override;
  grpc::Status ActivateCampaign(grpc::ServerContext* context,
                                const v1::ActivateCampaignRequest* request,
                                v1::Campaign* response) override;
  grpc::Status ListSlots(grpc::ServerContext* context, const v1::ListSlotsRequest* request,
                         v1::ListSlotsResponse* response) override;
  grpc::Status EvaluateCampaign(grpc::ServerContext* context,
                                const v1::EvaluateCampaignRequest* request,
                                v1::Evaluation* response) override;
  grpc::Status ListEvaluations(grpc::ServerContext* context,
                               const v1::ListEvaluationsRequest* request,
                               v1::ListEvaluationsResponse* response) override;
  grpc::Status GetEvaluation(grpc::ServerContext* context, const v1::GetEvaluationRequest* request,
                             v1::Evaluation* response) override;
  grpc::Status ReleaseEvaluation(grpc::ServerContext* context,
                                 const v1::ReleaseEvaluationRequest* request,
                                 v1::Evaluation* response) override;
  grpc::Status ListFlags(grpc::ServerContext* context, const v1::ListFlagsRequest* request,
                         v1::ListFlagsResponse* response) override;
  grpc::Status ListReminders(grpc::ServerContext* context, const v1::ListRemindersRequest* request,
                             v1::ListRemindersResponse* response) override;
  grpc::Status PreviewReminder(grpc::ServerContext* context,
                               const v1::PreviewReminderRequest* request,
                               v1::RawBody* response) override;

 private:
  absl::StatusOr<v1::Campaign> Create(const v1::Campaign& wanted);
  absl::StatusOr<v1::Campaign> Activate(const std::string& campaign_id);
  absl::StatusOr<v1::ListSlotsResponse> Slots(const std::string& campaign_id) const;
  absl::StatusOr<SlotRequest> SlotOf(const v1::EvaluateCampaignRequest& request) const;
  absl::StatusOr<v1::Campaign> Update(const v1::UpdateCampaignRequest& request);
  absl::StatusOr<v1::Evaluation> Release(const std::string& evaluation_id);
  absl::StatusOr<v1::Evaluation> Exclude(const v1::ExcludeUnitsRequest& request);
  absl::Status Expire();
  // Fills in what the evaluation says of running imports.
  absl::Status WaitForImports(const CallContext& call, SlotRequest& slot);

  AlertStore& store_;
  Evaluator& evaluator_;
  const Clock& clock_;
  const CalendarSource& calendar_;
  const MailGuard guard_;
  const ServiceSignals signals_;
  IdSource ids_;
};

}  // namespace dondoc::alerting
