#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/working_calendar.h"

// When a campaign is evaluated (design §8). Everything is at +07:00.

namespace dondoc::alerting {

inline constexpr int kRulesMax = 10;
inline constexpr int kRuleBytesMax = 200;
inline constexpr int kWithinDaysMax = 366;
inline constexpr int kLastWorkingDaysMax = 20;
inline constexpr int kSlotsMax = 400;

struct PlannedSlot {
  absl::Time time;
  // Set when the rule's own day is a day off.
  std::optional<absl::CivilDay> moved_from;
};

// "HH:MM" after midnight; kInvalidArgument names the text.
absl::StatusOr<absl::Duration> ParseTimeOfDay(const std::string& text);

// Mondays 08:00, Thursdays too from 14 days before the deadline, and the last 3 working days.
v1::Schedule DefaultSchedule();

// kInvalidArgument with the field path below `path` ("campaign.schedule.rules[0].rrule: …"). Of RFC
// 5545 it takes FREQ (DAILY, WEEKLY, MONTHLY, YEARLY), INTERVAL, BYDAY, BYMONTHDAY, BYYEARDAY,
// BYWEEKNO, BYMONTH, BYSETPOS and WKST: the time of day is the rule's `time`, the deadline ends it.
absl::Status CheckSchedule(const v1::Schedule& schedule, const std::string& path);

// The slots in [from, deadline), in order. An INTERVAL counts from the day of `from`. A slot on a
// day off moves to the next worked day at its own time, unless that day has a slot already or is
// not before the deadline: then it is dropped. kInvalidArgument when there are more than kSlotsMax.
absl::StatusOr<std::vector<PlannedSlot>> PlanSlots(const v1::Schedule& schedule, absl::Time from,
                                                   absl::Time deadline,
                                                   const WorkingCalendar& calendar);

}  // namespace dondoc::alerting
