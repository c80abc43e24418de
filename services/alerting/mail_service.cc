#include "services/alerting/mail_service.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/alerting/acknowledgement.h"
#include "services/alerting/bounce.h"
#include "services/alerting/calls.h"
#include "services/alerting/mime.h"
#include "services/alerting/webhook.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kReasonBytesMax = 500;
constexpr int kKindsMax = 20;
constexpr char kHtml[] = "text/html; charset=utf-8";

// Waits run on the real clock; people read civil time.
void ShowInCivilTime(absl::Time now, v1::Reminder& reminder) {
  if (!reminder.has_next_attempt_time()) return;
  const absl::Duration wait = FromProto(reminder.next_attempt_time()) - absl::Now();
  *reminder.mutable_next_attempt_time() = ToProto(now + std::max(wait, absl::ZeroDuration()));
}

grpc::Status AnswerReminder(absl::StatusOr<v1::Reminder> reminder, absl::Time now,
                            v1::Reminder* response) {
  if (!reminder.ok()) return ToGrpc(reminder.status());
  ShowInCivilTime(now, *reminder);
  *response = *std::move(reminder);
  return grpc::Status::OK;
}

absl::Status CheckReason(const std::string& reason, bool needed) {
  if (reason.size() > kReasonBytesMax || (needed && reason.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason: not ", needed ? "1–" : "0–", kReasonBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

// `bytes` random ones as hex; empty when the system has none to give.
std::string RandomHex(size_t bytes) {
  std::array<unsigned char, 32> random;
  if (bytes > random.size() || RAND_bytes(random.data(), static_cast<int>(bytes)) != 1) return "";
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(random.data()), bytes));
}

void SetPage(std::string page, v1::RawBody* response) {
  response->set_content_type(kHtml);
  response->set_data(std::move(page));
}

}  // namespace

MailServiceHandler::MailServiceHandler(AlertStore& alerts, MailStore& store, Outbox& outbox,
                                       const Clock& clock, Metrics& metrics,
                                       MailServiceOptions options)
    : alerts_(alerts),
      store_(store),
      outbox_(outbox),
      clock_(clock),
      metrics_(metrics),
      options_(std::move(options)),
      bounces_(store, clock, metrics) {}

grpc::Status MailServiceHandler::ListUnitReminders(grpc::ServerContext* /*context*/,
                                                   const v1::ListUnitRemindersRequest* request,
                                                   v1::ListUnitRemindersResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  const absl::StatusOr<int64_t> after = PageNumber(request->page_token());
  if (!after.ok()) return ToGrpc(after.status());
  auto page = store_.ListHistory({.unit_id = request->unit_id(),
                                  .campaign_id = request->campaign_id(),
                                  .state = request->state()},
                                 *after, *size);
  if (!page.ok()) return ToGrpc(page.status());
  for (v1::Reminder& reminder : page->reminders) {
    ShowInCivilTime(clock_.Now(), reminder);
    *response->add_reminders() = std::move(reminder);
  }
  if (page->next != 0) response->set_next_page_token(absl::StrCat(page->next));
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::RetryReminder(grpc::ServerContext* /*context*/,
                                               const v1::RetryReminderRequest* request,
                                               v1::Reminder* response) {
  auto reminder = store_.Retry(request->reminder_id());
  if (reminder.ok()) options_.reminders_due();
  return AnswerReminder(std::move(reminder), clock_.Now(), response);
}

grpc::Status MailServiceHandler::CancelReminder(grpc::ServerContext* /*context*/,
                                                const v1::CancelReminderRequest* request,
                                                v1::Reminder* response) {
  if (const absl::Status reason = CheckReason(request->reason(), /*needed=*/false); !reason.ok()) {
    return ToGrpc(reason);
  }
  return AnswerReminder(store_.Cancel(request->reminder_id(), request->reason()), clock_.Now(),
                        response);
}

absl::Status MailServiceHandler::CheckToken(const std::string& reminder_id,
                                            const std::string& token) {
  if (IsAcknowledgementToken(options_.acknowledge_key, reminder_id, token)) {
    return absl::OkStatus();
  }
  metrics_.acknowledgements_refused.Increment();
  return absl::PermissionDeniedError("token: it is not this reminder's");
}

grpc::Status MailServiceHandler::GetAcknowledgement(grpc::ServerContext* /*context*/,
                                                    const v1::GetAcknowledgementRequest* request,
                                                    v1::RawBody* response) {
  // Before the store is asked, so that nobody learns which ids exist.
  if (const absl::Status token = CheckToken(request->reminder_id(), request->token());
      !token.ok()) {
    return ToGrpc(token);
  }
  const auto stored = alerts_.FindMessage(request->reminder_id());
  if (!stored.ok()) return ToGrpc(stored.status());
  SetPage(AcknowledgementPage(stored->reminder.subject(), request->token(),
                              stored->reminder.has_acknowledge_time()),
          response);
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::AcknowledgeReminder(grpc::ServerContext* /*context*/,
                                                     const v1::AcknowledgeReminderRequest* request,
                                                     v1::RawBody* response) {
  if (const absl::Status token = CheckToken(request->reminder_id(), request->token());
      !token.ok()) {
    return ToGrpc(token);
  }
  const auto reminder = store_.Acknowledge(request->reminder_id(), clock_.Now());
  if (!reminder.ok()) return ToGrpc(reminder.status());
  metrics_.acknowledgements.Increment();
  SetPage(AcknowledgementPage(reminder->subject(), "", /*done=*/true), response);
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::ListSuppressions(grpc::ServerContext* /*context*/,
                                                  const v1::ListSuppressionsRequest* request,
                                                  v1::ListSuppressionsResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  if (request->page_token().size() > kAddressBytesMax) {
    return ToGrpc(absl::InvalidArgumentError("page_token: not ours"));
  }
  const auto page = store_.ListSuppressions(request->page_token(), *size);
  if (!page.ok()) return ToGrpc(page.status());
  response->mutable_suppressions()->Assign(page->suppressions.begin(), page->suppressions.end());
  response->set_next_page_token(page->next);
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::CreateSuppression(grpc::ServerContext* /*context*/,
                                                   const v1::CreateSuppressionRequest* request,
                                                   v1::Suppression* response) {
  if (!IsMailAddress(request->address())) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("address: ", Quoted(request->address()), " is not a mail address")));
  }
  if (const absl::Status reason = CheckReason(request->reason(), /*needed=*/true); !reason.ok()) {
    return ToGrpc(reason);
  }
  v1::Suppression suppression;
  suppression.set_address(request->address());
  suppression.set_reason(request->reason());
  *suppression.mutable_create_time() = ToProto(clock_.Now());
  if (const absl::Status stored = outbox_.Suppress(suppression); !stored.ok()) {
    return ToGrpc(stored);
  }
  const auto found = store_.FindSuppression(request->address());
  if (!found.ok()) return ToGrpc(found.status());
  *response = *found;
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::DeleteSuppression(grpc::ServerContext* /*context*/,
                                                   const v1::DeleteSuppressionRequest* request,
                                                   v1::DeleteSuppressionResponse* /*response*/) {
  return ToGrpc(store_.DeleteSuppression(request->address()));
}

grpc::Status MailServiceHandler::ReportBounce(grpc::ServerContext* /*context*/,
                                              const v1::ReportBounceRequest* request,
                                              v1::ReportBounceResponse* response) {
  auto bounces = bounces_.Take(request->message().data());
  if (!bounces.ok()) return ToGrpc(bounces.status());
  response->mutable_bounces()->Assign(bounces->begin(), bounces->end());
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::ListBounces(grpc::ServerContext* /*context*/,
                                             const v1::ListBouncesRequest* request,
                                             v1::ListBouncesResponse* response) {
  const absl::StatusOr<int> size = PageSize(request->page_size());
  if (!size.ok()) return ToGrpc(size.status());
  const absl::StatusOr<int64_t> after = PageNumber(request->page_token());
  if (!after.ok()) return ToGrpc(after.status());
  const auto page = store_.ListBounces(*after, *size);
  if (!page.ok()) return ToGrpc(page.status());
  response->mutable_bounces()->Assign(page->bounces.begin(), page->bounces.end());
  if (page->next != 0) response->set_next_page_token(absl::StrCat(page->next));
  return grpc::Status::OK;
}

absl::StatusOr<v1::CreateWebhookResponse> MailServiceHandler::NewWebhook(
    const v1::Webhook& wanted) {
  RETURN_IF_ERROR(CheckWebhookUrl(wanted.url(), options_.webhook_hosts));
  if (wanted.kinds_size() > kKindsMax) {
    return absl::InvalidArgumentError(absl::StrCat("webhook.kinds: more than ", kKindsMax));
  }
  for (int i = 0; i < wanted.kinds_size(); ++i) {
    bool known = false;
    for (int kind = 0; kind <= static_cast<int>(MessageKind::kOfficeDigest); ++kind) {
      known = known || wanted.kinds(i) == KindName(static_cast<MessageKind>(kind));
    }
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat("webhook.kinds[", i, "]: ", Quoted(wanted.kinds(i)), " is no kind"));
    }
  }
  v1::CreateWebhookResponse created;
  v1::Webhook& webhook = *created.mutable_webhook();
  webhook.set_webhook_id(absl::StrCat("w", RandomHex(8)));
  webhook.set_url(wanted.url());
  *webhook.mutable_kinds() = wanted.kinds();
  *webhook.mutable_create_time() = ToProto(clock_.Now());
  created.set_secret(RandomHex(32));
  if (created.secret().empty()) return absl::InternalError("no random bytes");
  RETURN_IF_ERROR(store_.CreateWebhook({.webhook = webhook, .secret = created.secret()}));
  return created;
}

grpc::Status MailServiceHandler::CreateWebhook(grpc::ServerContext* /*context*/,
                                               const v1::CreateWebhookRequest* request,
                                               v1::CreateWebhookResponse* response) {
  auto created = NewWebhook(request->webhook());
  if (!created.ok()) return ToGrpc(created.status());
  *response = *std::move(created);
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::ListWebhooks(grpc::ServerContext* /*context*/,
                                              const v1::ListWebhooksRequest* /*request*/,
                                              v1::ListWebhooksResponse* response) {
  const auto webhooks = store_.ListWebhooks();
  if (!webhooks.ok()) return ToGrpc(webhooks.status());
  response->mutable_webhooks()->Assign(webhooks->begin(), webhooks->end());
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::DeleteWebhook(grpc::ServerContext* /*context*/,
                                               const v1::DeleteWebhookRequest* request,
                                               v1::DeleteWebhookResponse* /*response*/) {
  return ToGrpc(store_.DeleteWebhook(request->webhook_id()));
}

}  // namespace dondoc::alerting
