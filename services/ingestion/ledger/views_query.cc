// The questions that a Ledger answers from its views.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/ingestion/ledger/statement_planner.h"
#include "services/ingestion/ledger/views.h"

namespace dondoc::ingestion {

v1::Position Views::PositionAt(int64_t sequence) const {
  v1::Position position;
  position.set_ledger_id(ledger_id_);
  position.set_sequence(sequence);
  if (sequence > 0) {
    *position.mutable_commit_time() =
        dondoc::ToProto(FromUs(commit_us_[static_cast<size_t>(sequence) - 1]));
  }
  return position;
}

int64_t Views::SequenceAt(int64_t instant_us) const {
  return std::upper_bound(commit_us_.begin(), commit_us_.begin() + head_, instant_us) -
         commit_us_.begin();
}

std::optional<uint32_t> Views::FindImport(absl::string_view import_id) const {
  const auto found = import_numbers_.find(import_id);
  if (found == import_numbers_.end()) return std::nullopt;
  return found->second;
}

bool Views::HasPushedClaim(const v1::Coverage& coverage) const {
  return pushed_claims_.contains(NormalCoverage(coverage).SerializeAsString());
}

v1::CoverageClaim Views::ToProto(const Claim& claim, bool live) const {
  v1::CoverageClaim proto;
  proto.set_claim_sequence(claim.sequence);
  *proto.mutable_coverage() = claim.coverage;
  proto.set_live(live);
  *proto.mutable_commit_time() = PositionAt(claim.sequence).commit_time();
  if (claim.import != kPush) {
    const ImportView& import = imports_[claim.import];
    proto.set_import_id(import.import_id);
    if (import.extracted_at_us) {
      *proto.mutable_extracted_at() = dondoc::ToProto(FromUs(*import.extracted_at_us));
    }
  }
  return proto;
}

std::vector<v1::CoverageClaim> Views::LiveClaimsAt(int64_t sequence) const {
  std::vector<v1::CoverageClaim> live;
  for (const Claim& claim : claims_) {
    if (claim.sequence <= sequence &&
        (claim.import == kPush || imports_[claim.import].LiveAt(sequence))) {
      live.push_back(ToProto(claim, true));
    }
  }
  return live;
}

std::vector<v1::CoverageClaim> Views::ClaimsOfImport(absl::string_view import_id,
                                                     int64_t sequence) const {
  std::vector<v1::CoverageClaim> found;
  const std::optional<uint32_t> number = FindImport(import_id);
  for (const Claim& claim : claims_) {
    if (number && claim.import == *number && claim.sequence <= sequence) {
      found.push_back(ToProto(claim, imports_[*number].LiveAt(sequence)));
    }
  }
  return found;
}

v1::Dossier Views::ToProto(const std::string& code, const Revision& revision) const {
  const Facts& facts = revision.facts;
  v1::Dossier dossier;
  dossier.set_code(code);
  dossier.set_unit_id(texts_.Text(facts.unit));
  dossier.set_handling_unit_id(texts_.Text(facts.handling_unit));
  dossier.set_procedure_code(texts_.Text(facts.procedure));
  dossier.set_field(texts_.Text(facts.field));
  if (facts.received_us != kNoTime) {
    *dossier.mutable_received_time() = dondoc::ToProto(FromUs(facts.received_us));
  }
  dossier.set_channel(static_cast<v1::Channel::Value>(facts.channel));
  dossier.set_service_level(static_cast<v1::ServiceLevel::Value>(facts.service_level));
  dossier.set_status(static_cast<v1::Status::Value>(facts.status));
  if (revision.update_us != kNoTime) {
    *dossier.mutable_update_time() = dondoc::ToProto(FromUs(revision.update_us));
  }
  dossier.set_withdrawn(facts.withdrawn);
  return dossier;
}

absl::StatusOr<v1::DossierHistory> Views::FindDossier(const std::string& code,
                                                      int64_t as_of) const {
  if (as_of > head()) {
    return absl::OutOfRangeError(absl::StrCat("sequence ", as_of, " is after the head ", head()));
  }
  v1::DossierHistory history;
  const std::optional<DossierId> id = dossiers_.Find(code);
  if (id) {
    dossiers_.ForEachRevision(*id, [&](const Revision& revision) {
      if (revision.sequence > as_of) return;
      v1::DossierRevision& proto = *history.add_revisions();
      *proto.mutable_dossier() = ToProto(code, revision);
      *proto.mutable_effective_time() = dondoc::ToProto(FromUs(revision.effective_us));
      proto.set_sequence(revision.sequence);
      proto.set_row_number(revision.row_number);
      const ImportView& import = imports_[revision.import];
      proto.set_import_id(import.import_id);
      proto.set_live(revision.import == kPush || import.LiveAt(as_of));
      *proto.mutable_commit_time() = PositionAt(revision.sequence).commit_time();
    });
  }
  if (history.revisions().empty()) return absl::NotFoundError("no dossier of that code");
  Revision state;
  if (dossiers_.StateAt(*id, as_of, state)) *history.mutable_dossier() = ToProto(code, state);
  history.set_ledger_id(ledger_id_);
  history.set_sequence(as_of);
  return history;
}

absl::StatusOr<DossierPage> Views::ListDossiers(const DossierQuery& query) const {
  if (query.as_of_sequence > head()) {
    return absl::OutOfRangeError(
        absl::StrCat("sequence ", query.as_of_sequence, " is after the head ", head()));
  }
  const DefinitionPredicate predicate(query.definition);
  const ProcedureCatalogue catalogue = query.definition.only_online_services()
                                           ? directory_.CatalogueAt(query.as_of_sequence)
                                           : ProcedureCatalogue();
  const auto level_of = [&](const Facts& facts, int32_t day) {
    const auto stated = static_cast<v1::ServiceLevel::Value>(facts.service_level);
    if (catalogue.size() == 0) return stated;
    return catalogue.EffectiveLevel(texts_.Text(facts.procedure), day, stated);
  };
  const int32_t from = DayNumber(query.from);
  const int32_t to = DayNumber(query.to);
  std::optional<uint32_t> unit;
  if (!query.unit_id.empty()) {
    unit = texts_.Find(query.unit_id);
    if (!unit) return DossierPage{};
  }
  DossierPage page;
  std::vector<std::pair<std::string, DossierId>> found;
  Revision state;
  const auto consider = [&](DossierId id) {
    if (!dossiers_.StateAt(id, query.as_of_sequence, state) || !state.facts.counted()) return;
    const Facts& facts = state.facts;
    const int32_t day = ReceivedDay(facts.received_us);
    const auto channel = static_cast<v1::Channel::Value>(facts.channel);
    if ((unit && facts.unit != *unit) || day < from || day > to ||
        (query.channel && predicate.ShownAs(channel) != *query.channel) ||
        !predicate.Counts(channel, level_of(facts, day),
                          static_cast<v1::Status::Value>(facts.status))) {
      return;
    }
    ++page.total_size;
    std::string code = dossiers_.Code(id);
    if (code > query.after_code) found.emplace_back(std::move(code), id);
  };
  if (unit) {
    dossiers_.ForEachOfUnit(*unit, consider);
  } else {
    for (DossierId id = 0; id < dossiers_.count(); ++id) consider(id);
  }
  const size_t size = std::min(found.size(), static_cast<size_t>(std::max(query.page_size, 0)));
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(size), found.end());
  for (size_t i = 0; i < size; ++i) {
    dossiers_.StateAt(found[i].second, query.as_of_sequence, state);
    page.dossiers.push_back(ToProto(found[i].first, state));
  }
  page.more = found.size() > size;
  return page;
}

namespace {

void AddUnitChanges(const ledger::RowCounts& counts, CommitResult& result) {
  for (const ledger::UnitChange& change : counts.unit_changes()) {
    const auto place = std::lower_bound(
        result.unit_changes.begin(), result.unit_changes.end(), change.unit_id(),
        [](const auto& known, const std::string& unit_id) { return known.unit_id < unit_id; });
    if (place != result.unit_changes.end() && place->unit_id == change.unit_id()) {
      place->after = change.after();
    } else {
      result.unit_changes.insert(place, {change.unit_id(), change.before(), change.after()});
    }
  }
}

}  // namespace

std::optional<ImportEffect> Views::FindImportEffect(const std::string& import_id) const {
  const std::optional<uint32_t> number = FindImport(import_id);
  if (!number) return std::nullopt;
  const ImportView& import = imports_[*number];
  ImportEffect effect;
  effect.sequence = import.applications.front().sequence;
  effect.live = import.live();
  CommitResult& result = effect.result;
  result.position = PositionAt(effect.sequence);
  result.changed = true;
  for (const ImportView::Application& application : import.applications) {
    if (application.sequence != effect.sequence) {
      effect.replay_sequences.push_back(application.sequence);
    }
    const ledger::RowCounts& counts = application.counts;
    result.counted += counts.created() + counts.updated();
    result.unchanged += counts.unchanged();
    result.stale += counts.stale();
    result.withdrawn += counts.withdrawn();
    result.covered += counts.covered();
    result.code_in_two_units += counts.code_in_two_units();
    if (result.code_in_two_units_first_row == 0) {
      result.code_in_two_units_first_row = counts.code_in_two_units_first_row();
    }
    AddUnitChanges(counts, result);
    AddStatementCounts(counts, result);
  }
  return effect;
}

}  // namespace dondoc::ingestion
