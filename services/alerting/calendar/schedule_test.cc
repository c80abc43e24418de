#include "services/alerting/calendar/schedule.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The article: issued on Tuesday 21/11/2023, to be reached before 25/12/2023.
const absl::Time kActivated = StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9);
const absl::Time kDeadline = StartOf(absl::CivilDay(2023, 12, 25));

std::vector<std::string> Texts(const absl::StatusOr<std::vector<PlannedSlot>>& slots) {
  std::vector<std::string> texts;
  if (!slots.ok()) return {slots.status().ToString()};
  for (const PlannedSlot& slot : *slots) {
    texts.push_back(absl::StrCat(
        FormatInstant(slot.time),
        slot.moved_from.has_value() ? absl::StrCat(" from ", FormatDay(*slot.moved_from)) : ""));
  }
  return texts;
}

v1::Schedule Rule(const std::string& rrule, const std::string& time = "08:00", int within = 0) {
  v1::Schedule schedule;
  v1::ScheduleRule* rule = schedule.add_rules();
  rule->set_rrule(rrule);
  rule->set_time(time);
  rule->set_within_days_before_deadline(within);
  return schedule;
}

std::vector<std::string> Plan(const v1::Schedule& schedule,
                              const WorkingCalendar& calendar = WorkingCalendar()) {
  return Texts(PlanSlots(schedule, kActivated, kDeadline, calendar));
}

TEST(ScheduleTest, PlansTheArticlesCampaign) {
  EXPECT_THAT(Plan(DefaultSchedule()),
              ElementsAre("2023-11-27T08:00:00+07:00", "2023-12-04T08:00:00+07:00",
                          "2023-12-11T08:00:00+07:00", "2023-12-14T08:00:00+07:00",
                          "2023-12-18T08:00:00+07:00", "2023-12-20T08:00:00+07:00",
                          "2023-12-21T08:00:00+07:00", "2023-12-22T08:00:00+07:00"));
}

TEST(ScheduleTest, AnInclusiveDeadlineCountsItsDay) {
  // "đến hết ngày 25/12": the 25th is a Monday and a working day.
  v1::Schedule schedule;
  schedule.set_last_working_days(2);
  schedule.set_last_working_days_time("08:00");
  EXPECT_THAT(Texts(PlanSlots(schedule, kActivated, StartOf(absl::CivilDay(2023, 12, 26)), {})),
              ElementsAre("2023-12-22T08:00:00+07:00", "2023-12-25T08:00:00+07:00"));
}

TEST(ScheduleTest, TakesTheActivationDayWhenItsTimeIsStillToCome) {
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;BYDAY=TU", "08:59")),
              ElementsAre("2023-11-28T08:59:00+07:00", "2023-12-05T08:59:00+07:00",
                          "2023-12-12T08:59:00+07:00", "2023-12-19T08:59:00+07:00"));
  EXPECT_THAT(Plan(Rule("FREQ=MONTHLY;BYMONTHDAY=21", "09:00")),
              ElementsAre("2023-11-21T09:00:00+07:00", "2023-12-21T09:00:00+07:00"));
}

TEST(ScheduleTest, MovesASlotOffAHolidayToTheNextWorkedDay) {
  const WorkingCalendar calendar({absl::CivilDay(2023, 12, 4)}, {});
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;BYDAY=MO"), calendar),
              ElementsAre("2023-11-27T08:00:00+07:00", "2023-12-05T08:00:00+07:00 from 2023-12-04",
                          "2023-12-11T08:00:00+07:00", "2023-12-18T08:00:00+07:00"));
}

TEST(ScheduleTest, MovesAWeekendSlotOverTheWeekend) {
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;BYDAY=SA", "10:30", 20)),
              ElementsAre("2023-12-11T10:30:00+07:00 from 2023-12-09",
                          "2023-12-18T10:30:00+07:00 from 2023-12-16"));
}

TEST(ScheduleTest, DropsAMovedSlotThatMeetsAnother) {
  v1::Schedule schedule = Rule("FREQ=WEEKLY;BYDAY=SA,SU,MO", "08:00", 14);
  EXPECT_THAT(Plan(schedule),
              ElementsAre("2023-12-11T08:00:00+07:00", "2023-12-18T08:00:00+07:00"));
  // Saturday and Sunday meet each other on Monday: the first stays.
  schedule = Rule("FREQ=WEEKLY;BYDAY=SA,SU", "08:00", 10);
  EXPECT_THAT(Plan(schedule), ElementsAre("2023-12-18T08:00:00+07:00 from 2023-12-16"));
}

TEST(ScheduleTest, DropsAMovedSlotThatPassesTheDeadline) {
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;BYDAY=SU", "08:00", 5)), IsEmpty());
}

TEST(ScheduleTest, ASwappedSaturdayIsALastWorkingDay) {
  v1::Schedule schedule;
  schedule.set_last_working_days(2);
  schedule.set_last_working_days_time("07:30");
  EXPECT_THAT(Plan(schedule, WorkingCalendar({}, {absl::CivilDay(2023, 12, 23)})),
              ElementsAre("2023-12-22T07:30:00+07:00", "2023-12-23T07:30:00+07:00"));
}

TEST(ScheduleTest, CountsAnIntervalFromActivation) {
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH")),
              ElementsAre("2023-11-23T08:00:00+07:00", "2023-12-07T08:00:00+07:00",
                          "2023-12-21T08:00:00+07:00"));
}

TEST(ScheduleTest, PlansNothingFromTheDeadlineOn) {
  EXPECT_THAT(Texts(PlanSlots(DefaultSchedule(), kDeadline, kDeadline, {})), IsEmpty());
  EXPECT_THAT(Texts(PlanSlots(DefaultSchedule(), kDeadline + absl::Hours(99), kDeadline, {})),
              IsEmpty());
}

TEST(ScheduleTest, EndsForARuleThatNeverMatches) {
  EXPECT_THAT(Plan(Rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")), IsEmpty());
  EXPECT_THAT(Plan(Rule("FREQ=WEEKLY;INTERVAL=1000;BYMONTH=2")), IsEmpty());
}

TEST(ScheduleTest, RefusesMoreSlotsThanTheLimit) {
  EXPECT_THAT(PlanSlots(Rule("FREQ=DAILY"), StartOf(absl::CivilDay(2020, 1, 1)), kDeadline, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than 400 slots")));
}

TEST(ScheduleTest, AcceptsItsDefault) { EXPECT_OK(CheckSchedule(DefaultSchedule(), "schedule")); }

TEST(ScheduleTest, RefusesRulesWithTheFieldPath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "bytes"},
      {"FREQ=HOURLY", "FREQ=HOURLY is not DAILY, WEEKLY, MONTHLY or YEARLY"},
      {"FREQ=MINUTELY", "FREQ=MINUTELY"},
      {"FREQ=SECONDLY", "FREQ=SECONDLY"},
      {"FREQ=WEEKLY;COUNT=3", "COUNT is refused"},
      {"FREQ=WEEKLY;UNTIL=20231225T000000Z", "UNTIL is refused"},
      {"FREQ=DAILY;BYHOUR=8", "BYHOUR is refused"},
      {"FREQ=DAILY;INTERVAL=0", "INTERVAL is not 1–1000"},
      {"FREQ=DAILY;INTERVAL=1001", "INTERVAL is not 1–1000"},
      {"FREQ=DAILY;FREQ=DAILY", "FREQ is there twice"},
      {"BYDAY=MO", "FREQ is missing"},
      {"FREQ=WEEKLY;BYDAY=", "BYDAY is empty"},
      {"FREQ=WEEKLY;BYDAY=XX", "not a recurrence rule"},
      {"FREQ=MONTHLY;BYMONTHDAY=32", "not a recurrence rule"},
      {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "a day that never comes"},
      {"FREQ=DAILY;BYWEEKNO=3", "parts that do not go together"},
      {"RSCALE=CHINESE;FREQ=YEARLY", "'RSCALE' is not a part"},
      {"freq=weekly", "a character"},
      {"FREQ=WEEKLY\r\nX:1", "a character"},
      {"FREQ=DAILY;BYMONTHDAY=" + std::string(300, '1'), "bytes"},
  };
  for (const auto& [rrule, why] : cases) {
    EXPECT_THAT(CheckSchedule(Rule(rrule), "campaign.schedule"),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(StartsWith("campaign.schedule.rules[0].rrule: "),
                                          HasSubstr(why))))
        << rrule;
  }
}

TEST(ScheduleTest, RefusesOtherFieldsWithTheFieldPath) {
  for (const std::string time : {"", "8:00", "24:00", "08:60", "08-00", "08:00:00", "+8:00"}) {
    EXPECT_THAT(CheckSchedule(Rule("FREQ=DAILY", time), "s"),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("s.rules[0].time: ")));
  }
  EXPECT_THAT(CheckSchedule(Rule("FREQ=DAILY", "08:00", -1), "s"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       StartsWith("s.rules[0].within_days_before_deadline: ")));
  v1::Schedule schedule;
  schedule.set_last_working_days(21);
  EXPECT_THAT(CheckSchedule(schedule, "s"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("s.last_working_days: ")));
  schedule.set_last_working_days(3);
  EXPECT_THAT(CheckSchedule(schedule, "s"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                     StartsWith("s.last_working_days_time: ")));
  for (int i = 0; i < 11; ++i) *schedule.add_rules() = Rule("FREQ=DAILY").rules(0);
  EXPECT_THAT(CheckSchedule(schedule, "s"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("s.rules: 11 rules")));
}

}  // namespace
}  // namespace dondoc::alerting
