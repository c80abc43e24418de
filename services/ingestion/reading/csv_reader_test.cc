#include "services/ingestion/reading/csv_reader.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/reading/header_map.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

int Score(absl::Span<const absl::string_view> cells) { return MapHeader(cells).recognised; }

// "<row number>:<cell>|<cell>…", with "!" before the number of a row with a problem.
std::vector<std::string> Rows(absl::string_view text, size_t piece_bytes, absl::Status* status) {
  std::vector<std::string> rows;
  CsvReader reader(&Score, [&](const CsvRow& row) {
    rows.push_back(absl::StrCat(row.problem == CsvRow::Problem::kNone ? "" : "!", row.number, ":",
                                absl::StrJoin(row.cells, "|")));
    return absl::OkStatus();
  });
  *status = absl::OkStatus();
  while (!text.empty() && status->ok()) {
    *status = reader.Feed(text.substr(0, piece_bytes));
    text.remove_prefix(std::min(piece_bytes, text.size()));
  }
  if (status->ok()) *status = reader.Finish();
  return rows;
}

std::vector<std::string> Rows(absl::string_view text) {
  absl::Status status;
  std::vector<std::string> rows = Rows(text, text.size() + 1, &status);
  EXPECT_OK(status);
  return rows;
}

TEST(CsvReaderTest, ReadsTheDelimitersQuotesAndLineEndsInUse) {
  EXPECT_THAT(Rows("Mã hồ sơ,Đơn vị\nA,\"Sở Văn hóa, Thể thao\"\n"),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "2:A|Sở Văn hóa, Thể thao"));
  EXPECT_THAT(Rows("\xEF\xBB\xBFMã hồ sơ;Đơn vị\r\nA;B, C\r\n"),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "2:A|B, C"));
  EXPECT_THAT(Rows("Mã hồ sơ\tĐơn vị\nA\t\tB"), ElementsAre("1:Mã hồ sơ|Đơn vị", "2:A||B"));
  EXPECT_THAT(Rows("Mã hồ sơ,Đơn vị\n\"a \"\"b\"\"\",  c  \n"),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "2:a \"b\"|c"));
}

TEST(CsvReaderTest, NumbersRowsAsASpreadsheetDoes) {
  // A blank line is a row, a line break inside quotes is not.
  EXPECT_THAT(Rows("Mã hồ sơ,Đơn vị\r\n\r\nA,\"x\r\ny\"\r\n,\r\nB,z\r\n"),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "3:A|x\r\ny", "5:B|z"));
}

TEST(CsvReaderTest, ATitleWithCommasDoesNotDecideTheDelimiter) {
  EXPECT_THAT(Rows("SỞ A, SỞ B, SỞ C, SỞ D\nMã hồ sơ;Đơn vị\nA;B\n"),
              ElementsAre("1:SỞ A, SỞ B, SỞ C, SỞ D", "2:Mã hồ sơ|Đơn vị", "3:A|B"));
}

TEST(CsvReaderTest, GivesTheSameRowsHoweverTheBytesArrive) {
  std::string text = "\xEF\xBB\xBFMã hồ sơ,Đơn vị\r\n";
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 300; ++i) {
    const char* const kCells[] = {"x", "\"a,b\"", "\"two\r\nlines\"", "Đắk", "", "\"q\"\"q\""};
    absl::StrAppend(&text, kCells[random() % 6], ",", kCells[random() % 6], "\r\n");
  }
  const std::vector<std::string> whole = Rows(text);
  EXPECT_GT(whole.size(), 200U);
  for (int i = 0; i < 20; ++i) {
    absl::Status status;
    EXPECT_EQ(Rows(text, 1 + random() % 50, &status), whole);
    EXPECT_OK(status);
  }
}

TEST(CsvReaderTest, AQuoteNeverClosedCostsItsRowOnly) {
  std::string text = "Mã hồ sơ,Đơn vị\nA,\"open\nB,x\nC,y\n";
  EXPECT_THAT(Rows(text), ElementsAre("1:Mã hồ sơ|Đơn vị", "!2:", "3:B|x", "4:C|y"));
  // Also when the rest of the file is far longer than a row may be.
  for (int i = 5; i < 20'000; ++i) absl::StrAppend(&text, "D", i, ",z\n");
  const std::vector<std::string> rows = Rows(text);
  EXPECT_EQ(rows.size(), 19'999U);
  EXPECT_EQ(rows[1], "!2:");
  EXPECT_EQ(rows.back(), "19999:D19999|z");
}

TEST(CsvReaderTest, ManyQuotesNeverClosedAreRefused) {
  std::string bad;
  for (int i = 0; i < 200; ++i)
    absl::StrAppend(&bad, "A,\"open ", i, "\n", std::string(66'000, 'y'), "\n");
  absl::Status status;
  Rows(absl::StrCat("Mã hồ sơ,Đơn vị\n", bad), 1 << 16, &status);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("100 dòng")));
}

TEST(CsvReaderTest, RowsBeyondALimitAreProblemsOfThatRow) {
  const std::string header = "Mã hồ sơ,Đơn vị\n";
  EXPECT_THAT(Rows(absl::StrCat(header, "A,", std::string(40'000, 'x'), "\nB,b\n")),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "!2:A|", "3:B|b"));
  EXPECT_THAT(Rows(absl::StrCat(header, "A,", std::string(200'000, 'x'), "\nB,b\n")),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "!2:", "3:B|b"));
  const std::vector<std::string> rows =
      Rows(absl::StrCat(header, std::string(600, ','), "\nB,b\n"));
  EXPECT_THAT(rows.back(), "3:B|b");
  EXPECT_THAT(rows[1], ::testing::StartsWith("!2:"));
}

TEST(CsvReaderTest, ARowThatIsNotUtf8IsAProblemOfThatRow) {
  EXPECT_THAT(Rows("Mã hồ sơ,Đơn vị\nA,s\xF5\nB,b\n"),
              ElementsAre("1:Mã hồ sơ|Đơn vị", "!2:A|s\xF5", "3:B|b"));
}

TEST(CsvReaderTest, SaysWhatAFileLooksLikeThatIsNoCsv) {
  const struct {
    std::string bytes;
    const char* message;
  } kCases[] = {
      {std::string("PK\x03\x04rest", 8), ".xlsx"},
      {"\xD0\xCF\x11\xE0\xA1\xB1", ".xls"},
      {std::string("\xFF\xFEM\0a\0", 6), "UTF-16"},
      {std::string("\xFE\xFF\0M", 4), "UTF-16"},
      {std::string("M\0a\0,\0", 6), "UTF-16"},
      {"<html><table>", "HTML"},
      {"  \r\n<?xml version=\"1.0\"?>", "HTML"},
      {"%PDF-1.7", "PDF"},
      {"\x1F\x8B\x08", ".gz"},
      {"", "rỗng"},
      {" \n\n", "rỗng"},
      {"a,b\rc,d\r", "Mac"},
  };
  for (const auto& each : kCases) {
    absl::Status status;
    Rows(each.bytes, 3, &status);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.message)));
  }
}

TEST(CsvReaderTest, StopsWithTheSinksError) {
  int rows = 0;
  CsvReader reader(&Score, [&](const CsvRow&) {
    return ++rows == 2 ? absl::UnavailableError("disk") : absl::OkStatus();
  });
  EXPECT_OK(reader.Feed("Mã hồ sơ,Đơn vị\nA,b\nB,c\n"));
  EXPECT_THAT(reader.Finish(), StatusIs(absl::StatusCode::kUnavailable, "disk"));
  EXPECT_EQ(rows, 2);
}

}  // namespace
}  // namespace dondoc::ingestion
