#include "services/common/log/log.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Runs `act` and returns what it wrote to stderr, line by line.
template <typename Act>
std::vector<std::string> Logged(Act act) {
  ::testing::internal::CaptureStderr();
  act();
  const std::string text = ::testing::internal::GetCapturedStderr();
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

google::protobuf::Struct ParseLine(const std::string& line) {
  google::protobuf::Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &object).ok()) << line;
  return object;
}

TEST(LogTest, WritesOneJsonLineWithTheFieldsInOrder) {
  log::Start("ingestion", log::Level::kInfo);
  const auto lines = Logged([] { log::Info("listening", {{"port", 9101}, {"who", "me"}}); });
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], EndsWith("\"level\":\"info\",\"service\":\"ingestion\",\"message\":"
                                 "\"listening\",\"port\":\"9101\",\"who\":\"me\"}"));
  const google::protobuf::Struct object = ParseLine(lines[0]);
  EXPECT_OK(ParseInstant(object.fields().at("time").string_value()));
}

TEST(LogTest, WritesEachLevelByItsName) {
  log::Start("x", log::Level::kDebug);
  const auto lines = Logged([] {
    log::Debug("m");
    log::Info("m");
    log::Warning("m");
    log::Error("m");
  });
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_THAT(lines[0], HasSubstr("\"level\":\"debug\""));
  EXPECT_THAT(lines[1], HasSubstr("\"level\":\"info\""));
  EXPECT_THAT(lines[2], HasSubstr("\"level\":\"warning\""));
  EXPECT_THAT(lines[3], HasSubstr("\"level\":\"error\""));
}

TEST(LogTest, LeavesOutWhatIsBelowTheLeastLevel) {
  log::Start("x", log::Level::kWarning);
  EXPECT_THAT(Logged([] {
                log::Debug("m");
                log::Info("m");
              }),
              IsEmpty());
  EXPECT_THAT(Logged([] { log::Warning("m"); }), SizeIs(1));
}

TEST(LogTest, StaysOneLineOfJsonWhateverTheTextHolds) {
  log::Start("x", log::Level::kInfo);
  constexpr char kHostile[] = "\"},{\"level\":\"error\n\r\t\0\x1b[2J\\ \xff\xc0\xaf ắ\u2028";
  const std::string hostile(kHostile, sizeof(kHostile) - 1);  // with the NUL inside
  const auto lines = Logged([&] { log::Info(hostile, {{hostile, hostile}}); });
  ASSERT_THAT(lines, SizeIs(1));
  const google::protobuf::Struct object = ParseLine(lines[0]);
  EXPECT_EQ(object.fields().at("level").string_value(), "info");
  EXPECT_EQ(object.fields_size(), 5);
  for (const char c : lines[0]) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
  EXPECT_THAT(lines[0], HasSubstr("\\u0000\\u001b[2J\\\\ \xEF\xBF\xBD"));
}

TEST(LogTest, CutsAValueThatIsTooLong) {
  log::Start("x", log::Level::kInfo);
  const auto lines = Logged([] { log::Info("m", {{"value", std::string(1 << 20, 'x')}}); });
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_LT(lines[0].size(), 5000u);
  EXPECT_THAT(lines[0], EndsWith("x…\"}"));
}

TEST(LogTest, LinesOfSeveralThreadsStayWhole) {
  log::Start("x", log::Level::kInfo);
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  const auto lines = Logged([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < kLines; ++i) log::Info("m", {{"thread", t}, {"i", i}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  ASSERT_THAT(lines, SizeIs(kThreads * kLines));
  for (const std::string& line : lines) {
    EXPECT_EQ(line.front(), '{');
    EXPECT_EQ(line.back(), '}');
    EXPECT_THAT(absl::string_view(line).substr(1), Not(HasSubstr("{")));
  }
}

TEST(LogTest, ParsesExactlyTheFourLevels) {
  log::Level level = log::Level::kInfo;
  EXPECT_TRUE(log::ParseLevel("debug", level));
  EXPECT_EQ(level, log::Level::kDebug);
  EXPECT_TRUE(log::ParseLevel("warning", level));
  EXPECT_EQ(level, log::Level::kWarning);
  EXPECT_TRUE(log::ParseLevel("error", level));
  EXPECT_TRUE(log::ParseLevel("info", level));
  for (const absl::string_view bad : {"", "INFO", "warn", "info ", "1"}) {
    EXPECT_FALSE(log::ParseLevel(bad, level)) << bad;
    EXPECT_EQ(level, log::Level::kInfo);
  }
}

}  // namespace
}  // namespace dondoc
