#include "services/ingestion/reading/header_map.h"

#include "gmock/gmock.h"

namespace dondoc::ingestion {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Meanings(const std::vector<absl::string_view>& headers) {
  std::vector<std::string> meanings;
  for (const auto& column : MapHeader(headers).columns) meanings.push_back(column.meaning());
  return meanings;
}

TEST(HeaderMapTest, KnowsEveryHeaderOfTheDomain) {
  const struct {
    const char* header;
    const char* meaning;
  } kCases[] = {
      {"STT", "serial"},
      {"TT", "serial"},
      {"Số TT", "serial"},
      {"Mã hồ sơ", "code"},
      {"MÃ HỒ SƠ", "code"},
      {"Mã\nhồ sơ", "code"},
      {"Mã\xC2\xA0hồ sơ", "code"},
      {"Ma\xCC\x83 ho\xCC\x82\xCC\x80 so\xCC\x9B", "code"},
      {"Số hồ sơ", "code"},
      {"Mã số hồ sơ", "code"},
      {"Số biên nhận", "code"},
      {"MaHoSo", "code"},
      {"Mã hồ sơ liên thông", "code"},
      {"Tên thủ tục hành chính", "procedure_name"},
      {"Tên TTHC", "procedure_name"},
      {"Thủ tục", "procedure_name"},
      {"Nội dung hồ sơ", "procedure_name"},
      {"Mã TTHC", "procedure_code"},
      {"MaTTHC", "procedure_code"},
      {"Lĩnh vực", "field"},
      {"Ngày cập nhật", "updated"},
      {"Thời gian cập nhật", "updated"},
      {"NgayCapNhat", "updated"},
      {"Đơn vị tiếp nhận", "unit"},
      {"Đơn vị", "unit"},
      {"Tên Đơn vị", "unit"},
      {"UBND cấp xã", "unit"},
      {"Đơn vị giải quyết", "unit"},  // when no other column names a unit
      {"Tên đơn vị xử lý", "unit"},
      {"Cơ quan thực hiện", "unit"},
      {"Cơ quan giải quyết", "unit"},
      {"DonViXuLy", "unit"},
      {"Ngày nộp hồ sơ", "submitted"},
      {"Ngày gửi", "submitted"},
      {"Ngày nhận", "received"},
      {"Ngày tiếp nhận", "received"},
      {"Thời gian tiếp nhận", "received"},
      {"NgayTiepNhan", "received"},
      {"Ngày hẹn trả", "due"},
      {"Hạn xử lý", "due"},
      {"Ngày kết thúc xử lý", "done"},
      {"Ngày trả kết quả", "done"},
      {"Hình thức nộp", "channel"},
      {"Hình thức tiếp nhận", "channel"},
      {"Kênh thực hiện", "channel"},
      {"Loại tiếp nhận", "channel"},
      {"KenhThucHien", "channel"},
      {"Mức độ", "service_level"},
      {"MucDo", "service_level"},
      {"Trạng thái hồ sơ", "status"},
      {"TrangThaiHoSo", "status"},
      {"Chủ hồ sơ", "personal"},
      {"Tên chủ hồ sơ", "personal"},
      {"Người nộp", "personal"},
      {"Địa chỉ", "personal"},
      {"SĐT", "personal"},
      {"Số điện thoại người nộp", "personal"},
      {"CCCD/CMND", "personal"},
      {"Email", "personal"},
      {"SoGiayToChuHoSo", "personal"},
      {"code", "code"},
      {"unit_id", "unit"},
      {"procedure_code", "procedure_code"},
      {"field", "field"},
      {"received_time", "received"},
      {"channel", "channel"},
      {"service_level", "service_level"},
      {"status", "status"},
      {"update_time", "updated"},
      {"Ghi chú", "ignored"},
      {"Thu phí, lệ phí", "ignored"},
      {"", "ignored"},
  };
  for (const auto& each : kCases)
    EXPECT_THAT(Meanings({each.header}), ElementsAre(each.meaning)) << each.header;
}

TEST(HeaderMapTest, TheReceivingUnitCountsAndTheHandlingOneIsKept) {
  EXPECT_THAT(Meanings({"Mã hồ sơ", "Đơn vị giải quyết", "Đơn vị tiếp nhận"}),
              ElementsAre("code", "handling_unit", "unit"));
  EXPECT_THAT(Meanings({"Mã hồ sơ", "Tên đơn vị xử lý", "Đơn vị"}),
              ElementsAre("code", "handling_unit", "unit"));
}

TEST(HeaderMapTest, OfTwoColumnsForOneMeaningTheBetterNameIsRead) {
  EXPECT_THAT(Meanings({"Mã hồ sơ liên thông", "Mã hồ sơ"}), ElementsAre("ignored", "code"));
  EXPECT_THAT(Meanings({"Mã hồ sơ", "Mã hồ sơ"}), ElementsAre("code", "ignored"));
}

TEST(HeaderMapTest, NamesWhatIsMissing) {
  const std::vector<absl::string_view> headers = {"Mã hồ sơ", "Ghi chú"};
  EXPECT_THAT(MapHeader(headers).missing, ElementsAre("đơn vị tiếp nhận", "ngày tiếp nhận"));
  const std::vector<absl::string_view> whole = {"Mã hồ sơ", "Đơn vị", "Ngày nhận"};
  EXPECT_THAT(MapHeader(whole).missing, IsEmpty());
}

}  // namespace
}  // namespace dondoc::ingestion
