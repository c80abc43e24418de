#include "services/alerting/store/sqlite_rows.h"

#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {

v1::Reminder ReadReminder(const Statement& row) {
  v1::Reminder reminder;
  reminder.set_reminder_id(row.Text(0));
  reminder.set_evaluation_id(row.Text(1));
  reminder.set_unit_id(row.Text(2));
  reminder.set_recipient(row.Text(3));
  reminder.set_kind(row.Text(4));
  reminder.set_state(static_cast<v1::ReminderState::Value>(row.Int(5)));
  reminder.set_subject(row.Text(6));
  reminder.set_message_id(row.Text(7));
  reminder.set_attempts(static_cast<int32_t>(row.Int(8)));
  if (!row.IsNull(9)) {
    *reminder.mutable_next_attempt_time() = ToProto(absl::FromUnixMicros(row.Int(9)));
  }
  if (!row.IsNull(10)) *reminder.mutable_sent_time() = ToProto(absl::FromUnixMicros(row.Int(10)));
  reminder.set_last_reply(row.Text(11));
  if (!row.IsNull(15)) {
    *reminder.mutable_acknowledge_time() = ToProto(absl::FromUnixMicros(row.Int(15)));
  }
  reminder.set_campaign_id(row.Text(16));
  reminder.set_slot(row.Text(17));
  return reminder;
}

absl::Status NoSuch(absl::string_view what, absl::string_view id) {
  return absl::NotFoundError(absl::StrCat("no ", what, " ", Quoted(id)));
}

absl::StatusOr<ReminderPage> ReadReminderPage(Statement& query, int limit) {
  ReminderPage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.reminders.size()) == limit) {
      page.next = last;
      return page;
    }
    page.reminders.push_back(ReadReminder(query));
    last = query.Int(12);
  }
}

}  // namespace dondoc::alerting
