#include "services/common/metric/ratio.h"

#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

Target TargetOf(absl::string_view percent, v1::Operator::Value comparison = v1::Operator::GE) {
  const absl::StatusOr<Target> target = ParseTarget(percent, comparison);
  EXPECT_OK(target);
  return target.value_or(Target{});
}

TEST(ParseTargetTest, ReadsDecimalsExactlyInLowestTerms) {
  const struct {
    const char* text;
    int64_t p;
    int64_t q;
  } cases[] = {
      {"50", 1, 2},
      {"50.0", 1, 2},
      {"50.000000", 1, 2},
      {"0", 0, 1},
      {"100", 1, 1},
      {"100.000000", 1, 1},
      {"33.333333", 33333333, 100000000},
      {"26.77", 2677, 10000},
      {"0.000001", 1, 100000000},
      {"99.999999", 99999999, 100000000},
      {"007", 7, 100},
  };
  for (const auto& c : cases) {
    const Target target = TargetOf(c.text, v1::Operator::GT);
    EXPECT_EQ(target.p, c.p) << c.text;
    EXPECT_EQ(target.q, c.q) << c.text;
    EXPECT_EQ(target.comparison, v1::Operator::GT);
  }
}

TEST(ParseTargetTest, RefusesEverythingElseAndNamesIt) {
  for (const char* const text :
       {"",           " ",     ".",          "50.",  ".5",  "+50",  "-1",
        "-0",         "50%",   "50 ",        " 50",  "5e1", "1e2",  "0x10",
        "50,5",       "1.2.3", "100.000001", "101",  "999", "0050", "1.0000001",
        "33.3333333", "nan",   "inf",        "５０", "5O",  "50\n", "99999999999999999999"}) {
    EXPECT_THAT(ParseTarget(text, v1::Operator::GE),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a percentage")))
        << text;
  }
  EXPECT_THAT(ParseTarget("50%", v1::Operator::GE),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'50%'")));
}

TEST(ReachedTest, ExactlyTheTargetIsReachedUnlessALegalTextSaysMoreThan) {
  EXPECT_TRUE(Reached(1, 2, TargetOf("50")));
  EXPECT_FALSE(Reached(1, 2, TargetOf("50", v1::Operator::GT)));
  EXPECT_TRUE(Reached(501, 1000, TargetOf("50", v1::Operator::GT)));
  EXPECT_FALSE(Reached(499, 1000, TargetOf("50")));
  EXPECT_TRUE(Reached(5, 5, TargetOf("100")));
  EXPECT_FALSE(Reached(5, 5, TargetOf("100", v1::Operator::GT)));
  EXPECT_TRUE(Reached(0, 5, TargetOf("0")));
  EXPECT_FALSE(Reached(0, 5, TargetOf("0", v1::Operator::GT)));
}

TEST(ReachedTest, NothingIsReachedWithoutDossiers) {
  EXPECT_FALSE(Reached(0, 0, TargetOf("0")));
  EXPECT_FALSE(Reached(0, 0, TargetOf("50")));
}

// Both defects were seen in live systems (domain.md §2.2): rounding before comparing, and integer
// division.
TEST(ReachedTest, ComparesTheCountsAndNotARoundedFigure) {
  EXPECT_FALSE(Reached(9999, 20000, TargetOf("50")));  // 49.995 %
  EXPECT_TRUE(Reached(3, 4, TargetOf("50")));
}

TEST(ReachedTest, DoesNotOverflow) {
  EXPECT_TRUE(Reached(kMax, kMax, TargetOf("99.999999")));
  EXPECT_FALSE(Reached(kMax / 2, kMax, TargetOf("50")));  // kMax is odd
  EXPECT_TRUE(Reached(kMax / 2 + 1, kMax, TargetOf("50")));
}

TEST(PercentTextTest, HasTwoDecimalsRoundedHalfUp) {
  const struct {
    int64_t online;
    int64_t total;
    const char* text;
  } cases[] = {
      {26765, 100000, "26.77"}, {26764, 100000, "26.76"}, {267649, 1000000, "26.76"},
      {0, 7, "0.00"},           {7, 7, "100.00"},         {1, 3, "33.33"},
      {2, 3, "66.67"},          {1, 8, "12.50"},          {1, 20000, "0.01"},
      {1, 20001, "0.00"},       {32118, 120000, "26.77"}, {1, 2, "50.00"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(PercentText(c.online, c.total, std::nullopt), c.text) << c.online << "/" << c.total;
  }
}

TEST(PercentTextTest, IsAbsentWithoutDossiers) {
  EXPECT_EQ(PercentText(0, 0, std::nullopt), std::nullopt);
  EXPECT_EQ(PercentText(0, 0, TargetOf("50")), std::nullopt);
}

TEST(PercentTextTest, NeverPrintsATargetThatIsNotReached) {
  EXPECT_EQ(PercentText(9999, 20000, TargetOf("50")), "49.99");  // 49.995 %
  EXPECT_EQ(PercentText(9999, 20000, std::nullopt), "50.00");
  EXPECT_EQ(PercentText(1, 2, TargetOf("50")), "50.00");
  EXPECT_EQ(PercentText(1, 2, TargetOf("50", v1::Operator::GT)), "49.99");
  EXPECT_EQ(PercentText(333332, 1000000, TargetOf("33.333333")), "33.33");
  EXPECT_EQ(PercentText(33329, 100000, TargetOf("33.33")), "33.32");
  EXPECT_EQ(PercentText(49, 1000000, TargetOf("0.005")), "0.00");
  EXPECT_EQ(PercentText(5, 5, TargetOf("100", v1::Operator::GT)), "99.99");
  EXPECT_EQ(PercentText(0, 5, TargetOf("0", v1::Operator::GT)), "0.00");
}

TEST(PercentTextTest, LessThanAllNeverPrintsAHundred) {
  EXPECT_EQ(PercentText(99999, 100000, std::nullopt), "99.99");
  EXPECT_EQ(PercentText(99999, 100000, TargetOf("50")), "99.99");
  EXPECT_EQ(PercentText(kMax - 1, kMax, std::nullopt), "99.99");
  EXPECT_EQ(PercentText(kMax, kMax, TargetOf("100")), "100.00");
}

TEST(PercentTextTest, DoesNotOverflow) {
  EXPECT_EQ(PercentText(kMax / 2, kMax, std::nullopt), "50.00");
  EXPECT_EQ(PercentText(kMax / 2, kMax, TargetOf("50")), "49.99");
  EXPECT_EQ(PercentText(1, kMax, std::nullopt), "0.00");
}

// The rules themselves, over every small pair and many targets.
TEST(PercentTextTest, HoldsItsRulesForEverySmallCount) {
  const std::vector<Target> targets = {TargetOf("50"),        TargetOf("50", v1::Operator::GT),
                                       TargetOf("33.333333"), TargetOf("12.5"),
                                       TargetOf("66.67"),     TargetOf("100"),
                                       TargetOf("99.995"),    TargetOf("0.005"),
                                       TargetOf("0")};
  for (int64_t total = 1; total <= 120; ++total) {
    for (int64_t online = 0; online <= total; ++online) {
      // Half-up, in integers that cannot overflow here.
      const int64_t half_up = (2 * 10000 * online + total) / (2 * total);
      for (const Target& target : targets) {
        const std::string text = PercentText(online, total, target).value();
        const size_t dot = text.find('.');
        ASSERT_EQ(dot, text.size() - 3) << text;
        const int64_t hundredths = std::stoll(text.substr(0, dot) + text.substr(dot + 1));
        ASSERT_LE(hundredths, half_up);
        if (online < total) {
          ASSERT_LT(hundredths, 10000);
        }
        if (Reached(online, total, target)) {
          ASSERT_EQ(hundredths, online < total ? std::min<int64_t>(half_up, 9999) : half_up);
        } else {
          ASSERT_LT(hundredths * target.q, 10000 * target.p) << online << "/" << total;
          // No larger figure would do: the next one is beyond half-up, 100 % or the target.
          ASSERT_TRUE(hundredths + 1 > std::min<int64_t>(half_up, 9999) ||
                      (hundredths + 1) * target.q >= 10000 * target.p)
              << online << "/" << total << " " << text;
        }
      }
    }
  }
}

TEST(PlainPercentTextTest, IsUnbounded) {
  EXPECT_EQ(PlainPercentText(24013, 10000), "240.13");
  EXPECT_EQ(PlainPercentText(0, 10000), "0.00");
  EXPECT_EQ(PlainPercentText(1, 1), "100.00");
  EXPECT_EQ(PlainPercentText(99999, 100000), "100.00");
  EXPECT_EQ(PlainPercentText(kMax, 1), "922337203685477580700.00");
  EXPECT_EQ(PlainPercentText(1, kMax), "0.00");
}

TEST(PlainPercentTextTest, RoundsNegativePartsHalfUpToo) {
  EXPECT_EQ(PlainPercentText(-1, 4), "-25.00");
  EXPECT_EQ(PlainPercentText(-1, 20000), "0.00");   // -0.005 %
  EXPECT_EQ(PlainPercentText(-3, 40000), "-0.01");  // -0.0075 %
  EXPECT_EQ(PlainPercentText(std::numeric_limits<int64_t>::min(), 1), "-922337203685477580800.00");
}

TEST(VietnameseNumbersTest, UseACommaForDecimalsAndDotsForThousands) {
  EXPECT_EQ(PercentVi("26.77"), "26,77");
  EXPECT_EQ(PercentVi("100.00"), "100,00");
  EXPECT_EQ(NumberVi(0), "0");
  EXPECT_EQ(NumberVi(999), "999");
  EXPECT_EQ(NumberVi(1000), "1.000");
  EXPECT_EQ(NumberVi(1234567), "1.234.567");
  EXPECT_EQ(NumberVi(-999), "-999");
  EXPECT_EQ(NumberVi(-123456), "-123.456");
  EXPECT_EQ(NumberVi(kMax), "9.223.372.036.854.775.807");
  EXPECT_EQ(NumberVi(std::numeric_limits<int64_t>::min()), "-9.223.372.036.854.775.808");
}

TEST(CountsTest, KeepsChannelsApartAndSumsThem) {
  Counts counts;
  counts.Add(v1::Channel::ONLINE, 5);
  counts.Add(v1::Channel::COUNTER, 7);
  counts.Add(v1::Channel::POSTAL, 2);
  counts.Add(v1::Channel::UNKNOWN, 1);
  counts.Add(v1::Channel::ONLINE, -1);
  EXPECT_EQ(counts, (Counts{.online = 4, .counter = 7, .postal = 2, .unknown = 1}));
  EXPECT_EQ(counts.total(), 14);
  counts += Counts{.online = 1, .counter = 2, .postal = 3, .unknown = 4};
  EXPECT_EQ(counts, (Counts{.online = 5, .counter = 9, .postal = 5, .unknown = 5}));
}

TEST(CountsTest, AChannelOfANewerWriterIsUnknownAndInTheTotal) {
  Counts counts;
  counts.Add(static_cast<v1::Channel::Value>(77), 3);
  EXPECT_EQ(counts.unknown, 3);
  EXPECT_EQ(counts.total(), 3);
}

TEST(RatioToProtoTest, CarriesCountsPercentAndVerdict) {
  const Counts counts{.online = 9999, .counter = 10000, .postal = 0, .unknown = 1};
  const v1::Ratio ratio = ToProto(counts, TargetOf("50"), v1::Basis::DOSSIERS);
  EXPECT_EQ(ratio.total(), 20000);
  EXPECT_EQ(ratio.online(), 9999);
  EXPECT_EQ(ratio.counter(), 10000);
  EXPECT_EQ(ratio.postal(), 0);
  EXPECT_EQ(ratio.unknown(), 1);
  EXPECT_EQ(ratio.percent(), "49.99");
  EXPECT_TRUE(ratio.has_reached());
  EXPECT_FALSE(ratio.reached());
  EXPECT_EQ(ratio.basis(), v1::Basis::DOSSIERS);
}

TEST(RatioToProtoTest, LeavesOutWhatIsNotKnown) {
  const v1::Ratio without_target = ToProto(Counts{.online = 1}, std::nullopt, v1::Basis::STATEMENT);
  EXPECT_EQ(without_target.percent(), "100.00");
  EXPECT_FALSE(without_target.has_reached());
  const v1::Ratio empty = ToProto(Counts{}, TargetOf("50"), v1::Basis::NONE);
  EXPECT_FALSE(empty.has_percent());
  EXPECT_FALSE(empty.has_reached());
}

}  // namespace
}  // namespace dondoc
