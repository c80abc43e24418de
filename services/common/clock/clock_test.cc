#include "services/common/clock/clock.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;
using ::dondoc::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);

void Write(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".new";
  std::ofstream(unfinished) << text;
  std::filesystem::rename(unfinished, path);
}

// Whether `condition` comes true in time.
template <typename Condition>
bool Eventually(Condition condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (absl::Now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(ClockTest, WithoutFlagsIsTheMachinesClock) {
  const absl::StatusOr<std::unique_ptr<Clock>> clock = MakeClock("", "");
  ASSERT_OK(clock);
  const absl::Time before = absl::Now();
  const absl::Time now = (*clock)->Now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, absl::Now());
}

TEST(ClockTest, WithNowStartsThereAndRuns) {
  const absl::Time start = *ParseInstant("2023-11-21T09:00:00+07:00");
  const absl::StatusOr<std::unique_ptr<Clock>> clock = MakeClock("2023-11-21T09:00:00+07:00", "");
  ASSERT_OK(clock);
  const absl::Time first = (*clock)->Now();
  EXPECT_GE(first, start);
  EXPECT_LT(first, start + kPatience);
  EXPECT_TRUE(Eventually([&] { return (*clock)->Now() > first; }));
}

TEST(ClockTest, WithNowFileStandsUntilTheFileIsWrittenAgain) {
  const TempDir dir;
  const std::string path = dir.File("now");
  Write(path, "2023-11-21T09:00:00+07:00\nsecond line\n");
  const absl::StatusOr<std::unique_ptr<Clock>> clock = MakeClock("", path);
  ASSERT_OK(clock);
  const absl::Time first = *ParseInstant("2023-11-21T09:00:00+07:00");
  EXPECT_EQ((*clock)->Now(), first);
  EXPECT_EQ((*clock)->Now(), first);

  Write(path, "2023-12-25T00:00:00+07:00");
  const absl::Time second = *ParseInstant("2023-12-25T00:00:00+07:00");
  EXPECT_TRUE(Eventually([&] { return (*clock)->Now() == second; }));
}

TEST(ClockTest, StandsStillAndSaysSoOnceWhileTheFileIsAway) {
  const TempDir dir;
  const std::string path = dir.File("now");
  Write(path, "2023-11-21T09:00:00+07:00");
  const absl::StatusOr<std::unique_ptr<Clock>> clock = MakeClock("", path);
  ASSERT_OK(clock);
  const absl::Time first = (*clock)->Now();
  log::Start("clock_test", log::Level::kInfo);

  std::filesystem::remove(path);
  ::testing::internal::CaptureStderr();
  // Long enough to be read several times over.
  const absl::Time until = absl::Now() + absl::Milliseconds(100);
  while (absl::Now() < until) EXPECT_EQ((*clock)->Now(), first);
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("time stands still"));
  EXPECT_EQ(logged.find('\n'), logged.size() - 1) << logged;

  Write(path, "2023-11-22T09:00:00+07:00");
  EXPECT_TRUE(Eventually([&] { return (*clock)->Now() == first + absl::Hours(24); }));
}

TEST(ClockTest, RefusesWhatItCannotReadAndNamesTheFlag) {
  const TempDir dir;
  const std::string path = dir.File("now");
  EXPECT_THAT(MakeClock("yesterday", ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--now: 'yesterday'")));
  EXPECT_THAT(MakeClock("", path), StatusIs(absl::StatusCode::kInvalidArgument,
                                            AllOf(HasSubstr("--now_file"), HasSubstr(path))));
  EXPECT_THAT(MakeClock("", dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--now_file")));
  Write(path, "");
  EXPECT_THAT(MakeClock("", path), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("''")));
  Write(path, "\n2023-11-21T09:00:00+07:00");
  EXPECT_THAT(MakeClock("", path), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("''")));
  Write(path, std::string(1 << 20, '0'));
  EXPECT_THAT(MakeClock("", path),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--now_file")));
  Write(path, "2023-11-21T09:00:00+07:00");
  EXPECT_THAT(MakeClock("2023-11-21T09:00:00+07:00", path),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--now "), HasSubstr("--now_file"))));
}

}  // namespace
}  // namespace dondoc
