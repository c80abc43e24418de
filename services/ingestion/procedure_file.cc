#include "services/ingestion/procedure_file.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/catalogue.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/entry_checks.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

// Columns by their place in the form below.
enum Column { kCode, kName, kField, kLevel, kFeeCut, kTimeCut, kFrom, kTo };

constexpr int64_t kOpenFirst = std::numeric_limits<int32_t>::min();
constexpr int64_t kOpenLast = std::numeric_limits<int32_t>::max();

// An offer with its days as numbers; open ends are far away.
struct Span {
  int64_t first = kOpenFirst;
  int64_t last = kOpenLast;
  v1::ProcedureOffer offer;

  bool SaysTheSame(const Span& other) const {
    return offer.service_level() == other.offer.service_level() &&
           offer.fee_cut_percent() == other.offer.fee_cut_percent() &&
           offer.time_cut_percent() == other.offer.time_cut_percent();
  }
  bool Meets(const Span& other) const { return first <= other.last && other.first <= last; }
};

int64_t DayOr(const std::string& text, int64_t otherwise) {
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  return day.ok() ? DayNumber(*day) : otherwise;
}

Span SpanOf(const v1::ProcedureOffer& offer) {
  return {DayOr(offer.valid_from(), kOpenFirst), DayOr(offer.valid_to(), kOpenLast), offer};
}

v1::ProcedureOffer OfferOf(const Span& span) {
  v1::ProcedureOffer offer = span.offer;
  offer.clear_valid_from();
  offer.clear_valid_to();
  const auto text = [](int64_t day) { return FormatDay(DayFromNumber(static_cast<int32_t>(day))); };
  if (span.first != kOpenFirst) offer.set_valid_from(text(span.first));
  if (span.last != kOpenLast) offer.set_valid_to(text(span.last));
  return offer;
}

const std::vector<EntryForm>& Forms() {
  static const auto* const forms = new std::vector<EntryForm>{
      {{{"procedure_code",
         true,
         {"ma tthc", "ma so tthc", "ma thu tuc", "ma thu tuc hanh chinh", "procedure code"}},
        {"name",
         false,
         {"ten tthc", "ten thu tuc", "ten thu tuc hanh chinh", "thu tuc hanh chinh", "ten dvctt",
          "ten dich vu cong", "name", "procedure name"}},
        {"field", false, {"linh vuc", "ten linh vuc", "field"}},
        {"service_level",
         true,
         {"muc do", "muc do dvc", "muc do dvctt", "muc do dich vu cong", "muc do cung cap",
          "loai dvc", "service level"}},
        {"fee_cut_percent",
         false,
         {"giam le phi", "giam phi le phi", "muc giam le phi", "fee cut percent"}},
        {"time_cut_percent",
         false,
         {"cat giam thoi gian", "cat giam thoi gian giai quyet", "giam thoi gian",
          "time cut percent"}},
        {"valid_from", false, {"tu ngay", "ngay hieu luc", "hieu luc tu", "valid from"}},
        {"valid_to", false, {"den ngay", "hieu luc den", "valid to"}}}}};
  return *forms;
}

absl::Status BadCell(const EntryTable::Row& row, Column column, absl::string_view why) {
  return BadRow(row.number, absl::StrCat(Forms()[0].columns[column].meaning, " ",
                                         Quoted(row.cells[column]), ": ", why));
}

// "50", "50%", "50 %"; "-", "không" and nothing are 0, "miễn" is all.
absl::StatusOr<int> PercentOf(const EntryTable::Row& row, Column column) {
  absl::string_view text = row.cells[column];
  const std::string key = TextKey(text);
  if (key.empty() || key == "khong") return 0;
  if (key == "mien" || key == "mien phi" || key == "mien le phi") return 100;
  text = Trim(absl::StripSuffix(text, "%"));
  int percent = 0;
  if (absl::SimpleAtoi(text, &percent) && percent >= 0 && percent <= 100) return percent;
  return BadCell(row, column, "phải là số nguyên từ 0 đến 100");
}

absl::StatusOr<std::string> DayIn(const EntryTable::Row& row, Column column,
                                  const std::string& otherwise) {
  absl::StatusOr<std::string> day = DayOfCell(row.cells[column]);
  if (!day.ok()) return BadCell(row, column, day.status().message());
  return day->empty() ? otherwise : *day;
}

absl::StatusOr<v1::ProcedureOffer> ReadOffer(const EntryTable::Row& row,
                                             const std::string& valid_from,
                                             const std::string& valid_to) {
  v1::ProcedureOffer offer;
  const CellValue<v1::ServiceLevel::Value> level = ParseCellServiceLevel(row.cells[kLevel]);
  if (level.kind != CellValue<v1::ServiceLevel::Value>::Kind::kKnown ||
      level.value == v1::ServiceLevel::UNKNOWN) {
    return BadCell(row, kLevel, "phải là toàn trình, một phần hoặc cung cấp thông tin (4, 3, 2)");
  }
  offer.set_service_level(level.value);
  ASSIGN_OR_RETURN(const int fee_cut, PercentOf(row, kFeeCut));
  ASSIGN_OR_RETURN(const int time_cut, PercentOf(row, kTimeCut));
  offer.set_fee_cut_percent(fee_cut);
  offer.set_time_cut_percent(time_cut);
  ASSIGN_OR_RETURN(*offer.mutable_valid_from(), DayIn(row, kFrom, valid_from));
  ASSIGN_OR_RETURN(*offer.mutable_valid_to(), DayIn(row, kTo, valid_to));
  if (!offer.valid_from().empty() && !offer.valid_to().empty() &&
      offer.valid_to() < offer.valid_from()) {
    return BadCell(row, kTo, absl::StrCat("trước ", offer.valid_from()));
  }
  return offer;
}

// "1.00013" is what a spreadsheet makes of 1.000130 when it takes the code for a number.
bool HasLostZeros(absl::string_view code) {
  const size_t dot = code.find('.');
  const auto digits = [](absl::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    });
  };
  return dot != absl::string_view::npos && digits(code.substr(0, dot)) &&
         digits(code.substr(dot + 1)) && code.size() - dot - 1 < 6;
}

// A procedure of the file.
struct Taken {
  v1::Procedure procedure;
  std::vector<std::pair<Span, int64_t>> offers;  // with the row that says it
};

absl::Status TakeRow(const EntryTable& table, const EntryTable::Row& row,
                     const std::string& valid_from, const std::string& valid_to, Taken& taken) {
  v1::Procedure& procedure = taken.procedure;
  if (table.has[kName] && !row.cells[kName].empty()) procedure.set_name(row.cells[kName]);
  if (table.has[kField] && !row.cells[kField].empty()) procedure.set_field(row.cells[kField]);
  ASSIGN_OR_RETURN(const v1::ProcedureOffer offer, ReadOffer(row, valid_from, valid_to));
  const Span span = SpanOf(offer);
  for (const auto& [other, number] : taken.offers) {
    if (span.Meets(other) && !span.SaysTheSame(other)) {
      return BadRow(row.number,
                    absl::StrCat("khác với dòng ", number, " về cùng thủ tục trong cùng một ngày"));
    }
  }
  taken.offers.emplace_back(span, row.number);
  LayOver(offer, procedure);
  absl::Status checked = CheckProcedure("procedure", procedure);
  absl::string_view message = checked.message();
  absl::ConsumePrefix(&message, "procedure.");
  return checked.ok() ? checked : BadRow(row.number, message);
}

}  // namespace

absl::Span<const EntryForm> ProcedureFileForms() { return Forms(); }

void LayOver(const v1::ProcedureOffer& offer, v1::Procedure& procedure) {
  const Span over = SpanOf(offer);
  std::vector<Span> spans = {over};
  for (const v1::ProcedureOffer& wire : procedure.offers()) {
    const Span known = SpanOf(wire);
    if (!known.Meets(over)) {
      spans.push_back(known);
      continue;
    }
    if (known.first < over.first) spans.push_back({known.first, over.first - 1, known.offer});
    if (known.last > over.last) spans.push_back({over.last + 1, known.last, known.offer});
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.first < b.first; });
  std::vector<Span> joined;
  for (const Span& span : spans) {
    if (!joined.empty() && joined.back().last + 1 == span.first &&
        joined.back().SaysTheSame(span)) {
      joined.back().last = span.last;
    } else {
      joined.push_back(span);
    }
  }
  procedure.clear_offers();
  for (const Span& span : joined) *procedure.add_offers() = OfferOf(span);
}

absl::StatusOr<std::vector<v1::Procedure>> ReadProcedureFile(const EntryTable& table,
                                                             const Catalogue& catalogue,
                                                             const std::string& valid_from,
                                                             const std::string& valid_to) {
  std::map<std::string, Taken> by_code;
  for (const EntryTable::Row& row : table.rows) {
    const std::string code(ProcedureKey(row.cells[kCode]));
    if (HasLostZeros(code)) {
      return BadCell(
          row, kCode,
          "mã có 6 chữ số sau dấu chấm; ô bị định dạng thành số nên mất số 0 ở cuối, hãy "
          "định dạng thành văn bản");
    }
    const auto [place, added] = by_code.try_emplace(code);
    if (added) {
      const auto known = catalogue.procedures.find(code);
      if (known != catalogue.procedures.end()) place->second.procedure = known->second;
      place->second.procedure.set_procedure_code(code);
    }
    RETURN_IF_ERROR(TakeRow(table, row, valid_from, valid_to, place->second));
  }
  std::vector<v1::Procedure> procedures;
  procedures.reserve(by_code.size());
  for (auto& [code, taken] : by_code) procedures.push_back(std::move(taken.procedure));
  return procedures;
}

}  // namespace dondoc::ingestion
