#include "services/alerting/store/sqlite_alert_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/store/sqlite_rows.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

// Each entry brings the schema from its index to index + 1; entries are never edited once shipped.
// Bodies are serialized messages of dondoc.v1; what is searched or changed has a column of its own,
// and the column is the truth. Instants are microseconds since 1970; states are the enum's numbers.
constexpr std::array<const char*, 3> kMigrations = {R"sql(
CREATE TABLE campaigns (
  campaign_id TEXT PRIMARY KEY,
  body BLOB NOT NULL,
  activate_us INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluations (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  evaluation_id TEXT NOT NULL UNIQUE,
  campaign_id TEXT NOT NULL REFERENCES campaigns (campaign_id),
  slot TEXT NOT NULL,
  state INTEGER NOT NULL,
  release_us INTEGER,
  body BLOB NOT NULL,
  UNIQUE (campaign_id, slot)
) STRICT;

CREATE TABLE flags (
  evaluation_id TEXT NOT NULL REFERENCES evaluations (evaluation_id),
  position INTEGER NOT NULL,
  unit_id TEXT NOT NULL,
  flagged INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (evaluation_id, position),
  UNIQUE (evaluation_id, unit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE reminders (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  reminder_id TEXT NOT NULL UNIQUE,
  evaluation_id TEXT NOT NULL REFERENCES evaluations (evaluation_id),
  campaign_id TEXT NOT NULL,
  unit_id TEXT NOT NULL,
  slot TEXT NOT NULL,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  state INTEGER NOT NULL,
  subject TEXT NOT NULL,
  message_id TEXT NOT NULL,
  message BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  resends INTEGER NOT NULL DEFAULT 0,
  next_attempt_us INTEGER,
  sent_us INTEGER,
  sent_to TEXT NOT NULL DEFAULT '',
  last_reply TEXT NOT NULL DEFAULT '',
  UNIQUE (campaign_id, unit_id, slot, kind, recipient)
) STRICT;
CREATE INDEX reminders_by_evaluation ON reminders (evaluation_id, number);
CREATE INDEX reminders_due ON reminders (next_attempt_us, number) WHERE next_attempt_us IS NOT NULL;
CREATE INDEX reminders_by_state ON reminders (state);
)sql",
                                                    R"sql(
ALTER TABLE reminders ADD COLUMN channel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reminders ADD COLUMN quiet_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reminders ADD COLUMN quiet_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reminders ADD COLUMN acknowledge_us INTEGER;
CREATE INDEX reminders_by_unit ON reminders (unit_id, number);
CREATE INDEX reminders_by_message_id ON reminders (message_id);

CREATE TABLE suppressions (
  address TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  create_us INTEGER NOT NULL,
  reminder_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bounces (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  reminder_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  action TEXT NOT NULL,
  status TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (reminder_id, recipient, action, status)
) STRICT;

CREATE TABLE webhooks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL,
  secret TEXT NOT NULL
) STRICT;

CREATE TABLE templates (
  name TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
                                                    R"sql(
ALTER TABLE evaluations ADD COLUMN expire_us INTEGER;
CREATE INDEX evaluations_by_expiry ON evaluations (state, expire_us) WHERE expire_us IS NOT NULL;
ALTER TABLE reminders ADD COLUMN release_us INTEGER;
CREATE INDEX reminders_by_campaign ON reminders (campaign_id, number);

CREATE TABLE campaign_changes (
  campaign_id TEXT NOT NULL REFERENCES campaigns (campaign_id),
  revision INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (campaign_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE holidays (
  day TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  silence_id TEXT NOT NULL UNIQUE,
  unit_id TEXT NOT NULL,
  create_us INTEGER NOT NULL,
  expire_us INTEGER NOT NULL,
  end_us INTEGER,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE disputes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  dispute_id TEXT NOT NULL UNIQUE,
  campaign_id TEXT NOT NULL REFERENCES campaigns (campaign_id),
  unit_id TEXT NOT NULL,
  state INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX disputes_open ON disputes (campaign_id, unit_id) WHERE state = 1;
)sql"};

constexpr char kEvaluationColumns[] =
    "SELECT body, state, release_us, evaluation_id, number, expire_us FROM evaluations ";
absl::StatusOr<v1::Campaign> ReadCampaign(const Statement& row) {
  ASSIGN_OR_RETURN(v1::Campaign campaign, Parse<v1::Campaign>(row.Text(0)));
  campaign.clear_activate_time();
  if (!row.IsNull(1)) *campaign.mutable_activate_time() = ToProto(absl::FromUnixMicros(row.Int(1)));
  return campaign;
}

absl::StatusOr<v1::Evaluation> ReadEvaluation(const Statement& row) {
  ASSIGN_OR_RETURN(v1::Evaluation evaluation, Parse<v1::Evaluation>(row.Text(0)));
  evaluation.set_state(static_cast<v1::EvaluationState::Value>(row.Int(1)));
  evaluation.clear_release_time();
  if (!row.IsNull(2)) {
    *evaluation.mutable_release_time() = ToProto(absl::FromUnixMicros(row.Int(2)));
  }
  evaluation.clear_expire_time();
  if (!row.IsNull(5)) {
    *evaluation.mutable_expire_time() = ToProto(absl::FromUnixMicros(row.Int(5)));
  }
  return evaluation;
}

void AddCount(v1::ReminderState::Value state, int64_t count, v1::ReminderCounts& counts) {
  switch (state) {
    case v1::ReminderState::DRAFTED:
      return counts.set_drafted(count);
    case v1::ReminderState::QUEUED:
      return counts.set_queued(count);
    case v1::ReminderState::SENDING:
      return counts.set_sending(count);
    case v1::ReminderState::SENT:
      return counts.set_sent(count);
    case v1::ReminderState::DEFERRED:
      return counts.set_deferred(count);
    case v1::ReminderState::FAILED:
      return counts.set_failed(count);
    case v1::ReminderState::UNKNOWN:
      return counts.set_unknown(count);
    case v1::ReminderState::CANCELLED:
      return counts.set_cancelled(count);
    case v1::ReminderState::SUPPRESSED:
      return counts.set_suppressed(count);
    default:
      return;
  }
}

// A second process on the same file would take our SENDING reminders for a dead one's.
absl::StatusOr<int> LockFile(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int file = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::UnavailableError(absl::StrCat("alert store: cannot open ", lock_path));
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return absl::UnavailableError(absl::StrCat("alert store: another process has ", path, " open"));
  }
  return file;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteAlertStore>> SqliteAlertStore::Open(const std::string& path) {
  ASSIGN_OR_RETURN(const int lock_file, LockFile(path));
  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(path);
  if (!database.ok()) {
    close(lock_file);
    return database.status();
  }
  std::unique_ptr<SqliteAlertStore> store(new SqliteAlertStore(*std::move(database), lock_file));
  MutexLock lock(store->mutex_);
  RETURN_IF_ERROR(store->database_->Execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  RETURN_IF_ERROR(store->Migrate());
  return store;
}

SqliteAlertStore::~SqliteAlertStore() { close(lock_file_); }

absl::Status SqliteAlertStore::Migrate() {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  size_t version = 0;
  {
    Statement pragma = database_->Prepare("PRAGMA user_version");
    RETURN_IF_ERROR(pragma.Run());
    version = static_cast<size_t>(pragma.Int(0));
  }
  if (version > kMigrations.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert store: schema ", version, " is newer than this binary's ", kMigrations.size()));
  }
  for (size_t i = version; i < kMigrations.size(); ++i) {
    RETURN_IF_ERROR(database_->Execute(kMigrations[i]));
  }
  RETURN_IF_ERROR(database_->Execute(absl::StrCat("PRAGMA user_version = ", kMigrations.size())));
  return transaction.Commit();
}

absl::Status SqliteAlertStore::LimitPagesForTest(int64_t pages) {
  MutexLock lock(mutex_);
  // SQLite raises the limit to the size the file has.
  return database_->Execute(absl::StrCat("PRAGMA max_page_count = ", std::max<int64_t>(pages, 1)));
}

absl::Status SqliteAlertStore::CreateCampaign(const v1::Campaign& campaign) {
  MutexLock lock(mutex_);
  Statement insert = database_->Prepare("INSERT INTO campaigns (campaign_id, body) VALUES (?, ?)");
  return insert.BindText(1, campaign.campaign_id()).BindBlob(2, campaign.SerializeAsString()).Run();
}

absl::StatusOr<v1::Campaign> SqliteAlertStore::CampaignLocked(
    const std::string& campaign_id) const {
  Statement query =
      database_->Prepare("SELECT body, activate_us FROM campaigns WHERE campaign_id = ?");
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, campaign_id).Step());
  if (!found) return NoSuch("campaign", campaign_id);
  return ReadCampaign(query);
}

absl::StatusOr<v1::Campaign> SqliteAlertStore::FindCampaign(const std::string& campaign_id) const {
  MutexLock lock(mutex_);
  return CampaignLocked(campaign_id);
}

absl::StatusOr<std::vector<v1::Campaign>> SqliteAlertStore::ListCampaigns(
    const std::string& after_id, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      "SELECT body, activate_us FROM campaigns WHERE campaign_id > ? ORDER BY campaign_id LIMIT ?");
  query.BindText(1, after_id).BindInt(2, limit);
  std::vector<v1::Campaign> campaigns;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return campaigns;
    ASSIGN_OR_RETURN(campaigns.emplace_back(), ReadCampaign(query));
  }
}

absl::StatusOr<v1::Campaign> SqliteAlertStore::ActivateCampaign(const std::string& campaign_id,
                                                                absl::Time time) {
  MutexLock lock(mutex_);
  Statement update = database_->Prepare(
      "UPDATE campaigns SET activate_us = ? WHERE campaign_id = ? AND activate_us IS NULL");
  RETURN_IF_ERROR(update.BindInt(1, Micros(time)).BindText(2, campaign_id).Run());
  return CampaignLocked(campaign_id);
}

absl::Status SqliteAlertStore::SaveEvaluation(const EvaluationRecord& record) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database_));
  const v1::Evaluation& evaluation = record.evaluation;
  const bool released = evaluation.state() == v1::EvaluationState::RELEASED;
  Statement insert = database_->Prepare(
      "INSERT INTO evaluations (evaluation_id, campaign_id, slot, state, release_us, body, "
      "expire_us) VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.BindText(1, evaluation.evaluation_id())
      .BindText(2, evaluation.campaign_id())
      .BindText(3, evaluation.slot())
      .BindInt(4, evaluation.state())
      .BindBlob(6, evaluation.SerializeAsString());
  if (released) insert.BindInt(5, Micros(FromProto(evaluation.release_time())));
  if (evaluation.has_expire_time()) insert.BindInt(7, Micros(FromProto(evaluation.expire_time())));
  RETURN_IF_ERROR(insert.Run());
  for (size_t i = 0; i < record.flags.size(); ++i) {
    const v1::Flag& flag = record.flags[i];
    Statement row = database_->Prepare(
        "INSERT INTO flags (evaluation_id, position, unit_id, flagged, body) "
        "VALUES (?, ?, ?, ?, ?)");
    RETURN_IF_ERROR(row.BindText(1, evaluation.evaluation_id())
                        .BindInt(2, static_cast<int64_t>(i))
                        .BindText(3, flag.unit_id())
                        .BindInt(4, flag.flagged() ? 1 : 0)
                        .BindBlob(5, flag.SerializeAsString())
                        .Run());
  }
  for (const NewReminder& reminder : record.reminders) {
    RETURN_IF_ERROR(InsertReminderLocked(evaluation, reminder));
  }
  if (released) {
    Statement mark =
        database_->Prepare("UPDATE reminders SET release_us = ? WHERE evaluation_id = ?");
    RETURN_IF_ERROR(mark.BindInt(1, Micros(FromProto(evaluation.release_time())))
                        .BindText(2, evaluation.evaluation_id())
                        .Run());
  }
  return transaction.Commit();
}

absl::Status SqliteAlertStore::CountRemindersLocked(v1::Evaluation& evaluation) const {
  evaluation.clear_reminders();
  Statement query = database_->Prepare(
      "SELECT state, COUNT(*) FROM reminders WHERE evaluation_id = ? AND channel = 0 "
      "GROUP BY state");
  query.BindText(1, evaluation.evaluation_id());
  evaluation.mutable_reminders();
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return absl::OkStatus();
    AddCount(static_cast<v1::ReminderState::Value>(query.Int(0)), query.Int(1),
             *evaluation.mutable_reminders());
  }
}

absl::StatusOr<v1::Evaluation> SqliteAlertStore::EvaluationLocked(absl::string_view where,
                                                                  const std::string& first,
                                                                  const std::string& second) const {
  Statement query = database_->Prepare(absl::StrCat(kEvaluationColumns, where));
  query.BindText(1, first);
  if (!second.empty()) query.BindText(2, second);
  ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoSuch("evaluation", second.empty() ? first : second);
  ASSIGN_OR_RETURN(v1::Evaluation evaluation, ReadEvaluation(query));
  RETURN_IF_ERROR(CountRemindersLocked(evaluation));
  return evaluation;
}

absl::StatusOr<v1::Evaluation> SqliteAlertStore::FindEvaluation(
    const std::string& evaluation_id) const {
  MutexLock lock(mutex_);
  return EvaluationLocked("WHERE evaluation_id = ?", evaluation_id, "");
}

absl::StatusOr<v1::Evaluation> SqliteAlertStore::FindSlot(const std::string& campaign_id,
                                                          const std::string& slot) const {
  MutexLock lock(mutex_);
  return EvaluationLocked("WHERE campaign_id = ? AND slot = ?", campaign_id, slot);
}

absl::StatusOr<EvaluationPage> SqliteAlertStore::ListEvaluations(const std::string& campaign_id,
                                                                 int64_t after, int limit) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(
      absl::StrCat(kEvaluationColumns,
                   "WHERE campaign_id = ? AND (? = 0 OR number < ?) ORDER BY number DESC LIMIT ?"));
  query.BindText(1, campaign_id).BindInt(2, after).BindInt(3, after).BindInt(4, limit + 1);
  EvaluationPage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return page;
    if (static_cast<int>(page.evaluations.size()) == limit) {
      page.next = last;
      return page;
    }
    ASSIGN_OR_RETURN(v1::Evaluation evaluation, ReadEvaluation(query));
    last = query.Int(4);
    RETURN_IF_ERROR(CountRemindersLocked(evaluation));
    page.evaluations.push_back(std::move(evaluation));
  }
}

absl::Status SqliteAlertStore::CheckEvaluationLocked(const std::string& evaluation_id) const {
  Statement query = database_->Prepare("SELECT 1 FROM evaluations WHERE evaluation_id = ?");
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, evaluation_id).Step());
  return found ? absl::OkStatus() : NoSuch("evaluation", evaluation_id);
}

absl::StatusOr<std::vector<v1::Flag>> SqliteAlertStore::ListFlags(
    const std::string& evaluation_id) const {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckEvaluationLocked(evaluation_id));
  Statement query =
      database_->Prepare("SELECT body FROM flags WHERE evaluation_id = ? ORDER BY position");
  query.BindText(1, evaluation_id);
  std::vector<v1::Flag> flags;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return flags;
    ASSIGN_OR_RETURN(flags.emplace_back(), Parse<v1::Flag>(query.Text(0)));
  }
}

absl::StatusOr<ReminderPage> SqliteAlertStore::ListReminders(const std::string& evaluation_id,
                                                             int64_t after, int limit) const {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckEvaluationLocked(evaluation_id));
  Statement query = database_->Prepare(absl::StrCat(
      kReminderColumns,
      "WHERE evaluation_id = ? AND channel = 0 AND number > ? ORDER BY number LIMIT ?"));
  query.BindText(1, evaluation_id).BindInt(2, after).BindInt(3, limit + 1);
  return ReadReminderPage(query, limit);
}

absl::StatusOr<StoredMessage> SqliteAlertStore::FindMessage(const std::string& reminder_id) const {
  MutexLock lock(mutex_);
  Statement query = database_->Prepare(absl::StrCat(kReminderColumns, "WHERE reminder_id = ?"));
  ASSIGN_OR_RETURN(const bool found, query.BindText(1, reminder_id).Step());
  if (!found) return NoSuch("reminder", reminder_id);
  return StoredMessage{
      .reminder = ReadReminder(query), .message = query.Text(13), .sent_to = query.Text(14)};
}

}  // namespace dondoc::alerting
