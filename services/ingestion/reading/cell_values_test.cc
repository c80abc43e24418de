#include "services/ingestion/reading/cell_values.h"

#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(CellTimeTest, ReadsTheFormsInUse) {
  const struct {
    const char* text;
    const char* instant;
  } kCases[] = {
      {"15/11/2023 08:30:15", "2023-11-15T08:30:15+07:00"},
      {"15/11/2023 08:30", "2023-11-15T08:30:00+07:00"},
      {"15/11/2023", "2023-11-15T00:00:00+07:00"},
      {"5/1/2023 7:05", "2023-01-05T07:05:00+07:00"},
      {"15-11-2023", "2023-11-15T00:00:00+07:00"},
      {" 15/11/2023\xC2\xA0", "2023-11-15T00:00:00+07:00"},
      {"2023-11-15", "2023-11-15T00:00:00+07:00"},
      {"2023-11-15 08:30:15", "2023-11-15T08:30:15+07:00"},
      {"2023-11-15T08:30:15", "2023-11-15T08:30:15+07:00"},
      {"2023-11-15T08:30:15.123+07:00", "2023-11-15T08:30:15+07:00"},
      {"2023-11-15T01:30:15Z", "2023-11-15T08:30:15+07:00"},
      // Local midnight as one portal client writes it.
      {"2023-11-14T17:00:00.000+0000", "2023-11-15T00:00:00+07:00"},
      {"20231115083015", "2023-11-15T08:30:15+07:00"},
      {"29/02/2024", "2024-02-29T00:00:00+07:00"},
      {"31/12/2023 23:59:59", "2023-12-31T23:59:59+07:00"},
  };
  for (const auto& each : kCases) {
    const auto parsed = ParseCellTime(each.text);
    ASSERT_OK(parsed) << each.text;
    ASSERT_TRUE(parsed->has_value()) << each.text;
    EXPECT_EQ(FormatInstant(**parsed), each.instant) << each.text;
  }
}

TEST(CellTimeTest, EmptyAndNullDatesAreNoDate) {
  for (const char* text : {"", "  ", "01/01/0001", "0001-01-01T00:00:00", "01/01/1970",
                           "1970-01-01T00:00:00Z", "01/01/0001 00:00:00", "00010101000000"}) {
    const auto parsed = ParseCellTime(text);
    ASSERT_OK(parsed) << text;
    EXPECT_FALSE(parsed->has_value()) << text;
  }
}

TEST(CellTimeTest, RefusesWhatIsNoDay) {
  for (const char* text :
       {"31/02/2023", "29/02/2023", "11/15/2023", "00/01/2023", "15/13/2023", "15/11/2023 24:00",
        "15/11/2023 12:60", "2023-02-31", "20230231000000", "2023-11-15T08:30:15+99:00"}) {
    EXPECT_THAT(ParseCellTime(text), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_))
        << text;
  }
  for (const char* text : {"hôm qua", "15/11/23", "15/11", "45245", "2023", "15.11.2023 x",
                           "2023-11-15T", "15/11-2023", "-", "5O/11/2023", "20231115",
                           "15/11/2023 08:30:15 15/11/2023 08:30:15 15/11/2023 08:30:15"}) {
    EXPECT_THAT(ParseCellTime(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("không phải ngày")))
        << text;
  }
}

TEST(CellValuesTest, ReadsChannelWordsAndCodes) {
  using Kind = CellValue<v1::Channel::Value>::Kind;
  const struct {
    const char* text;
    v1::Channel::Value value;
    Kind kind;
  } kCases[] = {
      {"Trực tuyến", v1::Channel::ONLINE, Kind::kKnown},
      {"TRỰC TUYẾN", v1::Channel::ONLINE, Kind::kKnown},
      {"Nộp trực tuyến", v1::Channel::ONLINE, Kind::kKnown},
      {"Qua mạng", v1::Channel::ONLINE, Kind::kKnown},
      {"2", v1::Channel::ONLINE, Kind::kKnown},
      {"online", v1::Channel::ONLINE, Kind::kKnown},
      {"Trực tiếp", v1::Channel::COUNTER, Kind::kKnown},
      {"Tại quầy", v1::Channel::COUNTER, Kind::kKnown},
      {"1", v1::Channel::COUNTER, Kind::kKnown},
      {"Qua bưu chính công ích", v1::Channel::POSTAL, Kind::kKnown},
      {"BCCI", v1::Channel::POSTAL, Kind::kKnown},
      {"Qua BCCI", v1::Channel::POSTAL, Kind::kKnown},
      {"3", v1::Channel::POSTAL, Kind::kKnown},
      {"", v1::Channel::UNKNOWN, Kind::kKnown},
      {"0", v1::Channel::UNKNOWN, Kind::kKnown},
      {"-", v1::Channel::UNKNOWN, Kind::kKnown},
      {"Zalo", v1::Channel::UNKNOWN, Kind::kUnknown},
      {"Trực tiếp / BC", v1::Channel::UNKNOWN, Kind::kUnknown},  // one word for two channels
      {"4", v1::Channel::UNKNOWN, Kind::kBadCode},
      {"-1", v1::Channel::UNKNOWN, Kind::kBadCode},
  };
  for (const auto& each : kCases) {
    const auto value = ParseCellChannel(each.text);
    EXPECT_EQ(value.value, each.value) << each.text;
    EXPECT_EQ(value.kind, each.kind) << each.text;
  }
}

TEST(CellValuesTest, ReadsServiceLevels) {
  for (const char* text : {"Toàn trình", "DVCTT toàn trình", "Mức độ 4", "4", "FULL"}) {
    EXPECT_EQ(ParseCellServiceLevel(text).value, v1::ServiceLevel::FULL) << text;
  }
  for (const char* text : {"Một phần", "Mức độ 3", "3"}) {
    EXPECT_EQ(ParseCellServiceLevel(text).value, v1::ServiceLevel::PARTIAL) << text;
  }
  for (const char* text : {"DVC", "Mức độ 2", "2", "Không cung cấp", "Chưa cung cấp"}) {
    EXPECT_EQ(ParseCellServiceLevel(text).value, v1::ServiceLevel::INFORMATION) << text;
  }
  EXPECT_EQ(ParseCellServiceLevel("1").kind, CellValue<v1::ServiceLevel::Value>::Kind::kBadCode);
}

TEST(CellValuesTest, ReadsTheTenStatuses) {
  const char* const kNames[] = {"Mới đăng ký",
                                "Được tiếp nhận",
                                "Không được tiếp nhận",
                                "Đang xử lý",
                                "Yêu cầu bổ sung giấy tờ",
                                "Yêu cầu thực hiện nghĩa vụ tài chính",
                                "Công dân yêu cầu rút hồ sơ",
                                "Dừng xử lý",
                                "Đã xử lý xong",
                                "Đã trả kết quả"};
  for (int code = 1; code <= 10; ++code) {
    EXPECT_EQ(ParseCellStatus(kNames[code - 1]).value, code) << kNames[code - 1];
    EXPECT_EQ(ParseCellStatus(std::to_string(code)).value, code);
  }
  EXPECT_EQ(ParseCellStatus("Từ chối").value, v1::Status::REFUSED);
  EXPECT_EQ(ParseCellStatus("Chờ bổ sung").value, v1::Status::SUPPLEMENT_REQUIRED);
  EXPECT_EQ(ParseCellStatus("11").kind, CellValue<v1::Status::Value>::Kind::kBadCode);
}

TEST(CellValuesTest, KnowsTheNationalFormOfACode) {
  for (const char* code :
       {"H34.14-231115-0001", "000.00.14.H34-231115-0001", "H56.14-240823-0001", "H34-231115-0001",
        "H34.14.05-231115-00012", "H34.1.2.3-231115-123456"}) {
    EXPECT_TRUE(IsUsualCode(code)) << code;
  }
  for (const char* code : {"", "H34.14-231115-001", "H34.14-23111-0001", "H3-231115-0001",
                           "H34.14-231115-0001X", "H34.1.2.3.4-231115-0001", "2023/0001",
                           "H34.14-231115-1234567", "00.00.14.H34-231115-0001"}) {
    EXPECT_FALSE(IsUsualCode(code)) << code;
  }
}

}  // namespace
}  // namespace dondoc::ingestion
