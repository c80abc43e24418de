#include "services/common/status/quote.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dondoc {
namespace {

using ::testing::EndsWith;
using ::testing::SizeIs;

TEST(QuotedTest, KeepsReadableTextAsItIs) {
  EXPECT_EQ(Quoted("Xã Đắk Hà"), "'Xã Đắk Hà'");
  EXPECT_EQ(Quoted(""), "''");
  EXPECT_EQ(Quoted("😀"), "'😀'");
}

TEST(QuotedTest, EscapesWhatCouldBreakALineOrDriveATerminal) {
  EXPECT_EQ(Quoted("a\nb\rc\td"), "'a\\nb\\rc\\td'");
  EXPECT_EQ(Quoted("\x1b[31m"), "'\\u001b[31m'");
  EXPECT_EQ(Quoted(absl::string_view("\0", 1)), "'\\u0000'");
  EXPECT_EQ(Quoted("\x7f"), "'\\u007f'");
  EXPECT_EQ(Quoted("\u0085\u009b\u2028\u2029"), "'\\u0085\\u009b\\u2028\\u2029'");
}

TEST(QuotedTest, EscapesItsOwnQuotesAndBackslashes) { EXPECT_EQ(Quoted("a'b\\"), "'a\\'b\\\\'"); }

TEST(QuotedTest, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(Quoted("\xff"), "'\\xff'");
  EXPECT_EQ(Quoted("\xc0\xaf"), "'\\xc0\\xaf'");                    // overlong "/"
  EXPECT_EQ(Quoted("\xe0\x80\x80"), "'\\xe0\\x80\\x80'");           // overlong NUL
  EXPECT_EQ(Quoted("\xed\xa0\x80"), "'\\xed\\xa0\\x80'");           // a surrogate
  EXPECT_EQ(Quoted("\xf4\x90\x80\x80"), "'\\xf4\\x90\\x80\\x80'");  // beyond U+10FFFF
  EXPECT_EQ(Quoted("a\xe1\xba"), "'a\\xe1\\xba'");                  // cut in the middle
}

TEST(QuotedTest, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(Quoted(std::string(kQuotedBytesMax, 'x')),
            "'" + std::string(kQuotedBytesMax, 'x') + "'");
  EXPECT_EQ(Quoted(std::string(kQuotedBytesMax - 1, 'x') + "ắ"),
            "'" + std::string(kQuotedBytesMax - 1, 'x') + "…'");
  EXPECT_THAT(Quoted(std::string(1 << 20, 'x')), SizeIs(kQuotedBytesMax + 2 + 3));
}

TEST(JsonQuotedTest, IsAJsonStringWhateverTheText) {
  EXPECT_EQ(JsonQuoted("Đắk \"Hà\" \\ /", 100), "\"Đắk \\\"Hà\\\" \\\\ /\"");
  EXPECT_EQ(JsonQuoted("a\nb\x01\x7f\u2028", 100), "\"a\\nb\\u0001\\u007f\\u2028\"");
  EXPECT_EQ(JsonQuoted("a\xff\xfe", 100), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonQuotedTest, CutsAtItsLimit) {
  EXPECT_EQ(JsonQuoted("abcdef", 3), "\"abc…\"");
  EXPECT_THAT(JsonQuoted("ắắ", 4), EndsWith("ắ…\""));
}

}  // namespace
}  // namespace dondoc
