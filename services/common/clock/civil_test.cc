#include "services/common/clock/civil.h"

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

absl::Time Instant(absl::string_view text) {
  const absl::StatusOr<absl::Time> instant = ParseInstant(text);
  EXPECT_OK(instant);
  return instant.value_or(absl::InfinitePast());
}

TEST(CivilTest, TheDayTurnsAtSeventeenHoursUtc) {
  EXPECT_EQ(DayOf(Instant("2023-12-24T16:59:59.999999999Z")), absl::CivilDay(2023, 12, 24));
  EXPECT_EQ(DayOf(Instant("2023-12-24T17:00:00Z")), absl::CivilDay(2023, 12, 25));
  EXPECT_EQ(DayOf(Instant("2023-12-25T00:00:00+07:00")), absl::CivilDay(2023, 12, 25));
  EXPECT_EQ(DayOf(Instant("2023-12-31T17:00:00Z")), absl::CivilDay(2024, 1, 1));
  EXPECT_EQ(StartOf(absl::CivilDay(2023, 12, 25)), Instant("2023-12-24T17:00:00Z"));
}

TEST(CivilTest, ADayBeginsAtItsStartAndEndsBeforeTheNext) {
  for (absl::CivilDay day(2023, 1, 1); day < absl::CivilDay(2025, 1, 1); ++day) {
    EXPECT_EQ(DayOf(StartOf(day)), day);
    EXPECT_EQ(DayOf(StartOf(day + 1) - absl::Nanoseconds(1)), day);
    EXPECT_EQ(StartOf(day + 1) - StartOf(day), absl::Hours(24));  // no daylight saving
  }
}

TEST(CivilTest, DayNumbersCountFrom1970AndRoundTrip) {
  EXPECT_EQ(DayNumber(absl::CivilDay(1970, 1, 1)), 0);
  EXPECT_EQ(DayNumber(absl::CivilDay(1969, 12, 31)), -1);
  EXPECT_EQ(DayNumber(absl::CivilDay(2023, 11, 15)), 19676);
  EXPECT_EQ(DayNumber(absl::CivilDay(2024, 2, 29)), 19782);
  EXPECT_EQ(DayNumber(absl::CivilDay(2024, 3, 1)), 19783);
  for (int32_t number = -1000; number < 40000; ++number) {
    ASSERT_EQ(DayNumber(DayFromNumber(number)), number);
  }
}

TEST(CivilTest, ADayNumberSaturatesInsteadOfWrapping) {
  EXPECT_EQ(DayNumber(absl::CivilDay(9'000'000, 1, 1)), std::numeric_limits<int32_t>::max());
  EXPECT_EQ(DayNumber(absl::CivilDay(-9'000'000, 1, 1)), std::numeric_limits<int32_t>::min());
  google::protobuf::Timestamp hostile;
  hostile.set_seconds(std::numeric_limits<int64_t>::max());
  hostile.set_nanos(-1);
  EXPECT_EQ(DayNumber(DayOf(FromProto(hostile))), std::numeric_limits<int32_t>::max());
}

TEST(ParseDayTest, ReadsIsoDaysAndWritesThemBack) {
  for (const char* const text :
       {"2023-11-15", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"}) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
    ASSERT_OK(day);
    EXPECT_EQ(FormatDay(*day), text);
  }
  EXPECT_EQ(*ParseDay("2023-11-15"), absl::CivilDay(2023, 11, 15));
}

TEST(ParseDayTest, RefusesEverythingElseAndNamesIt) {
  for (const char* const text : {"",
                                 "2023-11-1",
                                 "2023-1-15",
                                 "23-11-15",
                                 "2023/11/15",
                                 "15/11/2023",
                                 "2023-11-15 ",
                                 " 2023-11-15",
                                 "2023-02-29",
                                 "1900-02-29",
                                 "2023-02-30",
                                 "2023-13-01",
                                 "2023-00-10",
                                 "2023-10-00",
                                 "2023-04-31",
                                 "0000-01-01",
                                 "-023-11-15",
                                 "+2023-11-15",
                                 "2023-11-15T00:00",
                                 "20231115",
                                 "2023-11-155",
                                 "２０２３-11-15",
                                 "2023-1\n-15"}) {
    EXPECT_THAT(ParseDay(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2023-11-15")))
        << text;
  }
  EXPECT_THAT(ParseDay("15/11/2023"), StatusIs(absl::StatusCode::kInvalidArgument,
                                               "'15/11/2023' is not a day of the form 2023-11-15"));
}

TEST(FormatDayTest, WritesDaysForPeopleInVietnameseOrder) {
  EXPECT_EQ(FormatDayVi(absl::CivilDay(2023, 1, 5)), "05/01/2023");
  EXPECT_EQ(FormatDayVi(absl::CivilDay(2023, 11, 15)), "15/11/2023");
}

TEST(ParseInstantTest, ReadsEveryFormOfRfc3339) {
  const absl::Time morning = absl::FromUnixSeconds(1700442000);  // 2023-11-20T01:00:00Z
  const struct {
    const char* text;
    absl::Time instant;
  } cases[] = {
      {"2023-11-20T08:00:00+07:00", morning},
      {"2023-11-20T01:00:00Z", morning},
      {"2023-11-20t01:00:00z", morning},
      {"2023-11-19T20:30:00-04:30", morning},
      {"2023-11-20T01:00:00-00:00", morning},
      {"2023-11-20T08:00:00.5+07:00", morning + absl::Milliseconds(500)},
      {"2023-11-20T08:00:00.000000001+07:00", morning + absl::Nanoseconds(1)},
      {"2016-12-31T23:59:60Z", absl::FromUnixSeconds(1483228800)},  // a leap second
      {"1969-12-31T23:59:59.5Z", absl::UnixEpoch() - absl::Milliseconds(500)},
      {"0001-01-01T00:00:00Z", absl::FromUnixSeconds(-62135596800)},
      {"9999-12-31T23:59:59Z", absl::FromUnixSeconds(253402300799)},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<absl::Time> instant = ParseInstant(c.text);
    ASSERT_OK(instant) << c.text;
    EXPECT_EQ(*instant, c.instant) << c.text;
  }
}

TEST(ParseInstantTest, RefusesEverythingElseAndNamesIt) {
  for (const char* const text : {"",
                                 "2023-11-20",
                                 "2023-11-20T08:00:00",
                                 "2023-11-20T08:00+07:00",
                                 "2023-11-20 08:00:00+07:00",
                                 "2023-11-20T08:00:00+07",
                                 "2023-11-20T08:00:00+0700",
                                 "2023-11-20T08:00:00+7:00",
                                 "2023-11-20T08:00:00 +07:00",
                                 "2023-11-20T08:00:00+07:00 ",
                                 " 2023-11-20T08:00:00Z",
                                 "2023-11-20T24:00:00Z",
                                 "2023-11-20T23:60:00Z",
                                 "2023-11-20T23:59:61Z",
                                 "2023-02-29T00:00:00Z",
                                 "2023-11-20T08:00:00.Z",
                                 "2023-11-20T08:00:00,5Z",
                                 "2023-11-20T08:00:00.1234567890Z",
                                 "2023-11-20T08:00:00+24:00",
                                 "2023-11-20T08:00:00+07:60",
                                 "2023-11-20T08:00:00ZZ",
                                 "20231120T080000Z",
                                 "0001-01-01T00:00:00+07:00",
                                 "9999-12-31T23:59:59-00:01",
                                 "0000-01-01T00:00:00Z",
                                 "infinite-future",
                                 "now"}) {
    EXPECT_THAT(ParseInstant(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("RFC 3339")))
        << text;
  }
  EXPECT_THAT(ParseInstant("hôm nay\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'hôm nay\\n'")));
}

TEST(FormatInstantTest, WritesVietNamTimeThatReadsBack) {
  EXPECT_EQ(FormatInstant(absl::FromUnixSeconds(1700442000)), "2023-11-20T08:00:00+07:00");
  EXPECT_EQ(FormatInstant(absl::FromUnixMillis(1700442000250)), "2023-11-20T08:00:00.25+07:00");
  EXPECT_EQ(FormatInstant(Instant("0900-01-01T00:00:00+07:00")), "0900-01-01T00:00:00+07:00");
  for (const char* const text :
       {"2023-12-25T00:00:00+07:00", "1975-06-13T00:00:00.000000001+07:00"}) {
    EXPECT_EQ(FormatInstant(Instant(text)), text);
  }
}

TEST(TimestampTest, RoundTripsToTheNanosecond) {
  for (const char* const text :
       {"2023-11-20T08:00:00.123456789+07:00", "1969-12-31T23:59:59.999999999Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"}) {
    const absl::Time instant = Instant(text);
    const google::protobuf::Timestamp timestamp = ToProto(instant);
    EXPECT_GE(timestamp.nanos(), 0);
    EXPECT_LT(timestamp.nanos(), 1'000'000'000);
    EXPECT_EQ(FromProto(timestamp), instant) << text;
  }
}

TEST(TimestampTest, StaysInsideWhatATimestampMayHold) {
  EXPECT_EQ(ToProto(absl::InfiniteFuture()).seconds(), 253402300799);
  EXPECT_EQ(ToProto(absl::InfinitePast()).seconds(), -62135596800);
  EXPECT_EQ(ToProto(absl::InfiniteFuture()).nanos(), 0);
}

}  // namespace
}  // namespace dondoc
