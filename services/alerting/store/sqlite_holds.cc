// Changes of campaigns, holidays, silences and disputes, of SqliteAlertStore.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/alerting/store/sqlite_rows.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

absl::StatusOr<v1::Silence> ReadSilence(const Statement& row) {
  ASSIGN_OR_RETURN(v1::Silence silence, Parse<v1::Silence>(row.Text(0)));
  silence.clear_end_time();
  if (!row.IsNull(1)) *silence.mutable_end_time() = ToProto(absl::FromUnixMicros(row.Int(1)));
  return silence;
}

}  // namespace

absl::Status SqliteAlertStore::UpdateCampaign(const v1::CampaignChange& change) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  const std::string& campaign_id = change.after().campaign_id();
  ASSIGN_OR_RETURN(const v1::Campaign stored, CampaignLocked(campaign_id));
  if (stored.revision() != change.before().revision()) {
    return absl::AbortedError(absl::StrCat("campaign ", Quoted(campaign_id), " is at revision ",
                                           stored.revision(), ", not ", change.before().revision(),
                                           ": read it again"));
  }
  Statement update = database_->Prepare("UPDATE campaigns SET body = ? WHERE campaign_id = ?");
  RETURN_IF_ERROR(
      update.BindBlob(1, change.after().SerializeAsString()).BindText(2, campaign_id).Run());
  Statement insert = database_->Prepare(
      "INSERT INTO campaign_changes (campaign_id, revision, body) VALUES (?, ?, ?)");
  RETURN_IF_ERROR(insert.BindText(1, campaign_id)
                      .BindInt(2, change.revision())
                      .BindBlob(3, change.SerializeAsString())
                      .Run());
  return transaction.Commit();
}

absl::StatusOr<std::vector<v1::CampaignChange>> SqliteAlertStore::ListCampaignChanges(
    const std::string& campaign_id, int limit) const {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CampaignLocked(campaign_id).status());
  Statement query = database_->Prepare(
      "SELECT body FROM campaign_changes WHERE campaign_id = ? ORDER BY revision DESC LIMIT ?");
  query.BindText(1, campaign_id).BindInt(2, limit);
  std::vector<v1::CampaignChange> changes;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return changes;
    ASSIGN_OR_RETURN(changes.emplace_back(), Parse<v1::CampaignChange>(query.Text(0)));
  }
}

absl::Status SqliteAlertStore::PutHolidays(const std::vector<v1::Holiday>& holidays) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  for (const v1::Holiday& holiday : holidays) {
    Statement put = database_->Prepare("INSERT OR REPLACE INTO holidays (day, body) VALUES (?, ?)");
    RETURN_IF_ERROR(put.BindText(1, holiday.day()).BindBlob(2, holiday.SerializeAsString()).Run());
  }
  {
    Statement count = database_->Prepare("SELECT COUNT(*) FROM holidays");
    RETURN_IF_ERROR(count.Run());
    if (count.Int(0) > kHolidaysMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(count.Int(0), " holidays, limit ", kHolidaysMax));
    }
  }
  return transaction.Commit();
}

absl::Status SqliteAlertStore::DeleteHoliday(const std::string& day) {
  MutexLock lock(mutex_);
  Statement remove = database_->Prepare("DELETE FROM holidays WHERE day = ?");
  RETURN_IF_ERROR(remove.BindText(1, day).Run());
  return database_->Changes() == 1 ? absl::OkStatus() : NoSuch("holiday", day);
}

absl::StatusOr<std::vector<v1::Holiday>> SqliteAlertStore::ListHolidays() const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT body FROM holidays ORDER BY day");
  std::vector<v1::Holiday> holidays;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return holidays;
    ASSIGN_OR_RETURN(holidays.emplace_back(), Parse<v1::Holiday>(query.Text(0)));
  }
}

absl::Status SqliteAlertStore::CancelUnsentLocked(const std::string& unit_id,
                                                  const std::string& campaign_id,
                                                  const std::string& why) {
  Statement cancel = database_->Prepare(
      "UPDATE reminders SET state = ?, last_reply = ?, next_attempt_us = NULL "
      "WHERE unit_id = ? AND (? = '' OR campaign_id = ?) AND state IN (?, ?)");
  return cancel.BindInt(1, v1::ReminderState::CANCELLED)
      .BindText(2, why)
      .BindText(3, unit_id)
      .BindText(4, campaign_id)
      .BindText(5, campaign_id)
      .BindInt(6, v1::ReminderState::QUEUED)
      .BindInt(7, v1::ReminderState::DEFERRED)
      .Run();
}

absl::Status SqliteAlertStore::CreateSilence(const v1::Silence& silence) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement insert = database_->Prepare(
      "INSERT INTO silences (silence_id, unit_id, create_us, expire_us, body) "
      "VALUES (?, ?, ?, ?, ?)");
  RETURN_IF_ERROR(insert.BindText(1, silence.silence_id())
                      .BindText(2, silence.unit_id())
                      .BindInt(3, Micros(FromProto(silence.create_time())))
                      .BindInt(4, Micros(FromProto(silence.expire_time())))
                      .BindBlob(5, silence.SerializeAsString())
                      .Run());
  RETURN_IF_ERROR(CancelUnsentLocked(silence.unit_id(), silence.campaign_id(),
                                     absl::StrCat("silenced: ", silence.reason())));
  return transaction.Commit();
}

absl::StatusOr<v1::Silence> SqliteAlertStore::FindSilence(const std::string& silence_id) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT body, end_us FROM silences WHERE silence_id = ?");
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, silence_id).Step());
  if (!found) return NoSuch("silence", silence_id);
  return ReadSilence(query);
}

absl::StatusOr<SilencePage> SqliteAlertStore::ListSilences(const std::string& unit_id,
                                                           std::optional<absl::Time> active_at,
                                                           int64_t after, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      "SELECT body, end_us, number FROM silences WHERE (? = '' OR unit_id = ?) "
      "AND (? = 0 OR number < ?) "
      "AND (? = 0 OR (create_us <= ? AND expire_us > ? AND (end_us IS NULL OR end_us > ?))) "
      "ORDER BY number DESC LIMIT ?");
  const int64_t at = active_at.has_value() ? Micros(*active_at) : 0;
  query.BindText(1, unit_id)
      .BindText(2, unit_id)
      .BindInt(3, after)
      .BindInt(4, after)
      .BindInt(5, active_at.has_value() ? 1 : 0)
      .BindInt(6, at)
      .BindInt(7, at)
      .BindInt(8, at)
      .BindInt(9, limit + 1);
  SilencePage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.silences.size()) == limit) {
      page.next = last;
      return page;
    }
    ASSIGN_OR_RETURN(page.silences.emplace_back(), ReadSilence(query));
    last = query.Int(2);
  }
}

absl::StatusOr<v1::Silence> SqliteAlertStore::EndSilence(const std::string& silence_id,
                                                         absl::Time time) {
  {
    MutexLock lock(mutex_);
    Statement update = database_->Prepare(
        "UPDATE silences SET end_us = ? WHERE silence_id = ? AND end_us IS NULL AND expire_us > ?");
    RETURN_IF_ERROR(
        update.BindInt(1, Micros(time)).BindText(2, silence_id).BindInt(3, Micros(time)).Run());
  }
  return FindSilence(silence_id);
}

absl::Status SqliteAlertStore::OpenDispute(const v1::Dispute& dispute) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement insert = database_->Prepare(
      "INSERT INTO disputes (dispute_id, campaign_id, unit_id, state, body) "
      "VALUES (?, ?, ?, ?, ?)");
  RETURN_IF_ERROR(insert.BindText(1, dispute.dispute_id())
                      .BindText(2, dispute.campaign_id())
                      .BindText(3, dispute.unit_id())
                      .BindInt(4, dispute.state())
                      .BindBlob(5, dispute.SerializeAsString())
                      .Run());
  RETURN_IF_ERROR(CancelUnsentLocked(dispute.unit_id(), dispute.campaign_id(),
                                     absl::StrCat("in dispute: ", dispute.dispute_id())));
  return transaction.Commit();
}

absl::StatusOr<v1::Dispute> SqliteAlertStore::FindDispute(const std::string& dispute_id) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare("SELECT body FROM disputes WHERE dispute_id = ?");
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, dispute_id).Step());
  if (!found) return NoSuch("dispute", dispute_id);
  return Parse<v1::Dispute>(query.Text(0));
}

absl::StatusOr<DisputePage> SqliteAlertStore::ListDisputes(const DisputeFilter& filter,
                                                           int64_t after, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      "SELECT body, number FROM disputes WHERE (? = '' OR campaign_id = ?) "
      "AND (? = '' OR unit_id = ?) AND (? = 0 OR state = ?) AND (? = 0 OR number < ?) "
      "ORDER BY number DESC LIMIT ?");
  query.BindText(1, filter.campaign_id)
      .BindText(2, filter.campaign_id)
      .BindText(3, filter.unit_id)
      .BindText(4, filter.unit_id)
      .BindInt(5, filter.open_only ? 1 : 0)
      .BindInt(6, v1::DisputeState::OPEN)
      .BindInt(7, after)
      .BindInt(8, after)
      .BindInt(9, limit + 1);
  DisputePage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.disputes.size()) == limit) {
      page.next = last;
      return page;
    }
    ASSIGN_OR_RETURN(page.disputes.emplace_back(), Parse<v1::Dispute>(query.Text(0)));
    last = query.Int(1);
  }
}

absl::Status SqliteAlertStore::ResolveDispute(const v1::Dispute& dispute) {
  MutexLock lock(mutex_);
  Statement update = database_->Prepare(
      "UPDATE disputes SET state = ?, body = ? WHERE dispute_id = ? AND state = ?");
  RETURN_IF_ERROR(update.BindInt(1, dispute.state())
                      .BindBlob(2, dispute.SerializeAsString())
                      .BindText(3, dispute.dispute_id())
                      .BindInt(4, v1::DisputeState::OPEN)
                      .Run());
  if (database_->Changes() == 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("dispute ", Quoted(dispute.dispute_id()), " is not open"));
}

}  // namespace dondoc::alerting
