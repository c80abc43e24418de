#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"

namespace dondoc::alerting {

// Which days are worked: Monday to Friday, less the holidays, plus the swapped working days (a
// Saturday worked for a bridge day off). Holidays are data: Tết moves. Immutable, so thread-safe.
class WorkingCalendar {
 public:
  WorkingCalendar() = default;
  // A day in both is worked.
  WorkingCalendar(std::set<absl::CivilDay> days_off, std::set<absl::CivilDay> days_worked);

  // One day a line, "2024-02-08 off Tết" or "2024-05-04 worked bù 29/4"; blank lines and lines that
  // begin with # are skipped. At most kLinesMax lines. kInvalidArgument names the line.
  static absl::StatusOr<WorkingCalendar> Parse(absl::string_view text);
  static constexpr int kLinesMax = 10000;

  bool IsWorked(absl::CivilDay day) const;
  // The first worked day on or after `day`; the day kSearchDaysMax later when there is none.
  absl::CivilDay NextWorked(absl::CivilDay day) const;
  static constexpr int kSearchDaysMax = 400;
  // Worked days in from..to, both included; 0 when to < from.
  int64_t CountWorked(absl::CivilDay from, absl::CivilDay to) const;
  // The last `count` worked days in from..to, newest first; fewer when there are not so many.
  std::vector<absl::CivilDay> LastWorked(int count, absl::CivilDay from, absl::CivilDay to) const;

 private:
  std::set<absl::CivilDay> days_off_;
  std::set<absl::CivilDay> days_worked_;
};

}  // namespace dondoc::alerting
