#include "services/ctl/text.h"

#include "gmock/gmock.h"

namespace dondoc::ctl {
namespace {

TEST(DisplayWidthTest, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("Đắk Hà"), 6u);
  // The same decomposed: D with stroke, a + breve + acute, k, …, a + grave.
  EXPECT_EQ(DisplayWidth("Đa\u0306\u0301k Ha\u0300"), 6u);
  EXPECT_EQ(DisplayWidth("中文"), 4u);
  EXPECT_EQ(DisplayWidth("a\u200Bb"), 2u);  // zero width space
}

TEST(PrintableTest, LeavesNothingThatMovesTheCursorOrTheText) {
  EXPECT_EQ(Printable("Sở Tư pháp"), "Sở Tư pháp");
  EXPECT_EQ(Printable("a\x1b[31mb"), "a\uFFFD[31mb");
  EXPECT_EQ(Printable("a\tb\r\nc"), "a b  c");
  EXPECT_EQ(Printable("a\u202Eb"), "a\uFFFDb");    // right-to-left override
  EXPECT_EQ(Printable("a\u2028b"), "a\uFFFDb");    // line separator
  EXPECT_EQ(Printable("a\xC3(b"), "a\uFFFD(b");    // not UTF-8
  EXPECT_EQ(Printable("\u009b31m"), "\uFFFD31m");  // C1 control
}

TEST(CutToTest, EndsWithAnEllipsisWithinTheWidth) {
  EXPECT_EQ(CutTo("Đắk Hà", 6), "Đắk Hà");
  EXPECT_EQ(CutTo("Đắk Hà", 5), "Đắk …");
  EXPECT_EQ(CutTo("中文", 3), "中…");
  EXPECT_EQ(CutTo("abc", 0), "");
  // A mark stays with its letter.
  EXPECT_EQ(CutTo("a\u0306\u0301bcd", 3), "a\u0306\u0301b…");
}

TEST(TableTest, AlignsVietnameseNamesHoweverTheyAreComposed) {
  Table table({{"Đơn vị"}, {"Hồ sơ", Align::kRight}});
  table.AddRow({"Đắk Hà", "1.234"});
  table.AddRow({"Đa\u0306\u0301k Ha\u0300", "5"});
  table.AddRow({"Xã Ngọk Bay", "67"});
  EXPECT_EQ(table.Render(),
            "Đơn vị       Hồ sơ\n"
            "───────────  ─────\n"
            "Đắk Hà       1.234\n"
            "Đa\u0306\u0301k Ha\u0300           5\n"
            "Xã Ngọk Bay     67\n");
}

TEST(TableTest, HasARuleBeforeTheTotalAndNoTrailingSpaces) {
  Table table({{"A"}, {"B"}});
  EXPECT_TRUE(table.empty());
  table.AddRow({"long", ""});
  table.AddRule();
  table.AddRow({"x"});
  EXPECT_EQ(table.Render(), "A     B\n────  ─\nlong\n────  ─\nx\n");
}

TEST(TableTest, CannotBeBrokenByACell) {
  Table table({{"A"}, {"B"}});
  table.AddRow({"one\ntwo\x1b[2J", "3"});
  EXPECT_EQ(table.Render(), "A            B\n───────────  ─\none two\uFFFD[2J  3\n");
}

}  // namespace
}  // namespace dondoc::ctl
