#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/alerting/calendar/calendar_source.h"
#include "services/alerting/calendar/schedule.h"
#include "services/alerting/evaluation.h"
#include "services/alerting/figures.h"
#include "services/alerting/metrics.h"
#include "services/alerting/store/alert_store.h"
#include "services/common/clock/clock.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting {

// More active campaigns than this are not scheduled; a province has a handful.
inline constexpr int kActiveCampaignsMax = 1000;
// A slot that runs later than this after its instant is late.
inline constexpr absl::Duration kLateAfter = absl::Minutes(10);
// How long (civil time) after the deadline the requests for an explanation wait for the last data.
inline constexpr absl::Duration kExplanationWait = absl::Hours(7 * 24);

// Runs the due slots of active campaigns by civil time, and keeps their windows published. Of the
// slots missed while away only the newest runs, once; after the deadline only the one that asks for
// explanations runs, once the data reaches the last counted day or kExplanationWait is over. A slot
// waits for imports that are running, by the real clock, at most the campaign's
// import_wait_max_seconds. Approvals that nobody gave in time expire.
class Scheduler {
 public:
  // `evaluated` is called after a slot was evaluated (its reminders may be due).
  Scheduler(AlertStore& store, Evaluator& evaluator, FigureSource& figures, const Clock& clock,
            const CalendarSource& calendar, Metrics& metrics, std::function<void()> evaluated);
  ~Scheduler();

  void Start();
  // Ends after the evaluation under way.
  void Stop();
  // A campaign was created or activated: look now.
  void Wake();

  // One look: evaluates what is due. Returns the first error; what failed is tried again after a
  // while that grows (real time). For the thread and for tests.
  absl::Status RunDue();
  // Leases the window of every active campaign.
  absl::Status RenewLeases();

 private:
  struct Retry {
    int failures = 0;
    absl::Time not_before;  // real clock
  };

  // Since when a slot waits for running imports.
  struct ImportWait {
    std::string slot;
    absl::Time since;  // real clock
  };

  void Run();
  // Whether the slot is to be left for later; fills in what the evaluation says of running imports.
  absl::StatusOr<bool> WaitsForImports(const CallContext& context, SlotRequest& request);
  // Whether the data of the last counted days has yet to come.
  absl::StatusOr<bool> WaitsForData(const CallContext& context, const v1::Campaign& campaign,
                                    absl::Time now);
  absl::StatusOr<int> SkippedBefore(const v1::Campaign& campaign,
                                    const std::vector<PlannedSlot>& slots, absl::Time due) const;
  // Whether the slot, or the one it was moved from, is evaluated already.
  absl::StatusOr<bool> HasRun(const v1::Campaign& campaign, const PlannedSlot& slot) const;
  absl::StatusOr<std::vector<v1::Campaign>> ActiveCampaigns(absl::Time now) const;
  absl::Status RunCampaign(const v1::Campaign& campaign, absl::Time now);
  void NoteFailure(const std::string& campaign_id, const absl::Status& status);
  absl::Status RenewLease(const CallContext& context, const v1::Campaign& campaign,
                          absl::CivilDay last_covered);

  AlertStore& store_;
  Evaluator& evaluator_;
  FigureSource& figures_;
  const Clock& clock_;
  const CalendarSource& calendar_;
  Metrics& metrics_;
  const std::function<void()> evaluated_;

  // Of the scheduler's thread.
  std::map<std::string, Retry> retries_;
  std::map<std::string, ImportWait> import_waits_;
  absl::Time next_slot_ = absl::InfinitePast();  // civil; nothing is due before

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = true;
  std::thread thread_;
};

}  // namespace dondoc::alerting
