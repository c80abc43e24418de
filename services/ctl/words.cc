#include "services/ctl/words.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

// A value this program does not know yet (a newer server) shows as its number.
std::string Other(int value) { return absl::StrCat("(", value, ")"); }

}  // namespace

std::string LevelWord(v1::Level::Value level) {
  switch (level) {
    case v1::Level::PROVINCE:
      return "Sở, ban, ngành";
    case v1::Level::DISTRICT:
      return "Huyện, thành phố";
    case v1::Level::COMMUNE:
      return "Xã, phường, thị trấn";
    default:
      return Other(level);
  }
}

std::string ChannelWord(v1::Channel::Value channel) {
  switch (channel) {
    case v1::Channel::UNKNOWN:
      return "Không rõ";
    case v1::Channel::COUNTER:
      return "Trực tiếp";
    case v1::Channel::ONLINE:
      return "Trực tuyến";
    case v1::Channel::POSTAL:
      return "BCCI";
    default:
      return Other(channel);
  }
}

std::string StatusWord(v1::Status::Value status) {
  switch (status) {
    case v1::Status::UNKNOWN:
      return "Không rõ";
    case v1::Status::NEW:
      return "Mới đăng ký";
    case v1::Status::RECEIVED:
      return "Được tiếp nhận";
    case v1::Status::REFUSED:
      return "Không được tiếp nhận";
    case v1::Status::PROCESSING:
      return "Đang xử lý";
    case v1::Status::SUPPLEMENT_REQUIRED:
      return "Yêu cầu bổ sung";
    case v1::Status::PAYMENT_REQUIRED:
      return "Chờ nghĩa vụ tài chính";
    case v1::Status::WITHDRAWN:
      return "Công dân rút hồ sơ";
    case v1::Status::STOPPED:
      return "Dừng xử lý";
    case v1::Status::FINISHED:
      return "Đã xử lý xong";
    case v1::Status::RETURNED:
      return "Đã trả kết quả";
    default:
      return Other(status);
  }
}

std::string ServiceLevelWord(v1::ServiceLevel::Value level) {
  switch (level) {
    case v1::ServiceLevel::UNKNOWN:
      return "Không rõ";
    case v1::ServiceLevel::INFORMATION:
      return "Cung cấp thông tin";
    case v1::ServiceLevel::PARTIAL:
      return "Một phần";
    case v1::ServiceLevel::FULL:
      return "Toàn trình";
    default:
      return Other(level);
  }
}

std::string BasisWord(v1::Basis::Value basis) {
  switch (basis) {
    case v1::Basis::NONE:
      return "chưa có số liệu";
    case v1::Basis::DOSSIERS:
      return "hồ sơ";
    case v1::Basis::PARTIAL_DOSSIERS:
      return "hồ sơ, chưa đủ ngày";
    case v1::Basis::STATEMENT:
      return "số đơn vị báo";
    default:
      return Other(basis);
  }
}

std::string ImportStateWord(v1::ImportState::Value state) {
  switch (state) {
    case v1::ImportState::RUNNING:
      return "đang đọc";
    case v1::ImportState::PREVIEWED:
      return "chờ duyệt, chưa có hiệu lực";
    case v1::ImportState::APPLIED:
      return "đã có hiệu lực";
    case v1::ImportState::FAILED:
      return "hỏng, không có gì thay đổi";
    case v1::ImportState::CANCELLED:
      return "đã hủy";
    case v1::ImportState::REVERTED:
      return "đã hoàn tác";
    default:
      return Other(state);
  }
}

std::string MeaningWord(const std::string& meaning) {
  static const auto* const words = new std::map<std::string, const char*>{
      {"serial", "số thứ tự"},
      {"code", "mã hồ sơ"},
      {"procedure_code", "mã thủ tục"},
      {"procedure_name", "tên thủ tục"},
      {"field", "lĩnh vực"},
      {"unit", "đơn vị tiếp nhận"},
      {"handling_unit", "đơn vị giải quyết"},
      {"submitted", "ngày nộp"},
      {"received", "ngày tiếp nhận"},
      {"updated", "ngày cập nhật"},
      {"due", "ngày hẹn trả"},
      {"done", "ngày trả"},
      {"channel", "kênh"},
      {"service_level", "mức độ"},
      {"status", "trạng thái"},
  };
  const auto found = words->find(meaning);
  return found == words->end() ? Printable(meaning) : found->second;
}

std::string RejectReasonWord(v1::RejectReason::Value reason) {
  switch (reason) {
    case v1::RejectReason::UNKNOWN_UNIT:
      return "đơn vị không có trong danh mục";
    case v1::RejectReason::AMBIGUOUS_UNIT:
      return "tên đơn vị khớp nhiều đơn vị";
    case v1::RejectReason::NO_UNIT:
      return "thiếu đơn vị";
    case v1::RejectReason::MISSING_CODE:
      return "thiếu mã hồ sơ";
    case v1::RejectReason::BAD_CODE:
      return "mã hồ sơ không hợp lệ";
    case v1::RejectReason::NO_DATE:
      return "thiếu ngày tiếp nhận";
    case v1::RejectReason::BAD_DATE:
      return "ngày không đọc được";
    case v1::RejectReason::FUTURE_DATE:
      return "ngày tiếp nhận ở tương lai";
    case v1::RejectReason::BAD_NUMBER:
      return "số không đọc được";
    case v1::RejectReason::PARTS_MISMATCH:
      return "các phần không cộng thành tổng";
    case v1::RejectReason::REPEATED_UNIT:
      return "đơn vị lặp lại trong biểu";
    case v1::RejectReason::BAD_VALUE:
      return "giá trị không hợp lệ";
    case v1::RejectReason::BAD_ROW:
      return "dòng không đọc được";
    default:
      return Other(reason);
  }
}

std::string EvaluationStateWord(v1::EvaluationState::Value state) {
  switch (state) {
    case v1::EvaluationState::DRY_RUN:
      return "tính thử, không lưu";
    case v1::EvaluationState::DRAFTED:
      return "thư nháp, không gửi";
    case v1::EvaluationState::AWAITING_RELEASE:
      return "chờ cán bộ cho gửi";
    case v1::EvaluationState::RELEASED:
      return "đã cho gửi";
    default:
      return Other(state);
  }
}

std::string OutlookWord(v1::Outlook::Value outlook) {
  switch (outlook) {
    case v1::Outlook::NO_DOSSIERS:
      return "không phát sinh";
    case v1::Outlook::REACHED:
      return "đạt";
    case v1::Outlook::OUT_OF_REACH:
      return "không còn khả năng";
    case v1::Outlook::ON_TRACK:
      return "khả thi";
    case v1::Outlook::HARD:
      return "khó";
    case v1::Outlook::NO_DATA:
      return "chưa có số liệu";
    default:
      return Other(outlook);
  }
}

std::string WritingWord(v1::Writing::Value writing) {
  switch (writing) {
    case v1::Writing::WRITTEN:
      return "có thư";
    case v1::Writing::NOT_FLAGGED:
      return "không cần nhắc";
    case v1::Writing::NO_CONTACT:
      return "chưa có hộp thư";
    case v1::Writing::RECIPIENT_REFUSED:
      return "hộp thư không được phép";
    case v1::Writing::DRY_RUN:
      return "sẽ viết";
    default:
      return Other(writing);
  }
}

std::string ReminderStateWord(v1::ReminderState::Value state) {
  switch (state) {
    case v1::ReminderState::DRAFTED:
      return "nháp";
    case v1::ReminderState::QUEUED:
      return "chờ gửi";
    case v1::ReminderState::SENDING:
      return "đang gửi";
    case v1::ReminderState::SENT:
      return "đã gửi";
    case v1::ReminderState::DEFERRED:
      return "sẽ thử lại";
    case v1::ReminderState::FAILED:
      return "không gửi được";
    case v1::ReminderState::UNKNOWN:
      return "chưa rõ";
    default:
      return Other(state);
  }
}

std::string SendModeWord(v1::SendMode::Value mode) {
  switch (mode) {
    case v1::SendMode::DRAFT:
      return "chỉ viết nháp";
    case v1::SendMode::AUTOMATIC:
      return "gửi ngay";
    case v1::SendMode::UNSPECIFIED:
    case v1::SendMode::APPROVAL:
      return "gửi khi cán bộ duyệt";
    default:
      return Other(mode);
  }
}

std::string CountText(int64_t count) { return NumberVi(count); }

std::string PercentText(absl::string_view percent) {
  return percent.empty() ? "–" : absl::StrCat(PercentVi(percent), " %");
}

std::string RatioText(const v1::Ratio& ratio) {
  if (ratio.has_percent()) return PercentText(ratio.percent());
  return ratio.basis() == v1::Basis::NONE ? "chưa có số liệu" : "không phát sinh";
}

std::string VerdictText(const v1::Ratio& ratio) {
  if (!ratio.has_reached()) return "";
  return ratio.reached() ? "Đạt" : "Chưa đạt";
}

std::string DayText(absl::string_view day) {
  const absl::StatusOr<absl::CivilDay> parsed = ParseDay(day);
  return parsed.ok() ? FormatDayVi(*parsed) : std::string(day);
}

std::string WindowText(const v1::Window& window) {
  return absl::StrCat(DayText(window.from()), " – ", DayText(window.to()));
}

std::string InstantText(bool present, const google::protobuf::Timestamp& instant) {
  if (!present) return "";
  return absl::FormatTime("%d/%m/%Y %H:%M", FromProto(instant), VietNamTime());
}

}  // namespace dondoc::ctl
