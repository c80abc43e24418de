#include "services/aggregation/past_cubes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace dondoc::aggregation {

PastCubes::PastCubes(Loader loader, Metrics& metrics, int cubes_max)
    : loader_(std::move(loader)), metrics_(metrics), cubes_max_(cubes_max) {}

std::shared_ptr<PastCubes::Entry> PastCubes::FindLocked(const std::string& ledger_id,
                                                        int64_t sequence) {
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if ((*it)->sequence == sequence && (*it)->ledger_id == ledger_id) {
      entries_.splice(entries_.begin(), entries_, it);
      return entries_.front();
    }
  }
  return nullptr;
}

void PastCubes::FinishLocked(const std::shared_ptr<Entry>& entry) {
  entry->loading = false;
  --loading_;
  // A failure is told to those who waited and then forgotten: the next to ask tries again.
  if (!entry->error.ok()) entries_.remove(entry);
  auto loaded = std::count_if(entries_.begin(), entries_.end(),
                              [](const auto& other) { return !other->loading; });
  for (auto it = entries_.end(); loaded > cubes_max_ && it != entries_.begin();) {
    --it;
    if ((*it)->loading) continue;
    it = entries_.erase(it);
    --loaded;
  }
}

absl::StatusOr<std::shared_ptr<LiveCube>> PastCubes::Get(const std::string& ledger_id,
                                                         int64_t sequence, absl::Time deadline) {
  std::shared_ptr<Entry> entry;
  {
    MutexLock lock(mutex_);
    while (true) {
      if (entry == nullptr) entry = FindLocked(ledger_id, sequence);
      if (entry != nullptr && !entry->loading) {
        if (!entry->error.ok()) return entry->error;
        metrics_.past_hits.Increment();
        return entry->cube;
      }
      if (entry == nullptr && loading_ < kPastLoadsMax) break;
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(
            absl::StrCat("sequence ", sequence, " was not loaded in time, retry"));
      }
      changed_.WaitFor(mutex_, left);
    }
    entry = std::make_shared<Entry>();
    entry->ledger_id = ledger_id;
    entry->sequence = sequence;
    entries_.push_front(entry);
    ++loading_;
  }
  metrics_.past_loads.Increment();
  // Not under the lock: others ask for other positions meanwhile.
  absl::StatusOr<Cube> cube = loader_(ledger_id, sequence, deadline);
  std::shared_ptr<LiveCube> loaded;
  if (cube.ok()) {
    loaded = std::make_shared<LiveCube>();
    loaded->Replace(*std::move(cube));
  }
  {
    MutexLock lock(mutex_);
    entry->error = cube.status();
    entry->cube = loaded;
    FinishLocked(entry);
  }
  changed_.SignalAll();
  if (!cube.ok()) return cube.status();
  return loaded;
}

}  // namespace dondoc::aggregation
