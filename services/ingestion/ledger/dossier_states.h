#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/chunked_array.h"
#include "services/ingestion/ledger/dossier_codes.h"
#include "services/ingestion/ledger/dossier_index.h"
#include "services/ingestion/ledger/import_view.h"
#include "services/ingestion/ledger/packed_revisions.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {

// A dossier's place in DossierStates; from 0 on, in the order in which they came.
using DossierId = uint32_t;

// The dossiers with all their revisions, and the states that follow from them (rules 1 to 6 in
// views.h); some 48 bytes a dossier and 32 for each revision of one that has several
// (docs/adr/0014).
//
// Revisions may be of sequences beyond the head of the log: planned, not durable yet. Whoever asks
// as of a sequence up to the head never sees them, so that they can stand here while they are
// written, and can be taken back when that fails.
//
// Not thread-safe; const methods may run at the same time as each other.
class DossierStates {
 public:
  // `imports` are numbered as in Revision::import, `commit_us` are the commit times of sequence
  // i + 1; both outlive this.
  DossierStates(const std::vector<ImportView>& imports, const std::vector<int64_t>& commit_us)
      : imports_(imports), packed_(imports, commit_us) {}
  DossierStates(const DossierStates&) = delete;
  DossierStates& operator=(const DossierStates&) = delete;

  // --- Sequences.
  // Says that a sequence is of an import; before its revisions come.
  void SetImport(int64_t sequence, uint32_t import) { packed_.SetImport(sequence, import); }
  // Begins a sequence that can be taken back; all revisions inserted from here on are of it.
  // Without a beginning, revisions stay.
  void Begin(int64_t sequence);
  // Sequences up to this one cannot be taken back any more.
  void Keep(int64_t sequence);
  // Takes back, of the sequences after `sequence`, about so many revisions; false when nothing is
  // left of them. Between the calls questions are answered as ever, and no change may come.
  bool UndoSome(int64_t sequence, int revisions);

  // --- Changes. A code is located once, then found or added.
  LocatedCode Locate(absl::string_view code) { return codes_.Locate(code); }
  void PrefetchTable(const LocatedCode& code) const { index_.PrefetchTable(code.hash); }
  void PrefetchSlots(const LocatedCode& code) const { index_.PrefetchSlots(code.hash); }
  // Waits for memory that PrefetchSlots asked for, and asks for the dossier itself.
  void PrefetchDossier(const LocatedCode& code) const;
  std::optional<DossierId> Find(const LocatedCode& code) const;
  // A new dossier; its code is not known yet. A revision of it comes next.
  DossierId Add(const LocatedCode& code);
  void Insert(DossierId id, const Revision& revision);

  // --- Questions.
  std::optional<DossierId> Find(absl::string_view code) const;
  std::string Code(DossierId id) const { return codes_.Code(dossiers_[id].code()); }
  // Those planned are counted in.
  DossierId count() const { return static_cast<DossierId>(dossiers_.size()); }
  int64_t revision_count() const { return revision_count_; }
  // The state as of `sequence`; false when there is none.
  bool StateAt(DossierId id, int64_t sequence, Revision& state) const;
  // The same if the import had the liveness `live` all the time.
  bool StateWith(DossierId id, int64_t sequence, uint32_t import, bool live, Revision& state) const;
  // Whether a push with these facts and this update_time (kNoTime = none) was kept.
  bool HasPushed(DossierId id, const Facts& facts, int64_t update_us) const;
  // Whether it has a revision of that sequence, or of that import.
  bool IsOfSequence(DossierId id, int64_t sequence) const;
  bool IsOfImport(DossierId id, uint32_t import) const;
  // All revisions, in their order.
  void ForEachRevision(DossierId id, absl::FunctionRef<void(const Revision&)> visit) const;
  // The dossiers that some revision puts under the unit, each once.
  void ForEachOfUnit(uint32_t unit, absl::FunctionRef<void(DossierId)> visit) const;
  // The units that some revision names, in the order of their numbers.
  std::vector<uint32_t> Units() const;

  // --- For checkpoints.
  DossierCodes& codes() { return codes_; }
  const DossierCodes& codes() const { return codes_; }
  PackedRevisions& packed() { return packed_; }
  const PackedRevisions& packed() const { return packed_; }

 private:
  struct Dossier {
    std::array<uint32_t, 2> code_halves;
    PackedRevision revision;  // its only one, or kChain

    uint64_t code() const { return code_halves[0] | (uint64_t{code_halves[1]} << 32); }
  };
  static_assert(sizeof(Dossier) == 36);
  // Revisions of a dossier that has several; the first is the last in their order.
  struct Link {
    PackedRevision revision;
    uint32_t next = kEnd;
  };
  static constexpr uint32_t kEnd = ~uint32_t{0};
  using IdsOfUnit = ChunkedArray<DossierId, 256>;

  // What a sequence did, to take it back.
  struct Journal {
    int64_t sequence = 0;
    DossierId dossiers = 0;  // counts before it
    size_t links = 0;
    size_t wide = 0;
    uint64_t text_end = 0;
    std::vector<DossierId> touched;  // of those that were there before
    // (unit, id) of those that are new in the unit.
    absl::flat_hash_set<std::pair<uint32_t, DossierId>> moved;
    bool units_undone = false;
  };

  // Visits the revisions from the last on until `visit` answers true.
  template <typename Visit>
  void VisitFromLast(DossierId id, const Visit& visit) const;
  bool LiveAt(const PackedRevision& revision, int64_t sequence) const {
    return !revision.Has(PackedRevision::kImport) ||
           imports_[packed_.ImportOf(revision)].LiveAt(sequence);
  }
  // Whether `revision` comes before the kept one in the order.
  bool IsBefore(const Revision& revision, const PackedRevision& kept) const {
    return Before(revision, packed_.Unpack(kept));
  }
  void AddToUnit(DossierId id, uint32_t unit);
  void InsertIntoChain(DossierId id, const Revision& revision);
  bool UndoSome(Journal& journal, int revisions);
  void RemoveSequence(DossierId id, int64_t sequence);

  const std::vector<ImportView>& imports_;
  DossierCodes codes_;
  DossierIndex index_;
  PackedRevisions packed_;
  ChunkedArray<Dossier, 8192> dossiers_;
  ChunkedArray<Link, 8192> links_;
  absl::flat_hash_map<uint32_t, IdsOfUnit> ids_of_unit_;
  int64_t revision_count_ = 0;
  std::vector<Journal> journals_;  // of sequences that can be taken back, in order
};

// Calls `visit` for the codes of rows 0 … `rows` - 1 in order, with their places in `dossiers`
// already on their way from memory: what is looked up at random costs a third of the time. `visit`
// may change the dossiers. The codes stay where they are meanwhile.
void ForEachLocated(DossierStates& dossiers, size_t rows,
                    absl::FunctionRef<absl::string_view(size_t)> code,
                    absl::FunctionRef<void(size_t, const LocatedCode&)> visit);

}  // namespace dondoc::ingestion
