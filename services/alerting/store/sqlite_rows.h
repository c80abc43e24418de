#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/store/alert_store.h"
#include "services/alerting/store/sqlite.h"

// What the parts of SqliteAlertStore share: how rows become messages. Instants are microseconds.

namespace dondoc::alerting {

// The columns that ReadReminder takes, and after them: number, message, sent_to.
inline constexpr char kReminderColumns[] =
    "SELECT reminder_id, evaluation_id, unit_id, recipient, kind, state, subject, message_id, "
    "attempts, next_attempt_us, sent_us, last_reply, number, message, sent_to, acknowledge_us, "
    "campaign_id, slot FROM reminders ";

v1::Reminder ReadReminder(const Statement& row);

// The rows of `query`, which selects kReminderColumns and one row more than `limit`.
absl::StatusOr<ReminderPage> ReadReminderPage(Statement& query, int limit);

absl::Status NoSuch(absl::string_view what, absl::string_view id);

inline int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

template <typename Message>
absl::StatusOr<Message> Parse(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) {
    return absl::DataLossError(
        absl::StrCat("alert store: a ", message.GetTypeName(), " that cannot be read"));
  }
  return message;
}

}  // namespace dondoc::alerting
