#include "services/alerting/calendar/schedule.h"

#include <libical/ical.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr char kDefaultTime[] = "08:00";
constexpr int kIntervalMax = 1000;

// Slots by day; the value is the time of day.
using SlotSet = std::set<std::pair<absl::CivilDay, absl::Duration>>;

// libical takes far more than we want to run, and its parser trusts its callers: only known parts,
// each once, reach it.
absl::Status CheckRulePart(absl::string_view name, absl::string_view value) {
  static constexpr std::array<absl::string_view, 4> kFrequencies = {"DAILY", "WEEKLY", "MONTHLY",
                                                                    "YEARLY"};
  static constexpr std::array<absl::string_view, 7> kPlain = {
      "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST"};
  if (name == "FREQ") {
    if (absl::c_linear_search(kFrequencies, value)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("FREQ=", value, " is not DAILY, WEEKLY, MONTHLY or YEARLY"));
  }
  if (name == "INTERVAL") {
    int interval = 0;
    if (absl::SimpleAtoi(value, &interval) && interval >= 1 && interval <= kIntervalMax) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("INTERVAL is not 1–", kIntervalMax));
  }
  if (name == "COUNT" || name == "UNTIL") {
    return absl::InvalidArgumentError(absl::StrCat(name, " is refused: the deadline ends it"));
  }
  if (name == "BYHOUR" || name == "BYMINUTE" || name == "BYSECOND") {
    return absl::InvalidArgumentError(absl::StrCat(name, " is refused: `time` is the time of day"));
  }
  if (!absl::c_linear_search(kPlain, name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not a part we take"));
  }
  if (value.empty()) return absl::InvalidArgumentError(absl::StrCat(name, " is empty"));
  return absl::OkStatus();
}

// Not icaltime_null_date(): its hour is −1, and libical then loops for ever.
icaltimetype IcalDate(absl::CivilDay day) {
  icaltimetype date = {};
  date.year = static_cast<int>(day.year());
  date.month = day.month();
  date.day = day.day();
  date.is_date = 1;
  return date;
}

absl::StatusOr<icalrecurrencetype> ParseRule(const std::string& rule) {
  if (rule.empty() || rule.size() > kRuleBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(rule.size(), " bytes, not 1–", kRuleBytesMax));
  }
  for (const char c : rule) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(c)) &&
        !absl::ascii_isdigit(static_cast<unsigned char>(c)) && !absl::StrContains("=;,+-", c)) {
      return absl::InvalidArgumentError("a character that no rule has");
    }
  }
  std::set<std::string> seen;
  for (const absl::string_view part : absl::StrSplit(rule, ';')) {
    const std::pair<absl::string_view, absl::string_view> split =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    RETURN_IF_ERROR(CheckRulePart(split.first, split.second));
    if (!seen.insert(std::string(split.first)).second) {
      return absl::InvalidArgumentError(absl::StrCat(split.first, " is there twice"));
    }
  }
  if (seen.count("FREQ") == 0) return absl::InvalidArgumentError("FREQ is missing");
  icalerror_set_errors_are_fatal(0);
  const icalrecurrencetype parsed = icalrecurrencetype_from_string(rule.c_str());
  if (parsed.freq == ICAL_NO_RECURRENCE) {
    return absl::InvalidArgumentError("not a recurrence rule of RFC 5545");
  }
  icalrecur_iterator* iterator =
      icalrecur_iterator_new(parsed, IcalDate(absl::CivilDay(2023, 1, 1)));
  if (iterator == nullptr) {
    return absl::InvalidArgumentError("parts that do not go together, or a day that never comes");
  }
  icalrecur_iterator_free(iterator);
  return parsed;
}

absl::Status ExpandRule(const v1::ScheduleRule& rule, absl::CivilDay from, absl::CivilDay end,
                        SlotSet& slots) {
  ASSIGN_OR_RETURN(icalrecurrencetype recurrence, ParseRule(rule.rrule()));
  ASSIGN_OR_RETURN(const absl::Duration time, ParseTimeOfDay(rule.time()));
  absl::CivilDay first = from;
  if (rule.within_days_before_deadline() > 0) {
    first = std::max(first, end - rule.within_days_before_deadline());
  }
  // Without an end libical looks for a day that never comes until the year 2582.
  recurrence.until = IcalDate(end);
  icalrecur_iterator* iterator = icalrecur_iterator_new(recurrence, IcalDate(from));
  if (iterator == nullptr) return absl::OkStatus();
  const absl::Cleanup free_iterator = [iterator] { icalrecur_iterator_free(iterator); };
  // At most one occurrence a day, so the loop is bounded by the days until the deadline.
  for (icaltimetype next = icalrecur_iterator_next(iterator); !icaltime_is_null_time(next);
       next = icalrecur_iterator_next(iterator)) {
    const absl::CivilDay day(next.year, next.month, next.day);
    if (day >= end) break;
    if (day >= first) slots.insert({day, time});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Duration> ParseTimeOfDay(const std::string& text) {
  int hour = 0;
  int minute = 0;
  bool shaped = text.size() == 5 && text[2] == ':';
  for (size_t i = 0; shaped && i < text.size(); ++i) {
    shaped = i == 2 || absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
  }
  if (!shaped || !absl::SimpleAtoi(text.substr(0, 2), &hour) ||
      !absl::SimpleAtoi(text.substr(3), &minute) || hour > 23 || minute > 59) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not HH:MM"));
  }
  return absl::Hours(hour) + absl::Minutes(minute);
}

v1::Schedule DefaultSchedule() {
  v1::Schedule schedule;
  v1::ScheduleRule* weekly = schedule.add_rules();
  weekly->set_rrule("FREQ=WEEKLY;BYDAY=MO");
  weekly->set_time(kDefaultTime);
  v1::ScheduleRule* closing = schedule.add_rules();
  closing->set_rrule("FREQ=WEEKLY;BYDAY=TH");
  closing->set_time(kDefaultTime);
  closing->set_within_days_before_deadline(14);
  schedule.set_last_working_days(3);
  schedule.set_last_working_days_time(kDefaultTime);
  return schedule;
}

absl::Status CheckSchedule(const v1::Schedule& schedule, const std::string& path) {
  const auto refuse = [&path](const std::string& field, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(path, ".", field, ": ", why));
  };
  if (schedule.rules_size() > kRulesMax) {
    return refuse("rules", absl::StrCat(schedule.rules_size(), " rules, limit ", kRulesMax));
  }
  for (int i = 0; i < schedule.rules_size(); ++i) {
    const v1::ScheduleRule& rule = schedule.rules(i);
    const std::string field = absl::StrCat("rules[", i, "].");
    if (const auto parsed = ParseRule(rule.rrule()); !parsed.ok()) {
      return refuse(field + "rrule", parsed.status().message());
    }
    if (const auto time = ParseTimeOfDay(rule.time()); !time.ok()) {
      return refuse(field + "time", time.status().message());
    }
    const int within = rule.within_days_before_deadline();
    if (within < 0 || within > kWithinDaysMax) {
      return refuse(field + "within_days_before_deadline",
                    absl::StrCat(within, " is not 0–", kWithinDaysMax));
    }
  }
  const int last = schedule.last_working_days();
  if (last < 0 || last > kLastWorkingDaysMax) {
    return refuse("last_working_days", absl::StrCat(last, " is not 0–", kLastWorkingDaysMax));
  }
  if (last == 0 && schedule.last_working_days_time().empty()) return absl::OkStatus();
  if (const auto time = ParseTimeOfDay(schedule.last_working_days_time()); !time.ok()) {
    return refuse("last_working_days_time", time.status().message());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PlannedSlot>> PlanSlots(const v1::Schedule& schedule, absl::Time from,
                                                   absl::Time deadline,
                                                   const WorkingCalendar& calendar) {
  const absl::CivilDay first_day = DayOf(from);
  // The first day that is not before the deadline: deadlines are midnights.
  const absl::CivilDay end_day = DayOf(deadline);
  SlotSet wanted;
  for (const v1::ScheduleRule& rule : schedule.rules()) {
    RETURN_IF_ERROR(ExpandRule(rule, first_day, end_day, wanted));
  }
  if (schedule.last_working_days() > 0) {
    ASSIGN_OR_RETURN(const absl::Duration time, ParseTimeOfDay(schedule.last_working_days_time()));
    for (const absl::CivilDay day :
         calendar.LastWorked(schedule.last_working_days(), first_day, end_day - 1)) {
      wanted.insert({day, time});
    }
  }
  std::set<absl::CivilDay> taken;
  for (const auto& [day, time] : wanted) {
    if (calendar.IsWorked(day)) taken.insert(day);
  }
  std::map<absl::Time, PlannedSlot> planned;
  for (const auto& [day, time] : wanted) {
    PlannedSlot slot = {.time = StartOf(day) + time, .moved_from = std::nullopt};
    // What was before the start is not made up for by moving it.
    if (slot.time < from) continue;
    if (!calendar.IsWorked(day)) {
      const absl::CivilDay moved_to = calendar.NextWorked(day);
      if (moved_to >= end_day || !taken.insert(moved_to).second) continue;
      slot = {.time = StartOf(moved_to) + time, .moved_from = day};
    }
    planned.emplace(slot.time, slot);
    if (planned.size() > kSlotsMax) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kSlotsMax, " slots"));
    }
  }
  std::vector<PlannedSlot> slots;
  slots.reserve(planned.size());
  for (const auto& [time, slot] : planned) slots.push_back(slot);
  return slots;
}

}  // namespace dondoc::alerting
