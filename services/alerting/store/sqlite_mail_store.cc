// The MailStore half of SqliteAlertStore.

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/store/sqlite_rows.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

absl::Status WrongState(const v1::Reminder& reminder, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("reminder ", Quoted(reminder.reminder_id()), " is ",
                   v1::ReminderState::Value_Name(reminder.state()), ": ", what));
}

v1::Suppression ReadSuppression(const Statement& row) {
  v1::Suppression suppression;
  suppression.set_address(row.Text(0));
  suppression.set_reason(row.Text(1));
  *suppression.mutable_create_time() = ToProto(absl::FromUnixMicros(row.Int(2)));
  suppression.set_reminder_id(row.Text(3));
  return suppression;
}

constexpr char kSuppressionColumns[] =
    "SELECT address, reason, create_us, reminder_id FROM suppressions ";

}  // namespace

absl::StatusOr<v1::Reminder> SqliteAlertStore::ReminderLocked(
    const std::string& reminder_id) const {
  Statement query =
      database_->Prepare(absl::StrCat(kReminderColumns, "WHERE reminder_id = ? AND channel = 0"));
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, reminder_id).Step());
  if (!found) return NoSuch("reminder", reminder_id);
  return ReadReminder(query);
}

absl::StatusOr<ReminderPage> SqliteAlertStore::ListHistory(const HistoryFilter& filter,
                                                           int64_t after, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(absl::StrCat(
      kReminderColumns,
      "WHERE channel = 0 AND (?1 = '' OR unit_id = ?1) AND (?2 = '' OR campaign_id = ?2) "
      "AND (?3 = 0 OR state = ?3) AND (?4 = 0 OR number < ?4) ORDER BY number DESC LIMIT ?5"));
  query.BindText(1, filter.unit_id)
      .BindText(2, filter.campaign_id)
      .BindInt(3, filter.state)
      .BindInt(4, after)
      .BindInt(5, limit + 1);
  return ReadReminderPage(query, limit);
}

absl::StatusOr<v1::Reminder> SqliteAlertStore::Retry(const std::string& reminder_id) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  ASSIGN_OR_RETURN(const v1::Reminder reminder, ReminderLocked(reminder_id));
  switch (reminder.state()) {
    case v1::ReminderState::QUEUED:
    case v1::ReminderState::UNKNOWN:
      return reminder;
    case v1::ReminderState::DEFERRED:
    case v1::ReminderState::FAILED:
    case v1::ReminderState::CANCELLED:
    case v1::ReminderState::SUPPRESSED:
      break;
    default:
      return WrongState(reminder, "there is nothing to try again");
  }
  Statement held = database_->Prepare("SELECT 1 FROM suppressions WHERE address = ?");
  ASSIGN_OR_RETURN(const bool suppressed,
                   held.BindText(1, absl::AsciiStrToLower(reminder.recipient())).Step());
  if (suppressed) return WrongState(reminder, "its recipient is suppressed; lift that first");
  // An evaluation that is not released keeps its own: a cancelled draft becomes a draft again.
  Statement update = database_->Prepare(
      "UPDATE reminders SET attempts = 0, resends = 0, last_reply = '', "
      "state = CASE WHEN (SELECT state FROM evaluations WHERE evaluations.evaluation_id = "
      "reminders.evaluation_id) = ?2 THEN ?3 ELSE ?4 END, "
      "next_attempt_us = CASE WHEN (SELECT state FROM evaluations WHERE evaluations.evaluation_id "
      "= reminders.evaluation_id) = ?2 THEN 0 END WHERE reminder_id = ?1");
  RETURN_IF_ERROR(update.BindText(1, reminder_id)
                      .BindInt(2, v1::EvaluationState::RELEASED)
                      .BindInt(3, v1::ReminderState::QUEUED)
                      .BindInt(4, v1::ReminderState::DRAFTED)
                      .Run());
  ASSIGN_OR_RETURN(v1::Reminder queued, ReminderLocked(reminder_id));
  RETURN_IF_ERROR(transaction.Commit());
  return queued;
}

absl::StatusOr<v1::Reminder> SqliteAlertStore::Cancel(const std::string& reminder_id,
                                                      const std::string& reason) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  ASSIGN_OR_RETURN(const v1::Reminder reminder, ReminderLocked(reminder_id));
  switch (reminder.state()) {
    case v1::ReminderState::CANCELLED:
      return reminder;
    case v1::ReminderState::DRAFTED:
    case v1::ReminderState::QUEUED:
    case v1::ReminderState::DEFERRED:
    case v1::ReminderState::SUPPRESSED:
      break;
    default:
      return WrongState(reminder, "it may have been taken already, or is done with");
  }
  Statement update = database_->Prepare(
      "UPDATE reminders SET state = ?, next_attempt_us = NULL, last_reply = ? "
      "WHERE reminder_id = ?");
  RETURN_IF_ERROR(update.BindInt(1, v1::ReminderState::CANCELLED)
                      .BindText(2, reason)
                      .BindText(3, reminder_id)
                      .Run());
  ASSIGN_OR_RETURN(v1::Reminder cancelled, ReminderLocked(reminder_id));
  RETURN_IF_ERROR(transaction.Commit());
  return cancelled;
}

absl::StatusOr<v1::Reminder> SqliteAlertStore::Acknowledge(const std::string& reminder_id,
                                                           absl::Time civil) {
  MutexLock lock(mutex_);
  Statement update = database_->Prepare(
      "UPDATE reminders SET acknowledge_us = ? WHERE reminder_id = ? AND acknowledge_us IS NULL");
  RETURN_IF_ERROR(update.BindInt(1, Micros(civil)).BindText(2, reminder_id).Run());
  return ReminderLocked(reminder_id);
}

absl::StatusOr<SuppressionPage> SqliteAlertStore::ListSuppressions(const std::string& after,
                                                                   int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      absl::StrCat(kSuppressionColumns, "WHERE address > ? ORDER BY address LIMIT ?"));
  query.BindText(1, after).BindInt(2, limit + 1);
  SuppressionPage page;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.suppressions.size()) == limit) {
      page.next = page.suppressions.back().address();
      return page;
    }
    page.suppressions.push_back(ReadSuppression(query));
  }
}

absl::StatusOr<v1::Suppression> SqliteAlertStore::FindSuppression(
    const std::string& address) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(absl::StrCat(kSuppressionColumns, "WHERE address = ?"));
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, absl::AsciiStrToLower(address)).Step());
  if (!found) return NoSuch("suppression", address);
  return ReadSuppression(query);
}

absl::Status SqliteAlertStore::DeleteSuppression(const std::string& address) {
  MutexLock lock(mutex_);
  Statement remove = database_->Prepare("DELETE FROM suppressions WHERE address = ?");
  RETURN_IF_ERROR(remove.BindText(1, absl::AsciiStrToLower(address)).Run());
  return database_->Changes() > 0 ? absl::OkStatus() : NoSuch("suppression", address);
}

absl::StatusOr<v1::Bounce> SqliteAlertStore::SaveBounce(const std::string& message_id,
                                                        const v1::Bounce& bounce) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement query = database_->Prepare(
      "SELECT reminder_id FROM reminders WHERE message_id = ?1 AND channel = 0 "
      "AND (?2 = '' OR lower(recipient) = lower(?2) OR lower(sent_to) = lower(?2))");
  ASSIGN_OR_RETURN(const bool found,
                   query.BindText(1, message_id).BindText(2, bounce.recipient()).Step());
  if (!found) return NoSuch("mail", message_id);
  v1::Bounce stored = bounce;
  stored.set_reminder_id(query.Text(0));
  ASSIGN_OR_RETURN(const v1::Reminder reminder, ReminderLocked(stored.reminder_id()));
  if (stored.recipient().empty()) stored.set_recipient(reminder.recipient());
  Statement insert = database_->Prepare(
      "INSERT OR IGNORE INTO bounces (reminder_id, recipient, action, status, body) "
      "VALUES (?, ?, ?, ?, ?)");
  RETURN_IF_ERROR(insert.BindText(1, stored.reminder_id())
                      .BindText(2, stored.recipient())
                      .BindText(3, stored.action())
                      .BindText(4, stored.status())
                      .BindBlob(5, stored.SerializeAsString())
                      .Run());
  if (database_->Changes() == 0) return stored;
  if (stored.action() == "failed") {
    Statement update = database_->Prepare(
        "UPDATE reminders SET state = ?1, next_attempt_us = NULL, last_reply = ?2 "
        "WHERE reminder_id = ?3 AND state IN (?4, ?5)");
    RETURN_IF_ERROR(
        update.BindInt(1, v1::ReminderState::FAILED)
            .BindText(2, absl::StrCat("came back: ", stored.status(), " ", stored.diagnostic()))
            .BindText(3, stored.reminder_id())
            .BindInt(4, v1::ReminderState::SENT)
            .BindInt(5, v1::ReminderState::UNKNOWN)
            .Run());
  }
  if (stored.suppressed()) {
    v1::Suppression suppression;
    suppression.set_address(stored.recipient());
    suppression.set_reason(absl::StrCat(stored.status(), " ", stored.diagnostic()));
    *suppression.mutable_create_time() = stored.create_time();
    suppression.set_reminder_id(stored.reminder_id());
    RETURN_IF_ERROR(SuppressLocked(suppression));
  }
  RETURN_IF_ERROR(transaction.Commit());
  return stored;
}

absl::StatusOr<BouncePage> SqliteAlertStore::ListBounces(int64_t after, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      "SELECT body, number FROM bounces WHERE (?1 = 0 OR number < ?1) ORDER BY number DESC "
      "LIMIT ?2");
  query.BindInt(1, after).BindInt(2, limit + 1);
  BouncePage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.bounces.size()) == limit) {
      page.next = last;
      return page;
    }
    ASSIGN_OR_RETURN(page.bounces.emplace_back(), Parse<v1::Bounce>(query.Text(0)));
    last = query.Int(1);
  }
}

absl::StatusOr<std::vector<StoredWebhook>> SqliteAlertStore::WebhooksLocked() const {
  Statement query = database_->Prepare("SELECT body, secret FROM webhooks ORDER BY number");
  std::vector<StoredWebhook> webhooks;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return webhooks;
    ASSIGN_OR_RETURN(v1::Webhook webhook, Parse<v1::Webhook>(query.Text(0)));
    webhooks.push_back({.webhook = std::move(webhook), .secret = query.Text(1)});
  }
}

absl::Status SqliteAlertStore::CreateWebhook(const StoredWebhook& webhook) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  ASSIGN_OR_RETURN(const std::vector<StoredWebhook> others, WebhooksLocked());
  if (others.size() >= kWebhooksMax) {
    return absl::ResourceExhaustedError(absl::StrCat("there are ", kWebhooksMax, " webhooks"));
  }
  Statement insert =
      database_->Prepare("INSERT INTO webhooks (webhook_id, body, secret) VALUES (?, ?, ?)");
  RETURN_IF_ERROR(insert.BindText(1, webhook.webhook.webhook_id())
                      .BindBlob(2, webhook.webhook.SerializeAsString())
                      .BindText(3, webhook.secret)
                      .Run());
  return transaction.Commit();
}

absl::StatusOr<StoredWebhook> SqliteAlertStore::FindWebhook(const std::string& webhook_id) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT body, secret FROM webhooks WHERE webhook_id = ?");
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, webhook_id).Step());
  if (!found) return NoSuch("webhook", webhook_id);
  ASSIGN_OR_RETURN(v1::Webhook webhook, Parse<v1::Webhook>(query.Text(0)));
  return StoredWebhook{.webhook = std::move(webhook), .secret = query.Text(1)};
}

absl::StatusOr<std::vector<v1::Webhook>> SqliteAlertStore::ListWebhooks() const {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const std::vector<StoredWebhook> stored, WebhooksLocked());
  std::vector<v1::Webhook> webhooks;
  for (const StoredWebhook& one : stored) webhooks.push_back(one.webhook);
  return webhooks;
}

absl::Status SqliteAlertStore::DeleteWebhook(const std::string& webhook_id) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement remove = database_->Prepare("DELETE FROM webhooks WHERE webhook_id = ?");
  RETURN_IF_ERROR(remove.BindText(1, webhook_id).Run());
  if (database_->Changes() == 0) return NoSuch("webhook", webhook_id);
  Statement cancel = database_->Prepare(
      "UPDATE reminders SET state = ?, next_attempt_us = NULL WHERE channel = 1 "
      "AND recipient = ? AND state IN (?, ?, ?, ?)");
  RETURN_IF_ERROR(cancel.BindInt(1, v1::ReminderState::CANCELLED)
                      .BindText(2, webhook_id)
                      .BindInt(3, v1::ReminderState::DRAFTED)
                      .BindInt(4, v1::ReminderState::QUEUED)
                      .BindInt(5, v1::ReminderState::DEFERRED)
                      .BindInt(6, v1::ReminderState::UNKNOWN)
                      .Run());
  return transaction.Commit();
}

absl::StatusOr<std::vector<v1::Template>> SqliteAlertStore::ListTemplates() const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT body FROM templates ORDER BY name");
  std::vector<v1::Template> templates;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return templates;
    ASSIGN_OR_RETURN(templates.emplace_back(), Parse<v1::Template>(query.Text(0)));
  }
}

absl::Status SqliteAlertStore::SaveTemplate(const v1::Template& changed) {
  MutexLock lock(mutex_);
  Statement insert =
      database_->Prepare("INSERT OR REPLACE INTO templates (name, body) VALUES (?, ?)");
  return insert.BindText(1, changed.name()).BindBlob(2, changed.SerializeAsString()).Run();
}

absl::Status SqliteAlertStore::DeleteTemplate(const std::string& name) {
  MutexLock lock(mutex_);
  Statement remove = database_->Prepare("DELETE FROM templates WHERE name = ?");
  return remove.BindText(1, name).Run();
}

}  // namespace dondoc::alerting
