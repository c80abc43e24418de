#include "services/ingestion/reading/row_mapper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/ingestion/ledger/dossier_check.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kRememberedMax = 1'000;
constexpr size_t kShownBytesMax = 80;

// What a reject keeps: all that the mapping reads, nothing else. Free text that may name a person
// (the procedure's name, "nội dung hồ sơ") is not among it.
constexpr Meaning kKept[] = {
    Meaning::kCode,         Meaning::kProcedureCode, Meaning::kField,   Meaning::kUnit,
    Meaning::kHandlingUnit, Meaning::kReceived,      Meaning::kUpdated, Meaning::kChannel,
    Meaning::kServiceLevel, Meaning::kStatus,
};

absl::string_view Cell(const MeaningCells& cells, Meaning meaning) {
  return Trim(cells[static_cast<size_t>(meaning)]);
}

std::string Shown(absl::string_view text) {
  return absl::StrCat("\"", ToUtf8(text, kShownBytesMax), "\"");
}

// `parse` of a cell's text, remembered: a column of an enum has a handful of words.
template <typename Value>
CellValue<Value> Remember(absl::flat_hash_map<std::string, CellValue<Value>>& remembered,
                          absl::string_view text, CellValue<Value> (*parse)(absl::string_view)) {
  if (const auto found = remembered.find(text); found != remembered.end()) return found->second;
  if (remembered.size() >= kRememberedMax) remembered.clear();
  return remembered.emplace(std::string(text), parse(text)).first->second;
}

}  // namespace

void RowMapper::Tally::Add(int64_t row_number) {
  if (rows++ == 0) first_row_number = row_number;
}

RowMapper::RowMapper(std::shared_ptr<const Directory> directory, Options options)
    : options_(std::move(options)),
      today_(DayOf(options_.now)),
      units_(std::move(directory), options_.province) {}

std::variant<Row, v1::Reject> RowMapper::Map(const MeaningCells& cells, int64_t row_number) {
  Row row;
  row.row_number = row_number;
  bool by_succession = false;
  bool unknown_channel = false;
  row.dossier.set_code(std::string(Cell(cells, Meaning::kCode)));
  row.dossier.set_procedure_code(std::string(Cell(cells, Meaning::kProcedureCode)));
  row.dossier.set_field(std::string(Cell(cells, Meaning::kField)));
  std::optional<Refusal> refusal;
  // Before the unit, so that a total or a signature at the end of a sheet is what it is.
  if (row.dossier.code().empty()) {
    refusal = Refusal{v1::RejectReason::MISSING_CODE, "Dòng không có mã hồ sơ."};
  } else if (IsRoundedNumber(row.dossier.code())) {
    refusal = Refusal{v1::RejectReason::BAD_CODE,
                      absl::StrCat("Mã hồ sơ ", Shown(row.dossier.code()),
                                   " đã bị bảng tính làm tròn thành số mũ, mất chữ số. Hãy định "
                                   "dạng cột là văn bản rồi xuất lại.")};
  }
  if (!refusal.has_value()) refusal = ReadEnums(cells, row.dossier, unknown_channel);
  if (!refusal.has_value()) refusal = ReadTimes(cells, row.dossier);
  if (!refusal.has_value()) refusal = ReadUnits(cells, row.dossier, by_succession);
  if (!refusal.has_value()) {
    if (auto problem = CheckDossier(row.dossier, units_.directory(), today_)) {
      refusal = Refusal{problem->reason, std::move(problem->message)};
    }
  }
  if (refusal.has_value()) {
    return MakeReject(cells, row_number, refusal->reason, std::move(refusal->message));
  }
  if (!IsUsualCode(row.dossier.code())) unusual_codes_.Add(row_number);
  if (unknown_channel) unknown_channels_.Add(row_number);
  if (by_succession) successions_.Add(row_number);
  return row;
}

std::optional<RowMapper::Refusal> RowMapper::ReadEnums(const MeaningCells& cells,
                                                       v1::Dossier& dossier,
                                                       bool& unknown_channel) {
  using Channel = CellValue<v1::Channel::Value>;
  const auto bad_code = [](absl::string_view what, absl::string_view text) {
    return Refusal{v1::RejectReason::BAD_VALUE,
                   absl::StrCat(what, " ", Shown(text), " không phải mã số nào đã quy định.")};
  };
  if (options_.channel.has_value()) {
    dossier.set_channel(*options_.channel);
  } else {
    const absl::string_view text = Cell(cells, Meaning::kChannel);
    const Channel channel = Remember(channels_, text, &ParseCellChannel);
    if (channel.kind == Channel::Kind::kBadCode) return bad_code("Kênh thực hiện", text);
    unknown_channel = channel.kind == Channel::Kind::kUnknown;
    dossier.set_channel(channel.value);
  }
  const absl::string_view level_text = Cell(cells, Meaning::kServiceLevel);
  const auto level = Remember(service_levels_, level_text, &ParseCellServiceLevel);
  if (level.kind == decltype(level)::Kind::kBadCode) return bad_code("Mức độ", level_text);
  dossier.set_service_level(level.value);
  const absl::string_view status_text = Cell(cells, Meaning::kStatus);
  const auto status = Remember(statuses_, status_text, &ParseCellStatus);
  if (status.kind == decltype(status)::Kind::kBadCode) return bad_code("Trạng thái", status_text);
  dossier.set_status(status.value);
  return std::nullopt;
}

std::optional<RowMapper::Refusal> RowMapper::ReadTimes(const MeaningCells& cells,
                                                       v1::Dossier& dossier) const {
  const auto read = [&](Meaning meaning, absl::string_view what, std::optional<absl::Time>& time) {
    const absl::string_view text = Cell(cells, meaning);
    const auto parsed = ParseCellTime(text);
    if (parsed.ok()) {
      time = *parsed;
      return std::optional<Refusal>();
    }
    return std::optional<Refusal>(
        {v1::RejectReason::BAD_DATE,
         absl::StrCat(what, " ", Shown(text), ": ", parsed.status().message(), ".")});
  };
  std::optional<absl::Time> received;
  if (auto refusal = read(Meaning::kReceived, "Ngày tiếp nhận", received)) return refusal;
  std::optional<absl::Time> updated;
  if (auto refusal = read(Meaning::kUpdated, "Ngày cập nhật", updated)) return refusal;
  if (received.has_value()) {
    *dossier.mutable_received_time() = ToProto(*received);
  } else if (dossier.status() != v1::Status::NEW) {
    // Stricter than for a push: a row of an export that is not new and has no day is a defect.
    return Refusal{v1::RejectReason::NO_DATE,
                   "Hồ sơ đã qua bước đăng ký nhưng không có ngày tiếp nhận."};
  }
  if (updated.has_value()) *dossier.mutable_update_time() = ToProto(*updated);
  return std::nullopt;
}

std::optional<RowMapper::Refusal> RowMapper::ReadUnits(const MeaningCells& cells,
                                                       v1::Dossier& dossier, bool& by_succession) {
  const absl::CivilDay day =
      dossier.has_received_time() ? DayOf(FromProto(dossier.received_time())) : today_;
  const UnitMatch& match = units_.Match(Cell(cells, Meaning::kUnit), day);
  if (match.unit == nullptr) return Refusal{match.reason, match.message};
  by_succession = match.by_succession;
  dossier.set_unit_id(match.unit->unit_id());
  // Kept, not counted: a handling unit that the directory does not know is no reason to refuse.
  const absl::string_view handling_text = Cell(cells, Meaning::kHandlingUnit);
  if (handling_text.empty()) return std::nullopt;
  const UnitMatch& handling = units_.Match(handling_text, day);
  if (handling.unit != nullptr && handling.unit->unit_id() != dossier.unit_id()) {
    dossier.set_handling_unit_id(handling.unit->unit_id());
  }
  return std::nullopt;
}

std::vector<v1::ImportWarning> RowMapper::Warnings() const {
  std::vector<v1::ImportWarning> warnings;
  const auto add = [&](const Tally& tally, v1::ImportWarning::Kind::Value kind,
                       absl::string_view message) {
    if (tally.rows == 0) return;
    v1::ImportWarning& warning = warnings.emplace_back();
    warning.set_kind(kind);
    warning.set_rows(tally.rows);
    warning.set_first_row_number(tally.first_row_number);
    warning.set_message(absl::StrCat(tally.rows, " dòng ", message,
                                     " (dòng đầu tiên: ", tally.first_row_number, ")."));
  };
  add(unusual_codes_, v1::ImportWarning::Kind::UNUSUAL_CODE,
      "có mã hồ sơ không theo mẫu quốc gia; vẫn được đếm");
  add(unknown_channels_, v1::ImportWarning::Kind::UNKNOWN_CHANNEL,
      "ghi kênh thực hiện bằng từ chưa biết; được đếm vào cột \"chưa rõ kênh\"");
  add(successions_, v1::ImportWarning::Kind::SUCCESSOR,
      "ghi đơn vị đã hết hiệu lực; được đếm cho đơn vị kế thừa duy nhất");
  return warnings;
}

v1::Reject MakeReject(const MeaningCells& cells, int64_t row_number, v1::RejectReason::Value reason,
                      std::string message) {
  v1::Reject reject;
  reject.set_row_number(row_number);
  reject.set_reason(reason);
  reject.set_message(std::move(message));
  for (const Meaning meaning : kKept) {
    const absl::string_view text = Cell(cells, meaning);
    if (text.empty()) continue;
    (*reject.mutable_cells())[std::string(MeaningName(meaning))] =
        ToUtf8(text, kRejectCellBytesMax);
  }
  return reject;
}

MeaningCells CellsOf(const v1::Reject& reject) {
  MeaningCells cells;
  for (const Meaning meaning : kKept) {
    const auto found = reject.cells().find(std::string(MeaningName(meaning)));
    if (found != reject.cells().end()) cells[static_cast<size_t>(meaning)] = found->second;
  }
  return cells;
}

}  // namespace dondoc::ingestion
