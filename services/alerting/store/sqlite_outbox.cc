// The outbox half of SqliteAlertStore.

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/store/sqlite_rows.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr char kInterruptedTwice[] =
    "interrupted twice while sending: may have been delivered, not tried again";
constexpr char kSuppressed[] = "not sent: mail to this address came back before";

// Rows that may leave at ?1 (real clock), minute ?2 of the civil day, on channel ?3.
constexpr char kDue[] =
    "next_attempt_us IS NOT NULL AND channel = ?3 AND NOT ("
    "(quiet_from < quiet_to AND ?2 >= quiet_from AND ?2 < quiet_to) OR "
    "(quiet_from > quiet_to AND (?2 >= quiet_from OR ?2 < quiet_to))) ";

int64_t MinuteOfDay(absl::Time civil) {
  const absl::CivilSecond second = absl::ToCivilSecond(civil, VietNamTime());
  return second.hour() * 60 + second.minute();
}

}  // namespace

absl::StatusOr<std::optional<ClaimedReminder>> SqliteAlertStore::Claim(const OutboxMoment& moment) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement suppress = database_->Prepare(absl::StrCat(
      "UPDATE reminders SET state = ?4, next_attempt_us = NULL, last_reply = ?5 WHERE ", kDue,
      "AND next_attempt_us <= ?1 AND ?3 = 0 "
      "AND lower(recipient) IN (SELECT address FROM suppressions)"));
  RETURN_IF_ERROR(suppress.BindInt(1, Micros(moment.now))
                      .BindInt(2, MinuteOfDay(moment.civil))
                      .BindInt(3, static_cast<int64_t>(moment.channel))
                      .BindInt(4, v1::ReminderState::SUPPRESSED)
                      .BindText(5, kSuppressed)
                      .Run());
  const bool suppressed = database_->Changes() > 0;
  Statement query = database_->Prepare(absl::StrCat(
      "SELECT reminder_id, recipient, message, attempts, state, resends FROM reminders WHERE ",
      kDue, "AND next_attempt_us <= ?1 ORDER BY next_attempt_us, number LIMIT 1"));
  query.BindInt(1, Micros(moment.now))
      .BindInt(2, MinuteOfDay(moment.civil))
      .BindInt(3, static_cast<int64_t>(moment.channel));
  ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) {
    if (suppressed) RETURN_IF_ERROR(transaction.Commit());
    return std::nullopt;
  }
  ClaimedReminder claimed;
  claimed.reminder_id = query.Text(0);
  claimed.recipient = query.Text(1);
  claimed.message = query.Text(2);
  claimed.attempts = static_cast<int>(query.Int(3)) + 1;
  claimed.was_unknown = query.Int(4) == v1::ReminderState::UNKNOWN;
  claimed.resent = claimed.was_unknown || query.Int(5) > 0;
  Statement mark = database_->Prepare(
      "UPDATE reminders SET state = ?, attempts = ?, resends = resends + ?, "
      "next_attempt_us = NULL WHERE reminder_id = ?");
  RETURN_IF_ERROR(mark.BindInt(1, v1::ReminderState::SENDING)
                      .BindInt(2, claimed.attempts)
                      .BindInt(3, claimed.was_unknown ? 1 : 0)
                      .BindText(4, claimed.reminder_id)
                      .Run());
  RETURN_IF_ERROR(transaction.Commit());
  return claimed;
}

absl::Status SqliteAlertStore::Finish(const std::string& reminder_id, const AttemptResult& result) {
  MutexLock lock(mutex_);
  Statement update = database_->Prepare(
      "UPDATE reminders SET state = ?, last_reply = ?, sent_to = ?, next_attempt_us = ?, "
      "sent_us = ? WHERE reminder_id = ? AND state = ?");
  update.BindInt(1, result.state)
      .BindText(2, result.reply)
      .BindText(3, result.sent_to)
      .BindText(6, reminder_id)
      .BindInt(7, v1::ReminderState::SENDING);
  const bool again =
      result.state == v1::ReminderState::DEFERRED || result.state == v1::ReminderState::UNKNOWN;
  if (again) update.BindInt(4, Micros(result.next_attempt));
  if (result.sent_time.has_value()) update.BindInt(5, Micros(*result.sent_time));
  RETURN_IF_ERROR(update.Run());
  if (database_->Changes() == 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("reminder ", Quoted(reminder_id), " is not being sent"));
}

absl::StatusOr<int> SqliteAlertStore::RecoverInterrupted(absl::Time now) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement fail = database_->Prepare(
      "UPDATE reminders SET state = ?, last_reply = ? WHERE state = ? AND resends > 0");
  RETURN_IF_ERROR(fail.BindInt(1, v1::ReminderState::FAILED)
                      .BindText(2, kInterruptedTwice)
                      .BindInt(3, v1::ReminderState::SENDING)
                      .Run());
  Statement update =
      database_->Prepare("UPDATE reminders SET state = ?, next_attempt_us = ? WHERE state = ?");
  RETURN_IF_ERROR(update.BindInt(1, v1::ReminderState::UNKNOWN)
                      .BindInt(2, Micros(now))
                      .BindInt(3, v1::ReminderState::SENDING)
                      .Run());
  const int recovered = static_cast<int>(database_->Changes());
  RETURN_IF_ERROR(transaction.Commit());
  return recovered;
}

absl::StatusOr<std::optional<absl::Time>> SqliteAlertStore::NextDue(
    const OutboxMoment& moment) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      absl::StrCat("SELECT MIN(next_attempt_us) FROM reminders WHERE ?1 = ?1 AND ", kDue));
  query.BindInt(1, 0)
      .BindInt(2, MinuteOfDay(moment.civil))
      .BindInt(3, static_cast<int64_t>(moment.channel));
  RETURN_IF_ERROR(query.Run());
  if (query.IsNull(0)) return std::nullopt;
  return absl::FromUnixMicros(query.Int(0));
}

absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> SqliteAlertStore::CountByState() const {
  MutexLock lock(mutex_);
  Statement query =
      database_->Prepare("SELECT state, COUNT(*) FROM reminders WHERE channel = 0 GROUP BY state");
  std::map<v1::ReminderState::Value, int64_t> counts;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return counts;
    counts[static_cast<v1::ReminderState::Value>(query.Int(0))] = query.Int(1);
  }
}

absl::Status SqliteAlertStore::InsertRowLocked(const v1::Evaluation& evaluation,
                                               const NewReminder& reminder, Channel channel) {
  const bool released = evaluation.state() == v1::EvaluationState::RELEASED;
  Statement row = database_->Prepare(
      "INSERT INTO reminders (reminder_id, evaluation_id, campaign_id, unit_id, slot, kind, "
      "recipient, state, subject, message_id, message, next_attempt_us, channel, quiet_from, "
      "quiet_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  row.BindText(1, reminder.reminder_id)
      .BindText(2, evaluation.evaluation_id())
      .BindText(3, evaluation.campaign_id())
      .BindText(4, reminder.unit_id)
      .BindText(5, evaluation.slot())
      .BindText(6, reminder.kind)
      .BindText(7, reminder.recipient)
      .BindInt(8, released ? v1::ReminderState::QUEUED : v1::ReminderState::DRAFTED)
      .BindText(9, reminder.subject)
      .BindText(10, reminder.message_id)
      .BindBlob(11, reminder.message)
      .BindInt(13, static_cast<int64_t>(channel))
      .BindInt(14, reminder.quiet_from_minute)
      .BindInt(15, reminder.quiet_to_minute);
  // Due at once: 0 is before every clock.
  if (released) row.BindInt(12, 0);
  return row.Run();
}

absl::Status SqliteAlertStore::InsertReminderLocked(const v1::Evaluation& evaluation,
                                                    const NewReminder& reminder) {
  RETURN_IF_ERROR(InsertRowLocked(evaluation, reminder, Channel::kMail));
  if (reminder.event.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<StoredWebhook> webhooks, WebhooksLocked());
  for (const StoredWebhook& stored : webhooks) {
    const v1::Webhook& webhook = stored.webhook;
    if (webhook.kinds_size() > 0 && !absl::c_linear_search(webhook.kinds(), reminder.kind)) {
      continue;
    }
    NewReminder told = reminder;
    told.reminder_id = absl::StrCat(reminder.reminder_id, ":", webhook.webhook_id());
    told.recipient = webhook.webhook_id();
    told.message = reminder.event;
    told.message_id = told.reminder_id;
    // Machines have no quiet hours.
    told.quiet_from_minute = told.quiet_to_minute = 0;
    RETURN_IF_ERROR(InsertRowLocked(evaluation, told, Channel::kWebhook));
  }
  return absl::OkStatus();
}

absl::Status SqliteAlertStore::SuppressLocked(const v1::Suppression& suppression) {
  Statement insert = database_->Prepare(
      "INSERT OR IGNORE INTO suppressions (address, reason, create_us, reminder_id) "
      "VALUES (?, ?, ?, ?)");
  return insert.BindText(1, absl::AsciiStrToLower(suppression.address()))
      .BindText(2, suppression.reason())
      .BindInt(3, Micros(FromProto(suppression.create_time())))
      .BindText(4, suppression.reminder_id())
      .Run();
}

absl::Status SqliteAlertStore::Suppress(const v1::Suppression& suppression) {
  MutexLock lock(mutex_);
  return SuppressLocked(suppression);
}

}  // namespace dondoc::alerting
