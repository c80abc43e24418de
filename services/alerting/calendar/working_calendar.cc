#include "services/alerting/calendar/working_calendar.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {

WorkingCalendar::WorkingCalendar(std::set<absl::CivilDay> days_off,
                                 std::set<absl::CivilDay> days_worked)
    : days_off_(std::move(days_off)), days_worked_(std::move(days_worked)) {}

absl::StatusOr<WorkingCalendar> WorkingCalendar::Parse(absl::string_view text) {
  WorkingCalendar calendar;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (++line_number > kLinesMax) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kLinesMax, " lines"));
    }
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
    absl::StatusOr<absl::CivilDay> day = ParseDay(words[0]);
    const absl::string_view kind = words.size() > 1 ? words[1] : "";
    if (!day.ok() || (kind != "off" && kind != "worked")) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line_number, ": not \"YYYY-MM-DD off|worked [name]\""));
    }
    (kind == "off" ? calendar.days_off_ : calendar.days_worked_).insert(*day);
  }
  return calendar;
}

bool WorkingCalendar::IsWorked(absl::CivilDay day) const {
  if (days_worked_.count(day) > 0) return true;
  if (days_off_.count(day) > 0) return false;
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday != absl::Weekday::saturday && weekday != absl::Weekday::sunday;
}

absl::CivilDay WorkingCalendar::NextWorked(absl::CivilDay day) const {
  for (int i = 0; i < kSearchDaysMax && !IsWorked(day); ++i) ++day;
  return day;
}

int64_t WorkingCalendar::CountWorked(absl::CivilDay from, absl::CivilDay to) const {
  int64_t count = 0;
  for (absl::CivilDay day = from; day <= to; ++day) count += IsWorked(day) ? 1 : 0;
  return count;
}

std::vector<absl::CivilDay> WorkingCalendar::LastWorked(int count, absl::CivilDay from,
                                                        absl::CivilDay to) const {
  std::vector<absl::CivilDay> days;
  for (absl::CivilDay day = to; day >= from && static_cast<int>(days.size()) < count; --day) {
    if (IsWorked(day)) days.push_back(day);
  }
  return days;
}

}  // namespace dondoc::alerting
