#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"

namespace dondoc::alerting {

// A message to be written with its evaluation: complete, ready to be sent.
struct NewReminder {
  std::string reminder_id;
  std::string unit_id;
  std::string recipient;
  std::string kind;
  std::string subject;
  std::string message_id;
  std::string message;  // RFC 5322, CRLF
};

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

// Campaigns, evaluations and their reminders. Thread-safe; durable on OK. kResourceExhausted: the
// disk is full. kUnavailable: busy or broken, nothing took effect.
class AlertStore {
 public:
  virtual ~AlertStore() = default;

  // kAlreadyExists when the id is taken.
  virtual absl::Status CreateCampaign(const v1::Campaign& campaign) = 0;
  virtual absl::StatusOr<v1::Campaign> FindCampaign(const std::string& campaign_id) const = 0;
  // In order of campaign_id, after `after_id`.
  virtual absl::StatusOr<std::vector<v1::Campaign>> ListCampaigns(const std::string& after_id,
                                                                  int limit) const = 0;
  // Sets activate_time unless it is set; answers the campaign as stored.
  virtual absl::StatusOr<v1::Campaign> ActivateCampaign(const std::string& campaign_id,
                                                        absl::Time time) = 0;

  // Evaluation, flags and reminders, all or none. kAlreadyExists when (campaign, slot) is
  // evaluated.
  virtual absl::Status SaveEvaluation(const EvaluationRecord& record) = 0;
  virtual absl::StatusOr<v1::Evaluation> FindEvaluation(const std::string& evaluation_id) const = 0;
  virtual absl::StatusOr<v1::Evaluation> FindSlot(const std::string& campaign_id,
                                                  const std::string& slot) const = 0;
  // Newest first; `after` as the page before said, 0 = from the newest.
  virtual absl::StatusOr<EvaluationPage> ListEvaluations(const std::string& campaign_id,
                                                         int64_t after, int limit) const = 0;
  // AWAITING_RELEASE → RELEASED, its reminders DRAFTED → QUEUED and due at `due`, as one. RELEASED
  // already: nothing changes. kFailedPrecondition for DRAFTED.
  virtual absl::StatusOr<v1::Evaluation> ReleaseEvaluation(const std::string& evaluation_id,
                                                           absl::Time time) = 0;

  virtual absl::StatusOr<std::vector<v1::Flag>> ListFlags(
      const std::string& evaluation_id) const = 0;
  // In the order of the flags.
  virtual absl::StatusOr<ReminderPage> ListReminders(const std::string& evaluation_id,
                                                     int64_t after, int limit) const = 0;
  virtual absl::StatusOr<StoredMessage> FindMessage(const std::string& reminder_id) const = 0;
};

// A reminder that has been taken to be sent.
struct ClaimedReminder {
  std::string reminder_id;
  std::string recipient;
  std::string message;
  int attempts = 0;          // this one included
  bool resent = false;       // an attempt before this one may have delivered it
  bool was_unknown = false;  // that was the last one
};

struct AttemptResult {
  v1::ReminderState::Value state = v1::ReminderState::UNSPECIFIED;  // SENT DEFERRED FAILED UNKNOWN
  std::string reply;
  std::string sent_to;
  absl::Time next_attempt;              // real clock; for DEFERRED and UNKNOWN
  std::optional<absl::Time> sent_time;  // civil; for SENT
};

// The durable outbox. Thread-safe; durable on OK, so a reminder is SENDING on disk before the first
// byte of it leaves. Times of attempts are of the real clock.
class Outbox {
 public:
  virtual ~Outbox() = default;

  // Takes the reminder that is due longest (QUEUED, DEFERRED or UNKNOWN, its next attempt at or
  // before `now`) and marks it SENDING. nullopt when none is due.
  virtual absl::StatusOr<std::optional<ClaimedReminder>> Claim(absl::Time now) = 0;
  // kFailedPrecondition when the reminder is not SENDING.
  virtual absl::Status Finish(const std::string& reminder_id, const AttemptResult& result) = 0;
  // At start-up, before the first Claim: what the process before left SENDING may have been taken.
  // It becomes UNKNOWN and due at `now`; if it was a second try already, FAILED. Returns how many
  // became UNKNOWN.
  virtual absl::StatusOr<int> RecoverInterrupted(absl::Time now) = 0;
  // When the next reminder is due; nullopt = none waits.
  virtual absl::StatusOr<std::optional<absl::Time>> NextDue() const = 0;
  virtual absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> CountByState() const = 0;
};

}  // namespace dondoc::alerting
