#include "services/ingestion/ledger/dossier_states.h"

#include <algorithm>

namespace dondoc::ingestion {

std::optional<DossierId> DossierStates::Find(absl::string_view code) const {
  const auto found = ids_.find(code);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

DossierId DossierStates::Add(absl::string_view code) {
  const DossierId id = count();
  dossiers_.push_back({std::string(code), {}});
  ids_.emplace(dossiers_.back().code, id);
  return id;
}

void DossierStates::Insert(DossierId id, const Revision& revision) {
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

const Revision* DossierStates::State(DossierId id) const {
  const auto& revisions = dossiers_[id].revisions;
  for (auto revision = revisions.rbegin(); revision != revisions.rend(); ++revision) {
    if (Live(*revision)) return &*revision;
  }
  return nullptr;
}

const Revision* DossierStates::StateAt(DossierId id, int64_t sequence) const {
  const auto& revisions = dossiers_[id].revisions;
  for (auto revision = revisions.rbegin(); revision != revisions.rend(); ++revision) {
    if (revision->sequence <= sequence &&
        (revision->import == kPush || imports_[revision->import].LiveAt(sequence))) {
      return &*revision;
    }
  }
  return nullptr;
}

bool DossierStates::HasPushed(DossierId id, const Facts& facts, int64_t update_us) const {
  const auto& revisions = dossiers_[id].revisions;
  return std::any_of(revisions.begin(), revisions.end(), [&](const Revision& revision) {
    return revision.import == kPush && revision.update_us == update_us && revision.facts == facts;
  });
}

void DossierStates::ForEachRevision(DossierId id,
                                    absl::FunctionRef<void(const Revision&)> visit) const {
  for (const Revision& revision : dossiers_[id].revisions) visit(revision);
}

void DossierStates::ForEachOfUnit(uint32_t unit, absl::FunctionRef<void(DossierId)> visit) const {
  const auto ids = ids_of_unit_.find(unit);
  if (ids == ids_of_unit_.end()) return;
  for (const DossierId id : ids->second) visit(id);
}

void DossierStates::ForEachOfImport(
    uint32_t import, bool live,
    absl::FunctionRef<void(const Revision*, const Revision*)> visit) const {
  for (DossierId id = 0; id < count(); ++id) {
    const auto& revisions = dossiers_[id].revisions;
    if (std::none_of(revisions.begin(), revisions.end(),
                     [&](const Revision& r) { return r.import == import; })) {
      continue;
    }
    const auto after =
        std::find_if(revisions.rbegin(), revisions.rend(), [&](const Revision& revision) {
          return revision.import == import ? live : Live(revision);
        });
    visit(State(id), after == revisions.rend() ? nullptr : &*after);
  }
}

}  // namespace dondoc::ingestion
