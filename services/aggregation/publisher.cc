#include "services/aggregation/publisher.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

std::string FigureText(const Figure& figure) {
  const Counts& counts = figure.counts;
  return absl::StrCat(counts.total(), ",", counts.online, ",", counts.counter, ",", counts.postal,
                      ",", counts.unknown, ",", v1::Basis::Value_Name(figure.basis));
}

}  // namespace

PublishedWindow MakePublishedWindow(const CubeView& view, const DefinitionPlane& plane,
                                    const RegisteredWindow& window) {
  const std::string from = FormatDay(DayFromNumber(window.window.first));
  const std::string to = FormatDay(DayFromNumber(window.window.last));
  PublishedWindow published;
  published.key = absl::StrCat(window.definition_id, ":", from, ":", to);
  published.ledger_id = view.position().ledger_id();
  published.sequence = view.position().sequence();
  auto add = [&published](std::string field, std::string value) {
    published.fields.emplace_back(std::move(field), std::move(value));
  };
  add("ledger_id", published.ledger_id);
  add("sequence", absl::StrCat(published.sequence));
  add("commit_time", view.position().has_commit_time()
                         ? FormatInstant(FromProto(view.position().commit_time()))
                         : "");
  add("definition_id", window.definition_id);
  add("definition_version", absl::StrCat(plane.definition.version()));
  add("from", from);
  add("to", to);
  RollUp overall;
  for (int unit = 0; unit < view.units().size(); ++unit) {
    if (!view.Concerns(plane, unit, window.window)) continue;
    const Figure figure = view.UnitFigure(plane, unit, window.window);
    overall.Add(figure);
    add(absl::StrCat("unit:", view.units()[unit].unit_id), FigureText(figure));
  }
  add("overall", FigureText(overall.Result()));
  return published;
}

Publisher::Publisher(LiveCube& cube, WindowRegistry& windows, RatioCache& cache, Metrics& metrics,
                     PublisherOptions options)
    : cube_(cube), windows_(windows), cache_(cache), metrics_(metrics), options_(options) {}

Publisher::~Publisher() { Stop(); }

void Publisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Publisher::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

void Publisher::Wake() {
  {
    MutexLock lock(mutex_);
    woken_ = true;
  }
  wake_.SignalAll();
}

void Publisher::Run() {
  uint64_t seen = 0;
  absl::Time checked = absl::InfinitePast();
  while (true) {
    bool woken = false;
    {
      // One look every every_min is the whole of the coalescing: however many positions came in
      // between, the newest is published, once.
      MutexLock lock(mutex_);
      const absl::Time until = absl::Now() + options_.every_min;
      while (!stopping_ && !woken_) {
        const absl::Duration left = until - absl::Now();
        if (left <= absl::ZeroDuration()) break;
        wake_.WaitFor(mutex_, left);
      }
      if (stopping_) return;
      woken = std::exchange(woken_, false);
    }
    const uint64_t generation = cube_.WaitForChange(seen, absl::ZeroDuration());
    const absl::Time now = absl::Now();
    if (generation == seen && !woken && now - checked < options_.check_every) continue;
    seen = generation;
    checked = now;
    PublishAll();
  }
}

void Publisher::PublishAll() {
  const std::vector<RegisteredWindow> live = windows_.Live(absl::Now());
  metrics_.registered_windows.Set(static_cast<double>(live.size()));
  absl::Status worst;
  for (const RegisteredWindow& window : live) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
    const absl::Status status = PublishOne(window);
    if (status.ok()) continue;
    metrics_.redis_errors.Increment();
    worst = status;
    // While it is away, one window's failure speaks for all: the rest would only wait as long. A
    // key that cannot be written is its own window's trouble.
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) break;
  }
  if (!live.empty()) SetUp(worst);
}

absl::Status Publisher::PublishOne(const RegisteredWindow& window) {
  const absl::StatusOr<std::shared_ptr<const CubeView>> view = cube_.ViewFor(window.definition_id);
  // Nothing loaded, or a definition that only the ledger before had: nothing to publish.
  if (!view.ok()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const RatioCache::Outcome outcome,
      cache_.Publish(MakePublishedWindow(**view, *(*view)->FindPlane(window.definition_id), window),
                     options_.ttl));
  if (outcome == RatioCache::Outcome::kWritten) metrics_.redis_written.Increment();
  if (outcome == RatioCache::Outcome::kHeldNewer) metrics_.redis_refused.Increment();
  return absl::OkStatus();
}

void Publisher::SetUp(const absl::Status& status) {
  metrics_.redis_up.Set(status.ok() ? 1 : 0);
  if (status.ok() == up_) return;
  up_ = status.ok();
  if (up_) {
    log::Info("Redis is back");
  } else {
    log::Warning("Redis does not take figures, answers come from memory",
                 {{"reason", status.ToString()}});
  }
}

}  // namespace dondoc::aggregation
