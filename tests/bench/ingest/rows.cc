#include "tests/bench/ingest/rows.h"

#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "services/common/clock/civil.h"
#include "services/ctl/sample/export.h"
#include "services/ctl/unit_registry.h"

namespace dondoc::bench {
namespace {

constexpr int kDays = 319;  // 01/01 to 15/11/2023
constexpr size_t kProcedures = 400;
constexpr size_t kRecentMax = 20'000;
constexpr size_t kRepeatedOneIn = 20;
constexpr const char* kFields[] = {"Đất đai", "Hộ tịch",    "Chứng thực", "Bảo trợ xã hội",
                                   "Y tế",    "Giao thông", "Xây dựng",   "Thành lập và hoạt động"};
constexpr const char* kChannels[] = {"", "Trực tiếp", "Trực tuyến", "Qua bưu chính công ích"};
constexpr const char* kLevels[] = {"", "", "Cung cấp thông tin", "Một phần", "Toàn trình"};
constexpr int kProcessing = 4;
constexpr int kReturned = 10;

const char* StatusText(int status) { return status == kReturned ? "Đã trả kết quả" : "Đang xử lý"; }

}  // namespace

absl::StatusOr<Source> Source::Open(const std::string& units_csv, int64_t rows, uint64_t seed) {
  absl::StatusOr<std::vector<v1::Unit>> units = ctl::ReadRegistry(units_csv, std::nullopt);
  if (!units.ok()) return units.status();
  Source source;
  source.rows_ = rows;
  source.state_ = seed;
  source.units_ = *std::move(units);
  std::map<std::string, const v1::Unit*> by_id;
  for (const v1::Unit& unit : source.units_) by_id[unit.unit_id()] = &unit;
  for (const v1::Unit& unit : source.units_) {
    const auto parent = by_id.find(unit.parent_id());
    source.unit_names_.push_back(
        sample::ExportName(unit, parent == by_id.end() ? nullptr : parent->second));
  }
  for (size_t unit = 0; unit < source.units_.size(); ++unit) {
    const size_t size = 1 + source.Below(10) * source.Below(10);
    source.unit_draws_.insert(source.unit_draws_.end(), size, unit);
  }
  source.serials_.assign(source.units_.size(), 0);
  source.MakeProcedures();
  return source;
}

void Source::MakeProcedures() {
  for (size_t i = 0; i < kProcedures; ++i) {
    Procedure procedure;
    procedure.code = absl::StrFormat("%d.%06d", 1 + i % 2, 4'000 + i * 17);
    procedure.field = kFields[i % std::size(kFields)];
    procedure.name = absl::StrCat("Thủ tục số ", i, ", lĩnh vực ", procedure.field);
    procedure.service_level = 2 + static_cast<int>(i % 3);
    procedures_.push_back(std::move(procedure));
  }
}

// splitmix64: the same on every machine.
uint64_t Source::Random() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

bool Source::Next(ExportRow& row) {
  if (made_ >= rows_) return false;
  const int day = static_cast<int>(made_ * kDays / rows_);
  ++made_;
  if (day != day_) serials_.assign(serials_.size(), 0);
  day_ = day;
  if (!recent_.empty() && Below(kRepeatedOneIn) == 0) {
    ExportRow& again = recent_[Below(recent_.size())];
    again.updated += 3'600 + static_cast<int64_t>(Below(3 * 86'400));
    again.status = kReturned;
    row = again;
    return true;
  }
  row.unit = unit_draws_[Below(unit_draws_.size())];
  // A few procedures are most of the work.
  row.procedure = Below(2) == 0 ? Below(20) : Below(procedures_.size());
  const size_t channel = Below(100);
  row.channel = channel < 3 ? 0 : channel < 60 ? 1 : channel < 92 ? 2 : 3;
  row.status = Below(4) == 0 ? kProcessing : kReturned;
  const absl::CivilDay received = absl::CivilDay(2023, 1, 1) + day;
  row.received = absl::CivilMinute(received) + static_cast<int64_t>(7 * 60 + Below(600));
  row.updated = absl::CivilSecond(row.received) + static_cast<int64_t>(60 + Below(5 * 86'400));
  row.code = absl::StrFormat("H34.%02d-%02d%02d%02d-%04d", row.unit + 1, received.year() % 100,
                             received.month(), received.day(), ++serials_[row.unit]);
  if (recent_.size() < kRecentMax) {
    recent_.push_back(row);
  } else {
    recent_[static_cast<size_t>(made_) % kRecentMax] = row;
  }
  return true;
}

v1::Dossier ToDossier(const Source& source, const ExportRow& row) {
  const Procedure& procedure = source.procedures()[row.procedure];
  v1::Dossier dossier;
  dossier.set_code(row.code);
  dossier.set_unit_id(source.units()[row.unit].unit_id());
  dossier.set_procedure_code(procedure.code);
  dossier.set_field(procedure.field);
  dossier.set_channel(static_cast<v1::Channel::Value>(row.channel));
  dossier.set_service_level(static_cast<v1::ServiceLevel::Value>(procedure.service_level));
  dossier.set_status(static_cast<v1::Status::Value>(row.status));
  *dossier.mutable_received_time() =
      ToProto(absl::FromCivil(absl::CivilSecond(row.received), VietNamTime()));
  *dossier.mutable_update_time() = ToProto(absl::FromCivil(row.updated, VietNamTime()));
  return dossier;
}

absl::Status WriteFiles(Source source, const std::string& folder) {
  std::ofstream as_exported(folder + "/export.csv");
  std::ofstream clean(folder + "/clean.csv");
  as_exported
      << "\xEF\xBB\xBF"
      << "STT,Mã hồ sơ,Mã TTHC,Tên thủ tục hành chính,Lĩnh vực,Chủ hồ sơ,Số CCCD,"
         "Đơn vị tiếp nhận,Ngày tiếp nhận,Hình thức nộp,Mức độ,Trạng thái,Ngày cập nhật\r\n";
  ExportRow row;
  for (int64_t number = 1; source.Next(row); ++number) {
    const Procedure& procedure = source.procedures()[row.procedure];
    const absl::CivilMinute& received = row.received;
    const absl::CivilSecond& updated = row.updated;
    as_exported << number << ',' << row.code << ',' << procedure.code << ",\"" << procedure.name
                << "\"," << procedure.field << ",Người Mẫu " << number << ','
                << absl::StrFormat("%012d", number) << ",\"" << source.unit_names()[row.unit]
                << "\","
                << absl::StrFormat("%02d/%02d/%04d %02d:%02d", received.day(), received.month(),
                                   received.year(), received.hour(), received.minute())
                << ',' << kChannels[row.channel] << ',' << kLevels[procedure.service_level] << ','
                << StatusText(row.status) << ','
                << absl::StrFormat("%02d/%02d/%04d %02d:%02d:%02d", updated.day(), updated.month(),
                                   updated.year(), updated.hour(), updated.minute(),
                                   updated.second())
                << "\r\n";
    clean << row.code << ',' << source.units()[row.unit].unit_id() << ',' << procedure.code << ','
          << procedure.field << ','
          << absl::StrFormat("%04d-%02d-%02dT%02d:%02d:00+07", received.year(), received.month(),
                             received.day(), received.hour(), received.minute())
          << ',' << row.channel << ',' << procedure.service_level << ',' << row.status << ','
          << absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d+07", updated.year(), updated.month(),
                             updated.day(), updated.hour(), updated.minute(), updated.second())
          << '\n';
  }
  as_exported.close();
  clean.close();
  return as_exported && clean ? absl::OkStatus()
                              : absl::UnavailableError(absl::StrCat(folder, ": cannot be written"));
}

}  // namespace dondoc::bench
