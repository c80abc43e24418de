#include "services/alerting/forecast.h"

#include <limits>
#include <random>

#include "gmock/gmock.h"

namespace dondoc::alerting {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

const Target kHalf = {.p = 1, .q = 2, .comparison = v1::Operator::GE};
const Target kMoreThanHalf = {.p = 1, .q = 2, .comparison = v1::Operator::GT};
const Target kAll = {.p = 1, .q = 1, .comparison = v1::Operator::GE};

// domain.md §1.1: 319 days behind, 39 to come, an even inflow of 100 a day.
constexpr int64_t kTotal = 31900;
constexpr int64_t kExpected = 3900;

ForecastInput At(int64_t online, const Target& target = kHalf) {
  return {.online = online, .total = kTotal, .target = target, .expected = kExpected};
}

TEST(ForecastTest, ReachesHalfByTheDeadlineOnlyFrom43Point9Percent) {
  // 0,5 − 0,5·39/319 = 43,887 % of 31.900 = 14.000 exactly.
  const Forecast just = MakeForecast(At(14000));
  EXPECT_EQ(just.outlook, v1::Outlook::HARD);
  EXPECT_EQ(ShareText(*just.required), "100.00");
  EXPECT_EQ(PercentText(14000, kTotal, std::nullopt), "43.89");
  const Forecast below = MakeForecast(At(13999));
  EXPECT_EQ(below.outlook, v1::Outlook::OUT_OF_REACH);
  EXPECT_EQ(ShareText(*below.required), "100.03");
}

TEST(ForecastTest, TheProvinceNeeds240PercentAndGetsAtBest34Point7) {
  const int64_t online = kTotal * 2677 / 10000;
  const Forecast forecast = MakeForecast(At(online));
  EXPECT_EQ(forecast.outlook, v1::Outlook::OUT_OF_REACH);
  EXPECT_THAT(ShareText(*forecast.required), ::testing::StartsWith("240."));
  EXPECT_EQ(PercentText(online + kExpected, kTotal + kExpected, std::nullopt), "34.75");
}

TEST(ForecastTest, MissesNMinus2KForAHalf) {
  std::mt19937_64 random(20231121);
  SCOPED_TRACE("seed 20231121");
  for (int i = 0; i < 1000; ++i) {
    const int64_t total = static_cast<int64_t>(random() % 100000) + 1;
    const int64_t online = static_cast<int64_t>(random() % static_cast<uint64_t>(total + 1));
    const Forecast forecast = MakeForecast({.online = online, .total = total, .target = kHalf});
    ASSERT_THAT(forecast.missing, Optional(std::max<int64_t>(0, total - 2 * online)));
  }
}

TEST(ForecastTest, MissingIsTheLeastNumberThatReaches) {
  std::mt19937_64 random(4067);
  SCOPED_TRACE("seed 4067");
  for (int i = 0; i < 3000; ++i) {
    const int64_t q = static_cast<int64_t>(random() % 1000) + 2;
    const Target target = {.p = static_cast<int64_t>(random() % static_cast<uint64_t>(q - 1)) + 1,
                           .q = q,
                           .comparison = i % 2 == 0 ? v1::Operator::GE : v1::Operator::GT};
    const int64_t total = static_cast<int64_t>(random() % 5000) + 1;
    const int64_t online = static_cast<int64_t>(random() % static_cast<uint64_t>(total + 1));
    const Forecast forecast = MakeForecast({.online = online, .total = total, .target = target});
    ASSERT_TRUE(forecast.missing.has_value());
    const int64_t x = *forecast.missing;
    ASSERT_TRUE(Reached(online + x, total + x, target)) << online << "/" << total << " " << x;
    if (x > 0) {
      ASSERT_FALSE(Reached(online + x - 1, total + x - 1, target));
    }
  }
}

TEST(ForecastTest, HasNoDossiersAndNoNumbersWhenTotalIsZero) {
  const Forecast forecast = MakeForecast({.target = kHalf, .expected = 10});
  EXPECT_EQ(forecast.outlook, v1::Outlook::NO_DOSSIERS);
  EXPECT_EQ(forecast.missing, std::nullopt);
  EXPECT_FALSE(forecast.required.has_value());
}

TEST(ForecastTest, CountsFromNothingWhenNoneIsOnline) {
  const Forecast forecast =
      MakeForecast({.online = 0, .total = 10, .target = kHalf, .expected = 20});
  EXPECT_THAT(forecast.missing, Optional(10));
  EXPECT_EQ(ShareText(*forecast.required), "75.00");
  EXPECT_EQ(forecast.outlook, v1::Outlook::HARD);
}

TEST(ForecastTest, IsOutOfReachWithoutARequiredShareWhenNothingMoreIsExpected) {
  // The deadline day and every day after it: M = 0, and no division by it.
  const Forecast forecast = MakeForecast({.online = 4,
                                          .total = 10,
                                          .target = kHalf,
                                          .expected = 0,
                                          .recent_online = 9,
                                          .recent_total = 9});
  EXPECT_EQ(forecast.outlook, v1::Outlook::OUT_OF_REACH);
  EXPECT_THAT(forecast.missing, Optional(2));
  EXPECT_FALSE(forecast.required.has_value());
}

TEST(ForecastTest, StaysReachedAfterTheDeadline) {
  EXPECT_EQ(MakeForecast({.online = 5, .total = 10, .target = kHalf}).outlook,
            v1::Outlook::REACHED);
}

TEST(ForecastTest, NoNumberIsEnoughForAMissedHundredPercent) {
  const Forecast forecast = MakeForecast({.online = 9,
                                          .total = 10,
                                          .target = kAll,
                                          .expected = 100,
                                          .recent_online = 10,
                                          .recent_total = 10});
  EXPECT_EQ(forecast.missing, std::nullopt);
  EXPECT_EQ(forecast.outlook, v1::Outlook::OUT_OF_REACH);
  // 101/100: the text must not say that 100 % would do.
  EXPECT_EQ(ShareText(*forecast.required), "101.00");
}

TEST(ForecastTest, AHundredPercentThatIsKeptIsReached) {
  const Forecast forecast =
      MakeForecast({.online = 10, .total = 10, .target = kAll, .expected = 100});
  EXPECT_THAT(forecast.missing, Optional(0));
  EXPECT_EQ(forecast.outlook, v1::Outlook::REACHED);
}

TEST(ForecastTest, ExactlyTheTargetIsReachedByGeAndOneShortByGt) {
  const ForecastInput even = {.online = 5, .total = 10, .target = kHalf, .expected = 10};
  EXPECT_EQ(MakeForecast(even).outlook, v1::Outlook::REACHED);
  ForecastInput strict = even;
  strict.target = kMoreThanHalf;
  const Forecast forecast = MakeForecast(strict);
  EXPECT_THAT(forecast.missing, Optional(1));
  EXPECT_EQ(forecast.outlook, v1::Outlook::HARD);
}

TEST(ForecastTest, GtIsOutOfReachWhenEvenAllOnlineOnlyEqualsTheTarget) {
  ForecastInput input = {.online = 0, .total = 10, .target = kMoreThanHalf, .expected = 10};
  EXPECT_EQ(MakeForecast(input).outlook, v1::Outlook::OUT_OF_REACH);
  input.target = kHalf;
  EXPECT_EQ(MakeForecast(input).outlook, v1::Outlook::HARD);
}

TEST(ForecastTest, IsOnTrackWhenTheRecentShareEqualsTheRequiredOne) {
  // (1·(10+10) − 2·4)/(2·10) = 60 %.
  ForecastInput input = {.online = 4,
                         .total = 10,
                         .target = kHalf,
                         .expected = 10,
                         .recent_online = 3,
                         .recent_total = 5};
  EXPECT_EQ(MakeForecast(input).outlook, v1::Outlook::ON_TRACK);
  input.target = kMoreThanHalf;
  EXPECT_EQ(MakeForecast(input).outlook, v1::Outlook::HARD);
  input.target = kHalf;
  input.recent_online = 599999;
  input.recent_total = 1000000;
  EXPECT_EQ(MakeForecast(input).outlook, v1::Outlook::HARD);
}

TEST(ForecastTest, IsHardWhenNothingRecentSpeaksForIt) {
  EXPECT_EQ(MakeForecast({.online = 4, .total = 10, .target = kHalf, .expected = 10}).outlook,
            v1::Outlook::HARD);
}

TEST(ForecastTest, RequiredOfAReachedUnitIsNeverNegative) {
  const Forecast forecast =
      MakeForecast({.online = 100, .total = 100, .target = kHalf, .expected = 1});
  EXPECT_EQ(ShareText(*forecast.required), "0.00");
}

TEST(ForecastTest, SurvivesTheExtremesOfEveryNumber) {
  for (const int64_t online : {int64_t{0}, int64_t{1}, kMax / 2, kMax}) {
    for (const int64_t total : {int64_t{1}, kMax - 1, kMax}) {
      if (online > total) continue;
      for (const Target& target :
           {Target{.p = 99999999, .q = 100000000}, Target{.p = kMax - 1, .q = kMax}, kAll, kHalf}) {
        for (const int64_t expected : {int64_t{0}, int64_t{1}, kMax}) {
          const Forecast forecast = MakeForecast({.online = online,
                                                  .total = total,
                                                  .target = target,
                                                  .expected = expected,
                                                  .recent_online = kMax,
                                                  .recent_total = kMax});
          EXPECT_NE(forecast.outlook, v1::Outlook::UNSPECIFIED);
          if (forecast.missing.has_value()) {
            EXPECT_GE(*forecast.missing, 0);
          }
          if (forecast.required.has_value()) {
            EXPECT_NE(ShareText(*forecast.required), "");
          }
          EXPECT_NE(LeverText(online, total, forecast.missing), "");
        }
      }
    }
  }
}

TEST(ForecastTest, LeavesMissingOutWhenItExceedsInt64) {
  const Target target = {.p = 99999999, .q = 100000000};
  EXPECT_EQ(MakeForecast({.online = 0, .total = kMax, .target = target}).missing, std::nullopt);
}

TEST(ExpectedArrivalsTest, IsTheMeanTimesTheDaysLeftHalfUp) {
  EXPECT_EQ(ExpectedArrivals(200, 20, 24), 240);
  EXPECT_EQ(ExpectedArrivals(1, 20, 10), 1);  // 0,5
  EXPECT_EQ(ExpectedArrivals(1, 20, 9), 0);   // 0,45
  EXPECT_EQ(ExpectedArrivals(200, 0, 24), 0);
  EXPECT_EQ(ExpectedArrivals(200, 20, 0), 0);
  EXPECT_EQ(ExpectedArrivals(200, 20, -3), 0);
  EXPECT_EQ(ExpectedArrivals(kMax, 1, kMax), kMax);
}

TEST(ShareTextTest, NeverPrintsAHundredForMore) {
  EXPECT_EQ(ShareText({.numerator = 1000001, .denominator = 1000000}), "100.01");
  EXPECT_EQ(ShareText({.numerator = 1, .denominator = 1}), "100.00");
  EXPECT_EQ(ShareText({.numerator = 1, .denominator = 3}), "33.33");
  EXPECT_EQ(ShareText({.numerator = 24013, .denominator = 10000}), "240.13");
}

TEST(LeverTextTest, IsWhatTheWholeGains) {
  // 26,77 % of 120.000 and 1.000 more online: 33.124/121.000 = 27,375 %.
  EXPECT_THAT(LeverText(32124, 120000, 1000), Optional(Eq("0.61")));
  EXPECT_THAT(LeverText(32124, 120000, 0), Optional(Eq("0.00")));
  EXPECT_EQ(LeverText(32124, 120000, std::nullopt), std::nullopt);
  EXPECT_EQ(LeverText(0, 0, 5), std::nullopt);
}

}  // namespace
}  // namespace dondoc::alerting
