#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"

namespace dondoc::alerting {

inline constexpr size_t kIcalBytesMax = 1 << 20;
inline constexpr int kIcalEventsMax = 2000;
inline constexpr int kIcalEventDaysMax = 31;
inline constexpr size_t kIcalDaysMax = 5000;
inline constexpr size_t kIcalSkippedMax = 100;
inline constexpr size_t kHolidayNameBytesMax = 200;

// A day that an iCalendar file names.
struct IcalDay {
  absl::CivilDay day;
  bool worked = false;  // a swapped working day
  std::string name;
};

struct IcalHolidays {
  // In order, one per day: of two events the later in the file counts.
  std::vector<IcalDay> days;
  // Events left out and why, at most kIcalSkippedMax.
  std::vector<std::string> skipped;
};

// Whole-day events of `text` (RFC 5545) from 1990 to `until`. RRULE is followed when it is
// FREQ=YEARLY and no more; an event with another is skipped. kInvalidArgument, beginning with
// "body: ", when it is no calendar or more than the limits above.
absl::StatusOr<IcalHolidays> ReadIcalHolidays(const std::string& text, absl::CivilDay until);

}  // namespace dondoc::alerting
