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

}  // namespace dondoc::alerting
