#include <gmock/gmock.h>
#include <unistd.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/legacy_text.h"
#include "services/ingestion/reading/number_format.h"
#include "services/ingestion/reading/row_words.h"
#include "services/ingestion/reading/sheet_reader.h"
#include "services/ingestion/reading/sheet_title.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of the sanitizers' runtime; g++ 12 comes without its header.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(CellFormsTest, CountsAreWholeNumbersInAnyOfTheirDivisions) {
  for (const char* text : {"1234", "1.234", "1,234", "1 234",
                           "1\xC2\xA0"
                           "234",
                           " 1234 "}) {
    EXPECT_EQ(ParseCount(text), 1234) << text;
  }
  EXPECT_EQ(ParseCount("1.234.567"), 1234567);
  for (const char* text : {"", "-", "0", "–"}) EXPECT_EQ(ParseCount(text), 0) << text;
  for (const char* text : {"5O", "-1", "26,77", "26.77", "1.23", "1.2345", "0.123", "1.234,567",
                           "1..234", "1E3", "9999999999999", ".", "1."}) {
    EXPECT_EQ(ParseCount(text), std::nullopt) << text;
  }
}

TEST(CellFormsTest, KnowsNumbersThatLostTheirDigits) {
  for (const char* text : {"1,23E+10", "1.23E+10", "1e+20", "2E-5"}) {
    EXPECT_TRUE(IsRoundedNumber(text)) << text;
  }
  for (const char* text : {"H34.14-231115-0001", "1234", "E+10", "1E10", "1,23E+", "", "-"}) {
    EXPECT_FALSE(IsRoundedNumber(text)) << text;
  }
}

TEST(CellFormsTest, SerialDaysInTextBecomeDays) {
  EXPECT_EQ(SerialToIso("45245"), "2023-11-15");
  EXPECT_EQ(SerialToIso("45245,5"), "2023-11-15 12:00:00");
  for (const char* text : {"2023", "20231115", "15/11/2023", "45245,5,1", "", "-45245"}) {
    EXPECT_EQ(SerialToIso(text), text);
  }
}

TEST(CellFormsTest, DatesShowTheOrderOfTheirColumn) {
  EXPECT_EQ(OrderOf("15/11/2023"), DayOrder::kDayFirst);
  EXPECT_EQ(OrderOf("11/15/2023 08:30"), DayOrder::kMonthFirst);
  EXPECT_EQ(OrderOf("05/06/2023"), DayOrder::kEither);
  EXPECT_EQ(OrderOf("06/06/2023"), DayOrder::kOther);
  EXPECT_EQ(OrderOf("2023-11-15"), DayOrder::kOther);
  EXPECT_EQ(OrderOf("45/45/2023"), DayOrder::kOther);
  EXPECT_EQ(ToDayFirst("11/5/2023 8:05:00 PM", DayOrder::kMonthFirst), "05/11/2023 20:05:00");
  EXPECT_EQ(ToDayFirst("5/11/2023 12:05 SA", DayOrder::kDayFirst), "05/11/2023 00:05");
  EXPECT_EQ(ToDayFirst("hôm nay", DayOrder::kMonthFirst), "hôm nay");
}

// Found by tests/fuzz: the halves of a character on both sides of a comma passed as text.
TEST(CsvReaderTest, ADelimiterInsideACharacterIsAnEncodingProblem) {
  std::vector<CsvRow::Problem> problems;
  CsvReader reader([](absl::Span<const absl::string_view>) { return 0; },
                   [&](const CsvRow& row) {
                     problems.push_back(row.problem);
                     return absl::OkStatus();
                   });
  ASSERT_TRUE(reader.Feed("a,H\xC3,\xACnh\nb,Hình\n").ok());
  ASSERT_TRUE(reader.Finish().ok());
  EXPECT_THAT(problems, ::testing::ElementsAre(CsvRow::Problem::kEncoding, CsvRow::Problem::kNone));
}

TEST(NumberFormatTest, SerialsAreDaysInBothEpochs) {
  EXPECT_EQ(SerialToText(45245, false), "2023-11-15");
  EXPECT_EQ(SerialToText(45245 - 1462, true), "2023-11-15");
  EXPECT_EQ(SerialToText(1, false), "1900-01-01");
  EXPECT_EQ(SerialToText(59, false), "1900-02-28");
  EXPECT_EQ(SerialToText(60, false), std::nullopt);
  EXPECT_EQ(SerialToText(61, false), "1900-03-01");
  EXPECT_EQ(SerialToText(0, true), "1904-01-01");
  EXPECT_EQ(SerialToText(45245.9999999, false), "2023-11-16");
  EXPECT_EQ(SerialToText(-1, false), std::nullopt);
  EXPECT_EQ(SerialToText(1e300, true), std::nullopt);
}

TEST(NumberFormatTest, TellsDaysFromNumbersByTheFormat) {
  for (const char* code :
       {"dd/mm/yyyy", "[$-42A]d/m/yyyy hh:mm;@", "\"ngày \"d", "h:mm AM/PM", "[Red]yyyy"}) {
    EXPECT_TRUE(IsDateFormat(code)) << code;
  }
  for (const char* code :
       {"General", "0.00", "#,##0", "[h]:mm", "\"d\"0", "\\d0", "", "[", "0.00E+00", "@"}) {
    EXPECT_FALSE(IsDateFormat(code)) << code;
  }
  EXPECT_EQ(NumberToText(231115000001.0), "231115000001");
  EXPECT_EQ(NumberToText(1.234), "1.2340");
  EXPECT_TRUE(IsRoundedNumber(NumberToText(1.23e20)));
}

TEST(LegacyTextTest, FontEncodingsAreToldFromUnicode) {
  EXPECT_EQ(FromTcvn3("Së T­ ph¸p"), "Sở Tư pháp");
  EXPECT_EQ(FromVni("Sôû Tö phaùp"), "Sở Tư pháp");
  EXPECT_EQ(FromVni("UÛy ban nhaân daân xaõ Ñaêk Haø"), "Ủy ban nhân dân xã Đăk Hà");
  EXPECT_EQ(GuessLegacy("§¬n vÞ tiÕp nhËn"), Legacy::kTcvn3);
  EXPECT_EQ(GuessLegacy("Ñôn vò tieáp nhaän"), Legacy::kVni);
  for (const char* text : {"Đơn vị tiếp nhận", "Xã Ngọc Réo", "Lê Lợi", "Hà Mòn", "plain", ""}) {
    EXPECT_EQ(GuessLegacy(text), Legacy::kNone) << text;
  }
}

TEST(SheetTitleTest, ReadsTheWindowAndTheExtraction) {
  SheetTitle title;
  ReadTitle("BÁO CÁO (Từ 01/01/2023 đến hết ngày 15 tháng 11 năm 2023)", title);
  EXPECT_EQ(title.from, absl::CivilDay(2023, 1, 1));
  EXPECT_EQ(title.to, absl::CivilDay(2023, 11, 15));
  EXPECT_EQ(title.extracted, std::nullopt);
  for (const char* text : {"Từ ngày 31/02/2023 đến ngày 01/03/2023", "Từ ngày 02/01/2023",
                           "từ 15/11/2023 đến 01/01/2023", "Quyết định 17 ngày 04/04/2023"}) {
    SheetTitle none;
    ReadTitle(text, none);
    EXPECT_EQ(none.from, std::nullopt) << text;
    EXPECT_EQ(none.extracted, std::nullopt) << text;
  }
}

TEST(RowWordsTest, TotalsSectionsAndFootersAreNoUnits) {
  for (const char* text : {"Tổng cộng", "TỔNG SỐ", "Toàn tỉnh", "Cộng", "Cộng cấp xã"}) {
    EXPECT_TRUE(IsTotalText(text)) << text;
  }
  for (const char* text : {"I. Cấp tỉnh", "B. UBND các huyện, thành phố", "Khối sở, ban, ngành"}) {
    EXPECT_TRUE(IsSectionText(text)) << text;
  }
  for (const char* text : {"Công an tỉnh", "Sở Công Thương", "UBND huyện Đắk Hà", "Xã Đắk Nông",
                           "Sở Nội vụ", "Phường Thống Nhất"}) {
    EXPECT_FALSE(IsTotalText(text) || IsSectionText(text) || IsFooterText(text)) << text;
  }
  EXPECT_TRUE(IsFooterText("Kon Tum, ngày 16 tháng 11 năm 2023"));
}

TEST(ColumnSynonymsTest, TheUsersOwnGoFirst) {
  const auto own = ParseColumnSynonyms("# ours\nNơi nộp, hồ sơ,unit\nTình trạng,ignored\n");
  ASSERT_TRUE(own.ok()) << own.status();
  const ColumnPlan plan =
      MapHeader({"Mã hồ sơ", "NƠI NỘP hồ sơ", "Tình trạng", "Ngày nhận"}, &*own);
  EXPECT_EQ(plan.column(Meaning::kUnit), 1);
  EXPECT_EQ(plan.column(Meaning::kStatus), -1);
  EXPECT_TRUE(plan.missing.empty());
  EXPECT_THAT(ParseColumnSynonyms("a,unit\nb,nothing\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2")));
}

// A workbook whose one sheet has `bytes` of XML.
void WriteLargeWorkbook(const std::string& folder, int64_t bytes, int64_t& rows) {
  std::ofstream xml(folder + "/sheet.xml", std::ios::binary);
  xml << "<worksheet><sheetData>";
  for (rows = 0; xml.tellp() < bytes && rows < (1 << 20); ++rows) {
    // What a row holds is different each time, as in a real one.
    xml << absl::StrFormat(
        "<row r=\"%d\"><c t=\"inlineStr\"><is><t>H34.14-231115-%06d</t></is></c><c t=\"inlineStr\">"
        "<is><t>%x %x</t></is></c><c><v>%d.5</v></c></row>",
        rows + 1, rows, rows * 2654435761U, rows * 40503U, 45000 + rows % 300);
    if (bytes > (400 << 20))
      xml << "<!--" << std::string(800, static_cast<char>('a' + rows % 26)) << rows * 7919 << "-->";
  }
  xml << "</sheetData></worksheet>";
  xml.close();
  int error = 0;
  zip_t* const archive = zip_open((folder + "/large.xlsx").c_str(), ZIP_CREATE, &error);
  static constexpr absl::string_view kWorkbook =
      "<workbook xmlns:r=\"r\"><sheets><sheet name=\"A\" r:id=\"a\"/></sheets></workbook>";
  static constexpr absl::string_view kRelations =
      "<R><Relationship Id=\"a\" Type=\"x/worksheet\" Target=\"s.xml\"/></R>";
  zip_file_add(archive, "xl/workbook.xml",
               zip_source_buffer(archive, kWorkbook.data(), kWorkbook.size(), 0), 0);
  zip_file_add(archive, "xl/_rels/workbook.xml.rels",
               zip_source_buffer(archive, kRelations.data(), kRelations.size(), 0), 0);
  zip_file_add(archive, "xl/s.xml",
               zip_source_file(archive, (folder + "/sheet.xml").c_str(), 0, -1), 0);
  ASSERT_EQ(zip_close(archive), 0);
}

// What the process holds. A sanitizer keeps freed memory back and adds its own; there it is asked
// for what is allocated.
int64_t HeldBytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  std::ifstream file("/proc/self/statm");
  int64_t pages = 0;
  file >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
#endif
}

// DONDOC_SHEET_MB=1024 makes it the sheet of 1 GB.
TEST(XlsxReaderTest, ALargeSheetNeedsNoMemoryOfItsSize) {
  const char* const megabytes = std::getenv("DONDOC_SHEET_MB");
  const int64_t bytes = int64_t{megabytes == nullptr ? 48 : std::atoi(megabytes)} << 20;
  std::string folder = ::testing::TempDir() + "/sheet-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  int64_t rows = 0;
  WriteLargeWorkbook(folder, bytes, rows);
  const int64_t before = HeldBytes();
  int64_t most = 0, read = 0;
  SheetReader reader([](absl::Span<const absl::string_view>) { return 0; },
                     [&](const SheetRow& row) {
                       if (++read % 4096 == 0) most = std::max(most, HeldBytes() - before);
                       EXPECT_EQ(row.cells.size(), 3U);
                       return absl::OkStatus();
                     },
                     {folder, {}});
  std::ifstream file(folder + "/large.xlsx", std::ios::binary);
  std::string piece(1 << 16, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    ASSERT_TRUE(
        reader.Feed(absl::string_view(piece).substr(0, static_cast<size_t>(file.gcount()))).ok());
  }
  const absl::Status finished = reader.Finish();
  EXPECT_TRUE(finished.ok()) << finished;
  EXPECT_EQ(read, rows);
  EXPECT_LT(most, 8 << 20);
  std::printf("%lld MB of XML, %lld rows, %lld KB more memory\n",
              static_cast<long long>(std::filesystem::file_size(folder + "/sheet.xml") >> 20),
              static_cast<long long>(rows), static_cast<long long>(most >> 10));
  std::filesystem::remove_all(folder);
}

TEST(XlsxReaderTest, AFileThatBursts300FoldIsRefused) {
  const std::string path = ::testing::TempDir() + "/bomb.xlsx";
  std::filesystem::remove(path);
  int error = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE, &error);
  const std::string zeros(200 << 20, ' ');
  zip_file_add(archive, "xl/workbook.xml",
               zip_source_buffer(archive, zeros.data(), zeros.size(), 0), 0);
  ASSERT_EQ(zip_close(archive), 0);
  for (const bool dense : {false, true}) {
    SheetReader::Options options;
    options.xlsx.part_bytes_max = dense ? int64_t{1} << 40 : options.xlsx.part_bytes_max;
    SheetReader reader([](absl::Span<const absl::string_view>) { return 0; },
                       [](const SheetRow&) { return absl::OkStatus(); }, options);
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    ASSERT_TRUE(reader.Feed(text.str()).ok());
    EXPECT_THAT(reader.Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr(dense ? "bung ra" : "16.777.216")));
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace dondoc::ingestion
