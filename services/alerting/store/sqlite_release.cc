// What becomes of an evaluation that awaits its release, and what units were told, of
// SqliteAlertStore.

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

// Of messages to a unit about itself; digests and escalations are about others.
constexpr char kOwnKinds[] = "('reminder', 'fell_back', 'confirmation', 'explanation')";
constexpr char kExpiredWhy[] = "not released in time: the evaluation expired";
constexpr char kSentTodayWhy[] = "the same was sent to it on this day";

// Released, and neither failed nor stopped.
std::string LiveStates() {
  return absl::StrCat("(", v1::ReminderState::QUEUED, ", ", v1::ReminderState::SENDING, ", ",
                      v1::ReminderState::SENT, ", ", v1::ReminderState::DEFERRED, ", ",
                      v1::ReminderState::UNKNOWN, ")");
}

absl::Status NotAwaiting(const v1::Evaluation& evaluation) {
  const std::string name = absl::StrCat("evaluation ", Quoted(evaluation.evaluation_id()));
  switch (evaluation.state()) {
    case v1::EvaluationState::DRAFTED:
      return absl::FailedPreconditionError(
          absl::StrCat(name, " was made under send mode DRAFT: its reminders are never sent"));
    case v1::EvaluationState::EXPIRED:
      return absl::FailedPreconditionError(
          absl::StrCat(name, " expired: nobody released it in time; evaluate again"));
    default:
      return absl::FailedPreconditionError(absl::StrCat(name, " does not await its release"));
  }
}

void Fold(const std::string& kind, v1::ReminderState::Value state, absl::CivilDay day,
          bool acknowledged, UnitHistory& history) {
  history.last_days[kind] = day;
  if (kind == "confirmation") {
    history.unanswered = 0;
    history.told_below = false;
    history.confirmed = true;
  } else if (kind == "explanation") {
    history.explanation_asked = true;
  } else if (kind == "reminder" || kind == "fell_back") {
    history.told_below = true;
    if (acknowledged) {
      history.unanswered = 0;
    } else if (state == v1::ReminderState::SENT) {
      ++history.unanswered;
    }
  }
}

}  // namespace

absl::Status SqliteAlertStore::HoldLocked(const std::string& evaluation_id, const Hold& hold) {
  // A silence means every message to the unit, whatever it is about.
  const bool every = hold.writing == v1::Writing::SILENCED;
  Statement cancel = database_->Prepare(
      absl::StrCat("UPDATE reminders SET state = ?, last_reply = ? WHERE evaluation_id = ? "
                   "AND unit_id = ? AND state = ?",
                   every ? "" : absl::StrCat(" AND kind IN ", kOwnKinds)));
  RETURN_IF_ERROR(cancel.BindInt(1, v1::ReminderState::CANCELLED)
                      .BindText(2, hold.note)
                      .BindText(3, evaluation_id)
                      .BindText(4, hold.unit_id)
                      .BindInt(5, v1::ReminderState::DRAFTED)
                      .Run());
  Statement query =
      database_->Prepare("SELECT body FROM flags WHERE evaluation_id = ? AND unit_id = ?");
  ASSIGN_OR_RETURN(const bool found,
                   query.BindText(1, evaluation_id).BindText(2, hold.unit_id).Step());
  if (!found) return absl::OkStatus();
  ASSIGN_OR_RETURN(v1::Flag flag, Parse<v1::Flag>(query.Text(0)));
  if (flag.writing() != v1::Writing::WRITTEN) return absl::OkStatus();
  flag.set_writing(hold.writing);
  flag.set_writing_note(hold.note);
  flag.clear_written_kind();
  Statement update =
      database_->Prepare("UPDATE flags SET body = ? WHERE evaluation_id = ? AND unit_id = ?");
  return update.BindBlob(1, flag.SerializeAsString())
      .BindText(2, evaluation_id)
      .BindText(3, hold.unit_id)
      .Run();
}

absl::StatusOr<std::vector<Hold>> SqliteAlertStore::SentTodayLocked(
    const std::string& evaluation_id, absl::Time time) const {
  const absl::CivilDay today = DayOf(time);
  Statement query = database_->Prepare(
      absl::StrCat("SELECT DISTINCT mine.unit_id FROM reminders mine JOIN reminders other "
                   "ON other.campaign_id = mine.campaign_id AND other.unit_id = mine.unit_id "
                   "AND other.kind = mine.kind AND other.evaluation_id <> mine.evaluation_id "
                   "AND other.release_us >= ? AND other.release_us < ? AND other.state IN ",
                   LiveStates(), " WHERE mine.evaluation_id = ? AND mine.state = ? ",
                   "AND mine.kind IN ", kOwnKinds));
  query.BindInt(1, Micros(StartOf(today)))
      .BindInt(2, Micros(StartOf(today + 1)))
      .BindText(3, evaluation_id)
      .BindInt(4, v1::ReminderState::DRAFTED);
  std::vector<Hold> holds;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return holds;
    holds.push_back(
        {.unit_id = query.Text(0), .writing = v1::Writing::ALREADY_TODAY, .note = kSentTodayWhy});
  }
}

absl::StatusOr<v1::Evaluation> SqliteAlertStore::ReleaseEvaluation(const std::string& evaluation_id,
                                                                   absl::Time time,
                                                                   const std::vector<Hold>& holds) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  ASSIGN_OR_RETURN(v1::Evaluation evaluation,
                   EvaluationLocked("WHERE evaluation_id = ?", evaluation_id, ""));
  if (evaluation.state() == v1::EvaluationState::RELEASED) return evaluation;
  if (evaluation.state() != v1::EvaluationState::AWAITING_RELEASE) return NotAwaiting(evaluation);
  if (evaluation.has_expire_time() && FromProto(evaluation.expire_time()) <= time) {
    evaluation.set_state(v1::EvaluationState::EXPIRED);
    return NotAwaiting(evaluation);
  }
  for (const Hold& hold : holds) RETURN_IF_ERROR(HoldLocked(evaluation_id, hold));
  ASSIGN_OR_RETURN(const std::vector<Hold> sent_today, SentTodayLocked(evaluation_id, time));
  for (const Hold& hold : sent_today) RETURN_IF_ERROR(HoldLocked(evaluation_id, hold));
  Statement release = database_->Prepare(
      "UPDATE evaluations SET state = ?, release_us = ?, expire_us = NULL WHERE evaluation_id = ?");
  RETURN_IF_ERROR(release.BindInt(1, v1::EvaluationState::RELEASED)
                      .BindInt(2, Micros(time))
                      .BindText(3, evaluation_id)
                      .Run());
  Statement queue = database_->Prepare(
      "UPDATE reminders SET state = ?, next_attempt_us = 0, release_us = ? "
      "WHERE evaluation_id = ? AND state = ?");
  RETURN_IF_ERROR(queue.BindInt(1, v1::ReminderState::QUEUED)
                      .BindInt(2, Micros(time))
                      .BindText(3, evaluation_id)
                      .BindInt(4, v1::ReminderState::DRAFTED)
                      .Run());
  ASSIGN_OR_RETURN(evaluation, EvaluationLocked("WHERE evaluation_id = ?", evaluation_id, ""));
  RETURN_IF_ERROR(transaction.Commit());
  return evaluation;
}

absl::StatusOr<v1::Evaluation> SqliteAlertStore::ExcludeUnits(const std::string& evaluation_id,
                                                              const std::vector<Hold>& holds) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  ASSIGN_OR_RETURN(v1::Evaluation evaluation,
                   EvaluationLocked("WHERE evaluation_id = ?", evaluation_id, ""));
  if (evaluation.state() != v1::EvaluationState::AWAITING_RELEASE) return NotAwaiting(evaluation);
  for (size_t i = 0; i < holds.size(); ++i) {
    Statement query =
        database_->Prepare("SELECT 1 FROM flags WHERE evaluation_id = ? AND unit_id = ?");
    ASSIGN_OR_RETURN(const bool found,
                     query.BindText(1, evaluation_id).BindText(2, holds[i].unit_id).Step());
    if (!found) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unit_ids[", i, "]: ", Quoted(holds[i].unit_id), " is not in this evaluation"));
    }
    RETURN_IF_ERROR(HoldLocked(evaluation_id, holds[i]));
  }
  ASSIGN_OR_RETURN(evaluation, EvaluationLocked("WHERE evaluation_id = ?", evaluation_id, ""));
  RETURN_IF_ERROR(transaction.Commit());
  return evaluation;
}

absl::StatusOr<int> SqliteAlertStore::ExpireEvaluations(absl::Time now) {
  MutexLock lock(mutex_);
  {
    Statement due =
        database_->Prepare("SELECT 1 FROM evaluations WHERE state = ? AND expire_us <= ? LIMIT 1");
    due.BindInt(1, v1::EvaluationState::AWAITING_RELEASE).BindInt(2, Micros(now));
    ASSIGN_OR_RETURN(const bool any, due.Step());
    if (!any) return 0;
  }
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  Statement cancel = database_->Prepare(
      "UPDATE reminders SET state = ?, last_reply = ? WHERE state = ? AND evaluation_id IN "
      "(SELECT evaluation_id FROM evaluations WHERE state = ? AND expire_us <= ?)");
  RETURN_IF_ERROR(cancel.BindInt(1, v1::ReminderState::CANCELLED)
                      .BindText(2, kExpiredWhy)
                      .BindInt(3, v1::ReminderState::DRAFTED)
                      .BindInt(4, v1::EvaluationState::AWAITING_RELEASE)
                      .BindInt(5, Micros(now))
                      .Run());
  Statement expire =
      database_->Prepare("UPDATE evaluations SET state = ? WHERE state = ? AND expire_us <= ?");
  RETURN_IF_ERROR(expire.BindInt(1, v1::EvaluationState::EXPIRED)
                      .BindInt(2, v1::EvaluationState::AWAITING_RELEASE)
                      .BindInt(3, Micros(now))
                      .Run());
  const int expired = static_cast<int>(database_->Changes());
  RETURN_IF_ERROR(transaction.Commit());
  return expired;
}

absl::StatusOr<std::map<std::string, UnitHistory>> SqliteAlertStore::UnitHistories(
    const std::string& campaign_id) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      absl::StrCat("SELECT unit_id, kind, state, release_us, acknowledge_us FROM reminders "
                   "WHERE campaign_id = ? AND channel = 0 AND state IN ",
                   LiveStates(), " ORDER BY number"));
  query.BindText(1, campaign_id);
  std::map<std::string, UnitHistory> histories;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return histories;
    Fold(query.Text(1), static_cast<v1::ReminderState::Value>(query.Int(2)),
         DayOf(absl::FromUnixMicros(query.Int(3))), !query.IsNull(4), histories[query.Text(0)]);
  }
}

}  // namespace dondoc::alerting
