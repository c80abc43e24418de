#include "services/ctl/sample/export.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/ctl/csv.h"

namespace dondoc::sample {
namespace {

constexpr absl::string_view kHeaders[] = {
    "STT",          "Mã hồ sơ",         "Mã TTHC",        "Tên thủ tục hành chính",
    "Lĩnh vực",     "Chủ hồ sơ",        "Số CCCD",        "Số điện thoại",
    "Địa chỉ",      "Đơn vị tiếp nhận", "Ngày nộp hồ sơ", "Ngày tiếp nhận",
    "Ngày hẹn trả", "Hình thức nộp",    "Mức độ",         "Trạng thái",
    "Ngày cập nhật"};

std::string LowerFirst(const std::string& name) {
  std::string lowered = name;
  if (!lowered.empty()) lowered[0] = absl::ascii_tolower(static_cast<unsigned char>(lowered[0]));
  return lowered;
}

std::string DayText(absl::CivilDay day) {
  return absl::StrFormat("%02d/%02d/%04d", day.day(), day.month(), day.year());
}
std::string MinuteText(absl::CivilSecond time) {
  return absl::StrFormat("%s %02d:%02d", DayText(absl::CivilDay(time)), time.hour(), time.minute());
}
std::string SecondText(absl::CivilSecond time) {
  return absl::StrFormat("%s:%02d", MinuteText(time), time.second());
}

// A channel that is not known is empty in most lines and an unheard-of word in some.
absl::string_view ChannelText(const Row& row) {
  switch (row.channel) {
    case v1::Channel::COUNTER:
      return "Trực tiếp";
    case v1::Channel::ONLINE:
      return "Trực tuyến";
    case v1::Channel::POSTAL:
      return "Qua bưu chính công ích";
    default:
      return row.updated.second() % 3 == 0 ? "Khác" : "";
  }
}

absl::string_view ServiceLevelText(v1::ServiceLevel::Value level) {
  switch (level) {
    case v1::ServiceLevel::FULL:
      return "Toàn trình";
    case v1::ServiceLevel::PARTIAL:
      return "Một phần";
    case v1::ServiceLevel::INFORMATION:
      return "Cung cấp thông tin";
    default:
      return "";
  }
}

absl::string_view StatusText(v1::Status::Value status) {
  switch (status) {
    case v1::Status::NEW:
      return "Mới đăng ký";
    case v1::Status::RECEIVED:
      return "Được tiếp nhận";
    case v1::Status::REFUSED:
      return "Không được tiếp nhận";
    case v1::Status::PROCESSING:
      return "Đang xử lý";
    case v1::Status::SUPPLEMENT_REQUIRED:
      return "Yêu cầu bổ sung giấy tờ";
    case v1::Status::PAYMENT_REQUIRED:
      return "Yêu cầu thực hiện nghĩa vụ tài chính";
    case v1::Status::WITHDRAWN:
      return "Công dân yêu cầu rút hồ sơ";
    case v1::Status::STOPPED:
      return "Dừng xử lý";
    case v1::Status::FINISHED:
      return "Đã xử lý xong";
    case v1::Status::RETURNED:
      return "Đã trả kết quả";
    default:
      return "";
  }
}

std::string UnitText(const Row& row, const std::vector<std::string>& names) {
  if (row.defect != Defect::kUnknownUnit) return names[row.unit];
  return row.updated.second() % 2 == 0 ? "UBND xã Không Có Thật, huyện Thử Nghiệm"
                                       : "Phòng Giao dịch số 3";
}

std::string ReceivedText(const Row& row) {
  switch (row.defect) {
    case Defect::kNoDate:
      return "";
    case Defect::kBadDate:
      return row.updated.second() % 2 == 0 ? "31/02/2023" : "15 thang 11";
    case Defect::kFutureDate: {
      // A slip of one key: a century late.
      const absl::CivilDay day(*row.received);
      return DayText(absl::CivilDay(day.year() + 100, day.month(), day.day()));
    }
    default:
      return row.received.has_value() ? MinuteText(*row.received) : "";
  }
}

}  // namespace

std::string ExportName(const v1::Unit& unit, const v1::Unit* parent) {
  if (unit.level() != v1::Level::DISTRICT && unit.level() != v1::Level::COMMUNE) {
    return unit.name();
  }
  std::string name = absl::StrCat("UBND ", LowerFirst(unit.name()));
  if (parent != nullptr) absl::StrAppend(&name, ", ", LowerFirst(parent->name()));
  return name;
}

void WriteExport(const Year& year, uint64_t seed, std::ostream& out) {
  std::map<std::string, const v1::Unit*> by_id;
  for (const v1::Unit& unit : year.units) by_id[unit.unit_id()] = &unit;
  std::vector<std::string> names;
  for (const v1::Unit& unit : year.units) {
    const auto parent = by_id.find(unit.parent_id());
    names.push_back(ExportName(unit, parent == by_id.end() ? nullptr : parent->second));
  }

  const std::string title = absl::StrCat(
      "DỮ LIỆU MÔ PHỎNG (SYNTHETIC), KHÔNG PHẢI SỐ LIỆU THẬT: dondocctl sample --seed=", seed);
  out << "\xEF\xBB\xBF" << ctl::CsvCell(title) << std::string(std::size(kHeaders) - 1, ',')
      << "\r\n";
  out << absl::StrJoin(kHeaders, ",") << "\r\n";
  int64_t number = 0;
  for (const Row& row : year.rows) {
    const Procedure& procedure = year.catalogue.procedures[row.procedure];
    ++number;
    out << number << ',' << row.code << ',' << procedure.code << ',' << ctl::CsvCell(procedure.name)
        << ',' << ctl::CsvCell(procedure.field) << ",Người Mẫu " << number << ','
        << absl::StrFormat("%012d", number) << ",0000000000,\"Số 0, đường Giả Định\","
        << ctl::CsvCell(UnitText(row, names)) << ',' << MinuteText(row.submitted) << ','
        << ReceivedText(row) << ',' << DayText(absl::CivilDay(row.due)) << ',' << ChannelText(row)
        << ',' << ServiceLevelText(procedure.service_level) << ',' << StatusText(row.status) << ','
        << SecondText(row.updated) << "\r\n";
  }
}

std::vector<v1::Unit> WithSampleMailboxes(std::vector<v1::Unit> units) {
  for (v1::Unit& unit : units) {
    std::vector<std::string> parts = absl::StrSplit(unit.unit_id(), '.');
    const std::string domain = parts.size() > 1 ? parts.front() : "sample";
    if (parts.size() > 1) parts.erase(parts.begin());
    std::reverse(parts.begin(), parts.end());
    unit.clear_emails();
    unit.add_emails(absl::StrCat(absl::StrJoin(parts, "."), "@", domain, ".invalid"));
  }
  return units;
}

}  // namespace dondoc::sample
