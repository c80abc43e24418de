#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Delivery status notifications (RFC 3464), as any mail system or anybody else may send them:
// hostile until parsed.

namespace dondoc::alerting {

inline constexpr size_t kNotificationBytesMax = 1 << 20;
inline constexpr int kNotificationRecipientsMax = 100;
inline constexpr int kNotificationPartsMax = 50;

// What it says about one recipient.
struct DeliveryReport {
  std::string recipient;  // Original-Recipient, else Final-Recipient; empty = no mail address
  std::string final_recipient;
  std::string action;      // lower case: failed, delayed, delivered, relayed, expanded
  std::string status;      // "5.1.1"
  std::string diagnostic;  // printable ASCII, at most 500 bytes
};

struct Notification {
  std::string message_id;  // of the returned message, without angle brackets; empty = not in it
  std::vector<DeliveryReport> reports;
};

// kInvalidArgument when it is no notification or beyond the limits above. Thread-safe.
absl::StatusOr<Notification> ParseNotification(absl::string_view message);

// Whether an RFC 3463 status says that the mailbox is not there, for good: 5.1.x (but not 5.1.7 and
// 5.1.8, which are about the sender) and 5.2.1. A full mailbox or a policy is no reason never to
// write again.
bool MeansNoMailbox(absl::string_view status);

}  // namespace dondoc::alerting
