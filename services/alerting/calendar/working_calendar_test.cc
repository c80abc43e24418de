#include "services/alerting/calendar/working_calendar.h"

#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::CivilDay Day(int month, int day, int year = 2023) { return absl::CivilDay(year, month, day); }

TEST(WorkingCalendarTest, WorksMondayToFriday) {
  const WorkingCalendar calendar;
  EXPECT_TRUE(calendar.IsWorked(Day(12, 22)));  // Friday
  EXPECT_FALSE(calendar.IsWorked(Day(12, 23)));
  EXPECT_FALSE(calendar.IsWorked(Day(12, 24)));
  EXPECT_TRUE(calendar.IsWorked(Day(12, 25)));
  EXPECT_EQ(calendar.CountWorked(Day(11, 16), Day(12, 24)), 27);
  EXPECT_EQ(calendar.CountWorked(Day(12, 24), Day(11, 16)), 0);
}

TEST(WorkingCalendarTest, SkipsTetAndWorksASwappedSaturday) {
  const WorkingCalendar calendar({Day(1, 20), Day(1, 23), Day(1, 24), Day(1, 25), Day(1, 26)},
                                 {Day(1, 28)});
  EXPECT_FALSE(calendar.IsWorked(Day(1, 20)));
  EXPECT_TRUE(calendar.IsWorked(Day(1, 28)));
  EXPECT_EQ(calendar.NextWorked(Day(1, 20)), Day(1, 27));
  EXPECT_THAT(calendar.LastWorked(3, Day(1, 1), Day(1, 29)),
              ElementsAre(Day(1, 28), Day(1, 27), Day(1, 19)));
}

TEST(WorkingCalendarTest, FindsFewerDaysWhenThereAreNotSoMany) {
  EXPECT_THAT(WorkingCalendar().LastWorked(20, Day(12, 21), Day(12, 24)),
              ElementsAre(Day(12, 22), Day(12, 21)));
}

TEST(WorkingCalendarTest, ReadsDaysFromText) {
  const auto calendar = WorkingCalendar::Parse(
      "# 2024\n2024-02-08 off Tết Giáp Thìn\n\n2024-05-04 worked bù 29/4\n2024-04-29 off\n");
  ASSERT_OK(calendar);
  EXPECT_FALSE(calendar->IsWorked(Day(2, 8, 2024)));
  EXPECT_TRUE(calendar->IsWorked(Day(5, 4, 2024)));
  EXPECT_FALSE(calendar->IsWorked(Day(4, 29, 2024)));
}

TEST(WorkingCalendarTest, NamesTheLineItCannotRead) {
  EXPECT_THAT(WorkingCalendar::Parse("2024-02-08 off\n08/02/2024 off\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2")));
  EXPECT_THAT(WorkingCalendar::Parse("2024-02-08 holiday"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1")));
}

}  // namespace
}  // namespace dondoc::alerting
