#include "services/ingestion/ledger/planner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"

namespace dondoc::ingestion {

Planner::Planner(const Views& views, int64_t commit_us)
    : sequence_(views.planned() + 1),
      commit_us_(commit_us),
      statements_(views.statements(), sequence_, commit_us) {}

bool Planner::IsRepeated(const Views& views, DossierId id, const Revision* state,
                         const Facts& facts, int64_t update_us) const {
  if (update_us == kNoTime) {
    return state != nullptr && state->import == kPush && state->facts == facts;
  }
  return views.dossiers().HasPushed(id, facts, update_us);
}

void Planner::MoveCell(const Revision* from, const Revision* to) {
  const auto cell = [](const Revision* revision) {
    return revision == nullptr ? std::nullopt : CellOf(revision->facts);
  };
  if (const std::optional<CellKey> key = cell(from)) AddToCell(deltas_, *key, -1);
  if (const std::optional<CellKey> key = cell(to)) AddToCell(deltas_, *key, 1);
}

v1::Outcome::Value Planner::OutcomeOf(const Revision* state, const Revision& revision) {
  if (state != nullptr && Before(revision, *state)) return v1::Outcome::STALE;
  const bool same = state != nullptr ? state->facts == revision.facts : revision.facts.withdrawn;
  if (same) return v1::Outcome::UNCHANGED;
  return state == nullptr || state->facts.withdrawn ? v1::Outcome::CREATED : v1::Outcome::UPDATED;
}

void Planner::Count(v1::Outcome::Value outcome) {
  ledger::RowCounts& counts = *plan_.record.mutable_counts();
  switch (outcome) {
    case v1::Outcome::CREATED:
      counts.set_created(counts.created() + 1);
      break;
    case v1::Outcome::UPDATED:
      counts.set_updated(counts.updated() + 1);
      break;
    case v1::Outcome::STALE:
      counts.set_stale(counts.stale() + 1);
      break;
    default:
      counts.set_unchanged(counts.unchanged() + 1);
  }
}

Plan Planner::PlanBatch(Views& views, const DossierBatch& batch) {
  views.Plan(commit_us_);
  DossierStates& dossiers = views.dossiers();
  TextTable& texts = views.texts();
  RevisionBlockWriter writer(
      [&](uint32_t number) -> absl::string_view { return texts.Text(number); });
  plan_.result.outcomes.reserve(batch.dossiers.size());
  const auto number = [&](absl::string_view text) { return texts.Add(text); };
  ForEachLocated(
      dossiers, batch.dossiers.size(),
      [&](size_t i) -> absl::string_view { return batch.dossiers[i].code(); },
      [&](size_t i, const LocatedCode& code) {
        const v1::Dossier& dossier = batch.dossiers[i];
        const BlockRow row{code.text, FactsOf(dossier, number), UpdateUsOf(dossier),
                           static_cast<int64_t>(i)};
        const std::optional<DossierId> known = dossiers.Find(code);
        Revision before;
        const Revision* state =
            known && dossiers.StateAt(*known, sequence_, before) ? &before : nullptr;
        v1::Outcome::Value outcome = v1::Outcome::UNCHANGED;
        if (!known || !IsRepeated(views, *known, state, row.facts, row.update_us)) {
          const Revision revision{row.facts,      EffectiveUs(row.update_us, commit_us_),
                                  row.update_us,  sequence_,
                                  row.row_number, kPush};
          outcome = OutcomeOf(state, revision);
          if (outcome != v1::Outcome::STALE) MoveCell(state, &revision);
          dossiers.Insert(known ? *known : dossiers.Add(code), revision);
          writer.Add(row);
        }
        Count(outcome);
        plan_.result.outcomes.push_back(outcome);
      });
  plan_.revisions = writer.rows();
  if (plan_.revisions > 0) *plan_.record.mutable_revisions() = writer.Take();
  const bool claims = batch.covers.has_value() && !views.HasPushedClaim(*batch.covers);
  if (claims) *plan_.record.mutable_coverage() = NormalCoverage(*batch.covers);
  std::vector<std::pair<CellKey, int64_t>> deltas(deltas_.begin(), deltas_.end());
  SortAndAddUp(deltas);
  plan_.deltas.Add(deltas, texts);
  for (const auto& [key, count] : deltas) AddToCell(plan_.unit_deltas, UnitTotalKey(key), count);
  return Finish(ledger::RecordKind::PUSH, plan_.revisions > 0 || claims);
}

absl::StatusOr<Plan> Planner::PlanStatements(const Views&, const StatementBatch& batch) {
  ASSIGN_OR_RETURN(plan_.result.outcomes, statements_.Push(batch.statements));
  for (const v1::Outcome::Value outcome : plan_.result.outcomes) Count(outcome);
  return Finish(ledger::RecordKind::STATEMENTS, statements_.keeps_any());
}

void Planner::BeginApplication(Views& views, const ImportApplication& application) {
  kind_ = ledger::RecordKind::IMPORT_APPLIED;
  default_effective_us_ = application.extracted_at ? ToUs(*application.extracted_at) : commit_us_;
  import_ = views.PlanApplication(commit_us_, default_effective_us_);
  ledger::LogRecord& record = plan_.record;
  record.set_import_id(application.import_id);
  if (application.coverage) *record.mutable_coverage() = NormalCoverage(*application.coverage);
  if (application.extracted_at) record.set_extracted_at_us(ToUs(*application.extracted_at));
}

void Planner::BeginReplay(Views& views, uint32_t import) {
  kind_ = ledger::RecordKind::IMPORT_REPLAYED;
  import_ = import;
  const ImportView& view = views.import(import);
  default_effective_us_ = view.default_effective_us;
  plan_.record.set_import_id(view.import_id);
  plan_.record.set_application(static_cast<int32_t>(view.applications.size()));
  views.PlanReplay(commit_us_, import);
}

void Planner::BeginLiveness(const Views& views, uint32_t import, bool live) {
  kind_ = ledger::RecordKind::IMPORT_LIVENESS;
  import_ = import;
  live_ = live;
  statements_.Relive(import, live);
  plan_.record.set_import_id(views.import(import).import_id);
  plan_.record.set_live(live);
}

void Planner::CountTwoUnits(const Views& views, DossierId id, const BlockRow& row) {
  if (row.facts.withdrawn) return;
  auto named = named_.find(id);
  if (named == named_.end()) {
    // The row before it, if there is one, is the first.
    std::optional<uint32_t> first_unit;
    views.dossiers().ForEachRevision(id, [&](const Revision& revision) {
      if (revision.sequence == sequence_ && !revision.facts.withdrawn) {
        first_unit = revision.facts.unit;
      }
    });
    if (!first_unit) return;
    named = named_.emplace(id, Named{*first_unit, false}).first;
  }
  named->second.two_units = named->second.two_units || named->second.first_unit != row.facts.unit;
  if (!named->second.two_units) return;
  ledger::RowCounts& counts = *plan_.record.mutable_counts();
  counts.set_code_in_two_units(counts.code_in_two_units() + 1);
  if (counts.code_in_two_units_first_row() == 0) {
    counts.set_code_in_two_units_first_row(row.row_number);
  }
}

void Planner::TakeRow(Views& views, const LocatedCode& code, const BlockRow& row) {
  DossierStates& dossiers = views.dossiers();
  const std::optional<DossierId> known = dossiers.Find(code);
  Revision before;
  const Revision* state = known && dossiers.StateAt(*known, sequence_, before) ? &before : nullptr;
  const Revision revision{row.facts,      EffectiveUs(row.update_us, default_effective_us_),
                          row.update_us,  sequence_,
                          row.row_number, import_};
  if (known) CountTwoUnits(views, *known, row);
  Count(OutcomeOf(state, revision));
  if (state != nullptr) units_.insert(state->facts.unit);
  units_.insert(row.facts.unit);
  row_number_max_ = std::max(row_number_max_, row.row_number);
  dossiers.Insert(known ? *known : dossiers.Add(code), revision);
  ++plan_.revisions;
}

absl::Status Planner::Take(Views& views, const ledger::RevisionBlock& block) {
  std::vector<BlockRow> rows;
  rows.reserve(static_cast<size_t>(block.row_number_size()));
  RETURN_IF_ERROR(ForEachRow(
      block, [&](absl::string_view text) { return views.texts().Add(text); },
      [&](const BlockRow& row) { rows.push_back(row); }));
  ForEachLocated(
      views.dossiers(), rows.size(), [&](size_t i) { return rows[i].code; },
      [&](size_t i, const LocatedCode& code) { TakeRow(views, code, rows[i]); });
  plan_.record.set_staged_chunks(plan_.record.staged_chunks() + 1);
  return absl::OkStatus();
}

absl::Status Planner::TakeStatements(const std::vector<ledger::StatementChunk>& chunks) {
  return statements_.Take(chunks, import_, default_effective_us_);
}

absl::Status Planner::Withdraw(Views& views, const ImportApplication& application, bool guard) {
  DossierStates& dossiers = views.dossiers();
  absl::flat_hash_set<DossierId> rejected;
  for (const std::string& code : application.rejected_codes) {
    if (const std::optional<DossierId> id = dossiers.Find(code)) rejected.insert(*id);
  }
  ledger::RowCounts& counts = *plan_.record.mutable_counts();
  std::vector<std::pair<std::string, DossierId>> withdrawn;  // in code order
  views.ForEachCovered(*application.coverage, [&](DossierId id, const Revision& state) {
    counts.set_covered(counts.covered() + 1);
    Revision withdrawal;
    withdrawal.effective_us = default_effective_us_;
    withdrawal.sequence = sequence_;
    const bool named = rejected.contains(id) || dossiers.IsOfSequence(id, sequence_);
    if (!named && !Before(withdrawal, state)) withdrawn.emplace_back(dossiers.Code(id), id);
  });
  counts.set_withdrawn(static_cast<int64_t>(withdrawn.size()));
  if (guard && counts.withdrawn() * 100 > counts.covered() * kWithdrawnPercentMax) {
    return absl::FailedPreconditionError(absl::StrCat(
        "confirm_withdrawals: the import would withdraw ", counts.withdrawn(), " of ",
        counts.covered(), " dossiers that it covers, more than ", kWithdrawnPercentMax, " %"));
  }
  std::sort(withdrawn.begin(), withdrawn.end());
  RevisionBlockWriter writer(
      [&](uint32_t number) -> absl::string_view { return views.texts().Text(number); });
  for (const auto& [code, id] : withdrawn) {
    BlockRow row{code, {}, kNoTime, ++row_number_max_};
    row.facts.withdrawn = true;
    writer.Add(row);
    Revision state;
    if (dossiers.StateAt(id, sequence_, state)) units_.insert(state.facts.unit);
    dossiers.Insert(
        id, {row.facts, default_effective_us_, kNoTime, sequence_, row.row_number, import_});
    ++plan_.revisions;
    if (writer.bytes() >= kBlockBytesMax) plan_.withdrawals.push_back(writer.Take());
  }
  if (writer.rows() > 0) plan_.withdrawals.push_back(writer.Take());
  return absl::OkStatus();
}

std::vector<uint32_t> Planner::units(const Views& views) const {
  if (kind_ == ledger::RecordKind::IMPORT_LIVENESS) return views.dossiers().Units();
  std::vector<uint32_t> units(units_.begin(), units_.end());
  std::sort(units.begin(), units.end());
  return units;
}

void Planner::Fold(const Views& views, uint32_t unit) {
  const DossierStates& dossiers = views.dossiers();
  std::vector<std::pair<CellKey, int64_t>> deltas;
  const auto add = [&](bool known, const Revision& state, int64_t count) {
    if (!known || state.facts.unit != unit) return;
    const std::optional<CellKey> key = CellOf(state.facts);
    if (key) deltas.emplace_back(*key, count);
  };
  Revision state;
  dossiers.ForEachOfUnit(unit, [&](DossierId id) {
    if (kind_ == ledger::RecordKind::IMPORT_LIVENESS) {
      if (!dossiers.IsOfImport(id, import_)) return;
      add(dossiers.StateAt(id, views.head(), state), state, -1);
      add(dossiers.StateWith(id, views.head(), import_, live_, state), state, 1);
    } else {
      if (!dossiers.IsOfSequence(id, sequence_)) return;
      add(dossiers.StateAt(id, views.head(), state), state, -1);
      add(dossiers.StateAt(id, sequence_, state), state, 1);
    }
  });
  SortAndAddUp(deltas);
  plan_.deltas.Add(deltas, views.texts());
  for (const auto& [key, count] : deltas) AddToCell(plan_.unit_deltas, UnitTotalKey(key), count);
  AddUnitChange(views, unit, deltas);
}

Plan Planner::FinishImport() {
  std::sort(plan_.result.unit_changes.begin(), plan_.result.unit_changes.end(),
            [](const auto& a, const auto& b) { return a.unit_id < b.unit_id; });
  return Finish(kind_, kind_ != ledger::RecordKind::IMPORT_REPLAYED ||
                           plan_.record.staged_chunks() > 0 || statements_.keeps_any());
}

void Planner::AddUnitChange(const Views& views, uint32_t unit,
                            absl::Span<const std::pair<CellKey, int64_t>> deltas) {
  if (!counting_) {
    const DirectoryView& directory = views.directory_view();
    const v1::MetricDefinition* const definition =
        directory.definitions().At(kDefaultDefinitionId, views.head());
    if (definition == nullptr) return;
    counting_.emplace(
        Counting{DefinitionPredicate(*definition), definition->only_online_services()
                                                       ? directory.CatalogueAt(views.head())
                                                       : ProcedureCatalogue()});
  }
  // Not as a structured binding: clang 14 cannot take one into a lambda.
  const DefinitionPredicate& predicate = counting_->predicate;
  const ProcedureCatalogue& catalogue = counting_->catalogue;
  const auto add = [&](const CellKey& key, int64_t count, Counts& counts) {
    const auto channel = static_cast<v1::Channel::Value>(key.channel);
    const auto stated = static_cast<v1::ServiceLevel::Value>(key.service_level);
    const auto level =
        catalogue.size() == 0
            ? stated
            : catalogue.EffectiveLevel(views.texts().Text(key.procedure), key.day, stated);
    if (predicate.Counts(channel, level, static_cast<v1::Status::Value>(key.status))) {
      counts.Add(predicate.ShownAs(channel), count);
    }
  };
  Counts change;
  for (const auto& [key, count] : deltas) add(key, count, change);
  if (change == Counts{}) return;
  Counts before;
  // The totals do not know procedures and days.
  if (catalogue.size() == 0) {
    views.ForEachTotal(unit, [&](const CellKey& key, int64_t count) { add(key, count, before); });
  } else {
    for (const auto& [key, count] : views.CellsOfUnit(unit, views.head())) add(key, count, before);
  }
  Counts after = before;
  after += change;
  // The basis is a question of coverage in a window, and here there is no window.
  plan_.result.unit_changes.push_back({views.texts().Text(unit),
                                       ToProto(before, std::nullopt, v1::Basis::DOSSIERS),
                                       ToProto(after, std::nullopt, v1::Basis::DOSSIERS)});
}

Plan Planner::Finish(ledger::RecordKind::Value kind, bool changed) {
  ledger::LogRecord& record = plan_.record;
  CommitResult& result = plan_.result;
  result.changed = changed;
  statements_.Finish(record);
  ledger::RowCounts& counts = *record.mutable_counts();
  AddStatementCounts(counts, result);
  result.counted = counts.created() + counts.updated();
  result.unchanged = counts.unchanged();
  result.stale = counts.stale();
  result.withdrawn = counts.withdrawn();
  result.covered = counts.covered();
  result.code_in_two_units = counts.code_in_two_units();
  result.code_in_two_units_first_row = counts.code_in_two_units_first_row();
  for (const CommitResult::UnitChange& change : result.unit_changes) {
    ledger::UnitChange& proto = *counts.add_unit_changes();
    proto.set_unit_id(change.unit_id);
    *proto.mutable_before() = change.before;
    *proto.mutable_after() = change.after;
  }
  if (changed) {
    record.set_sequence(sequence_);
    record.set_commit_time_us(commit_us_);
    record.set_kind(kind);
  }
  return std::move(plan_);
}

}  // namespace dondoc::ingestion
