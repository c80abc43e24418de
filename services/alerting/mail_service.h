#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dondoc/v1/mail.grpc.pb.h"
#include "services/alerting/bounce_intake.h"
#include "services/alerting/message_request.h"
#include "services/alerting/metrics.h"
#include "services/alerting/store/alert_store.h"
#include "services/alerting/store/mail_store.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

struct MailServiceOptions {
  std::string acknowledge_key;             // as in MailSettings
  std::vector<std::string> webhook_hosts;  // as in WebhookOptions
  std::function<void()> reminders_due = [] {};
};

// The mail API: decode and check, call, encode. Thread-safe.
class MailServiceHandler final : public v1::MailService::Service {
 public:
  MailServiceHandler(AlertStore& alerts, MailStore& store, Outbox& outbox, const Clock& clock,
                     Metrics& metrics, MailServiceOptions options);

  grpc::Status ListUnitReminders(grpc::ServerContext* context,
                                 const v1::ListUnitRemindersRequest* request,
                                 v1::ListUnitRemindersResponse* response) override;
  grpc::Status RetryReminder(grpc::ServerContext* context, const v1::RetryReminderRequest* request,
                             v1::Reminder* response) override;
  grpc::Status CancelReminder(grpc::ServerContext* context,
                              const v1::CancelReminderRequest* request,
                              v1::Reminder* response) override;
  grpc::Status GetAcknowledgement(grpc::ServerContext* context,
                                  const v1::GetAcknowledgementRequest* request,
                                  v1::RawBody* response) override;
  grpc::Status AcknowledgeReminder(grpc::ServerContext* context,
                                   const v1::AcknowledgeReminderRequest* request,
                                   v1::RawBody* response) override;
  grpc::Status ListSuppressions(grpc::ServerContext* context,
                                const v1::ListSuppressionsRequest* request,
                                v1::ListSuppressionsResponse* response) override;
  grpc::Status CreateSuppression(grpc::ServerContext* context,
                                 const v1::CreateSuppressionRequest* request,
                                 v1::Suppression* response) override;
  grpc::Status DeleteSuppression(grpc::ServerContext* context,
                                 const v1::DeleteSuppressionRequest* request,
                                 v1::DeleteSuppressionResponse* response) override;
  grpc::Status ReportBounce(grpc::ServerContext* context, const v1::ReportBounceRequest* request,
                            v1::ReportBounceResponse* response) override;
  grpc::Status ListBounces(grpc::ServerContext* context, const v1::ListBouncesRequest* request,
                           v1::ListBouncesResponse* response) override;
  grpc::Status CreateWebhook(grpc::ServerContext* context, const v1::CreateWebhookRequest* request,
                             v1::CreateWebhookResponse* response) override;
  grpc::Status ListWebhooks(grpc::ServerContext* context, const v1::ListWebhooksRequest* request,
                            v1::ListWebhooksResponse* response) override;
  grpc::Status DeleteWebhook(grpc::ServerContext* context, const v1::DeleteWebhookRequest* request,
                             v1::DeleteWebhookResponse* response) override;
  grpc::Status ListTemplates(grpc::ServerContext* context, const v1::ListTemplatesRequest* request,
                             v1::ListTemplatesResponse* response) override;
  grpc::Status UpdateTemplate(grpc::ServerContext* context,
                              const v1::UpdateTemplateRequest* request,
                              v1::Template* response) override;
  grpc::Status DeleteTemplate(grpc::ServerContext* context,
                              const v1::DeleteTemplateRequest* request,
                              v1::Template* response) override;
  grpc::Status PreviewTemplate(grpc::ServerContext* context,
                               const v1::PreviewTemplateRequest* request,
                               v1::RawBody* response) override;

 private:
  absl::Status CheckToken(const std::string& reminder_id, const std::string& token);
  absl::StatusOr<v1::CreateWebhookResponse> NewWebhook(const v1::Webhook& wanted);
  absl::StatusOr<v1::Template> TemplateNamed(const std::string& name) const;
  absl::StatusOr<v1::Template> ChangeTemplate(const v1::UpdateTemplateRequest& request);
  // What a stored evaluation knows of a unit, as a message's facts.
  absl::StatusOr<ReminderFacts> StoredFacts(const v1::PreviewTemplateRequest& request) const;
  absl::StatusOr<v1::RawBody> Preview(const v1::PreviewTemplateRequest& request) const;

  AlertStore& alerts_;
  MailStore& store_;
  Outbox& outbox_;
  const Clock& clock_;
  Metrics& metrics_;
  const MailServiceOptions options_;
  BounceIntake bounces_;
};

}  // namespace dondoc::alerting
