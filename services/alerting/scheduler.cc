#include "services/alerting/scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/campaign.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

// How often civil time is read: it can be moved by a file.
constexpr absl::Duration kPollInterval = absl::Milliseconds(200);
// How often campaigns are read though nothing says that they changed.
constexpr absl::Duration kRescanInterval = absl::Seconds(5);
// The same while a slot waits for running imports.
constexpr absl::Duration kImportPollInterval = absl::Milliseconds(500);
constexpr absl::Duration kLeaseRenewInterval = absl::Minutes(1);
constexpr int64_t kLeaseSeconds = 600;
constexpr absl::Duration kEvaluationTimeout = absl::Minutes(1);
constexpr absl::Duration kLeaseTimeout = absl::Seconds(10);
constexpr absl::Duration kRetryFirst = absl::Seconds(1);
constexpr absl::Duration kRetryMax = absl::Minutes(1);
constexpr int kCampaignPage = 100;

}  // namespace

Scheduler::Scheduler(AlertStore& store, Evaluator& evaluator, FigureSource& figures,
                     const Clock& clock, const CalendarSource& calendar, Metrics& metrics,
                     std::function<void()> evaluated)
    : store_(store),
      evaluator_(evaluator),
      figures_(figures),
      clock_(clock),
      calendar_(calendar),
      metrics_(metrics),
      evaluated_(std::move(evaluated)) {}

Scheduler::~Scheduler() { Stop(); }

void Scheduler::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Scheduler::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Scheduler::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  wake_.SignalAll();
}

void Scheduler::Run() {
  absl::Time next_scan = absl::InfinitePast();
  absl::Time next_lease = absl::InfinitePast();
  while (true) {
    bool woken = false;
    {
      MutexLock lock(mutex_);
      if (!stopping_ && !woken_) wake_.WaitFor(mutex_, kPollInterval);
      if (stopping_) return;
      woken = std::exchange(woken_, false);
    }
    const absl::Time now = absl::Now();
    if (woken || now >= next_lease) {
      // Failures are counted; the next renewal is soon enough.
      if (!RenewLeases().ok()) metrics_.leases_failed.Increment();
      next_lease = now + kLeaseRenewInterval;
    }
    if (woken || now >= next_scan || clock_.Now() >= next_slot_) {
      // Each failure is logged where it happens, and tried again.
      RunDue().IgnoreError();
      next_scan = now + (import_waits_.empty() ? kRescanInterval : kImportPollInterval);
    }
  }
}

absl::StatusOr<std::vector<v1::Campaign>> Scheduler::ActiveCampaigns(absl::Time now) const {
  std::vector<v1::Campaign> active;
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Campaign> page,
                     store_.ListCampaigns(after, kCampaignPage));
    for (const v1::Campaign& campaign : page) {
      if (IsLookedAt(campaign, now)) active.push_back(campaign);
    }
    if (static_cast<int>(page.size()) < kCampaignPage) return active;
    if (static_cast<int>(active.size()) >= kActiveCampaignsMax) return active;
    after = page.back().campaign_id();
  }
}

absl::Status Scheduler::RunDue() {
  const absl::Time now = clock_.Now();
  next_slot_ = absl::InfiniteFuture();
  ASSIGN_OR_RETURN(const int expired, store_.ExpireEvaluations(now));
  metrics_.evaluations_expired.Increment(expired);
  ASSIGN_OR_RETURN(const std::vector<v1::Campaign> campaigns, ActiveCampaigns(now));
  absl::Status first_error;
  for (const v1::Campaign& campaign : campaigns) {
    const auto retry = retries_.find(campaign.campaign_id());
    if (retry != retries_.end() && absl::Now() < retry->second.not_before) continue;
    const absl::Status status = RunCampaign(campaign, now);
    if (status.ok()) {
      retries_.erase(campaign.campaign_id());
    } else {
      NoteFailure(campaign.campaign_id(), status);
      first_error.Update(status);
    }
  }
  return first_error;
}

void Scheduler::NoteFailure(const std::string& campaign_id, const absl::Status& status) {
  Retry& retry = retries_[campaign_id];
  absl::Duration wait = kRetryFirst;
  for (int i = 0; i < retry.failures && wait < kRetryMax; ++i) wait *= 2;
  ++retry.failures;
  retry.not_before = absl::Now() + std::min(wait, kRetryMax);
  log::Warning(
      "slot not evaluated",
      {{"campaign_id", campaign_id}, {"failures", retry.failures}, {"status", status.ToString()}});
}

absl::StatusOr<bool> Scheduler::WaitsForImports(const CallContext& context, SlotRequest& request) {
  const std::string& campaign_id = request.campaign.campaign_id();
  ASSIGN_OR_RETURN(std::vector<std::string> running, evaluator_.RunningImports(context));
  const auto wait = import_waits_.find(campaign_id);
  const bool waiting = wait != import_waits_.end() && wait->second.slot == request.slot;
  const absl::Time now = absl::Now();
  if (waiting) request.import_wait = now - wait->second.since;
  if (running.empty()) return false;
  if (request.import_wait < absl::Seconds(ImportWaitMaxSeconds(request.campaign))) {
    if (!waiting) import_waits_[campaign_id] = {.slot = request.slot, .since = now};
    return true;
  }
  request.unfinished_import_ids = std::move(running);
  return false;
}

absl::StatusOr<bool> Scheduler::WaitsForData(const CallContext& context,
                                             const v1::Campaign& campaign, absl::Time now) {
  if (now >= DeadlineOf(campaign) + kExplanationWait) return false;
  ASSIGN_OR_RETURN(const v1::GetFreshnessResponse freshness, figures_.GetFreshness(context));
  if (freshness.last_covered_day().empty()) return true;
  ASSIGN_OR_RETURN(const absl::CivilDay last, ParseDay(freshness.last_covered_day()));
  return last < LastDayOf(campaign);
}

// Older slots that were never evaluated give way to the one that is due.
absl::StatusOr<int> Scheduler::SkippedBefore(const v1::Campaign& campaign,
                                             const std::vector<PlannedSlot>& slots,
                                             absl::Time due) const {
  int skipped = 0;
  for (auto older = slots.rbegin(); older != slots.rend(); ++older) {
    if (older->time >= due) continue;
    ASSIGN_OR_RETURN(const bool ran, HasRun(campaign, *older));
    if (ran) return skipped;
    ++skipped;
  }
  return skipped;
}

absl::StatusOr<bool> Scheduler::HasRun(const v1::Campaign& campaign,
                                       const PlannedSlot& slot) const {
  std::vector<absl::Time> times = {slot.time};
  if (slot.moved_from.has_value()) {
    // A day that was declared off after its slot ran.
    times.push_back(slot.time - (StartOf(DayOf(slot.time)) - StartOf(*slot.moved_from)));
  }
  for (const absl::Time time : times) {
    const absl::Status found =
        store_.FindSlot(campaign.campaign_id(), FormatInstant(time)).status();
    if (found.ok()) return true;
    if (!absl::IsNotFound(found)) return found;
  }
  return false;
}

absl::Status Scheduler::RunCampaign(const v1::Campaign& campaign, absl::Time now) {
  ASSIGN_OR_RETURN(const std::vector<PlannedSlot> slots,
                   PlanCampaignSlots(campaign, now, *calendar_.Current()));
  const auto next = std::find_if(slots.begin(), slots.end(),
                                 [now](const PlannedSlot& slot) { return slot.time > now; });
  if (next != slots.end()) next_slot_ = std::min(next_slot_, next->time);
  if (next == slots.begin()) return absl::OkStatus();
  const PlannedSlot& due = *std::prev(next);
  const bool after_deadline = due.time >= DeadlineOf(campaign);
  if (now >= DeadlineOf(campaign) && !after_deadline) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool has_run, HasRun(campaign, due));
  if (has_run) return absl::OkStatus();
  const std::string slot = FormatInstant(due.time);
  const CallContext context = {.deadline = absl::Now() + kEvaluationTimeout,
                               .request_id = absl::StrCat("slot-", slot)};
  if (after_deadline) {
    ASSIGN_OR_RETURN(const bool waits_for_data, WaitsForData(context, campaign, now));
    if (waits_for_data) return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const int skipped, SkippedBefore(campaign, slots, due.time));
  SlotRequest request = {.campaign = campaign,
                         .slot = slot,
                         .slot_time = due.time,
                         .late = now - due.time > kLateAfter || skipped > 0,
                         .dry_run = false};
  ASSIGN_OR_RETURN(const bool waits, WaitsForImports(context, request));
  if (waits) return absl::OkStatus();
  RETURN_IF_ERROR(evaluator_.Evaluate(context, request).status());
  import_waits_.erase(campaign.campaign_id());
  if (request.late) metrics_.slots_late.Increment();
  metrics_.slots_skipped.Increment(skipped);
  evaluated_();
  return absl::OkStatus();
}

absl::Status Scheduler::RenewLeases() {
  const absl::Time now = clock_.Now();
  ASSIGN_OR_RETURN(const std::vector<v1::Campaign> campaigns, ActiveCampaigns(now));
  if (campaigns.empty()) return absl::OkStatus();
  const CallContext context = {.deadline = absl::Now() + kLeaseTimeout, .request_id = ""};
  ASSIGN_OR_RETURN(const v1::GetFreshnessResponse freshness, figures_.GetFreshness(context));
  if (freshness.last_covered_day().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const absl::CivilDay last_covered, ParseDay(freshness.last_covered_day()));
  absl::Status first_error;
  for (const v1::Campaign& campaign : campaigns) {
    if (!IsActive(campaign, now)) continue;
    first_error.Update(RenewLease(context, campaign, last_covered));
  }
  return first_error;
}

absl::Status Scheduler::RenewLease(const CallContext& context, const v1::Campaign& campaign,
                                   absl::CivilDay last_covered) {
  // The window an evaluation would use now.
  const absl::CivilDay to = std::min({last_covered, LastDayOf(campaign), DayOf(clock_.Now())});
  if (to < FirstDayOf(campaign)) return absl::OkStatus();
  v1::RegisterWindowRequest request;
  request.set_from(campaign.window_from());
  request.set_to(FormatDay(to));
  request.set_definition_id(campaign.definition_id());
  request.set_lease_seconds(kLeaseSeconds);
  return figures_.RegisterWindow(context, request);
}

}  // namespace dondoc::alerting
