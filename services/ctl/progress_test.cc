#include "services/ctl/progress.h"

#include <sstream>

#include "gmock/gmock.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ProgressState Half() {
  ProgressState state;
  state.bytes_sent = 12'500'000;
  state.bytes_total = 25'000'000;
  state.rows = 54'321;
  state.rejected = 12;
  state.elapsed = absl::Milliseconds(500);
  return state;
}

TEST(ProgressTest, ShowsBytesRowsSpeedAndRejects) {
  EXPECT_EQ(ProgressPlainLine(Half()),
            "đã gửi 12,5 MB/25,0 MB (50 %), 54.321 dòng, 108.642 dòng/giây, loại 12");
}

TEST(ProgressTest, DrawsABarAsWideAsTheTerminalAllows) {
  const std::string line = ProgressBarLine(Half(), 100);
  EXPECT_THAT(line, HasSubstr("50 %  12,5 MB/25,0 MB  54.321 dòng, 108.642 dòng/giây, loại 12"));
  EXPECT_THAT(line, HasSubstr("█░"));
  for (size_t width = 1; width < 160; ++width) {
    EXPECT_LE(DisplayWidth(ProgressBarLine(Half(), width)), width);
  }
  EXPECT_THAT(ProgressBarLine(Half(), 60), Not(HasSubstr("█")));
}

TEST(ProgressTest, SaysNothingOfRowsBeforeTheServerDoes) {
  ProgressState state = Half();
  state.rows.reset();
  state.rejected.reset();
  EXPECT_EQ(ProgressPlainLine(state), "đã gửi 12,5 MB/25,0 MB (50 %)");
}

TEST(ProgressTest, KnowsNoSpeedBeforeTimeHasPassedAndNoShareOfNothing) {
  ProgressState state;
  state.rows = 10;
  EXPECT_EQ(ProgressPlainLine(state), "đã gửi 0 B/0 B (100 %), 10 dòng");
}

TEST(ProgressTest, WritesSizesAsPeopleReadThem) {
  EXPECT_EQ(SizeText(0), "0 B");
  EXPECT_EQ(SizeText(999), "999 B");
  EXPECT_EQ(SizeText(1500), "1,5 kB");
  EXPECT_EQ(SizeText(43'700'000), "43,7 MB");
}

TEST(ProgressBoardTest, DrawsOverOneLineOnATerminalAndRemovesItAtTheEnd) {
  std::ostringstream out;
  ProgressBoard board(out, 100);
  board.Update({{"", Half()}}, absl::Seconds(1));
  const std::string first = out.str();
  EXPECT_EQ(first.front(), '\r');
  EXPECT_THAT(first, Not(HasSubstr("\n")));
  board.Update({{"", Half()}}, absl::Milliseconds(1010));
  EXPECT_EQ(out.str(), first);  // too soon
  board.Update({{"", Half()}}, absl::Milliseconds(1110));
  EXPECT_GT(out.str().size(), first.size());
  board.Clear();
  EXPECT_THAT(out.str(), ::testing::EndsWith("\r\x1b[K"));
}

TEST(ProgressBoardTest, DrawsALineForEveryFileAndFewerOnceSomeAreDone) {
  std::ostringstream out;
  ProgressBoard board(out, 100);
  board.Update({{"thang-10.csv", Half()}, {"thang-11.csv", Half()}}, absl::Seconds(1));
  const std::string first = out.str();
  EXPECT_THAT(first, AllOf(HasSubstr("thang-10.csv "), HasSubstr("\nthang-11.csv ")));
  board.Update({{"thang-10.csv", Half()}, {"thang-11.csv", Half()}}, absl::Seconds(2));
  EXPECT_THAT(out.str().substr(first.size()), ::testing::StartsWith("\r\x1b[1Athang-10.csv"));
  const size_t before = out.str().size();
  board.Update({{"thang-11.csv", Half()}}, absl::Seconds(3));
  EXPECT_THAT(out.str().substr(before),
              AllOf(::testing::StartsWith("\r\x1b[1A\x1b[J\rthang-11.csv"), Not(HasSubstr("\n"))));
}

TEST(ProgressBoardTest, WritesAFewPlainLinesElsewhere) {
  std::ostringstream out;
  ProgressBoard board(out, 0);
  for (int tenths = 0; tenths <= 50; ++tenths) {
    board.Update({{"a.csv", Half()}}, absl::Milliseconds(100) * tenths);
  }
  board.Clear();
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, AllOf(::testing::StartsWith("a.csv: "), Not(HasSubstr("\x1b"))));
}

TEST(ProgressBoardTest, LeavesNoTraceOfAnImportThatWasQuick) {
  std::ostringstream out;
  ProgressBoard board(out, 0);
  board.Update({{"a.csv", Half()}}, absl::Seconds(1));
  board.Clear();
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace dondoc::ctl
