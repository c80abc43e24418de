#include "services/alerting/calendar/ical_holidays.h"

#include <libical/ical.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr int kYearMin = 1990;

// One line of at most kHolidayNameBytesMax bytes, cut between characters.
std::string NameOf(const char* summary) {
  std::string name = summary == nullptr ? "" : summary;
  for (char& c : name) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  if (name.size() > kHolidayNameBytesMax) {
    size_t end = kHolidayNameBytesMax;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name.resize(end);
  }
  return std::string(absl::StripAsciiWhitespace(name));
}

bool IsWorkedEvent(icalcomponent* event, const std::string& name) {
  for (icalproperty* property = icalcomponent_get_first_property(event, ICAL_CATEGORIES_PROPERTY);
       property != nullptr;
       property = icalcomponent_get_next_property(event, ICAL_CATEGORIES_PROPERTY)) {
    const char* categories = icalproperty_get_categories(property);
    if (categories != nullptr && absl::StrContains(absl::AsciiStrToUpper(categories), "WORKED")) {
      return true;
    }
  }
  return absl::StrContains(name, "làm bù") || absl::StrContains(name, "Làm bù");
}

// How an event repeats: never, every year, or in a way we do not follow.
enum class Repeats { kNever, kYearly, kOther };

Repeats RepeatsOf(icalcomponent* event) {
  icalproperty* property = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
  if (property == nullptr) return Repeats::kNever;
  char* text = icalproperty_get_value_as_string_r(property);
  const absl::Cleanup free_text = [text] { icalmemory_free_buffer(text); };
  const std::string rule = text == nullptr ? "" : text;
  return rule == "FREQ=YEARLY" || rule == "FREQ=YEARLY;INTERVAL=1" ? Repeats::kYearly
                                                                   : Repeats::kOther;
}

class Reader {
 public:
  explicit Reader(absl::CivilDay until) : until_(until) {}

  absl::Status Read(icalcomponent* event) {
    const char* summary = icalcomponent_get_summary(event);
    const std::string name = NameOf(summary);
    const icaltimetype start = icalcomponent_get_dtstart(event);
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) return Skip(name, "cancelled");
    if (icaltime_is_null_time(start)) return Skip(name, "no DTSTART");
    if (!start.is_date) return Skip(name, "has a time of day");
    const Repeats repeats = RepeatsOf(event);
    if (repeats == Repeats::kOther) return Skip(name, "repeats otherwise than FREQ=YEARLY");
    const absl::CivilDay first(start.year, start.month, start.day);
    const icaltimetype end = icalcomponent_get_dtend(event);
    // DTEND is the first day after; without one the event is a day long.
    absl::CivilDay last = first;
    if (!icaltime_is_null_time(end)) {
      last = std::max(first, absl::CivilDay(end.year, end.month, end.day) - 1);
    }
    if (last - first >= kIcalEventDaysMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("body: '", name, "' lasts more than ", kIcalEventDaysMax, " days"));
    }
    if (repeats == Repeats::kNever && first.year() < kYearMin) return Skip(name, "before 1990");
    const int64_t from = std::max<int64_t>(first.year(), kYearMin);
    const int64_t to = repeats == Repeats::kYearly ? until_.year() : from;
    for (int64_t year = from; year <= to; ++year) {
      const absl::CivilDay day(year, first.month(), first.day());
      if (day.day() != first.day()) continue;  // 29 February
      for (int64_t i = 0; i <= last - first; ++i) {
        RETURN_IF_ERROR(Add(day + i, IsWorkedEvent(event, name), name));
      }
    }
    return absl::OkStatus();
  }

  IcalHolidays Take() {
    for (auto& [day, one] : days_) holidays_.days.push_back(std::move(one));
    return std::move(holidays_);
  }

 private:
  absl::Status Skip(const std::string& name, absl::string_view why) {
    if (holidays_.skipped.size() < kIcalSkippedMax) {
      holidays_.skipped.push_back(absl::StrCat(name.empty() ? "(no SUMMARY)" : name, ": ", why));
    }
    return absl::OkStatus();
  }

  absl::Status Add(absl::CivilDay day, bool worked, const std::string& name) {
    if (day > until_) return absl::OkStatus();
    days_[day] = {.day = day, .worked = worked, .name = name};
    if (days_.size() <= kIcalDaysMax) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("body: more than ", kIcalDaysMax, " days"));
  }

  const absl::CivilDay until_;
  std::map<absl::CivilDay, IcalDay> days_;
  IcalHolidays holidays_;
};

}  // namespace

absl::StatusOr<IcalHolidays> ReadIcalHolidays(const std::string& text, absl::CivilDay until) {
  if (text.size() > kIcalBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("body: ", text.size(), " bytes, limit ", kIcalBytesMax));
  }
  // libical reads C strings.
  if (text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("body: has a NUL");
  }
  icalerror_set_errors_are_fatal(0);
  icalcomponent* root = icalparser_parse_string(text.c_str());
  if (root == nullptr) return absl::InvalidArgumentError("body: is no iCalendar");
  const absl::Cleanup free_root = [root] { icalcomponent_free(root); };
  if (icalcomponent_isa(root) != ICAL_VCALENDAR_COMPONENT) {
    return absl::InvalidArgumentError("body: is no VCALENDAR");
  }
  Reader reader(until);
  int events = 0;
  for (icalcomponent* event = icalcomponent_get_first_component(root, ICAL_VEVENT_COMPONENT);
       event != nullptr; event = icalcomponent_get_next_component(root, ICAL_VEVENT_COMPONENT)) {
    if (++events > kIcalEventsMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("body: more than ", kIcalEventsMax, " events"));
    }
    RETURN_IF_ERROR(reader.Read(event));
  }
  return reader.Take();
}

}  // namespace dondoc::alerting
