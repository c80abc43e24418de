#include "services/ingestion/ledger/dossier_states.h"

#include <algorithm>

namespace dondoc::ingestion {

void DossierStates::Begin(int64_t sequence) {
  Journal& journal = journals_.emplace_back();
  journal.sequence = sequence;
  journal.dossiers = count();
  journal.links = links_.size();
  journal.wide = packed_.wide_count();
  journal.text_end = codes_.text_end();
}

void DossierStates::Keep(int64_t sequence) {
  journals_.erase(journals_.begin(),
                  std::find_if(journals_.begin(), journals_.end(),
                               [&](const Journal& j) { return j.sequence > sequence; }));
}

void DossierStates::PrefetchDossier(const LocatedCode& code) const {
  // The first with that tag is nearly always the one.
  index_.Find(code.hash, [this](uint32_t id) {
    const auto* dossier = reinterpret_cast<const char*>(&dossiers_[id]);
    __builtin_prefetch(dossier);
    __builtin_prefetch(dossier + sizeof(Dossier) - 1);
    return true;
  });
}

std::optional<DossierId> DossierStates::Find(const LocatedCode& code) const {
  const uint32_t id = index_.Find(
      code.hash, [&](uint32_t found) { return codes_.Is(dossiers_[found].code(), code); });
  if (id == DossierIndex::kNone) return std::nullopt;
  return id;
}

std::optional<DossierId> DossierStates::Find(absl::string_view code) const {
  const std::optional<LocatedCode> located = codes_.Find(code);
  return located ? Find(*located) : std::nullopt;
}

DossierId DossierStates::Add(const LocatedCode& code) {
  const DossierId id = count();
  const uint64_t number = codes_.Add(code);
  Dossier dossier = {};
  dossier.code_halves = {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32)};
  dossier.revision.facts[1] = PackedRevision::kChain >> 32;
  dossier.revision.row = kEnd;
  dossiers_.push_back(dossier);
  index_.Insert(code.hash, id);
  return id;
}

template <typename Visit>
void DossierStates::VisitFromLast(DossierId id, const Visit& visit) const {
  const PackedRevision& first = dossiers_[id].revision;
  if (!first.Has(PackedRevision::kChain)) {
    visit(first);
    return;
  }
  for (uint32_t place = first.row; place != kEnd;) {
    const Link& link = links_[place];
    if (visit(link.revision)) return;
    place = link.next;
  }
}

void DossierStates::AddToUnit(DossierId id, uint32_t unit) {
  bool known = false;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    const Facts facts = packed_.Unpack(revision).facts;
    return known = !facts.withdrawn && facts.unit == unit;
  });
  if (known) return;
  ids_of_unit_[unit].push_back(id);
  if (!journals_.empty() && id < journals_.back().dossiers) {
    journals_.back().moved.emplace(unit, id);
  }
}

void DossierStates::Insert(DossierId id, const Revision& revision) {
  if (!revision.facts.withdrawn) AddToUnit(id, revision.facts.unit);
  if (!journals_.empty() && id < journals_.back().dossiers) {
    journals_.back().touched.push_back(id);
  }
  ++revision_count_;
  PackedRevision& first = dossiers_[id].revision;
  if (first.Has(PackedRevision::kChain) && first.row == kEnd) {
    first = packed_.Pack(revision);
    return;
  }
  InsertIntoChain(id, revision);
}

void DossierStates::InsertIntoChain(DossierId id, const Revision& revision) {
  PackedRevision& first = dossiers_[id].revision;
  if (!first.Has(PackedRevision::kChain)) {
    links_.push_back({first, kEnd});
    first = {};
    first.facts[1] = PackedRevision::kChain >> 32;
    first.row = static_cast<uint32_t>(links_.size() - 1);
  }
  const auto added = static_cast<uint32_t>(links_.size());
  links_.push_back({packed_.Pack(revision), kEnd});
  uint32_t* place = &first.row;
  while (*place != kEnd && IsBefore(revision, links_[*place].revision)) {
    place = &links_[*place].next;
  }
  links_[added].next = *place;
  *place = added;
}

bool DossierStates::StateAt(DossierId id, int64_t sequence, Revision& state) const {
  bool found = false;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    if (packed_.SequenceOf(revision) > sequence) return false;
    if (!LiveAt(revision, sequence)) return false;
    state = packed_.Unpack(revision);
    return found = true;
  });
  return found;
}

bool DossierStates::StateWith(DossierId id, int64_t sequence, uint32_t import, bool live,
                              Revision& state) const {
  bool found = false;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    if (packed_.SequenceOf(revision) > sequence) return false;
    if (packed_.ImportOf(revision) == import ? !live : !LiveAt(revision, sequence)) return false;
    state = packed_.Unpack(revision);
    return found = true;
  });
  return found;
}

bool DossierStates::HasPushed(DossierId id, const Facts& facts, int64_t update_us) const {
  bool found = false;
  VisitFromLast(id, [&](const PackedRevision& packed) {
    if (packed.Has(PackedRevision::kImport)) return false;
    const Revision revision = packed_.Unpack(packed);
    return found = revision.update_us == update_us && revision.facts == facts;
  });
  return found;
}

bool DossierStates::IsOfSequence(DossierId id, int64_t sequence) const {
  bool found = false;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    return found = packed_.SequenceOf(revision) == sequence;
  });
  return found;
}

bool DossierStates::IsOfImport(DossierId id, uint32_t import) const {
  bool found = false;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    return found = revision.Has(PackedRevision::kImport) && packed_.ImportOf(revision) == import;
  });
  return found;
}

void DossierStates::ForEachRevision(DossierId id,
                                    absl::FunctionRef<void(const Revision&)> visit) const {
  std::vector<Revision> revisions;
  VisitFromLast(id, [&](const PackedRevision& revision) {
    revisions.push_back(packed_.Unpack(revision));
    return false;
  });
  for (auto revision = revisions.rbegin(); revision != revisions.rend(); ++revision) {
    visit(*revision);
  }
}

void DossierStates::ForEachOfUnit(uint32_t unit, absl::FunctionRef<void(DossierId)> visit) const {
  const auto ids = ids_of_unit_.find(unit);
  if (ids == ids_of_unit_.end()) return;
  // The dossiers lie far from each other; asked for ahead, they come while others are looked at.
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < ids->second.size(); ++i) {
    if (i + kAhead < ids->second.size()) {
      __builtin_prefetch(&dossiers_[ids->second[i + kAhead]].revision);
    }
    visit(ids->second[i]);
  }
}

std::vector<uint32_t> DossierStates::Units() const {
  std::vector<uint32_t> units;
  units.reserve(ids_of_unit_.size());
  for (const auto& [unit, ids] : ids_of_unit_) units.push_back(unit);
  std::sort(units.begin(), units.end());
  return units;
}

void DossierStates::RemoveSequence(DossierId id, int64_t sequence) {
  PackedRevision& first = dossiers_[id].revision;
  uint32_t* place = &first.row;
  while (*place != kEnd) {
    Link& link = links_[*place];
    if (packed_.SequenceOf(link.revision) == sequence) {
      *place = link.next;
      --revision_count_;
    } else {
      place = &link.next;
    }
  }
  const Link& last = links_[first.row];
  // The link it came from may be one of those that go now.
  if (last.next == kEnd) first = last.revision;
}

bool DossierStates::UndoSome(Journal& journal, int revisions) {
  for (; !journal.touched.empty(); journal.touched.pop_back()) {
    if (revisions-- <= 0) return true;
    const DossierId id = journal.touched.back();
    // One that had several rows was done with the first.
    if (dossiers_[id].revision.Has(PackedRevision::kChain)) RemoveSequence(id, journal.sequence);
  }
  if (!journal.units_undone) {
    for (auto& [unit, ids] : ids_of_unit_) {
      while (!ids.empty() &&
             (ids.back() >= journal.dossiers || journal.moved.contains({unit, ids.back()}))) {
        ids.pop_back();
      }
    }
    journal.units_undone = true;
  }
  while (count() > journal.dossiers) {
    if (revisions-- <= 0) return true;
    const DossierId id = count() - 1;
    VisitFromLast(id, [this](const PackedRevision&) {
      --revision_count_;
      return false;
    });
    index_.Erase(codes_.Hash(dossiers_[id].code()), id);
    dossiers_.pop_back();
  }
  links_.Truncate(journal.links);
  packed_.TruncateWide(journal.wide);
  codes_.Truncate(journal.text_end);
  packed_.ForgetImport(journal.sequence);
  return false;
}

bool DossierStates::UndoSome(int64_t sequence, int revisions) {
  if (journals_.empty() || journals_.back().sequence <= sequence) return false;
  if (!UndoSome(journals_.back(), revisions)) journals_.pop_back();
  return true;
}

void ForEachLocated(DossierStates& dossiers, size_t rows,
                    absl::FunctionRef<absl::string_view(size_t)> code,
                    absl::FunctionRef<void(size_t, const LocatedCode&)> visit) {
  // How many dossiers ahead of the one in hand are asked of memory.
  constexpr size_t kAhead = 8;
  std::vector<LocatedCode> located;
  located.reserve(rows);
  for (size_t i = 0; i < rows; ++i) {
    located.push_back(dossiers.Locate(code(i)));
    dossiers.PrefetchTable(located.back());
  }
  for (size_t i = 0; i < rows + 2 * kAhead; ++i) {
    if (i < rows) dossiers.PrefetchSlots(located[i]);
    if (i >= kAhead && i - kAhead < rows) dossiers.PrefetchDossier(located[i - kAhead]);
    if (i >= 2 * kAhead) visit(i - 2 * kAhead, located[i - 2 * kAhead]);
  }
}

}  // namespace dondoc::ingestion
