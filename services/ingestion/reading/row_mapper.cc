#include "services/ingestion/reading/row_mapper.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/ingestion/ledger/dossier_check.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

using Kind = v1::ImportWarning::Kind;

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

// Whether a cell has swallowed others.
bool LooksLikeSeveral(absl::string_view text) {
  if (text.size() > kRejectCellBytesMax) return true;
  return text.find('\n') != absl::string_view::npos &&
         text.find_first_of(",;\t\"") != absl::string_view::npos;
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

RowMapper::RowMapper(std::shared_ptr<const Directory> directory, Options options)
    : options_(std::move(options)),
      today_(DayOf(options_.now)),
      units_(std::move(directory), options_.province) {}

std::variant<Row, v1::Reject> RowMapper::Map(const MeaningCells& cells, int64_t row_number) {
  Row row;
  row.row_number = row_number;
  Oddities odd;
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
  if (!refusal.has_value()) refusal = ReadEnums(cells, row.dossier, odd);
  if (!refusal.has_value()) refusal = ReadTimes(cells, row.dossier);
  if (!refusal.has_value()) refusal = ReadUnits(cells, row.dossier, odd);
  if (!refusal.has_value()) {
    if (auto problem = CheckDossier(row.dossier, units_.directory(), today_)) {
      refusal = Refusal{problem->reason, std::move(problem->message)};
    }
  }
  if (refusal.has_value()) {
    return MakeReject(cells, row_number, refusal->reason, std::move(refusal->message));
  }
  if (!IsUsualCode(row.dossier.code())) odd.set(Kind::UNUSUAL_CODE);
  LookAtEnd(cells, row.dossier, odd);
  if (odd.none()) return row;
  for (size_t kind = 0; kind < odd.size(); ++kind) {
    if (odd.test(kind) && tallies_[kind].rows++ == 0) tallies_[kind].first_row_number = row_number;
  }
  return row;
}

std::optional<RowMapper::Refusal> RowMapper::ReadEnums(const MeaningCells& cells,
                                                       v1::Dossier& dossier, Oddities& odd) {
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
    odd.set(Kind::UNKNOWN_CHANNEL, channel.kind == Channel::Kind::kUnknown);
    dossier.set_channel(channel.value);
  }
  const absl::string_view level_text = Cell(cells, Meaning::kServiceLevel);
  const auto level = Remember(service_levels_, level_text, &ParseCellServiceLevel);
  if (level.kind == decltype(level)::Kind::kBadCode) return bad_code("Mức độ", level_text);
  odd.set(Kind::UNKNOWN_SERVICE_LEVEL, level.kind == decltype(level)::Kind::kUnknown);
  dossier.set_service_level(level.value);
  odd.set(Kind::ONLINE_WITHOUT_SERVICE,
          dossier.channel() == v1::Channel::ONLINE && level.value == v1::ServiceLevel::INFORMATION);
  const absl::string_view status_text = Cell(cells, Meaning::kStatus);
  const auto status = Remember(statuses_, status_text, &ParseCellStatus);
  if (status.kind == decltype(status)::Kind::kBadCode) return bad_code("Trạng thái", status_text);
  odd.set(Kind::UNKNOWN_STATUS, status.kind == decltype(status)::Kind::kUnknown);
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
                                                       v1::Dossier& dossier, Oddities& odd) {
  const absl::CivilDay day =
      dossier.has_received_time() ? DayOf(FromProto(dossier.received_time())) : today_;
  const UnitMatch& match = units_.Match(Cell(cells, Meaning::kUnit), day);
  if (match.unit == nullptr) return Refusal{match.reason, match.message};
  odd.set(Kind::SUCCESSOR, match.by_succession);
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

// The day a dossier ended is not kept, but officers hunt the defects in it (domain: data defects).
void RowMapper::LookAtEnd(const MeaningCells& cells, const v1::Dossier& dossier, Oddities& odd) {
  const absl::string_view text = Cell(cells, Meaning::kDone);
  const bool ended =
      dossier.status() == v1::Status::FINISHED || dossier.status() == v1::Status::RETURNED;
  if (text.empty()) {
    odd.set(Kind::NO_END_DATE, ended);
    return;
  }
  has_end_days_ = true;
  const absl::StatusOr<std::optional<absl::Time>> end = ParseCellTime(text);
  if (!end.ok()) {
    odd.set(Kind::BAD_END_DATE);
  } else if (!end->has_value()) {
    odd.set(Kind::NO_END_DATE, ended);
  } else {
    const absl::CivilDay day = DayOf(**end);
    odd.set(Kind::FUTURE_END_DATE, day > today_);
    odd.set(Kind::ENDED_BEFORE_RECEIVED,
            dossier.has_received_time() && day < DayOf(FromProto(dossier.received_time())));
  }
}

std::vector<v1::ImportWarning> RowMapper::Warnings() const {
  std::vector<v1::ImportWarning> warnings;
  const auto add = [&](v1::ImportWarning::Kind::Value kind, absl::string_view message) {
    const Tally& tally = tallies_[static_cast<size_t>(kind)];
    if (tally.rows == 0) return;
    v1::ImportWarning& warning = warnings.emplace_back();
    warning.set_kind(kind);
    warning.set_rows(tally.rows);
    warning.set_first_row_number(tally.first_row_number);
    warning.set_message(absl::StrCat(NumberVi(tally.rows), " dòng ", message, "."));
  };
  add(Kind::UNUSUAL_CODE, "có mã hồ sơ không theo mẫu quốc gia; vẫn được đếm");
  add(Kind::UNKNOWN_CHANNEL,
      "ghi kênh thực hiện bằng từ chưa biết; được đếm vào cột \"chưa rõ kênh\"");
  add(Kind::SUCCESSOR, "ghi đơn vị đã hết hiệu lực; được đếm cho đơn vị kế thừa duy nhất");
  add(Kind::UNKNOWN_STATUS,
      "ghi trạng thái bằng từ chưa biết; được đếm với trạng thái \"chưa rõ\"");
  add(Kind::UNKNOWN_SERVICE_LEVEL,
      "ghi mức độ dịch vụ bằng từ chưa biết; được đếm với mức độ \"chưa rõ\"");
  add(Kind::ONLINE_WITHOUT_SERVICE,
      "nộp trực tuyến nhưng ghi thủ tục không có dịch vụ công trực tuyến; vẫn được đếm");
  add(Kind::ENDED_BEFORE_RECEIVED, "có ngày kết thúc trước ngày tiếp nhận; vẫn được đếm");
  if (has_end_days_) {
    add(Kind::NO_END_DATE, "đã xử lý xong nhưng không có ngày kết thúc; vẫn được đếm");
  }
  add(Kind::FUTURE_END_DATE, "có ngày kết thúc ở tương lai; vẫn được đếm");
  add(Kind::BAD_END_DATE, "có ngày kết thúc không đọc được; vẫn được đếm");
  return warnings;
}

v1::Reject MakeBadRow(const MeaningCells& cells, int64_t row_number, std::string message) {
  v1::Reject reject;
  reject.set_row_number(row_number);
  reject.set_reason(v1::RejectReason::BAD_ROW);
  reject.set_message(std::move(message));
  std::string code = absl::AsciiStrToUpper(Cell(cells, Meaning::kCode));
  // Only what cannot be anything else.
  if (IsUsualCode(code)) {
    (*reject.mutable_cells())[std::string(MeaningName(Meaning::kCode))] = std::move(code);
  }
  return reject;
}

v1::Reject MakeReject(const MeaningCells& cells, int64_t row_number, v1::RejectReason::Value reason,
                      std::string message) {
  for (const Meaning meaning : kKept) {
    if (!LooksLikeSeveral(Cell(cells, meaning))) continue;
    return MakeBadRow(cells, row_number,
                      "Dòng có ô chứa nhiều dòng hoặc quá dài, có thể do dấu ngoặc kép đặt sai.");
  }
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
