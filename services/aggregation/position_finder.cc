#include "services/aggregation/position_finder.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

// An error of ingestion as a caller of ours may see it.
absl::Status PastError(const absl::Status& status, int64_t sequence) {
  if (absl::IsOutOfRange(status)) {
    return absl::OutOfRangeError(
        absl::StrCat("as_of_sequence: ", sequence, " is not in the ledger"));
  }
  log::Warning("a past position cannot be loaded",
               {{"sequence", sequence}, {"reason", status.ToString()}});
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(
        absl::StrCat("as_of_sequence: ", sequence, " was not loaded in time, retry"));
  }
  // FAILED_PRECONDITION is another ledger, which the follower is about to meet as well. What else
  // ingestion said is for our log, not for callers.
  return absl::UnavailableError(
      absl::StrCat("as_of_sequence: ", sequence, " cannot be loaded now, retry"));
}

}  // namespace

absl::Status NothingLoaded() {
  return absl::UnavailableError("no figures yet: the ledger is still being loaded, retry");
}

absl::StatusOr<PositionFinder::View> PositionFinder::FindPast(
    const View& live, int64_t sequence, absl::Span<const std::string> plane_ids,
    absl::Time deadline) {
  const std::string& ledger_id = live->position().ledger_id();
  if (sequence == 0) {
    // Before everything: nothing to load (and a snapshot "at 0" would be one of the head).
    LiveCube empty;
    empty.Replace(Cube(ledger_id));
    return empty.ViewFor(plane_ids);
  }
  const absl::StatusOr<std::shared_ptr<LiveCube>> cube = past_.Get(ledger_id, sequence, deadline);
  if (!cube.ok()) return PastError(cube.status(), sequence);
  return (*cube)->ViewFor(plane_ids);
}

absl::StatusOr<PositionFinder::View> PositionFinder::Find(const Asked& asked,
                                                          absl::Span<const std::string> plane_ids,
                                                          absl::Time deadline) {
  ASSIGN_OR_RETURN(View view, FindView(asked, plane_ids, deadline));
  recent_.Keep(view);
  return view;
}

absl::StatusOr<PositionFinder::View> PositionFinder::FindView(
    const Asked& asked, absl::Span<const std::string> plane_ids, absl::Time deadline) {
  View live = cube_.View();
  if (live == nullptr) return NothingLoaded();
  std::optional<int64_t> sequence = asked.as_of_sequence;
  if (asked.known_at.has_value()) {
    const absl::StatusOr<v1::Position> then =
        feed_.GetHead(live->position().ledger_id(), asked.known_at, deadline);
    if (!then.ok()) {
      log::Warning("known_at cannot be looked up", {{"reason", then.status().ToString()}});
      return absl::UnavailableError("known_at: cannot be looked up now, retry");
    }
    sequence = then->sequence();
  }
  const int64_t least = std::max(asked.min_sequence.value_or(0), sequence.value_or(0));
  if (live->position().sequence() < least) {
    // Most of the time the caller has just written it and the feed is milliseconds behind.
    live = cube_.WaitForSequence(least, std::min(sequence_wait_, deadline - absl::Now()));
    if (live == nullptr) return NothingLoaded();
  }
  if (!sequence.has_value()) {
    if (live->position().sequence() < least) {
      return absl::UnavailableError(absl::StrCat("min_sequence: ", least, " asked, ",
                                                 live->position().sequence(), " held, retry"));
    }
    // The newest, which is at least what was just seen: never older than asked.
    return cube_.ViewFor(plane_ids);
  }
  if (asked.min_sequence.has_value() && *asked.min_sequence > *sequence) {
    return absl::UnavailableError(absl::StrCat("min_sequence: ", *asked.min_sequence, " asked, ",
                                               *sequence, " was known then"));
  }
  if (View recent = recent_.Find(live->position().ledger_id(), *sequence, plane_ids)) {
    return recent;
  }
  if (live->position().sequence() == *sequence) {
    ASSIGN_OR_RETURN(View newest, cube_.ViewFor(plane_ids));
    if (newest->position().sequence() == *sequence) return newest;
  }
  if (*sequence > live->position().sequence()) {
    const absl::StatusOr<v1::Position> head =
        feed_.GetHead(live->position().ledger_id(), std::nullopt, deadline);
    if (head.ok() && *sequence > head->sequence()) {
      return absl::OutOfRangeError(
          absl::StrCat("as_of_sequence: ", *sequence, " is beyond the head, ", head->sequence()));
    }
  }
  return FindPast(live, *sequence, plane_ids, deadline);
}

}  // namespace dondoc::aggregation
