#include "services/ingestion/statement_mapper.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/statement_check.h"
#include "services/ingestion/reading/row_mapper.h"
#include "services/ingestion/reading/row_place.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr char kUnitCell[] = "unit";

std::string DayVi(absl::CivilDay day) {
  return absl::StrCat(day.day(), "/", day.month(), "/", day.year());
}

v1::Reject Refuse(const v1::Statement& statement, const std::string& unit, int64_t row_number,
                  v1::RejectReason::Value reason, std::string message) {
  v1::Reject reject;
  reject.set_row_number(row_number);
  reject.set_reason(reason);
  reject.set_message(std::move(message));
  auto& cells = *reject.mutable_cells();
  cells[kUnitCell] = ToUtf8(unit, kRejectCellBytesMax);
  cells["total"] = absl::StrCat(statement.total());
  cells["online"] = absl::StrCat(statement.online());
  if (statement.has_counter()) cells["counter"] = absl::StrCat(statement.counter());
  if (statement.has_postal()) cells["postal"] = absl::StrCat(statement.postal());
  if (statement.has_unknown()) cells["unknown"] = absl::StrCat(statement.unknown());
  return reject;
}

}  // namespace

absl::Status StatementMapper::CheckWindow(const Window& window, absl::CivilDay today) {
  if (window.to > today) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Kỳ của bảng tổng hợp kết thúc ngày ", DayVi(window.to), ", sau hôm nay (", DayVi(today),
        "): chưa ai đếm được các ngày chưa đến. Hãy khai từ ngày "
        "(covers_from) và đến ngày (covers_to) đúng của số liệu."));
  }
  const int64_t days = window.to - window.from + 1;
  if (days > kStatementDaysMax || window.from < absl::CivilDay(2000, 1, 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Kỳ của bảng tổng hợp (", DayVi(window.from), " đến ", DayVi(window.to),
                     ") dài ", NumberVi(days), " ngày; phải từ năm 2000 trở đi và không quá ",
                     kStatementDaysMax, " ngày."));
  }
  return absl::OkStatus();
}

StatementMapper::StatementMapper(std::shared_ptr<const Directory> directory,
                                 const std::string& province, const Window& window,
                                 absl::CivilDay today, std::map<std::string, int64_t> stated)
    : units_(std::move(directory), province),
      window_(window),
      today_(today),
      stated_(std::move(stated)) {}

StatementMapper::Mapped StatementMapper::Map(const StatementRow& row, const StatementPlan& plan) {
  v1::Statement statement;
  statement.set_total(row.total);
  statement.set_online(row.online);
  if (plan.column(StatementPart::kCounter) >= 0) statement.set_counter(row.counter);
  if (plan.column(StatementPart::kPostal) >= 0) statement.set_postal(row.postal);
  if (plan.column(StatementPart::kUnknown) >= 0) statement.set_unknown(row.unknown);
  if (row.reason != v1::RejectReason::UNSPECIFIED) {
    return Refuse(statement, row.unit, row.row_number, row.reason, row.message);
  }
  return Finish(std::move(statement), row.unit, row.row_number);
}

StatementMapper::Mapped StatementMapper::Finish(v1::Statement statement, const std::string& unit,
                                                int64_t row_number) {
  UnitMatch match = units_.Match(unit, window_.to);
  if (match.unit == nullptr || match.by_succession) {
    // A unit that ended inside the window.
    const UnitMatch& before = units_.Match(unit, window_.from);
    if (before.unit != nullptr && !before.by_succession) match = before;
  }
  if (match.unit == nullptr) {
    return Refuse(statement, unit, row_number, match.reason, match.message);
  }
  if (match.by_succession) {
    return Refuse(statement, unit, row_number, v1::RejectReason::UNKNOWN_UNIT,
                  absl::StrCat("Đơn vị \"", ToUtf8(unit, 80),
                               "\" đã hết hiệu lực trước kỳ này; số tổng hợp không được chuyển "
                               "sang đơn vị kế thừa."));
  }
  statement.set_unit_id(match.unit->unit_id());
  statement.set_from(FormatDay(window_.from));
  statement.set_to(FormatDay(window_.to));
  const auto [stated, added] = stated_.emplace(statement.unit_id(), row_number);
  if (!added && stated->second != row_number) {
    return Refuse(
        statement, unit, row_number, v1::RejectReason::REPEATED_UNIT,
        absl::StrCat("Đơn vị \"", ToUtf8(unit, 80), "\" đã có ở dòng ", ShownRow(stated->second),
                     "; mỗi đơn vị chỉ có một số tổng hợp cho một kỳ."));
  }
  if (const absl::Status ok = CheckStatement(statement, units_.directory(), today_); !ok.ok()) {
    if (added) stated_.erase(stated);
    return Refuse(statement, unit, row_number, v1::RejectReason::BAD_VALUE,
                  absl::StrCat("Số tổng hợp không hợp lệ (", ok.message(), ")."));
  }
  v1::StatementRecord record;
  *record.mutable_statement() = std::move(statement);
  record.set_row_number(row_number);
  return record;
}

std::optional<StatementMapper::Mapped> StatementMapper::MapAgain(const v1::Reject& reject) {
  if (reject.reason() != v1::RejectReason::UNKNOWN_UNIT &&
      reject.reason() != v1::RejectReason::AMBIGUOUS_UNIT &&
      reject.reason() != v1::RejectReason::BAD_VALUE) {
    return std::nullopt;
  }
  const auto& cells = reject.cells();
  const auto read = [&](const char* name) -> std::optional<int64_t> {
    const auto found = cells.find(name);
    int64_t count = 0;
    if (found == cells.end() || !absl::SimpleAtoi(found->second, &count)) return std::nullopt;
    return count;
  };
  const auto unit = cells.find(kUnitCell);
  if (unit == cells.end() || !read("total") || !read("online")) return std::nullopt;
  v1::Statement statement;
  statement.set_total(*read("total"));
  statement.set_online(*read("online"));
  if (const auto count = read("counter")) statement.set_counter(*count);
  if (const auto count = read("postal")) statement.set_postal(*count);
  if (const auto count = read("unknown")) statement.set_unknown(*count);
  return Finish(std::move(statement), unit->second, reject.row_number());
}

}  // namespace dondoc::ingestion
