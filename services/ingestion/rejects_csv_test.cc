#include "services/ingestion/rejects_csv.h"

#include "gmock/gmock.h"
#include "services/ingestion/reading/row_place.h"

namespace dondoc::ingestion {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RejectsCsvTest, NoCellIsAFormula) {
  const struct {
    const char* text;
    const char* cell;
  } kCases[] = {
      {"=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""},
      {"+1", "\"'+1\""},
      {"-", "\"'-\""},
      {"@SUM(A1)", "\"'@SUM(A1)\""},
      {"\tx", "\"'\tx\""},
      {"\rx", "\"'\rx\""},
      {"a;b,c\nd", "\"a;b,c\nd\""},
      {"Sở \"A\"", "\"Sở \"\"A\"\"\""},
      {"", "\"\""},
  };
  for (const auto& each : kCases) EXPECT_EQ(SafeCsvCell(each.text), each.cell);
}

TEST(RejectsCsvTest, WritesVietnameseHeadersAndTheKeptCells) {
  EXPECT_THAT(RejectsCsvHeader(),
              StartsWith("\xEF\xBB\xBF\"Trang\",\"Dòng\",\"Lý do\",\"Giải thích\",\"Mã hồ sơ\""));
  v1::Reject reject;
  reject.set_row_number(kSheetRowNumbers + 12);
  reject.set_sheet("=T2");
  reject.set_reason(v1::RejectReason::UNKNOWN_UNIT);
  reject.set_message("Không có đơn vị");
  (*reject.mutable_cells())["code"] = "=1+1";
  (*reject.mutable_cells())["unit"] = "Sở; X";
  const std::string row = RejectsCsvRow(reject);
  EXPECT_THAT(
      row, StartsWith("\"'=T2\",\"12\",\"UNKNOWN_UNIT\",\"Không có đơn vị\",\"'=1+1\",\"Sở; X\","));
  EXPECT_THAT(row, HasSubstr("\r\n"));
}

}  // namespace
}  // namespace dondoc::ingestion
