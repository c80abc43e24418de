#include "services/ctl/sample/catalogue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dondoc::sample {
namespace {

constexpr auto kFull = v1::ServiceLevel::FULL;
constexpr auto kPartial = v1::ServiceLevel::PARTIAL;
constexpr auto kInformation = v1::ServiceLevel::INFORMATION;

struct Entry {
  absl::string_view name;
  absl::string_view field;
  v1::ServiceLevel::Value service_level;
};

constexpr Entry kCommune[] = {
    {"Chứng thực bản sao từ bản chính", "Chứng thực", kPartial},
    {"Đăng ký khai sinh", "Hộ tịch", kFull},
    {"Cấp Giấy xác nhận tình trạng hôn nhân", "Hộ tịch", kFull},
    {"Chứng thực chữ ký", "Chứng thực", kInformation},
    {"Cấp bản sao trích lục hộ tịch", "Hộ tịch", kFull},
    {"Đăng ký kết hôn", "Hộ tịch", kPartial},
    {"Chứng thực hợp đồng, giao dịch về quyền sử dụng đất", "Chứng thực", kInformation},
    {"Đăng ký khai tử", "Hộ tịch", kFull},
    {"Liên thông khai sinh, thường trú, thẻ bảo hiểm y tế trẻ dưới 6 tuổi", "Hộ tịch", kFull},
    {"Thay đổi, cải chính, bổ sung thông tin hộ tịch", "Hộ tịch", kPartial},
    {"Đăng ký lại khai sinh", "Hộ tịch", kPartial},
    {"Đăng ký nhận cha, mẹ, con", "Hộ tịch", kPartial},
    {"Xác nhận hộ nghèo, hộ cận nghèo", "Bảo trợ xã hội", kPartial},
    {"Trợ giúp xã hội hằng tháng", "Bảo trợ xã hội", kPartial},
    {"Hỗ trợ chi phí mai táng", "Bảo trợ xã hội", kPartial},
    {"Xác định mức độ khuyết tật", "Bảo trợ xã hội", kInformation},
    {"Hòa giải tranh chấp đất đai", "Đất đai", kInformation},
    {"Chứng thực di chúc", "Chứng thực", kInformation},
    {"Đăng ký giám hộ", "Hộ tịch", kPartial},
    {"Đăng ký lại kết hôn", "Hộ tịch", kPartial},
    {"Xác nhận thông tin hộ tịch", "Hộ tịch", kFull},
    {"Công nhận người có uy tín trong đồng bào dân tộc thiểu số", "Công tác dân tộc", kPartial},
    {"Thông báo tổ chức lễ hội cấp xã", "Văn hóa", kFull},
    {"Đăng ký hoạt động tín ngưỡng", "Tôn giáo", kPartial},
    {"Tặng Giấy khen của Chủ tịch UBND cấp xã", "Thi đua - Khen thưởng", kPartial},
    {"Đề nghị hưởng chế độ người có công", "Người có công", kPartial},
    {"Đăng ký chuyển đổi cơ cấu cây trồng trên đất lúa", "Trồng trọt", kFull},
    {"Tiếp công dân tại cấp xã", "Tiếp công dân", kInformation},
};

constexpr Entry kDistrict[] = {
    {"Đăng ký biến động quyền sử dụng đất", "Đất đai", kPartial},
    {"Đăng ký thành lập hộ kinh doanh", "Hộ kinh doanh", kFull},
    {"Chuyển mục đích sử dụng đất", "Đất đai", kPartial},
    {"Cấp Giấy chứng nhận quyền sử dụng đất lần đầu", "Đất đai", kInformation},
    {"Cấp giấy phép xây dựng nhà ở riêng lẻ", "Xây dựng", kPartial},
    {"Thay đổi nội dung đăng ký hộ kinh doanh", "Hộ kinh doanh", kFull},
    {"Chấm dứt hoạt động hộ kinh doanh", "Hộ kinh doanh", kFull},
    {"Cấp bản sao trích lục hộ tịch", "Hộ tịch", kFull},
    {"Chứng thực bản sao từ bản chính", "Chứng thực", kPartial},
    {"Chứng thực chữ ký người dịch", "Chứng thực", kInformation},
    {"Thay đổi, cải chính hộ tịch cho người từ đủ 14 tuổi", "Hộ tịch", kPartial},
    {"Đăng ký kết hôn có yếu tố nước ngoài", "Hộ tịch", kPartial},
    {"Cấp lại Giấy chứng nhận đăng ký hộ kinh doanh", "Hộ kinh doanh", kFull},
    {"Trợ cấp xã hội hằng tháng", "Bảo trợ xã hội", kPartial},
    {"Tách thửa, hợp thửa đất", "Đất đai", kPartial},
    {"Xóa đăng ký biện pháp bảo đảm", "Đăng ký biện pháp bảo đảm", kPartial},
    {"Đăng ký biện pháp bảo đảm bằng quyền sử dụng đất", "Đăng ký biện pháp bảo đảm", kPartial},
    {"Cấp giấy phép bán lẻ rượu", "Lưu thông hàng hóa", kFull},
    {"Cấp giấy phép bán lẻ sản phẩm thuốc lá", "Lưu thông hàng hóa", kFull},
    {"Chuyển trường đối với học sinh trung học cơ sở", "Giáo dục", kFull},
    {"Tuyển sinh trung học cơ sở", "Giáo dục", kPartial},
    {"Cho phép trường mẫu giáo hoạt động giáo dục", "Giáo dục", kPartial},
    {"Thẩm định báo cáo kinh tế - kỹ thuật", "Xây dựng", kInformation},
    {"Cấp giấy phép môi trường cấp huyện", "Môi trường", kPartial},
    {"Tặng danh hiệu Lao động tiên tiến", "Thi đua - Khen thưởng", kPartial},
    {"Thành lập hội cấp huyện", "Tổ chức hội", kInformation},
};

// What a department's procedures are about, found by a word of its name.
struct Department {
  absl::string_view word;
  absl::string_view field;
  absl::string_view object;
};

constexpr Department kDepartments[] = {
    {"Công Thương", "Lưu thông hàng hóa", "giấy chứng nhận đủ điều kiện bán lẻ xăng dầu"},
    {"Giáo dục", "Giáo dục", "bản sao văn bằng, chứng chỉ từ sổ gốc"},
    {"Giao thông", "Đường bộ", "giấy phép lái xe"},
    {"Kế hoạch", "Thành lập doanh nghiệp", "giấy chứng nhận đăng ký doanh nghiệp"},
    {"Khoa học", "An toàn bức xạ", "giấy phép tiến hành công việc bức xạ"},
    {"Lao động", "Việc làm", "giấy phép lao động cho người nước ngoài"},
    {"Ngoại vụ", "Công tác lãnh sự", "thẻ đi lại doanh nhân APEC"},
    {"Nội vụ", "Tổ chức hội", "quyết định công nhận điều lệ hội"},
    {"Nông nghiệp", "Trồng trọt", "giấy chứng nhận đủ điều kiện buôn bán phân bón"},
    {"Tài chính", "Tin học - Thống kê", "mã số đơn vị có quan hệ với ngân sách"},
    {"Tài nguyên", "Đất đai", "giấy chứng nhận quyền sử dụng đất cho tổ chức"},
    {"Thông tin", "Xuất bản", "giấy phép xuất bản tài liệu không kinh doanh"},
    {"Tư pháp", "Lý lịch tư pháp", "phiếu lý lịch tư pháp"},
    {"Văn hóa", "Lữ hành", "thẻ hướng dẫn viên du lịch"},
    {"Xây dựng", "Hoạt động xây dựng", "chứng chỉ hành nghề hoạt động xây dựng"},
    {"Y tế", "Dược phẩm", "chứng chỉ hành nghề dược"},
    {"Khu kinh tế", "Đầu tư", "giấy chứng nhận đăng ký đầu tư trong khu kinh tế"},
};
constexpr Department kOtherDepartment = {"", "Lĩnh vực khác", "giấy phép chuyên ngành"};

constexpr Entry kActions[] = {
    {"Cấp", "", kFull},        {"Cấp lại", "", kFull},    {"Điều chỉnh", "", kPartial},
    {"Gia hạn", "", kPartial}, {"Thu hồi", "", kPartial}, {"Thẩm định hồ sơ", "", kInformation},
};

// Adds a procedure and returns its index.
size_t Add(std::string name, absl::string_view field, v1::ServiceLevel::Value service_level,
           std::vector<Procedure>& procedures) {
  Procedure procedure;
  procedure.code = absl::StrFormat("9.%06d.000.00.00.H34", procedures.size() + 1);
  procedure.name = std::move(name);
  procedure.field = std::string(field);
  procedure.service_level = service_level;
  procedures.push_back(std::move(procedure));
  return procedures.size() - 1;
}

std::vector<size_t> AddAll(absl::Span<const Entry> entries, std::vector<Procedure>& procedures) {
  std::vector<size_t> indexes;
  for (const Entry& entry : entries) {
    indexes.push_back(Add(std::string(entry.name), entry.field, entry.service_level, procedures));
  }
  return indexes;
}

std::vector<size_t> AddDepartment(const std::string& unit_name,
                                  std::vector<Procedure>& procedures) {
  const Department* about = &kOtherDepartment;
  for (const Department& department : kDepartments) {
    if (unit_name.find(std::string(department.word)) != std::string::npos) about = &department;
  }
  std::vector<size_t> indexes;
  for (const Entry& action : kActions) {
    indexes.push_back(Add(absl::StrCat(action.name, " ", about->object), about->field,
                          action.service_level, procedures));
  }
  return indexes;
}

}  // namespace

Catalogue MakeCatalogue(const std::vector<v1::Unit>& units) {
  Catalogue catalogue;
  const std::vector<size_t> commune = AddAll(kCommune, catalogue.procedures);
  const std::vector<size_t> district = AddAll(kDistrict, catalogue.procedures);
  for (const v1::Unit& unit : units) {
    switch (unit.level()) {
      case v1::Level::COMMUNE:
        catalogue.of_unit.push_back(commune);
        break;
      case v1::Level::DISTRICT:
        catalogue.of_unit.push_back(district);
        break;
      default:
        catalogue.of_unit.push_back(AddDepartment(unit.name(), catalogue.procedures));
    }
  }
  return catalogue;
}

}  // namespace dondoc::sample
