#include "services/aggregation/questions.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/aggregation/page_token.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/aggregation/trend.h"
#include "services/aggregation/window_registry.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using testing::Day;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Cut(const std::string& from, const std::string& to,
                             v1::TrendStep::Value step) {
  std::vector<std::string> texts;
  for (const DayRange& days : CutWindow({Day(from), Day(to)}, step)) {
    texts.push_back(absl::StrCat(FormatDay(DayFromNumber(days.first)), "..",
                                 FormatDay(DayFromNumber(days.last))));
  }
  return texts;
}

TEST(CutWindowTest, CutsAtTheEndsOfCalendarSteps) {
  EXPECT_THAT(Cut("2023-12-31", "2024-01-01", v1::TrendStep::DAY),
              ElementsAre("2023-12-31..2023-12-31", "2024-01-01..2024-01-01"));
  EXPECT_THAT(
      Cut("2024-01-30", "2024-03-01", v1::TrendStep::MONTH),
      ElementsAre("2024-01-30..2024-01-31", "2024-02-01..2024-02-29", "2024-03-01..2024-03-01"));
  EXPECT_THAT(
      Cut("2023-11-15", "2024-04-02", v1::TrendStep::QUARTER),
      ElementsAre("2023-11-15..2023-12-31", "2024-01-01..2024-03-31", "2024-04-01..2024-04-02"));
  EXPECT_THAT(Cut("2023-01-01", "2023-01-31", v1::TrendStep::UNSPECIFIED),
              ElementsAre("2023-01-01..2023-01-31"));
}

TEST(CutWindowTest, WeeksAreIsoWeeksAcrossTheYear) {
  // 2023-12-31 is a Sunday, 2024-01-01 a Monday; 2020-12-28 to 2021-01-03 is week 53.
  EXPECT_THAT(
      Cut("2023-12-30", "2024-01-08", v1::TrendStep::WEEK),
      ElementsAre("2023-12-30..2023-12-31", "2024-01-01..2024-01-07", "2024-01-08..2024-01-08"));
  EXPECT_THAT(Cut("2020-12-28", "2021-01-04", v1::TrendStep::WEEK),
              ElementsAre("2020-12-28..2021-01-03", "2021-01-04..2021-01-04"));
}

TEST(PageTokenTest, ComesBackAsItWent) {
  const std::string text = EncodePageToken({"ledger|with|bars", 42, 1000}, "query");
  const auto token = DecodePageToken(text, "query");
  ASSERT_OK(token);
  EXPECT_EQ(token->ledger_id, "ledger|with|bars");
  EXPECT_EQ(token->sequence, 42);
  EXPECT_EQ(token->offset, 1000);
}

TEST(WindowRegistryTest, ForgetsAWindowWhenItsLeaseEndsAndNeverShortensIt) {
  WindowRegistry windows;
  const absl::Time now = absl::FromUnixSeconds(1000);
  const RegisteredWindow window = {"received", {1, 2}};
  ASSERT_OK(windows.Register(window, now, now + absl::Seconds(10)));
  ASSERT_OK(windows.Register(window, now, now + absl::Seconds(5)));
  EXPECT_EQ(windows.Live(now + absl::Seconds(9)).size(), 1u);
  EXPECT_EQ(windows.Live(now + absl::Seconds(10)).size(), 0u);
}

TEST(WindowRegistryTest, HasRoomAgainWhenLeasesEnd) {
  WindowRegistry windows;
  const absl::Time now = absl::FromUnixSeconds(1000);
  for (int i = 0; i < static_cast<int>(kRegisteredWindowsMax); ++i) {
    ASSERT_OK(windows.Register({"received", {i, i}}, now, now + absl::Seconds(10)));
  }
  EXPECT_THAT(windows.Register({"received", {500, 500}}, now, now + absl::Seconds(10)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit 64")));
  EXPECT_OK(
      windows.Register({"received", {500, 500}}, now + absl::Seconds(11), now + absl::Seconds(20)));
}

}  // namespace
}  // namespace dondoc::aggregation
