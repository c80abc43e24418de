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

bool ImportView::LiveAt(int64_t sequence) const {
  bool live_then = false;
  for (const auto& [from, live_from_there] : liveness) {
    if (from > sequence) break;
    live_then = live_from_there;
  }
  return live_then;
}

Views::Views() : imports_(1), directory_(std::make_shared<const Directory>()) {}

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
  for (const v1::MetricDefinition& definition : record.definitions()) {
    definitions_.emplace_back(record.sequence(), definition);
  }
  if (record.units_size() > 0) {
    for (const v1::Unit& unit : record.units()) {
      units_[unit.unit_id()].emplace_back(record.sequence(), unit);
    }
    std::map<std::string, v1::Unit> current;
    for (const auto& [unit_id, versions] : units_) current[unit_id] = versions.back().second;
    directory_ = std::make_shared<const Directory>(std::move(current));
  }
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
        const std::optional<DossierId> known = FindId(row.code);
        Insert(known ? *known : AddDossier(row.code),
               {row.facts, EffectiveUs(row.update_us, default_effective_us), row.update_us,
                sequence, row.row_number, import});
      });
}

DossierId Views::AddDossier(absl::string_view code) {
  const DossierId id = dossier_count();
  dossiers_.push_back({std::string(code), {}});
  ids_.emplace(dossiers_.back().code, id);
  return id;
}

void Views::Insert(DossierId id, const Revision& revision) {
  auto& revisions = dossiers_[id].revisions;
  const uint32_t unit = revision.facts.unit;
  if (unit != 0 && std::none_of(revisions.begin(), revisions.end(),
                                [&](const Revision& r) { return r.facts.unit == unit; })) {
    ids_of_unit_[unit].push_back(id);
  }
  revisions.insert(std::upper_bound(revisions.begin(), revisions.end(), revision, Before),
                   revision);
  ++revision_count_;
}

std::optional<DossierId> Views::FindId(absl::string_view code) const {
  const auto found = ids_.find(code);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const Revision* Views::StateOf(const Dossier& dossier) const {
  for (auto revision = dossier.revisions.rbegin(); revision != dossier.revisions.rend();
       ++revision) {
    if (Live(*revision)) return &*revision;
  }
  return nullptr;
}

const Revision* Views::StateAt(const Dossier& dossier, int64_t sequence) const {
  for (auto revision = dossier.revisions.rbegin(); revision != dossier.revisions.rend();
       ++revision) {
    if (revision->sequence <= sequence &&
        (revision->import == kPush || imports_[revision->import].LiveAt(sequence))) {
      return &*revision;
    }
  }
  return nullptr;
}

const Revision* Views::State(DossierId id) const { return StateOf(dossiers_[id]); }

bool Views::HasPushed(DossierId id, const Facts& facts, int64_t update_us) const {
  const auto& revisions = dossiers_[id].revisions;
  return std::any_of(revisions.begin(), revisions.end(), [&](const Revision& revision) {
    return revision.import == kPush && revision.update_us == update_us && revision.facts == facts;
  });
}

void Views::ForEachCovered(const v1::Coverage& coverage,
                           absl::FunctionRef<void(DossierId, const Revision&)> visit) const {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(coverage.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(coverage.to());
  if (!from.ok() || !to.ok()) return;
  const auto visit_if_covered = [&](DossierId id, std::optional<uint32_t> unit) {
    const Revision* state = State(id);
    if (state == nullptr || !state->facts.counted()) return;
    if (unit && state->facts.unit != *unit) return;
    const int32_t day = ReceivedDay(state->facts.received_us);
    if (day >= DayNumber(*from) && day <= DayNumber(*to)) visit(id, *state);
  };
  if (coverage.unit_ids().empty()) {
    for (DossierId id = 0; id < dossier_count(); ++id) visit_if_covered(id, std::nullopt);
    return;
  }
  const v1::Coverage normal = NormalCoverage(coverage);
  for (const std::string& unit_id : normal.unit_ids()) {
    const std::optional<uint32_t> unit = texts_.Find(unit_id);
    const auto ids = unit ? ids_of_unit_.find(*unit) : ids_of_unit_.end();
    if (ids == ids_of_unit_.end()) continue;
    for (const DossierId id : ids->second) visit_if_covered(id, unit);
  }
}

void Views::ForEachOfImport(uint32_t import, bool live,
                            absl::FunctionRef<void(const Revision*, const Revision*)> visit) const {
  for (const Dossier& dossier : dossiers_) {
    const auto& revisions = dossier.revisions;
    if (std::none_of(revisions.begin(), revisions.end(),
                     [&](const Revision& r) { return r.import == import; })) {
      continue;
    }
    const auto after =
        std::find_if(revisions.rbegin(), revisions.rend(), [&](const Revision& revision) {
          return revision.import == import ? live : Live(revision);
        });
    visit(StateOf(dossier), after == revisions.rend() ? nullptr : &*after);
  }
}

bool Views::CellsAreExact() const {
  CellCounts cells;
  CellCounts totals;
  for (const Dossier& dossier : dossiers_) {
    const Revision* state = StateOf(dossier);
    const std::optional<CellKey> key = state ? CellOf(state->facts) : std::nullopt;
    if (!key) continue;
    AddToCell(cells, *key, 1);
    AddToCell(totals, UnitTotalKey(*key), 1);
  }
  return cells == cells_ && totals == unit_totals_;
}

}  // namespace dondoc::ingestion
