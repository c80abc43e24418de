#include "services/ingestion/ledger/views.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/revision_block.h"

namespace dondoc::ingestion {
namespace {

CellKey UnitTotalKey(const CellKey& key) {
  return {key.unit, 0, 0, key.channel, key.service_level, key.status};
}

// Makes equal claims equal texts. Not stored, so the encoding may be whatever this build's is.
std::string ClaimKey(const v1::Coverage& normal) { return normal.SerializeAsString(); }

}  // namespace

v1::Coverage NormalCoverage(v1::Coverage coverage) {
  auto& units = *coverage.mutable_unit_ids();
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return coverage;
}

Views::Views() : imports_(1), dossiers_(imports_), statements_(imports_, commit_us_) {}

absl::Status Views::Apply(const ledger::LogRecord& record, const RecordBody& body) {
  if (record.sequence() != head() + 1) {
    return absl::DataLossError(absl::StrCat("log record ", record.sequence(), " follows ", head()));
  }
  commit_us_.push_back(record.commit_time_us());
  RETURN_IF_ERROR(ApplyHeader(record));
  if (record.has_revisions()) {
    RETURN_IF_ERROR(
        AddRevisions(record.revisions(), record.sequence(), kPush, record.commit_time_us()));
  }
  if (!body.rows.empty() || !body.withdrawals.empty() || record.withdrawals_size() > 0) {
    const std::optional<uint32_t> number = FindImport(record.import_id());
    if (!number) return absl::DataLossError("a log record has rows of no import");
    const int64_t effective_us = imports_[*number].default_effective_us;
    const auto add = [&](const auto& blocks) -> absl::Status {
      for (const ledger::RevisionBlock& block : blocks) {
        RETURN_IF_ERROR(AddRevisions(block, record.sequence(), *number, effective_us));
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(add(body.rows));
    RETURN_IF_ERROR(add(record.withdrawals()));
    RETURN_IF_ERROR(add(body.withdrawals));
  }
  const auto add_cells = [&](const auto& blocks) -> absl::Status {
    for (const v1::CellBlock& block : blocks) {
      RETURN_IF_ERROR(ForEachCell(
          block, [&](const std::string& text) { return texts_.Add(text); },
          [&](const CellKey& key, int64_t count) { AddCell(key, count); }));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(add_cells(record.deltas()));
  return add_cells(body.deltas);
}

void Views::AddCell(const CellKey& key, int64_t count) {
  AddToCell(cells_, key, count);
  AddToCell(unit_totals_, UnitTotalKey(key), count);
}

absl::Status Views::ApplyHeader(const ledger::LogRecord& record) {
  using Kind = ledger::RecordKind;
  if (record.kind() == Kind::IMPORT_APPLIED || record.kind() == Kind::IMPORT_REPLAYED ||
      record.kind() == Kind::IMPORT_LIVENESS) {
    RETURN_IF_ERROR(ApplyImportHeader(record));
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

absl::Status Views::ApplyImportHeader(const ledger::LogRecord& record) {
  using Kind = ledger::RecordKind;
  const std::optional<uint32_t> known = FindImport(record.import_id());
  if (known.has_value() == (record.kind() == Kind::IMPORT_APPLIED)) {
    return absl::DataLossError(
        absl::StrCat("log record ", record.sequence(),
                     known ? " applies an import again" : " is about an import never applied"));
  }
  if (record.kind() == Kind::IMPORT_APPLIED) {
    ImportView view;
    view.import_id = record.import_id();
    if (record.has_extracted_at_us()) view.extracted_at_us = record.extracted_at_us();
    view.default_effective_us =
        record.has_extracted_at_us() ? record.extracted_at_us() : record.commit_time_us();
    view.applications.push_back({record.sequence(), record.counts()});
    view.liveness.emplace_back(record.sequence(), true);
    import_numbers_[view.import_id] = static_cast<uint32_t>(imports_.size());
    imports_.push_back(std::move(view));
  } else if (record.kind() == Kind::IMPORT_REPLAYED) {
    imports_[*known].applications.push_back({record.sequence(), record.counts()});
  } else {
    imports_[*known].liveness.emplace_back(record.sequence(), record.live());
  }
  return absl::OkStatus();
}

absl::Status Views::AddRevisions(const ledger::RevisionBlock& block, int64_t sequence,
                                 uint32_t import, int64_t default_effective_us) {
  return ForEachRow(
      block, [&](absl::string_view text) { return texts_.Add(text); },
      [&](const BlockRow& row) {
        const std::optional<DossierId> known = dossiers_.Find(row.code);
        dossiers_.Insert(known ? *known : dossiers_.Add(row.code),
                         {row.facts, EffectiveUs(row.update_us, default_effective_us),
                          row.update_us, sequence, row.row_number, import});
      });
}

void Views::ForEachCovered(const v1::Coverage& coverage,
                           absl::FunctionRef<void(DossierId, const Revision&)> visit) const {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(coverage.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(coverage.to());
  if (!from.ok() || !to.ok()) return;
  const auto visit_if_covered = [&](DossierId id, std::optional<uint32_t> unit) {
    const Revision* state = dossiers_.State(id);
    if (state == nullptr || !state->facts.counted()) return;
    if (unit && state->facts.unit != *unit) return;
    const int32_t day = ReceivedDay(state->facts.received_us);
    if (day >= DayNumber(*from) && day <= DayNumber(*to)) visit(id, *state);
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

bool Views::CellsAreExact() const {
  CellCounts cells;
  CellCounts totals;
  for (DossierId id = 0; id < dossiers_.count(); ++id) {
    const Revision* state = dossiers_.State(id);
    const std::optional<CellKey> key = state ? CellOf(state->facts) : std::nullopt;
    if (!key) continue;
    AddToCell(cells, *key, 1);
    AddToCell(totals, UnitTotalKey(*key), 1);
  }
  return cells == cells_ && totals == unit_totals_;
}

}  // namespace dondoc::ingestion
