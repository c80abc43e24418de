// The outbox half of SqliteAlertStore.

#include "absl/strings/str_cat.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr char kInterruptedTwice[] =
    "interrupted twice while sending: may have been delivered, not tried again";

int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

}  // namespace

absl::StatusOr<std::optional<ClaimedReminder>> SqliteAlertStore::Claim(absl::Time now) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement query = database_->Prepare(
      "SELECT reminder_id, recipient, message, attempts, state, resends FROM reminders "
      "WHERE next_attempt_us IS NOT NULL AND next_attempt_us <= ? "
      "ORDER BY next_attempt_us, number LIMIT 1");
  ASSIGN_OR_RETURN(const bool found, query.BindInt(1, Micros(now)).Step());
  if (!found) return std::nullopt;
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

absl::StatusOr<std::optional<absl::Time>> SqliteAlertStore::NextDue() const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      "SELECT MIN(next_attempt_us) FROM reminders WHERE next_attempt_us IS NOT NULL");
  RETURN_IF_ERROR(query.Run());
  if (query.IsNull(0)) return std::nullopt;
  return absl::FromUnixMicros(query.Int(0));
}

absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> SqliteAlertStore::CountByState() const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT state, COUNT(*) FROM reminders GROUP BY state");
  std::map<v1::ReminderState::Value, int64_t> counts;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return counts;
    counts[static_cast<v1::ReminderState::Value>(query.Int(0))] = query.Int(1);
  }
}

}  // namespace dondoc::alerting
