#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/alerting/store/alert_store.h"
#include "services/alerting/store/mail_store.h"
#include "services/alerting/store/outbox.h"
#include "services/alerting/store/sqlite.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting {

// AlertStore, Outbox and MailStore in one SQLite file (WAL, synced at every commit). One
// connection, one transaction at a time; one process, held by a lock on "<path>.lock".
class SqliteAlertStore : public AlertStore, public Outbox, public MailStore {
 public:
  // kUnavailable when another process has the file; kFailedPrecondition when a newer version of
  // ours wrote it. Brings an older schema up to date.
  static absl::StatusOr<std::unique_ptr<SqliteAlertStore>> Open(const std::string& path);
  ~SqliteAlertStore() override;

  // For tests: lets the file grow to that many pages and no further, as a full disk would; 0 = not
  // at all.
  absl::Status LimitPagesForTest(int64_t pages);

  absl::Status CreateCampaign(const v1::Campaign& campaign) override;
  absl::StatusOr<v1::Campaign> FindCampaign(const std::string& campaign_id) const override;
  absl::StatusOr<std::vector<v1::Campaign>> ListCampaigns(const std::string& after_id,
                                                          int limit) const override;
  absl::StatusOr<v1::Campaign> ActivateCampaign(const std::string& campaign_id,
                                                absl::Time time) override;
  absl::Status UpdateCampaign(const v1::CampaignChange& change) override;
  absl::StatusOr<std::vector<v1::CampaignChange>> ListCampaignChanges(
      const std::string& campaign_id, int limit) const override;
  absl::Status SaveEvaluation(const EvaluationRecord& record) override;
  absl::StatusOr<v1::Evaluation> FindEvaluation(const std::string& evaluation_id) const override;
  absl::StatusOr<v1::Evaluation> FindSlot(const std::string& campaign_id,
                                          const std::string& slot) const override;
  absl::StatusOr<EvaluationPage> ListEvaluations(const std::string& campaign_id, int64_t after,
                                                 int limit) const override;
  absl::StatusOr<v1::Evaluation> ReleaseEvaluation(const std::string& evaluation_id,
                                                   absl::Time time,
                                                   const std::vector<Hold>& holds) override;
  absl::StatusOr<v1::Evaluation> ExcludeUnits(const std::string& evaluation_id,
                                              const std::vector<Hold>& holds) override;
  absl::StatusOr<int> ExpireEvaluations(absl::Time now) override;
  absl::StatusOr<std::map<std::string, UnitHistory>> UnitHistories(
      const std::string& campaign_id) const override;
  absl::StatusOr<std::vector<v1::Flag>> ListFlags(const std::string& evaluation_id) const override;
  absl::StatusOr<ReminderPage> ListReminders(const std::string& evaluation_id, int64_t after,
                                             int limit) const override;
  absl::StatusOr<StoredMessage> FindMessage(const std::string& reminder_id) const override;

  absl::Status CreateSilence(const v1::Silence& silence) override;
  absl::StatusOr<v1::Silence> FindSilence(const std::string& silence_id) const override;
  absl::StatusOr<SilencePage> ListSilences(const std::string& unit_id,
                                           std::optional<absl::Time> active_at, int64_t after,
                                           int limit) const override;
  absl::StatusOr<v1::Silence> EndSilence(const std::string& silence_id, absl::Time time) override;
  absl::Status OpenDispute(const v1::Dispute& dispute) override;
  absl::StatusOr<v1::Dispute> FindDispute(const std::string& dispute_id) const override;
  absl::StatusOr<DisputePage> ListDisputes(const DisputeFilter& filter, int64_t after,
                                           int limit) const override;
  absl::Status ResolveDispute(const v1::Dispute& dispute) override;

  absl::Status PutHolidays(const std::vector<v1::Holiday>& holidays) override;
  absl::Status DeleteHoliday(const std::string& day) override;
  absl::StatusOr<std::vector<v1::Holiday>> ListHolidays() const override;

  absl::StatusOr<std::optional<ClaimedReminder>> Claim(const OutboxMoment& moment) override;
  absl::Status Finish(const std::string& reminder_id, const AttemptResult& result) override;
  absl::StatusOr<int> RecoverInterrupted(absl::Time now) override;
  absl::StatusOr<std::optional<absl::Time>> NextDue(const OutboxMoment& moment) const override;
  absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> CountByState() const override;
  absl::Status Suppress(const v1::Suppression& suppression) override;

  absl::StatusOr<ReminderPage> ListHistory(const HistoryFilter& filter, int64_t after,
                                           int limit) const override;
  absl::StatusOr<v1::Reminder> Retry(const std::string& reminder_id) override;
  absl::StatusOr<v1::Reminder> Cancel(const std::string& reminder_id,
                                      const std::string& reason) override;
  absl::StatusOr<v1::Reminder> Acknowledge(const std::string& reminder_id,
                                           absl::Time civil) override;
  absl::StatusOr<SuppressionPage> ListSuppressions(const std::string& after,
                                                   int limit) const override;
  absl::StatusOr<v1::Suppression> FindSuppression(const std::string& address) const override;
  absl::Status DeleteSuppression(const std::string& address) override;
  absl::StatusOr<v1::Bounce> SaveBounce(const std::string& message_id,
                                        const v1::Bounce& bounce) override;
  absl::StatusOr<BouncePage> ListBounces(int64_t after, int limit) const override;
  absl::Status CreateWebhook(const StoredWebhook& webhook) override;
  absl::StatusOr<StoredWebhook> FindWebhook(const std::string& webhook_id) const override;
  absl::StatusOr<std::vector<v1::Webhook>> ListWebhooks() const override;
  absl::Status DeleteWebhook(const std::string& webhook_id) override;
  absl::StatusOr<std::vector<v1::Template>> ListTemplates() const override;
  absl::Status SaveTemplate(const v1::Template& changed) override;
  absl::Status DeleteTemplate(const std::string& name) override;

 private:
  SqliteAlertStore(std::unique_ptr<Database> database, int lock_file)
      : database_(std::move(database)), lock_file_(lock_file) {}
  absl::Status Migrate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::Campaign> CampaignLocked(const std::string& campaign_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `where` has one or two ?s.
  absl::StatusOr<v1::Evaluation> EvaluationLocked(absl::string_view where, const std::string& first,
                                                  const std::string& second) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes one unit out of an evaluation: its DRAFTED reminders are CANCELLED, its flag says why.
  absl::Status HoldLocked(const std::string& evaluation_id, const Hold& hold)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<Hold>> SentTodayLocked(const std::string& evaluation_id,
                                                    absl::Time time) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What was released to the unit and not sent yet is CANCELLED; empty campaign_id = in all.
  absl::Status CancelUnsentLocked(const std::string& unit_id, const std::string& campaign_id,
                                  const std::string& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckEvaluationLocked(const std::string& evaluation_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One row of the outbox for the mail, and one for each webhook that is told of its kind.
  absl::Status InsertReminderLocked(const v1::Evaluation& evaluation, const NewReminder& reminder)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status InsertRowLocked(const v1::Evaluation& evaluation, const NewReminder& reminder,
                               Channel channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::Reminder> ReminderLocked(const std::string& reminder_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SuppressLocked(const v1::Suppression& suppression)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<StoredWebhook>> WebhooksLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CountRemindersLocked(v1::Evaluation& evaluation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  const std::unique_ptr<Database> database_ ABSL_PT_GUARDED_BY(mutex_);
  const int lock_file_;
};

}  // namespace dondoc::alerting
