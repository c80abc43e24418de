#include "services/ingestion/ledger/dossier_check.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/common/clock/civil.h"
#include "services/common/status/quote.h"

namespace dondoc::ingestion {
namespace {

using Reason = v1::RejectReason;
using Problem = std::optional<DossierProblem>;

// What a google.protobuf.Timestamp may hold.
constexpr int64_t kSecondsMin = -62135596800;
constexpr int64_t kSecondsMax = 253402300799;

constexpr absl::CivilDay kFirstDay(2000, 1, 1);

bool IsNullDay(absl::CivilDay day) {
  return day == absl::CivilDay(1, 1, 1) || day == absl::CivilDay(1970, 1, 1);
}

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

void Trim(std::string& text) { absl::StripAsciiWhitespace(&text); }

Problem CheckCode(std::string& code) {
  Trim(code);
  if (code.empty()) return DossierProblem{Reason::MISSING_CODE, "Thiếu mã hồ sơ"};
  if (code.size() > kCodeBytesMax) {
    return DossierProblem{Reason::BAD_CODE,
                          absl::StrCat("Mã hồ sơ ", Quoted(code), " dài ", code.size(),
                                       " byte, tối đa ", kCodeBytesMax)};
  }
  const bool visible = std::all_of(code.begin(), code.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!visible) {
    return DossierProblem{
        Reason::BAD_CODE,
        absl::StrCat("Mã hồ sơ ", Quoted(code),
                     " có dấu cách hoặc ký tự không được phép (chỉ dùng chữ không dấu, số, dấu)")};
  }
  absl::AsciiStrToUpper(&code);
  return std::nullopt;
}

Problem CheckText(absl::string_view name, std::string& text, size_t bytes_max) {
  Trim(text);
  if (text.size() > bytes_max) {
    return DossierProblem{
        Reason::BAD_VALUE,
        absl::StrCat(name, " ", Quoted(text), " dài ", text.size(), " byte, tối đa ", bytes_max)};
  }
  if (HasControl(text)) {
    return DossierProblem{Reason::BAD_VALUE,
                          absl::StrCat(name, " ", Quoted(text), " có ký tự điều khiển")};
  }
  return std::nullopt;
}

Problem CheckEnums(const v1::Dossier& dossier) {
  const auto bad = [](absl::string_view name, int value) {
    return DossierProblem{Reason::BAD_VALUE,
                          absl::StrCat(name, " ", value, " không có trong danh mục")};
  };
  if (!v1::Channel::Value_IsValid(dossier.channel())) {
    return bad("Kênh thực hiện", dossier.channel());
  }
  if (!v1::ServiceLevel::Value_IsValid(dossier.service_level())) {
    return bad("Mức độ dịch vụ", dossier.service_level());
  }
  if (!v1::Status::Value_IsValid(dossier.status())) {
    return bad("Trạng thái", dossier.status());
  }
  return std::nullopt;
}

// The day of `timestamp`, or what is wrong with it. A null date gives neither.
Problem ReadDay(absl::string_view name, const google::protobuf::Timestamp& timestamp,
                std::optional<absl::CivilDay>& day) {
  if (timestamp.seconds() < kSecondsMin || timestamp.seconds() > kSecondsMax ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999'999'999) {
    return DossierProblem{Reason::BAD_DATE, absl::StrCat(name, " không phải là một thời điểm")};
  }
  const absl::CivilDay read = DayOf(FromProto(timestamp));
  if (IsNullDay(read)) return std::nullopt;
  day = read;
  if (read < kFirstDay) {
    return DossierProblem{Reason::BAD_DATE, absl::StrCat(name, " ", FormatDayVi(read),
                                                         " trước ngày ", FormatDayVi(kFirstDay))};
  }
  return std::nullopt;
}

Problem CheckUpdateTime(v1::Dossier& dossier, absl::CivilDay today) {
  if (!dossier.has_update_time()) return std::nullopt;
  std::optional<absl::CivilDay> day;
  if (Problem problem = ReadDay("Thời điểm cập nhật", dossier.update_time(), day)) return problem;
  if (!day) {
    dossier.clear_update_time();
    return std::nullopt;
  }
  // A time far ahead would win over every later correction.
  if (*day > today + 1) {
    return DossierProblem{Reason::FUTURE_DATE,
                          absl::StrCat("Thời điểm cập nhật ", FormatDayVi(*day), " ở tương lai")};
  }
  return std::nullopt;
}

bool MeansReceived(v1::Status::Value status) {
  return status == v1::Status::RECEIVED || status == v1::Status::PROCESSING ||
         status == v1::Status::FINISHED || status == v1::Status::RETURNED;
}

Problem CheckReceived(v1::Dossier& dossier, const v1::Unit& unit, absl::CivilDay today) {
  std::optional<absl::CivilDay> day;
  if (dossier.has_received_time()) {
    if (Problem problem = ReadDay("Ngày tiếp nhận", dossier.received_time(), day)) return problem;
  }
  if (!day) {
    dossier.clear_received_time();
    if (!MeansReceived(dossier.status())) return std::nullopt;
    return DossierProblem{Reason::NO_DATE, "Hồ sơ đã tiếp nhận nhưng không có ngày tiếp nhận"};
  }
  if (*day > today) {
    return DossierProblem{Reason::FUTURE_DATE,
                          absl::StrCat("Ngày tiếp nhận ", FormatDayVi(*day), " ở tương lai")};
  }
  if (!Directory::ExistsOn(unit, *day)) {
    return DossierProblem{Reason::UNKNOWN_UNIT,
                          absl::StrCat("Đơn vị ", Quoted(unit.unit_id()),
                                       " không tồn tại vào ngày ", FormatDayVi(*day))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<DossierProblem> CheckDossier(v1::Dossier& dossier, const Directory& directory,
                                           absl::CivilDay today) {
  if (Problem problem = CheckCode(*dossier.mutable_code())) return problem;
  if (Problem problem = CheckUpdateTime(dossier, today)) return problem;
  if (dossier.withdrawn()) {
    v1::Dossier kept;
    kept.set_code(dossier.code());
    kept.set_withdrawn(true);
    if (dossier.has_update_time()) *kept.mutable_update_time() = dossier.update_time();
    dossier = kept;
    return std::nullopt;
  }
  if (Problem problem = CheckEnums(dossier)) return problem;
  for (auto [name, text, bytes_max] :
       {std::tuple("Mã thủ tục", dossier.mutable_procedure_code(), kProcedureCodeBytesMax),
        std::tuple("Lĩnh vực", dossier.mutable_field(), kFieldBytesMax),
        std::tuple("Đơn vị xử lý", dossier.mutable_handling_unit_id(), kUnitIdBytesMax),
        std::tuple("Đơn vị", dossier.mutable_unit_id(), kUnitIdBytesMax)}) {
    if (Problem problem = CheckText(name, *text, bytes_max)) return problem;
  }
  if (dossier.unit_id().empty()) return DossierProblem{Reason::NO_UNIT, "Thiếu đơn vị"};
  const v1::Unit* unit = directory.Find(dossier.unit_id());
  if (unit == nullptr) {
    return DossierProblem{Reason::UNKNOWN_UNIT,
                          absl::StrCat("Không có đơn vị ", Quoted(dossier.unit_id()))};
  }
  return CheckReceived(dossier, *unit, today);
}

}  // namespace dondoc::ingestion
