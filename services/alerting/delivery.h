#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "services/alerting/mail_guard.h"
#include "services/alerting/metrics.h"
#include "services/alerting/smtp.h"
#include "services/alerting/store/outbox.h"
#include "services/common/clock/clock.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting {

struct DeliveryOptions {
  Channel channel = Channel::kMail;  // which rows of the outbox the worker sends
  std::string mail_from;             // envelope sender
  MailGuard guard;
  // Wait after the n-th failed attempt: first · 2^(n−1), at most `retry_max`, ± 20 % by chance.
  absl::Duration retry_first = absl::Seconds(30);
  absl::Duration retry_max = absl::Hours(1);
  int attempts_max = 30;
  // How long the worker leaves an unreachable relay alone, growing the same way.
  absl::Duration relay_retry_first = absl::Seconds(1);
  absl::Duration relay_retry_max = absl::Minutes(1);
  // No two messages begin closer together than this; zero = as fast as the relay takes them.
  absl::Duration spacing = absl::ZeroDuration();
  // What a conversation under way has left when the worker is told to stop.
  absl::Duration stop_grace = absl::Seconds(3);
};

// Sends what is due, one after the other. Times are of the real clock but for `sent_time`.
class DeliveryWorker {
 public:
  // `transport` is used by the worker's thread only.
  DeliveryWorker(Outbox& outbox, SmtpTransport& transport, const Clock& clock, Metrics& metrics,
                 DeliveryOptions options);
  ~DeliveryWorker();

  // Takes over what an earlier process left SENDING. Once, before Start or DeliverDue.
  absl::Status Recover();
  void Start();
  // Ends after the conversation under way, or `stop_grace` and about a second, whichever is first.
  void Stop();
  // Something may be due: look now.
  void Wake();

  // Sends all that is due at `now`, as far as `spacing` lets it; for the thread and for tests.
  // Returns how many attempts it made. kUnavailable when the relay is; what is left stays due.
  absl::StatusOr<int> DeliverDue(const std::function<absl::Time()>& now);

  // The wait after `attempts` failures.
  absl::Duration Backoff(int attempts, absl::Duration first, absl::Duration max);

 private:
  void Run();
  absl::Status DeliverOne(const ClaimedReminder& reminder, absl::Time now);
  absl::Status Finish(const std::string& reminder_id, const AttemptResult& result);
  AttemptResult Judge(const ClaimedReminder& reminder, const Delivery& delivery, absl::Time now);
  OutboxMoment Moment(absl::Time now) const;
  // Notes a mailbox that the relay says is not there.
  absl::Status SuppressDead(const ClaimedReminder& reminder, const Delivery& delivery);
  bool Stopping();

  Outbox& outbox_;
  SmtpTransport& transport_;
  const Clock& clock_;
  Metrics& metrics_;
  const DeliveryOptions options_;
  absl::BitGen random_;
  absl::Time spaced_until_ = absl::InfinitePast();  // of the worker's thread
  // Of the worker's thread: failures in a row, and a result the store did not take yet. Without the
  // latter a full disk would leave a delivered reminder SENDING until the next start.
  int relay_failures_ = 0;
  std::optional<std::pair<std::string, AttemptResult>> unfinished_;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dondoc::alerting
