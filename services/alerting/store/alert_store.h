#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "dondoc/v1/disputes.pb.h"
#include "dondoc/v1/holidays.pb.h"
#include "dondoc/v1/silences.pb.h"
#include "services/alerting/store/outbox.h"

namespace dondoc::alerting {

// All that one slot leaves behind. Its reminders start QUEUED when the evaluation is RELEASED, else
// DRAFTED.
struct EvaluationRecord {
  v1::Evaluation evaluation;  // `reminders` is not stored: it is counted when read
  std::vector<v1::Flag> flags;
  std::vector<NewReminder> reminders;
};

struct EvaluationPage {
  std::vector<v1::Evaluation> evaluations;
  int64_t next = 0;  // `after` of the next page; 0 = none
};

struct ReminderPage {
  std::vector<v1::Reminder> reminders;
  int64_t next = 0;
};

struct StoredMessage {
  v1::Reminder reminder;
  std::string message;
  std::string sent_to;  // the envelope recipient of the last attempt; empty = none yet
};

// What a unit was told in a campaign, in the order of the reminders: only those count that were
// released and have not failed or been stopped.
struct UnitHistory {
  // Reminders that arrived and nobody acknowledged, since the last that somebody did and since the
  // last confirmation.
  int unanswered = 0;
  // Whether the last word was that it is below (and not the confirmation that it has reached).
  bool told_below = false;
  // Whether it was ever confirmed that it reached its target.
  bool confirmed = false;
  bool explanation_asked = false;
  // The civil day of the last message of each kind.
  std::map<std::string, absl::CivilDay> last_days;
};

// A unit that is taken out of an evaluation, and why.
struct Hold {
  std::string unit_id;
  v1::Writing::Value writing = v1::Writing::UNSPECIFIED;
  std::string note;
};

// Campaigns and who changed them. Thread-safe; durable on OK. kResourceExhausted: the disk is full.
// kUnavailable: busy or broken, nothing took effect.
class CampaignStore {
 public:
  virtual ~CampaignStore() = default;

  // kAlreadyExists when the id is taken.
  virtual absl::Status CreateCampaign(const v1::Campaign& campaign) = 0;
  virtual absl::StatusOr<v1::Campaign> FindCampaign(const std::string& campaign_id) const = 0;
  // In order of campaign_id, after `after_id`.
  virtual absl::StatusOr<std::vector<v1::Campaign>> ListCampaigns(const std::string& after_id,
                                                                  int limit) const = 0;
  // Sets activate_time unless it is set; answers the campaign as stored.
  virtual absl::StatusOr<v1::Campaign> ActivateCampaign(const std::string& campaign_id,
                                                        absl::Time time) = 0;
  // Puts `change.after` in place of `change.before` and keeps the change. kAborted when the stored
  // one has another revision than `change.before`.
  virtual absl::Status UpdateCampaign(const v1::CampaignChange& change) = 0;
  // Newest first.
  virtual absl::StatusOr<std::vector<v1::CampaignChange>> ListCampaignChanges(
      const std::string& campaign_id, int limit) const = 0;
};

// Evaluations, their flags and reminders. Thread-safe; durable on OK. Errors as in CampaignStore.
class EvaluationStore {
 public:
  virtual ~EvaluationStore() = default;

  // Evaluation, flags and reminders, all or none. kAlreadyExists when (campaign, slot) is
  // evaluated.
  virtual absl::Status SaveEvaluation(const EvaluationRecord& record) = 0;
  virtual absl::StatusOr<v1::Evaluation> FindEvaluation(const std::string& evaluation_id) const = 0;
  virtual absl::StatusOr<v1::Evaluation> FindSlot(const std::string& campaign_id,
                                                  const std::string& slot) const = 0;
  // Newest first; `after` as the page before said, 0 = from the newest.
  virtual absl::StatusOr<EvaluationPage> ListEvaluations(const std::string& campaign_id,
                                                         int64_t after, int limit) const = 0;
  // AWAITING_RELEASE → RELEASED, its reminders DRAFTED → QUEUED and due at once, as one. Those of
  // the units of `holds`, and those that say what was sent to the same on this civil day, are
  // CANCELLED instead, and their flags say why. RELEASED already: nothing changes.
  // kFailedPrecondition for DRAFTED and EXPIRED, and when it expired by `time`.
  virtual absl::StatusOr<v1::Evaluation> ReleaseEvaluation(const std::string& evaluation_id,
                                                           absl::Time time,
                                                           const std::vector<Hold>& holds) = 0;
  // Cancels the reminders of units of an evaluation that awaits its release; their flags say why. A
  // unit that is not written to stays as it is. kFailedPrecondition in another state;
  // kInvalidArgument for a unit that is not in it.
  virtual absl::StatusOr<v1::Evaluation> ExcludeUnits(const std::string& evaluation_id,
                                                      const std::vector<Hold>& holds) = 0;
  // AWAITING_RELEASE → EXPIRED, and its reminders CANCELLED, where the time to release is over at
  // `now` (civil). Returns how many expired.
  virtual absl::StatusOr<int> ExpireEvaluations(absl::Time now) = 0;

  virtual absl::StatusOr<std::vector<v1::Flag>> ListFlags(
      const std::string& evaluation_id) const = 0;
  // In the order of the flags.
  virtual absl::StatusOr<ReminderPage> ListReminders(const std::string& evaluation_id,
                                                     int64_t after, int limit) const = 0;
  virtual absl::StatusOr<StoredMessage> FindMessage(const std::string& reminder_id) const = 0;
  // By unit; units that were never written to are absent.
  virtual absl::StatusOr<std::map<std::string, UnitHistory>> UnitHistories(
      const std::string& campaign_id) const = 0;
};

struct SilencePage {
  std::vector<v1::Silence> silences;
  int64_t next = 0;
};

struct DisputePage {
  std::vector<v1::Dispute> disputes;
  int64_t next = 0;
};

struct DisputeFilter {
  std::string campaign_id;  // empty = every
  std::string unit_id;      // empty = every
  bool open_only = false;
};

// What keeps units from being written to. Thread-safe; durable on OK. Errors as in CampaignStore.
class HoldStore {
 public:
  virtual ~HoldStore() = default;

  // Cancels, in the same transaction, what was released to the unit and has not been sent.
  // kAlreadyExists when the id is taken.
  virtual absl::Status CreateSilence(const v1::Silence& silence) = 0;
  virtual absl::StatusOr<v1::Silence> FindSilence(const std::string& silence_id) const = 0;
  // Newest first. `active_at` (civil): only those in force then.
  virtual absl::StatusOr<SilencePage> ListSilences(const std::string& unit_id,
                                                   std::optional<absl::Time> active_at,
                                                   int64_t after, int limit) const = 0;
  // Sets end_time unless it is set.
  virtual absl::StatusOr<v1::Silence> EndSilence(const std::string& silence_id,
                                                 absl::Time time) = 0;

  // As CreateSilence. kAlreadyExists when the unit has an open one in the campaign.
  virtual absl::Status OpenDispute(const v1::Dispute& dispute) = 0;
  virtual absl::StatusOr<v1::Dispute> FindDispute(const std::string& dispute_id) const = 0;
  // Newest first.
  virtual absl::StatusOr<DisputePage> ListDisputes(const DisputeFilter& filter, int64_t after,
                                                   int limit) const = 0;
  // Stores `dispute` over the open one. kFailedPrecondition when that is not open.
  virtual absl::Status ResolveDispute(const v1::Dispute& dispute) = 0;
};

inline constexpr int kHolidaysMax = 5000;

// Days off and swapped working days. Thread-safe; durable on OK. Errors as in CampaignStore.
class HolidayStore {
 public:
  virtual ~HolidayStore() = default;

  // All or none; replaces what was said about these days. kResourceExhausted beyond kHolidaysMax.
  virtual absl::Status PutHolidays(const std::vector<v1::Holiday>& holidays) = 0;
  virtual absl::Status DeleteHoliday(const std::string& day) = 0;
  // In order of days.
  virtual absl::StatusOr<std::vector<v1::Holiday>> ListHolidays() const = 0;
};

// All that one file keeps beside the outbox and the mail.
class AlertStore : public CampaignStore,
                   public EvaluationStore,
                   public HoldStore,
                   public HolidayStore {};

}  // namespace dondoc::alerting
