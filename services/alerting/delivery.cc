#include "services/alerting/delivery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/alerting/bounce.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr double kJitterShare = 0.2;
// An idle worker looks this often, in case a wake-up was lost to an error.
constexpr absl::Duration kIdleWait = absl::Seconds(5);
constexpr absl::Duration kStoreRetry = absl::Seconds(1);
constexpr char kNotAllowed[] = "not sent: the recipient's domain is not in --mail_domains_allowed";
constexpr char kUnknownTwice[] = "no answer to two tries: may have been delivered; ";

}  // namespace

DeliveryWorker::DeliveryWorker(Outbox& outbox, SmtpTransport& transport, const Clock& clock,
                               Metrics& metrics, DeliveryOptions options)
    : outbox_(outbox),
      transport_(transport),
      clock_(clock),
      metrics_(metrics),
      options_(std::move(options)) {}

DeliveryWorker::~DeliveryWorker() { Stop(); }

absl::Status DeliveryWorker::Recover() {
  ASSIGN_OR_RETURN(const int recovered, outbox_.RecoverInterrupted(absl::Now()));
  if (recovered > 0) {
    log::Warning("reminders were interrupted while sending; sent again under the same Message-ID",
                 {{"reminders", recovered}});
  }
  return absl::OkStatus();
}

void DeliveryWorker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void DeliveryWorker::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  transport_.Cancel(options_.stop_grace);
  if (thread_.joinable()) thread_.join();
}

void DeliveryWorker::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  wake_.SignalAll();
}

OutboxMoment DeliveryWorker::Moment(absl::Time now) const {
  return {.now = now, .civil = clock_.Now(), .channel = options_.channel};
}

bool DeliveryWorker::Stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void DeliveryWorker::Run() {
  absl::Time not_before = absl::InfinitePast();  // an unreachable relay is left alone until then
  while (!Stopping()) {
    absl::Duration wait = not_before - absl::Now();
    if (wait <= absl::ZeroDuration()) {
      wait = kIdleWait;
      const absl::StatusOr<int> sent = DeliverDue([] { return absl::Now(); });
      if (absl::IsUnavailable(sent.status()) && relay_failures_ > 0) {
        wait = Backoff(relay_failures_, options_.relay_retry_first, options_.relay_retry_max);
        not_before = absl::Now() + wait;
      } else if (!sent.ok()) {
        metrics_.outbox_errors.Increment();
        log::Error("outbox", {{"status", sent.status().ToString()}});
        not_before = absl::Now() + kStoreRetry;
      }
      if (const auto due = outbox_.NextDue(Moment(absl::Now())); due.ok() && due->has_value()) {
        wait = std::min(wait, std::max({**due - absl::Now(), spaced_until_ - absl::Now(),
                                        absl::ZeroDuration()}));
      }
    }
    wait = std::max(wait, not_before - absl::Now());
    MutexLock lock(mutex_);
    if (!stopping_ && !woken_ && wait > absl::ZeroDuration()) wake_.WaitFor(mutex_, wait);
    woken_ = false;
  }
}

absl::StatusOr<int> DeliveryWorker::DeliverDue(const std::function<absl::Time()>& now) {
  if (unfinished_.has_value()) {
    const auto [reminder_id, result] = *unfinished_;
    RETURN_IF_ERROR(Finish(reminder_id, result));
  }
  int attempts = 0;
  absl::Status status;
  while (!Stopping() && status.ok() && now() >= spaced_until_) {
    ASSIGN_OR_RETURN(const std::optional<ClaimedReminder> reminder, outbox_.Claim(Moment(now())));
    if (!reminder.has_value()) break;
    ++attempts;
    if (options_.spacing > absl::ZeroDuration()) spaced_until_ = now() + options_.spacing;
    status = DeliverOne(*reminder, now());
  }
  if (const auto counts = outbox_.CountByState(); counts.ok()) {
    double waiting = 0;
    for (const auto state :
         {v1::ReminderState::QUEUED, v1::ReminderState::DEFERRED, v1::ReminderState::UNKNOWN}) {
      const auto count = counts->find(state);
      if (count != counts->end()) waiting += static_cast<double>(count->second);
    }
    metrics_.outbox_waiting.Set(waiting);
  }
  RETURN_IF_ERROR(status);
  return attempts;
}

absl::Status DeliveryWorker::Finish(const std::string& reminder_id, const AttemptResult& result) {
  unfinished_ = {reminder_id, result};
  RETURN_IF_ERROR(outbox_.Finish(reminder_id, result));
  unfinished_.reset();
  return absl::OkStatus();
}

absl::Status DeliveryWorker::DeliverOne(const ClaimedReminder& reminder, absl::Time now) {
  if (!options_.guard.Allows(reminder.recipient)) {
    metrics_.attempts_failed.Increment();
    return Finish(reminder.reminder_id, {.state = v1::ReminderState::FAILED,
                                         .reply = kNotAllowed,
                                         .sent_to = "",
                                         .next_attempt = now,
                                         .sent_time = std::nullopt});
  }
  if (reminder.was_unknown) metrics_.reminders_resent_unknown.Increment();
  const std::string& envelope = options_.guard.Envelope(reminder.recipient);
  const absl::Time started = absl::Now();
  const Delivery delivery =
      transport_.Send(options_.mail_from, envelope,
                      MailGuard::Addressed(reminder.message, reminder.recipient, envelope));
  metrics_.smtp_seconds.Observe(absl::ToDoubleSeconds(absl::Now() - started));
  AttemptResult result = Judge(reminder, delivery, now);
  result.sent_to = envelope;
  RETURN_IF_ERROR(Finish(reminder.reminder_id, result));
  if (envelope == reminder.recipient) RETURN_IF_ERROR(SuppressDead(reminder, delivery));
  if (delivery.result != Delivery::Result::kUnreachable) {
    relay_failures_ = 0;
    return absl::OkStatus();
  }
  ++relay_failures_;
  metrics_.relay_unreachable.Increment();
  log::Warning("no mail relay", {{"reply", delivery.reply}, {"in_a_row", relay_failures_}});
  return absl::UnavailableError(delivery.reply);
}

absl::Status DeliveryWorker::SuppressDead(const ClaimedReminder& reminder,
                                          const Delivery& delivery) {
  if (delivery.result != Delivery::Result::kRefused || options_.channel != Channel::kMail) {
    return absl::OkStatus();
  }
  // "550 5.1.1 …": the enhanced code follows the reply code.
  const std::vector<absl::string_view> words =
      absl::StrSplit(delivery.reply, absl::MaxSplits(' ', 2));
  if (words.size() < 2 || !MeansNoMailbox(words[1])) return absl::OkStatus();
  metrics_.suppressions.Increment();
  v1::Suppression suppression;
  suppression.set_address(reminder.recipient);
  suppression.set_reason(delivery.reply);
  *suppression.mutable_create_time() = ToProto(clock_.Now());
  suppression.set_reminder_id(reminder.reminder_id);
  return outbox_.Suppress(suppression);
}

AttemptResult DeliveryWorker::Judge(const ClaimedReminder& reminder, const Delivery& delivery,
                                    absl::Time now) {
  AttemptResult result;
  result.reply = delivery.reply;
  result.next_attempt = now;
  switch (delivery.result) {
    case Delivery::Result::kAccepted:
      metrics_.attempts_sent.Increment();
      result.state = v1::ReminderState::SENT;
      result.sent_time = clock_.Now();
      return result;
    case Delivery::Result::kUnreachable:
      // About the relay, not about this reminder: an outage of any length gives up nobody.
      metrics_.attempts_deferred.Increment();
      result.state = v1::ReminderState::DEFERRED;
      break;
    case Delivery::Result::kDeferred:
      metrics_.attempts_deferred.Increment();
      result.state = reminder.attempts >= options_.attempts_max ? v1::ReminderState::FAILED
                                                                : v1::ReminderState::DEFERRED;
      break;
    case Delivery::Result::kRefused:
      metrics_.attempts_failed.Increment();
      result.state = v1::ReminderState::FAILED;
      break;
    case Delivery::Result::kUnknown:
      metrics_.attempts_unknown.Increment();
      result.state = reminder.resent ? v1::ReminderState::FAILED : v1::ReminderState::UNKNOWN;
      if (reminder.resent) result.reply = absl::StrCat(kUnknownTwice, delivery.reply);
      break;
  }
  if (result.state == v1::ReminderState::FAILED) {
    log::Error("reminder given up", {{"reminder_id", reminder.reminder_id},
                                     {"attempts", reminder.attempts},
                                     {"reply", result.reply}});
  } else {
    result.next_attempt =
        now + Backoff(reminder.attempts, options_.retry_first, options_.retry_max);
  }
  return result;
}

absl::Duration DeliveryWorker::Backoff(int attempts, absl::Duration first, absl::Duration max) {
  absl::Duration wait = first;
  for (int i = 1; i < attempts && wait < max; ++i) wait *= 2;
  wait = std::min(wait, max);
  return wait * absl::Uniform(random_, 1 - kJitterShare, 1 + kJitterShare);
}

}  // namespace dondoc::alerting
