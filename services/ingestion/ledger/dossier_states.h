#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/import_view.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {

// A dossier's place in DossierStates; from 0 on, in the order in which they came.
using DossierId = uint32_t;

// The dossiers with all their revisions, and the states that follow from them (rules 1 to 6 in
// views.h). How they are kept is private to this class. Not thread-safe; const methods may run at
// the same time as each other.
class DossierStates {
 public:
  // `imports` are numbered as in Revision::import and outlive this.
  explicit DossierStates(const std::vector<ImportView>& imports) : imports_(imports) {}
  DossierStates(const DossierStates&) = delete;
  DossierStates& operator=(const DossierStates&) = delete;

  std::optional<DossierId> Find(absl::string_view code) const;
  // A new dossier; its code is not known yet.
  DossierId Add(absl::string_view code);
  void Insert(DossierId id, const Revision& revision);

  const std::string& Code(DossierId id) const { return dossiers_[id].code; }
  DossierId count() const { return static_cast<DossierId>(dossiers_.size()); }
  int64_t revision_count() const { return revision_count_; }

  // The state at the head; nullptr when there is none.
  const Revision* State(DossierId id) const;
  // The same as of a sequence up to the head.
  const Revision* StateAt(DossierId id, int64_t sequence) const;
  // Whether a push with these facts and this update_time (kNoTime = none) was kept.
  bool HasPushed(DossierId id, const Facts& facts, int64_t update_us) const;
  // All revisions, in their order.
  void ForEachRevision(DossierId id, absl::FunctionRef<void(const Revision&)> visit) const;
  // The dossiers that some revision puts under the unit.
  void ForEachOfUnit(uint32_t unit, absl::FunctionRef<void(DossierId)> visit) const;
  // Each dossier that the import states, with its state now and with the import's liveness `live`.
  void ForEachOfImport(uint32_t import, bool live,
                       absl::FunctionRef<void(const Revision*, const Revision*)> visit) const;

 private:
  struct Dossier {
    std::string code;
    absl::InlinedVector<Revision, 1> revisions;  // in their order
  };

  bool Live(const Revision& revision) const {
    return revision.import == kPush || imports_[revision.import].live();
  }

  const std::vector<ImportView>& imports_;
  std::deque<Dossier> dossiers_;  // a deque, so that the keys below stay where they are
  absl::flat_hash_map<absl::string_view, DossierId> ids_;
  absl::flat_hash_map<uint32_t, std::vector<DossierId>> ids_of_unit_;
  int64_t revision_count_ = 0;
};

}  // namespace dondoc::ingestion
