#include "services/ingestion/reading/row_mapper.h"

#include <map>
#include <memory>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/ingestion/testing/kontum_units.h"

namespace dondoc::ingestion {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::shared_ptr<const Directory> MakeDirectory() {
  std::map<std::string, v1::Unit> by_id;
  for (const v1::Unit& unit : testing::KontumUnits()) by_id[unit.unit_id()] = unit;
  v1::Unit ended = testing::MakeUnit("ended", "Xã Đã Sáp Nhập", v1::Level::COMMUNE);
  ended.set_valid_to("2023-06-30");
  ended.add_successor_ids("kontum.so-tu-phap");
  by_id["ended"] = ended;
  return std::make_shared<Directory>(by_id);
}

RowMapper MakeMapper(std::optional<v1::Channel::Value> channel = {}) {
  return RowMapper(MakeDirectory(),
                   {channel, "Kon Tum", *ParseInstant("2023-11-21T09:00:00+07:00")});
}

// A row: code, unit, received, then what a case changes.
struct Cells {
  std::string code = "H34.14-231115-0001";
  std::string unit = "Sở Tư pháp";
  std::string received = "15/11/2023 08:00";
  std::string channel = "Trực tuyến";
  std::string status = "Đang xử lý";
  std::string service_level = "Toàn trình";
  std::string updated;
  std::string procedure_code;
  std::string field;
  std::string handling_unit;

  MeaningCells Views() const {
    MeaningCells cells;
    const auto set = [&](Meaning meaning, const std::string& text) {
      cells[static_cast<size_t>(meaning)] = text;
    };
    set(Meaning::kCode, code);
    set(Meaning::kUnit, unit);
    set(Meaning::kReceived, received);
    set(Meaning::kChannel, channel);
    set(Meaning::kStatus, status);
    set(Meaning::kServiceLevel, service_level);
    set(Meaning::kUpdated, updated);
    set(Meaning::kProcedureCode, procedure_code);
    set(Meaning::kField, field);
    set(Meaning::kHandlingUnit, handling_unit);
    return cells;
  }
};

TEST(RowMapperTest, MapsARowToADossier) {
  RowMapper mapper = MakeMapper();
  Cells cells;
  cells.code = "  h34.14-231115-0001 ";
  cells.updated = "16/11/2023 10:00:00";
  cells.procedure_code = "2.002622";
  cells.field = "Hộ tịch";
  cells.handling_unit = "UBND huyện Đắk Hà";
  const auto mapped = mapper.Map(cells.Views(), 7);
  ASSERT_TRUE(std::holds_alternative<Row>(mapped));
  const Row& row = std::get<Row>(mapped);
  EXPECT_EQ(row.row_number, 7);
  EXPECT_EQ(row.dossier.code(), "H34.14-231115-0001");
  EXPECT_EQ(row.dossier.unit_id(), "kontum.so-tu-phap");
  EXPECT_EQ(row.dossier.handling_unit_id(), "kontum.dak-ha");
  EXPECT_EQ(row.dossier.procedure_code(), "2.002622");
  EXPECT_EQ(row.dossier.field(), "Hộ tịch");
  EXPECT_EQ(FormatInstant(FromProto(row.dossier.received_time())), "2023-11-15T08:00:00+07:00");
  EXPECT_EQ(FormatInstant(FromProto(row.dossier.update_time())), "2023-11-16T10:00:00+07:00");
  EXPECT_EQ(row.dossier.channel(), v1::Channel::ONLINE);
  EXPECT_EQ(row.dossier.service_level(), v1::ServiceLevel::FULL);
  EXPECT_EQ(row.dossier.status(), v1::Status::PROCESSING);
  EXPECT_THAT(mapper.Warnings(), IsEmpty());
}

TEST(RowMapperTest, RefusesBadRowsEachWithItsReason) {
  using Reason = v1::RejectReason;
  const auto with = [](auto change) {
    Cells cells;
    change(cells);
    return cells;
  };
  const struct {
    Cells cells;
    Reason::Value reason;
    const char* message;
  } kCases[] = {
      {with([](Cells& c) { c.code = ""; }), Reason::MISSING_CODE, "mã hồ sơ"},
      {with([](Cells& c) { c.code = " \xC2\xA0"; }), Reason::MISSING_CODE, "mã hồ sơ"},
      {with([](Cells& c) { c.code = "", c.unit = "Tổng cộng"; }), Reason::MISSING_CODE, "mã hồ sơ"},
      {with([](Cells& c) { c.code = "H34 14"; }), Reason::BAD_CODE, "H34 14"},
      {with([](Cells& c) { c.code = "Mã hồ sơ"; }), Reason::BAD_CODE, "Mã hồ sơ"},
      {with([](Cells& c) { c.code = std::string(65, 'A'); }), Reason::BAD_CODE, "64"},
      {with([](Cells& c) { c.unit = ""; }), Reason::NO_UNIT, "đơn vị"},
      {with([](Cells& c) { c.unit = "Sở Không Có"; }), Reason::UNKNOWN_UNIT, "Sở Không Có"},
      {with([](Cells& c) { c.unit = "UBND tỉnh Kon Tum"; }), Reason::UNKNOWN_UNIT, "Kon Tum"},
      {with([](Cells& c) { c.unit = "Toàn tỉnh"; }), Reason::UNKNOWN_UNIT, "Toàn tỉnh"},
      {with([](Cells& c) { c.unit = "Đắk Hà"; }), Reason::AMBIGUOUS_UNIT, "Huyện Đắk Hà"},
      {with([](Cells& c) { c.unit = "Xã Đăk Long"; }), Reason::AMBIGUOUS_UNIT, "Đắk Glei"},
      {with([](Cells& c) { c.received = ""; }), Reason::NO_DATE, "ngày tiếp nhận"},
      {with([](Cells& c) { c.received = "01/01/1970"; }), Reason::NO_DATE, "ngày tiếp nhận"},
      {with([](Cells& c) { c.received = "01/01/0001", c.status = ""; }), Reason::NO_DATE,
       "ngày tiếp nhận"},
      {with([](Cells& c) { c.received = "31/02/2023"; }), Reason::BAD_DATE, "31/02/2023"},
      {with([](Cells& c) { c.received = "11/15/2023"; }), Reason::BAD_DATE, "11/15/2023"},
      {with([](Cells& c) { c.received = "hôm qua"; }), Reason::BAD_DATE, "hôm qua"},
      {with([](Cells& c) { c.received = "5O/11/2023"; }), Reason::BAD_DATE, "5O/11/2023"},
      {with([](Cells& c) { c.received = "31/12/1999"; }), Reason::BAD_DATE, "31/12/1999"},
      {with([](Cells& c) { c.received = "22/11/2023"; }), Reason::FUTURE_DATE, "22/11/2023"},
      {with([](Cells& c) { c.received = "2023-11-21T17:00:00.000+0000"; }), Reason::FUTURE_DATE,
       "22/11/2023"},
      {with([](Cells& c) { c.updated = "32/11/2023"; }), Reason::BAD_DATE, "Ngày cập nhật"},
      {with([](Cells& c) { c.updated = "01/01/2099"; }), Reason::FUTURE_DATE, "2099"},
      {with([](Cells& c) { c.channel = "7"; }), Reason::BAD_VALUE, "Kênh thực hiện"},
      {with([](Cells& c) { c.status = "11"; }), Reason::BAD_VALUE, "Trạng thái"},
      {with([](Cells& c) { c.service_level = "1"; }), Reason::BAD_VALUE, "Mức độ"},
      {with([](Cells& c) { c.procedure_code = std::string(65, '1'); }), Reason::BAD_VALUE, "64"},
      {with([](Cells& c) { c.field = std::string(201, 'x'); }), Reason::BAD_VALUE, "200"},
      {with([](Cells& c) { c.field = "a\x01b"; }), Reason::BAD_VALUE, "Lĩnh vực"},
      {with([](Cells& c) { c.unit = "ended", c.received = "30/06/2023", c.code = "A B"; }),
       Reason::BAD_CODE, "A B"},
  };
  RowMapper mapper = MakeMapper();
  int64_t row_number = 1;
  for (const auto& each : kCases) {
    const auto mapped = mapper.Map(each.cells.Views(), ++row_number);
    ASSERT_TRUE(std::holds_alternative<v1::Reject>(mapped)) << "case " << row_number;
    const v1::Reject& reject = std::get<v1::Reject>(mapped);
    EXPECT_EQ(Reason::Value_Name(reject.reason()), Reason::Value_Name(each.reason))
        << reject.message();
    EXPECT_THAT(reject.message(), HasSubstr(each.message));
    EXPECT_EQ(reject.row_number(), row_number);
  }
}

TEST(RowMapperTest, ANewDossierWithoutADayIsPending) {
  RowMapper mapper = MakeMapper();
  Cells cells;
  cells.status = "Mới đăng ký";
  cells.received = "01/01/0001 00:00:00";
  const auto mapped = mapper.Map(cells.Views(), 2);
  ASSERT_TRUE(std::holds_alternative<Row>(mapped));
  EXPECT_FALSE(std::get<Row>(mapped).dossier.has_received_time());
}

TEST(RowMapperTest, TheChannelOfTheFileGoesBeforeTheColumn) {
  RowMapper mapper = MakeMapper(v1::Channel::POSTAL);
  const auto mapped = mapper.Map(Cells().Views(), 2);
  ASSERT_TRUE(std::holds_alternative<Row>(mapped));
  EXPECT_EQ(std::get<Row>(mapped).dossier.channel(), v1::Channel::POSTAL);
}

TEST(RowMapperTest, AHandlingUnitThatIsUnknownOrTheSameIsLeftOut) {
  RowMapper mapper = MakeMapper();
  Cells cells;
  for (const char* name : {"Phòng Một cửa", "Sở Tư pháp tỉnh Kon Tum"}) {
    cells.handling_unit = name;
    const auto mapped = mapper.Map(cells.Views(), 2);
    ASSERT_TRUE(std::holds_alternative<Row>(mapped));
    EXPECT_EQ(std::get<Row>(mapped).dossier.handling_unit_id(), "") << name;
  }
}

TEST(RowMapperTest, WarnsOfWhatIsOddButCounted) {
  RowMapper mapper = MakeMapper();
  Cells odd;
  odd.code = "2023/0001";
  odd.channel = "Qua Zalo";
  odd.unit = "Xã Đã Sáp Nhập";
  for (int64_t row_number : {5, 9}) {
    const auto mapped = mapper.Map(odd.Views(), row_number);
    ASSERT_TRUE(std::holds_alternative<Row>(mapped));
    EXPECT_EQ(std::get<Row>(mapped).dossier.channel(), v1::Channel::UNKNOWN);
    EXPECT_EQ(std::get<Row>(mapped).dossier.unit_id(), "kontum.so-tu-phap");
  }
  std::vector<std::pair<int, int64_t>> warnings;
  for (const v1::ImportWarning& warning : mapper.Warnings()) {
    warnings.emplace_back(warning.kind(), warning.rows());
    EXPECT_EQ(warning.first_row_number(), 5);
  }
  EXPECT_THAT(warnings, ElementsAre(Pair(v1::ImportWarning::Kind::UNUSUAL_CODE, 2),
                                    Pair(v1::ImportWarning::Kind::UNKNOWN_CHANNEL, 2),
                                    Pair(v1::ImportWarning::Kind::SUCCESSOR, 2)));
}

TEST(RowMapperTest, ARejectKeepsWhatMapsItAgainAndNothingElse) {
  RowMapper mapper = MakeMapper();
  Cells cells;
  cells.unit = "Sở Chưa Có";
  MeaningCells views = cells.Views();
  views[static_cast<size_t>(Meaning::kPersonal)] = "Nguyễn Văn A";
  views[static_cast<size_t>(Meaning::kProcedureName)] = "Khai sinh cho Nguyễn Văn A";
  const v1::Reject reject = std::get<v1::Reject>(mapper.Map(views, 3));
  EXPECT_EQ(reject.DebugString().find("Nguy"), std::string::npos);
  const MeaningCells kept = CellsOf(reject);
  EXPECT_EQ(kept[static_cast<size_t>(Meaning::kCode)], cells.code);
  EXPECT_EQ(kept[static_cast<size_t>(Meaning::kUnit)], cells.unit);
  EXPECT_EQ(kept[static_cast<size_t>(Meaning::kReceived)], cells.received);
  EXPECT_EQ(kept[static_cast<size_t>(Meaning::kChannel)], cells.channel);
  EXPECT_EQ(kept[static_cast<size_t>(Meaning::kStatus)], cells.status);
}

TEST(RowMapperTest, ARejectKeepsNothingOfARowWhoseCellsRanTogether) {
  RowMapper mapper = MakeMapper();
  Cells cells;
  cells.unit = "Sở Y tế,15/11/2023,Nguyễn Văn A\nH34-2,Sở Chưa Có";
  const v1::Reject reject = std::get<v1::Reject>(mapper.Map(cells.Views(), 3));
  EXPECT_EQ(reject.reason(), v1::RejectReason::BAD_ROW);
  EXPECT_EQ(reject.DebugString().find("Nguy"), std::string::npos);
  EXPECT_EQ(reject.cells_size(), 1);  // its code, of the national form
  cells.code = "Nguyen Van A 0905123456";
  EXPECT_EQ(std::get<v1::Reject>(mapper.Map(cells.Views(), 3)).cells_size(), 0);
}

}  // namespace
}  // namespace dondoc::ingestion
