#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/mail.pb.h"
#include "services/alerting/store/alert_store.h"

namespace dondoc::alerting {

// What history is asked for; empty and UNSPECIFIED = every.
struct HistoryFilter {
  std::string unit_id;
  std::string campaign_id;
  v1::ReminderState::Value state = v1::ReminderState::UNSPECIFIED;
};

// A webhook with the key of its signatures.
struct StoredWebhook {
  v1::Webhook webhook;
  std::string secret;
};

struct SuppressionPage {
  std::vector<v1::Suppression> suppressions;
  std::string next;  // `after` of the next page; empty = none
};

struct BouncePage {
  std::vector<v1::Bounce> bounces;
  int64_t next = 0;
};

inline constexpr int kWebhooksMax = 100;

// What officers ask of the outbox, and what came back. Thread-safe; durable on OK. Errors of the
// disk as in AlertStore; kNotFound for an id that is not there.
class MailStore {
 public:
  virtual ~MailStore() = default;

  // Newest first; `after` as the page before said, 0 = from the newest. Mail only.
  virtual absl::StatusOr<ReminderPage> ListHistory(const HistoryFilter& filter, int64_t after,
                                                   int limit) const = 0;
  // QUEUED and due at once with attempts and resends at 0. kFailedPrecondition as
  // MailService.RetryReminder says.
  virtual absl::StatusOr<v1::Reminder> Retry(const std::string& reminder_id) = 0;
  // kFailedPrecondition as MailService.CancelReminder says.
  virtual absl::StatusOr<v1::Reminder> Cancel(const std::string& reminder_id,
                                              const std::string& reason) = 0;
  // Sets acknowledge_time unless it is set.
  virtual absl::StatusOr<v1::Reminder> Acknowledge(const std::string& reminder_id,
                                                   absl::Time civil) = 0;

  // In order of address, after `after`.
  virtual absl::StatusOr<SuppressionPage> ListSuppressions(const std::string& after,
                                                           int limit) const = 0;
  virtual absl::StatusOr<v1::Suppression> FindSuppression(const std::string& address) const = 0;
  virtual absl::Status DeleteSuppression(const std::string& address) = 0;

  // Notes what a notification said about the mail with `message_id` to `bounce.recipient` and
  // answers it with its reminder; when `bounce.suppressed`, stops mail to that address in the same
  // transaction. A failure turns SENT and UNKNOWN into FAILED. kNotFound when no such mail went
  // there. The same again changes nothing.
  virtual absl::StatusOr<v1::Bounce> SaveBounce(const std::string& message_id,
                                                const v1::Bounce& bounce) = 0;
  virtual absl::StatusOr<BouncePage> ListBounces(int64_t after, int limit) const = 0;

  // kResourceExhausted beyond kWebhooksMax.
  virtual absl::Status CreateWebhook(const StoredWebhook& webhook) = 0;
  virtual absl::StatusOr<StoredWebhook> FindWebhook(const std::string& webhook_id) const = 0;
  // In order of creation.
  virtual absl::StatusOr<std::vector<v1::Webhook>> ListWebhooks() const = 0;
  virtual absl::Status DeleteWebhook(const std::string& webhook_id) = 0;

  // The words stored instead of built-in ones: name, source and update_time.
  virtual absl::StatusOr<std::vector<v1::Template>> ListTemplates() const = 0;
  virtual absl::Status SaveTemplate(const v1::Template& changed) = 0;
  // Nothing stored: nothing changes.
  virtual absl::Status DeleteTemplate(const std::string& name) = 0;
};

}  // namespace dondoc::alerting
