#include "services/ingestion/ledger/planner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"

namespace dondoc::ingestion {

Planner::Planner(const Views& views, int64_t commit_us)
    : views_(views),
      sequence_(views.head() + 1),
      commit_us_(commit_us),
      known_texts_(views.texts().size()),
      statements_(views.statements(), sequence_, commit_us) {}

uint32_t Planner::Number(absl::string_view text) {
  const std::optional<uint32_t> known = views_.texts().Find(text);
  // new_texts_ holds the empty text as 0, which the views always know.
  return known ? *known : known_texts_ + new_texts_.Add(text) - 1;
}

const std::string& Planner::Text(uint32_t number) const {
  return number < known_texts_ ? views_.texts().Text(number)
                               : new_texts_.Text(number - known_texts_ + 1);
}

Planner::Pending& Planner::PendingOf(absl::string_view code) {
  const auto [place, added] = pending_.try_emplace(code);
  Pending& pending = place->second;
  if (!added) return pending;
  pending.id = views_.dossiers().Find(code);
  const Revision* state = pending.id ? views_.dossiers().State(*pending.id) : nullptr;
  if (state != nullptr) {
    pending.has_state = true;
    pending.state = *state;
  }
  return pending;
}

bool Planner::IsRepeated(const Pending& pending, const Facts& facts, int64_t update_us) const {
  if (update_us == kNoTime) {
    return pending.has_state && pending.state.import == kPush && pending.state.facts == facts;
  }
  return (pending.id && views_.dossiers().HasPushed(*pending.id, facts, update_us)) ||
         std::find(pending.pushed.begin(), pending.pushed.end(), std::pair(facts, update_us)) !=
             pending.pushed.end();
}

void Planner::MoveCell(const Revision* from, const Revision* to) {
  const auto cell = [](const Revision* revision) {
    return revision == nullptr ? std::nullopt : CellOf(revision->facts);
  };
  if (const std::optional<CellKey> key = cell(from)) AddToCell(deltas_, *key, -1);
  if (const std::optional<CellKey> key = cell(to)) AddToCell(deltas_, *key, 1);
}

v1::Outcome::Value Planner::Take(Pending& pending, const Revision& revision) {
  if (pending.has_state && Before(revision, pending.state)) return v1::Outcome::STALE;
  const bool had_none = !pending.has_state || pending.state.facts.withdrawn;
  const bool same =
      pending.has_state ? pending.state.facts == revision.facts : revision.facts.withdrawn;
  MoveCell(pending.has_state ? &pending.state : nullptr, &revision);
  pending.has_state = true;
  pending.state = revision;
  if (same) return v1::Outcome::UNCHANGED;
  return had_none ? v1::Outcome::CREATED : v1::Outcome::UPDATED;
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

Plan Planner::PlanBatch(const DossierBatch& batch) {
  RevisionBlockWriter writer([this](uint32_t number) -> absl::string_view { return Text(number); });
  pending_.reserve(batch.dossiers.size());
  plan_.result.outcomes.reserve(batch.dossiers.size());
  const auto number = [this](absl::string_view text) { return Number(text); };
  for (size_t i = 0; i < batch.dossiers.size(); ++i) {
    const v1::Dossier& dossier = batch.dossiers[i];
    const Facts facts = FactsOf(dossier, number);
    const int64_t update_us = UpdateUsOf(dossier);
    Pending& pending = PendingOf(dossier.code());
    v1::Outcome::Value outcome = v1::Outcome::UNCHANGED;
    if (!IsRepeated(pending, facts, update_us)) {
      const BlockRow row{dossier.code(), facts, update_us, static_cast<int64_t>(i)};
      outcome = Take(pending, {facts, EffectiveUs(update_us, commit_us_), update_us, sequence_,
                               row.row_number, kPush});
      pending.pushed.emplace_back(facts, update_us);
      writer.Add(row);
    }
    Count(outcome);
    plan_.result.outcomes.push_back(outcome);
  }
  const bool keeps = writer.rows() > 0;
  if (keeps) *plan_.record.mutable_revisions() = writer.Take();
  const bool claims = batch.covers.has_value() && !views_.HasPushedClaim(*batch.covers);
  if (claims) *plan_.record.mutable_coverage() = NormalCoverage(*batch.covers);
  return Finish(ledger::RecordKind::PUSH, keeps || claims);
}

absl::StatusOr<Plan> Planner::PlanStatements(const StatementBatch& batch) {
  ASSIGN_OR_RETURN(plan_.result.outcomes, statements_.Push(batch.statements));
  for (const v1::Outcome::Value outcome : plan_.result.outcomes) Count(outcome);
  return Finish(ledger::RecordKind::STATEMENTS, statements_.keeps_any());
}

void Planner::CountTwoUnits(Pending& pending, const BlockRow& row) {
  if (row.facts.withdrawn) return;
  if (!pending.named) {
    pending.named = true;
    pending.first_unit = row.facts.unit;
    return;
  }
  pending.two_units = pending.two_units || pending.first_unit != row.facts.unit;
  if (!pending.two_units) return;
  ledger::RowCounts& counts = *plan_.record.mutable_counts();
  counts.set_code_in_two_units(counts.code_in_two_units() + 1);
  if (counts.code_in_two_units_first_row() == 0) {
    counts.set_code_in_two_units_first_row(row.row_number);
  }
}

absl::Status Planner::TakeRows(const std::vector<ledger::RevisionBlock>& blocks, uint32_t import,
                               int64_t default_effective_us) {
  for (const ledger::RevisionBlock& block : blocks) {
    RETURN_IF_ERROR(ForEachRow(
        block, [this](absl::string_view text) { return Number(text); },
        [&](const BlockRow& row) {
          Pending& pending = PendingOf(row.code);
          CountTwoUnits(pending, row);
          row_number_max_ = std::max(row_number_max_, row.row_number);
          Count(Take(pending, {row.facts, EffectiveUs(row.update_us, default_effective_us),
                               row.update_us, sequence_, row.row_number, import}));
        }));
  }
  return absl::OkStatus();
}

void Planner::Withdraw(const ImportApplication& application, uint32_t import,
                       int64_t effective_us) {
  const absl::flat_hash_set<absl::string_view> rejected(application.rejected_codes.begin(),
                                                        application.rejected_codes.end());
  ledger::RowCounts& counts = *plan_.record.mutable_counts();
  std::vector<DossierId> withdrawn;
  views_.ForEachCovered(*application.coverage, [&](DossierId id, const Revision& state) {
    counts.set_covered(counts.covered() + 1);
    Revision withdrawal;
    withdrawal.effective_us = effective_us;
    withdrawal.sequence = sequence_;
    const std::string& code = views_.dossiers().Code(id);
    const bool named = pending_.contains(code) || rejected.contains(code);
    if (!named && !Before(withdrawal, state)) withdrawn.push_back(id);
  });
  counts.set_withdrawn(static_cast<int64_t>(withdrawn.size()));
  std::sort(withdrawn.begin(), withdrawn.end(), [this](DossierId a, DossierId b) {
    return views_.dossiers().Code(a) < views_.dossiers().Code(b);
  });
  RevisionBlockWriter writer([this](uint32_t number) -> absl::string_view { return Text(number); });
  for (const DossierId id : withdrawn) {
    BlockRow row{views_.dossiers().Code(id), {}, kNoTime, ++row_number_max_};
    row.facts.withdrawn = true;
    writer.Add(row);
    Take(PendingOf(row.code),
         {row.facts, effective_us, kNoTime, sequence_, row.row_number, import});
    if (writer.bytes() >= kBlockBytesMax) plan_.body.withdrawals.push_back(writer.Take());
  }
  if (writer.rows() > 0) plan_.body.withdrawals.push_back(writer.Take());
}

absl::Status Planner::CheckGuard() const {
  const ledger::RowCounts& counts = plan_.record.counts();
  if (counts.withdrawn() * 100 <= counts.covered() * kWithdrawnPercentMax) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "confirm_withdrawals: the import would withdraw ", counts.withdrawn(), " of ",
      counts.covered(), " dossiers that it covers, more than ", kWithdrawnPercentMax, " %"));
}

absl::StatusOr<Plan> Planner::PlanApplication(const ImportApplication& application, StagedRows rows,
                                              bool guard) {
  // The number it will get when the record is applied.
  const uint32_t import = views_.import_count() + 1;
  const int64_t default_effective_us =
      application.extracted_at ? ToUs(*application.extracted_at) : commit_us_;
  RETURN_IF_ERROR(TakeRows(rows.blocks, import, default_effective_us));
  RETURN_IF_ERROR(statements_.Take(rows.statements, import, default_effective_us));
  if (application.coverage) {
    *plan_.record.mutable_coverage() = NormalCoverage(*application.coverage);
    if (application.coverage->extent() == v1::Coverage::Extent::COMPLETE) {
      Withdraw(application, import, default_effective_us);
      if (guard && !application.confirm_withdrawals) RETURN_IF_ERROR(CheckGuard());
    }
  }
  if (application.extracted_at) {
    plan_.record.set_extracted_at_us(ToUs(*application.extracted_at));
  }
  plan_.record.set_import_id(application.import_id);
  plan_.record.set_staged_chunks(static_cast<int32_t>(rows.blocks.size()));
  plan_.body.rows = std::move(rows.blocks);
  FillUnitChanges();
  return Finish(ledger::RecordKind::IMPORT_APPLIED, true);
}

absl::StatusOr<Plan> Planner::PlanReplay(uint32_t import, StagedRows rows) {
  const ImportView& view = views_.import(import);
  RETURN_IF_ERROR(TakeRows(rows.blocks, import, view.default_effective_us));
  RETURN_IF_ERROR(statements_.Take(rows.statements, import, view.default_effective_us));
  plan_.record.set_import_id(view.import_id);
  plan_.record.set_application(static_cast<int32_t>(view.applications.size()));
  plan_.record.set_staged_chunks(static_cast<int32_t>(rows.blocks.size()));
  plan_.body.rows = std::move(rows.blocks);
  FillUnitChanges();
  return Finish(ledger::RecordKind::IMPORT_REPLAYED,
                !plan_.body.rows.empty() || statements_.keeps_any());
}

Plan Planner::PlanLiveness(uint32_t import, bool live) {
  views_.dossiers().ForEachOfImport(
      import, live,
      [this](const Revision* before, const Revision* after) { MoveCell(before, after); });
  statements_.Relive(import, live);
  plan_.record.set_import_id(views_.import(import).import_id);
  plan_.record.set_live(live);
  FillUnitChanges();
  return Finish(ledger::RecordKind::IMPORT_LIVENESS, true);
}

void Planner::FillUnitChanges() {
  const DirectoryView& directory = views_.directory_view();
  const v1::MetricDefinition* const definition =
      directory.definitions().At(kDefaultDefinitionId, views_.head());
  if (definition == nullptr) return;
  const DefinitionPredicate predicate(*definition);
  const ProcedureCatalogue catalogue = definition->only_online_services()
                                           ? directory.CatalogueAt(views_.head())
                                           : ProcedureCatalogue();
  const auto add = [&](const CellKey& key, int64_t count, Counts& counts) {
    const auto channel = static_cast<v1::Channel::Value>(key.channel);
    const auto stated = static_cast<v1::ServiceLevel::Value>(key.service_level);
    const auto level = catalogue.size() == 0
                           ? stated
                           : catalogue.EffectiveLevel(Text(key.procedure), key.day, stated);
    if (predicate.Counts(channel, level, static_cast<v1::Status::Value>(key.status))) {
      counts.Add(predicate.ShownAs(channel), count);
    }
  };
  absl::flat_hash_map<uint32_t, Counts> changes;
  for (const auto& [key, count] : deltas_) add(key, count, changes[key.unit]);
  absl::flat_hash_map<uint32_t, Counts> before;
  // The totals do not know procedures and days.
  for (const auto& [key, count] : catalogue.size() == 0 ? views_.unit_totals() : views_.cells()) {
    if (changes.contains(key.unit)) add(key, count, before[key.unit]);
  }
  std::vector<CommitResult::UnitChange>& filled = plan_.result.unit_changes;
  for (const auto& [unit, change] : changes) {
    if (change == Counts{}) continue;
    Counts after = before[unit];
    after += change;
    // The basis is a question of coverage in a window, and here there is no window.
    filled.push_back({Text(unit), ToProto(before[unit], std::nullopt, v1::Basis::DOSSIERS),
                      ToProto(after, std::nullopt, v1::Basis::DOSSIERS)});
  }
  std::sort(filled.begin(), filled.end(),
            [](const auto& a, const auto& b) { return a.unit_id < b.unit_id; });
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
    plan_.body.deltas =
        ToBlocks(deltas_, [this](uint32_t number) -> const std::string& { return Text(number); });
  }
  return std::move(plan_);
}

}  // namespace dondoc::ingestion
