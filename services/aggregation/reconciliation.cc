#include "services/aggregation/reconciliation.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/aggregation/statements.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

// What ingestion numbers the rows of a workbook's further sheets from; people see the rest.
constexpr int64_t kSheetRowNumbers = 10'000'000'000;

struct Row {
  int unit = 0;
  Counts dossiers;
  bool covered = false;
  std::vector<const StandingStatement*> tiles;
  Counts declared;

  // Without dossiers and coverage nothing is known of dossiers.
  bool dossiers_known() const { return covered || dossiers.total() > 0; }
  bool comparable() const { return dossiers_known() && !tiles.empty(); }
  int64_t total_difference() const { return declared.total() - dossiers.total(); }
  int64_t online_difference() const { return declared.online - dossiers.online; }
  bool different() const {
    return comparable() && (total_difference() != 0 || online_difference() != 0);
  }
  // How far apart; what cannot be compared is not apart.
  int64_t distance() const { return comparable() ? std::abs(total_difference()) : 0; }
};

Row MakeRow(const CubeView& view, const DefinitionPlane& plane, int unit, const DayRange& window) {
  Row row;
  row.unit = unit;
  row.dossiers = view.UnitCounts(plane, unit, window);
  const DayRange& validity = view.units().facts(unit).validity;
  const DayRange existing = Intersect(window, validity);
  row.covered = view.coverage().Complete(unit, existing);
  const StatementTable* table = view.StatementsFor(plane);
  const UnitStatements* statements = table == nullptr ? nullptr : table->Find(unit);
  if (statements == nullptr || existing.empty()) return row;
  row.tiles = Tile(*statements, existing, validity);
  for (const StandingStatement* tile : row.tiles) row.declared += tile->counts;
  return row;
}

void AddStatements(const CubeView& view, const DefinitionPlane& plane, const Row& row,
                   const DayRange& window, v1::UnitReconciliation& unit) {
  std::vector<const StandingStatement*> shown = row.tiles;
  const StatementTable* table = view.StatementsFor(plane);
  const UnitStatements* statements = table == nullptr ? nullptr : table->Find(row.unit);
  if (shown.empty() && statements != nullptr) {
    shown = Overlapping(*statements, window, view.units().facts(row.unit).validity);
  }
  unit.set_statement_count(static_cast<int64_t>(shown.size()));
  if (row.tiles.empty() && shown.size() > kOverlappingShownMax) shown.resize(kOverlappingShownMax);
  for (const StandingStatement* statement : shown) {
    v1::StatementRecord& record = *unit.add_statements();
    record = statement->record;
    record.set_row_number(record.row_number() % kSheetRowNumbers);
  }
}

void FillRow(const CubeView& view, const DefinitionPlane& plane, const Row& row,
             const DayRange& window, v1::UnitReconciliation& unit) {
  const UnitEntry& entry = view.units()[row.unit];
  unit.set_unit_id(entry.unit_id);
  unit.set_name(entry.name);
  unit.set_level(entry.level);
  unit.set_parent_id(entry.parent_id);
  const v1::Basis::Value dossier_basis = row.covered            ? v1::Basis::DOSSIERS
                                         : row.dossiers_known() ? v1::Basis::PARTIAL_DOSSIERS
                                                                : v1::Basis::NONE;
  *unit.mutable_dossiers() = ToProto(row.dossiers, std::nullopt, dossier_basis);
  AddStatements(view, plane, row, window, unit);
  if (!row.tiles.empty()) {
    *unit.mutable_declared() = ToProto(row.declared, std::nullopt, v1::Basis::STATEMENT);
  }
  if (row.comparable()) {
    unit.set_total_difference(row.total_difference());
    unit.set_online_difference(row.online_difference());
  }
  using Reason = v1::BasisReason;
  if (row.covered) {
    unit.set_basis(v1::Basis::DOSSIERS);
    unit.set_reason(Reason::COVERED);
  } else if (!row.tiles.empty()) {
    unit.set_basis(v1::Basis::STATEMENT);
    unit.set_reason(Reason::DECLARED);
  } else {
    unit.set_basis(dossier_basis);
    unit.set_reason(unit.statement_count() > 0 ? Reason::NOT_TILED : Reason::NOT_DECLARED);
  }
}

}  // namespace

absl::StatusOr<ReconciliationQuestion> DecodeRequest(const v1::GetReconciliationRequest& request) {
  v1::ListRatiosRequest units;
  units.set_from(request.from());
  units.set_to(request.to());
  if (request.has_level()) units.set_level(request.level());
  units.set_parent_id(request.parent_id());
  if (request.has_as_of_sequence()) units.set_as_of_sequence(request.as_of_sequence());
  if (request.has_known_at()) *units.mutable_known_at() = request.known_at();
  if (request.has_min_sequence()) units.set_min_sequence(request.min_sequence());
  ReconciliationQuestion question;
  ASSIGN_OR_RETURN(question.units, DecodeRequest(units));
  absl::string_view key = absl::StripAsciiWhitespace(request.order_by());
  if (absl::EndsWith(key, " desc")) {
    question.descending = true;
    key = absl::StripTrailingAsciiWhitespace(key.substr(0, key.size() - 5));
  }
  question.by_difference = key == "difference";
  if (!question.by_difference && key != "name" && !(key.empty() && !question.descending)) {
    return absl::InvalidArgumentError(
        absl::StrCat("order_by: ", Quoted(request.order_by()), " is not name or difference"));
  }
  question.only_different = request.only_different();
  if (request.page_size() < 0 || request.page_size() > kReconciliationPageSizeMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "page_size: ", request.page_size(), " is not between 0 and ", kReconciliationPageSizeMax));
  }
  question.units.page_size =
      request.page_size() == 0 ? kReconciliationPageSizeDefault : request.page_size();
  absl::StrAppend(&question.units.fingerprint, "|reconciliation|", question.by_difference,
                  question.descending, question.only_different);
  return question;
}

absl::StatusOr<ReconciliationPage> AnswerReconciliation(const CubeView& view,
                                                        const DefinitionPlane& plane,
                                                        const ReconciliationQuestion& question,
                                                        int64_t offset) {
  const UnitTable& units = view.units();
  const DayRange& window = question.units.common.window;
  const std::string& parent_id = question.units.parent_id;
  if (!parent_id.empty() && !units.Find(parent_id).has_value()) {
    return absl::NotFoundError(absl::StrCat("parent_id: there is no unit ", Quoted(parent_id)));
  }
  std::vector<Row> rows;
  for (const int unit : units.by_name()) {
    const UnitEntry& entry = units[unit];
    if (!entry.ExistsOn(window.last)) continue;
    if (question.units.level.has_value() && entry.level != *question.units.level) continue;
    if (!parent_id.empty() && entry.parent_id != parent_id) continue;
    Row row = MakeRow(view, plane, unit, window);
    if (question.only_different && !row.different()) continue;
    rows.push_back(std::move(row));
  }
  if (question.by_difference) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      return question.descending ? a.distance() > b.distance() : a.distance() < b.distance();
    });
  } else if (question.descending) {
    std::reverse(rows.begin(), rows.end());
  }
  const auto size = static_cast<int64_t>(rows.size());
  if (offset > size) return absl::InvalidArgumentError("page_token: beyond the end of the list");
  const int64_t end = std::min<int64_t>(size, offset + question.units.page_size);
  ReconciliationPage page;
  page.more = end < size;
  for (int64_t i = offset; i < end; ++i) {
    FillRow(view, plane, rows[static_cast<size_t>(i)], window, *page.response.add_units());
  }
  page.response.set_total_size(size);
  page.response.mutable_window()->set_from(FormatDay(DayFromNumber(window.first)));
  page.response.mutable_window()->set_to(FormatDay(DayFromNumber(window.last)));
  page.response.set_definition_id(plane.definition.definition_id());
  page.response.set_definition_version(plane.definition.version());
  page.response.set_ledger_id(view.position().ledger_id());
  page.response.set_sequence(view.position().sequence());
  if (view.position().has_commit_time()) {
    *page.response.mutable_commit_time() = view.position().commit_time();
  }
  return page;
}

}  // namespace dondoc::aggregation
