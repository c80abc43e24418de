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
#include "dondoc/v1/mail.pb.h"

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
  // What webhooks are told beside the mail: a CloudEvents 1.0 event in JSON; empty = nothing.
  std::string event{};
  // +07:00 minutes of the day between which nothing leaves, [from, to); equal = none.
  int quiet_from_minute = 0;
  int quiet_to_minute = 0;
};

// What carries a row of the outbox.
enum class Channel { kMail = 0, kWebhook = 1 };

// Which rows may leave now.
struct OutboxMoment {
  absl::Time now;    // real clock
  absl::Time civil;  // for quiet hours
  Channel channel = Channel::kMail;
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

  // Takes the reminder of the channel that is due longest (QUEUED, DEFERRED or UNKNOWN, its next
  // attempt at or before `now`, outside its quiet hours) and marks it SENDING; mail to a suppressed
  // recipient is marked SUPPRESSED on the way. nullopt when none is due.
  virtual absl::StatusOr<std::optional<ClaimedReminder>> Claim(const OutboxMoment& moment) = 0;
  // kFailedPrecondition when the reminder is not SENDING.
  virtual absl::Status Finish(const std::string& reminder_id, const AttemptResult& result) = 0;
  // At start-up, before the first Claim: what the process before left SENDING may have been taken.
  // It becomes UNKNOWN and due at `now`; if it was a second try already, FAILED. Returns how many
  // became UNKNOWN.
  virtual absl::StatusOr<int> RecoverInterrupted(absl::Time now) = 0;
  // When the next reminder of the channel that is outside its quiet hours is due; nullopt = none
  // waits.
  virtual absl::StatusOr<std::optional<absl::Time>> NextDue(const OutboxMoment& moment) const = 0;
  // Of mail.
  virtual absl::StatusOr<std::map<v1::ReminderState::Value, int64_t>> CountByState() const = 0;
  // Stops mail to `recipient` after the relay said for good that there is no such mailbox. Changes
  // nothing when it is suppressed already.
  virtual absl::Status Suppress(const v1::Suppression& suppression) = 0;
};

}  // namespace dondoc::alerting
