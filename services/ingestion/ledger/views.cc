#include "services/ingestion/ledger/views.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/revision_block.h"

namespace dondoc::ingestion {
namespace {

// Makes equal claims equal texts. Not stored, so the encoding may be whatever this build's is.
std::string ClaimKey(const v1::Coverage& normal) { return normal.SerializeAsString(); }

}  // namespace

v1::Coverage NormalCoverage(v1::Coverage coverage) {
  auto& units = *coverage.mutable_unit_ids();
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return coverage;
}

Views::Views() : imports_(1), dossiers_(imports_, commit_us_), statements_(imports_, commit_us_) {}

void Views::Plan(int64_t commit_us) {
  commit_us_.push_back(commit_us);
  dossiers_.Begin(planned());
}

void Views::PlanReplay(int64_t commit_us, uint32_t import) {
  Plan(commit_us);
  dossiers_.SetImport(planned(), import);
}

uint32_t Views::PlanApplication(int64_t commit_us, int64_t default_effective_us) {
  const auto import = static_cast<uint32_t>(imports_.size());
  PlanReplay(commit_us, import);
  ImportView& view = imports_.emplace_back();
  view.default_effective_us = default_effective_us;
  view.liveness.emplace_back(planned(), true);
  return import;
}

absl::Status Views::Advance(const ledger::LogRecord& record, const CellCounts& unit_deltas) {
  if (record.sequence() != head_ + 1 || record.sequence() > planned()) {
    return absl::DataLossError(absl::StrCat("log record ", record.sequence(), " follows ", head_));
  }
  RETURN_IF_ERROR(Apply(record));
  for (const auto& [key, count] : unit_deltas) AddToCell(unit_totals_[key.unit], key, count);
  dossiers_.Keep(record.sequence());
  head_ = record.sequence();
  return absl::OkStatus();
}

bool Views::UndoSome(int64_t sequence, int revisions) {
  if (dossiers_.UndoSome(sequence, revisions)) return true;
  commit_us_.resize(static_cast<size_t>(sequence));
  imports_.resize(import_numbers_.size() + 1);
  return false;
}

absl::Status Views::Read(const ledger::LogRecord& record) {
  if (record.sequence() != head_ + 1) {
    return absl::DataLossError(absl::StrCat("log record ", record.sequence(), " follows ", head_));
  }
  commit_us_.push_back(record.commit_time_us());
  head_ = record.sequence();
  return Apply(record);
}

absl::Status Views::ReadRows(const ledger::RevisionBlock& block) {
  const int64_t default_effective_us =
      read_import_ == kPush ? commit_us_.back() : imports_[read_import_].default_effective_us;
  std::vector<BlockRow> rows;
  rows.reserve(static_cast<size_t>(block.row_number_size()));
  RETURN_IF_ERROR(ForEachRow(
      block, [&](absl::string_view text) { return texts_.Add(text); },
      [&](const BlockRow& row) { rows.push_back(row); }));
  ForEachLocated(
      dossiers_, rows.size(), [&](size_t i) { return rows[i].code; },
      [&](size_t i, const LocatedCode& code) {
        const BlockRow& row = rows[i];
        const std::optional<DossierId> known = dossiers_.Find(code);
        dossiers_.Insert(known ? *known : dossiers_.Add(code),
                         {row.facts, EffectiveUs(row.update_us, default_effective_us),
                          row.update_us, head_, row.row_number, read_import_});
      });
  return absl::OkStatus();
}

void Views::EndReading() { unit_totals_ = FoldTotals(); }

absl::Status Views::Apply(const ledger::LogRecord& record) {
  using Kind = ledger::RecordKind;
  read_import_ = kPush;
  if (record.kind() == Kind::IMPORT_APPLIED || record.kind() == Kind::IMPORT_REPLAYED ||
      record.kind() == Kind::IMPORT_LIVENESS) {
    RETURN_IF_ERROR(ApplyImport(record));
  }
  if (record.kind() != Kind::PUSH || record.has_coverage()) {
    checkpoint_records_.push_back(record.sequence());
  }
  if (record.has_coverage()) {
    const std::optional<uint32_t> import =
        record.import_id().empty() ? kPush : FindImport(record.import_id());
    if (!import) return absl::DataLossError("a log record has a claim of no import");
    claims_.push_back({record.sequence(), NormalCoverage(record.coverage()), *import});
    if (*import == kPush) pushed_claims_.insert(ClaimKey(claims_.back().coverage));
  }
  if (record.statements_size() > 0) {
    const std::optional<uint32_t> import =
        record.import_id().empty() ? kPush : FindImport(record.import_id());
    if (!import) return absl::DataLossError("a log record has statements of no import");
    RETURN_IF_ERROR(statements_.Apply(record, *import));
  }
  directory_.Apply(record);
  return absl::OkStatus();
}

absl::Status Views::ApplyImport(const ledger::LogRecord& record) {
  using Kind = ledger::RecordKind;
  const std::optional<uint32_t> known = FindImport(record.import_id());
  if (known.has_value() == (record.kind() == Kind::IMPORT_APPLIED)) {
    return absl::DataLossError(
        absl::StrCat("log record ", record.sequence(),
                     known ? " applies an import again" : " is about an import never applied"));
  }
  if (record.kind() == Kind::IMPORT_LIVENESS) {
    imports_[*known].liveness.emplace_back(record.sequence(), record.live());
    return absl::OkStatus();
  }
  read_import_ = known ? *known : static_cast<uint32_t>(import_numbers_.size()) + 1;
  if (!known) {
    // It is there when it was planned.
    imports_.resize(read_import_ + 1);
    ImportView& view = imports_[read_import_];
    view.import_id = record.import_id();
    if (record.has_extracted_at_us()) view.extracted_at_us = record.extracted_at_us();
    view.default_effective_us =
        record.has_extracted_at_us() ? record.extracted_at_us() : record.commit_time_us();
    view.liveness = {{record.sequence(), true}};
    import_numbers_[view.import_id] = read_import_;
  }
  imports_[read_import_].applications.push_back({record.sequence(), record.counts()});
  dossiers_.SetImport(record.sequence(), read_import_);
  return absl::OkStatus();
}

void Views::ForEachCovered(const v1::Coverage& coverage,
                           absl::FunctionRef<void(DossierId, const Revision&)> visit) const {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(coverage.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(coverage.to());
  if (!from.ok() || !to.ok()) return;
  const auto visit_if_covered = [&](DossierId id, std::optional<uint32_t> unit) {
    Revision state;
    if (!dossiers_.StateAt(id, head_, state) || !state.facts.counted()) return;
    if (unit && state.facts.unit != *unit) return;
    const int32_t day = ReceivedDay(state.facts.received_us);
    if (day >= DayNumber(*from) && day <= DayNumber(*to)) visit(id, state);
  };
  if (coverage.unit_ids().empty()) {
    for (DossierId id = 0; id < dossiers_.count(); ++id) visit_if_covered(id, std::nullopt);
    return;
  }
  const v1::Coverage normal = NormalCoverage(coverage);
  for (const std::string& unit_id : normal.unit_ids()) {
    const std::optional<uint32_t> unit = texts_.Find(unit_id);
    if (unit) dossiers_.ForEachOfUnit(*unit, [&](DossierId id) { visit_if_covered(id, unit); });
  }
}

std::vector<std::pair<CellKey, int64_t>> Views::CellsOfUnit(uint32_t unit, int64_t sequence) const {
  std::vector<std::pair<CellKey, int64_t>> cells;
  dossiers_.ForEachOfUnit(unit, [&](DossierId id) {
    Revision state;
    if (!dossiers_.StateAt(id, sequence, state) || state.facts.unit != unit) return;
    const std::optional<CellKey> key = CellOf(state.facts);
    if (key) cells.emplace_back(*key, 1);
  });
  SortAndAddUp(cells);
  return cells;
}

void Views::ForEachTotal(uint32_t unit,
                         absl::FunctionRef<void(const CellKey&, int64_t)> visit) const {
  const auto totals = unit_totals_.find(unit);
  if (totals == unit_totals_.end()) return;
  for (const auto& [key, count] : totals->second) visit(key, count);
}

absl::flat_hash_map<uint32_t, CellCounts> Views::FoldTotals() const {
  absl::flat_hash_map<uint32_t, CellCounts> totals;
  Revision state;
  for (DossierId id = 0; id < dossiers_.count(); ++id) {
    if (!dossiers_.StateAt(id, head_, state)) continue;
    const std::optional<CellKey> key = CellOf(state.facts);
    if (key) AddToCell(totals[key->unit], UnitTotalKey(*key), 1);
  }
  return totals;
}

bool Views::TotalsAreExact() const {
  absl::flat_hash_map<uint32_t, CellCounts> totals = unit_totals_;
  absl::erase_if(totals, [](const auto& unit) { return unit.second.empty(); });
  return FoldTotals() == totals;
}

}  // namespace dondoc::ingestion
