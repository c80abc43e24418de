#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/definitions.pb.h"
#include "dondoc/v1/feed.pb.h"
#include "services/aggregation/cell_key.h"
#include "services/aggregation/coverage.h"
#include "services/aggregation/day_plane.h"
#include "services/aggregation/day_range.h"
#include "services/aggregation/procedure_table.h"
#include "services/aggregation/statements.h"
#include "services/aggregation/unit_cells.h"
#include "services/aggregation/unit_table.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"

// The cube: a pure function of the cells, the directory, the definitions and the coverage at one
// position of one ledger. Nothing here knows a clock, a thread or a network.

namespace dondoc::aggregation {

// What a plane is found by: a definition's id, or this for the same definition over the procedures
// that had an online service on the received day.
std::string OnlineServicesPlane(absl::string_view definition_id);

// The cells of neighbouring units, so that successive views share what did not change.
inline constexpr int kCellsChunkUnits = 64;
using CellsChunk = std::array<FrozenCells, kCellsChunkUnits>;

// Every unit's dossiers under one definition.
struct DefinitionPlane {
  v1::MetricDefinition definition;
  DayPlane days;
  // Whether statements may stand for its dossiers: only the default definition over all procedures
  // asks what declarers count.
  bool takes_statements = false;
};

// What a unit, or several, come to in a window.
struct Figure {
  Counts counts;
  v1::Basis::Value basis = v1::Basis::NONE;

  // Known and empty; not known.
  bool no_dossiers() const { return counts.total() == 0 && basis != v1::Basis::NONE; }
  bool no_data() const { return basis == v1::Basis::NONE; }
};

// The cube at one position, for reading. Immutable: readers hold it by shared_ptr for as long as
// they compute, so that an answer is of one position and neither side ever waits for the other.
// Successive views share what did not change (blocks of the planes, covers, the directory).
class CubeView {
 public:
  const v1::Position& position() const { return position_; }
  const UnitTable& units() const { return *units_; }
  const CoverageTable& coverage() const { return coverage_; }
  // The statements that may stand for dossiers counted by `plane`; nullptr when there are none.
  const StatementTable* StatementsFor(const DefinitionPlane& plane) const {
    return plane.takes_statements ? statements_.get() : nullptr;
  }

  // The newest version; nullptr when there is none of that id.
  const v1::MetricDefinition* FindDefinition(absl::string_view definition_id) const;
  // By definition_id or OnlineServicesPlane; nullptr when it is not counted in this view (see
  // Cube::Use).
  const DefinitionPlane* FindPlane(absl::string_view plane_id) const;

  // By the index that cells have.
  const ProcedureTable& procedures() const { return *procedures_; }
  // visit(key, count) for the cells of a unit (see cell_key.h), a key possibly repeatedly: what a
  // question reads that no plane answers.
  template <typename Visit>
  void ForEachCell(int unit, Visit visit) const {
    const size_t chunk = static_cast<size_t>(unit / kCellsChunkUnits);
    if (chunk >= cells_.size()) return;
    (*cells_[chunk])[static_cast<size_t>(unit % kCellsChunkUnits)].ForEach(visit);
  }

  // A unit's own dossiers.
  Counts UnitCounts(const DefinitionPlane& plane, int unit, const DayRange& window) const;
  // What a unit's figure is and rests on: its own dossiers where coverage is complete on the days
  // of the window on which the unit exists; else the statements that tile those days; else the
  // dossiers there are.
  Figure UnitFigure(const DefinitionPlane& plane, int unit, const DayRange& window) const;
  // Whether the unit has a part in the window: exists in it, or has dossiers in it.
  bool Concerns(const DefinitionPlane& plane, int unit, const DayRange& window) const;
  // visit(unit, facts, figure) for each unit that has a part in the window, by index: what Concerns
  // and UnitFigure say of every unit, for a fraction of the time.
  template <typename Visit>
  void ForEachConcerned(const DefinitionPlane& plane, const DayRange& window, Visit visit) const;

 private:
  Figure FigureOf(const Counts& counts, int unit, const DayRange& existing,
                  const StatementTable* statements) const {
    if (coverage_.Complete(unit, existing)) return {counts, v1::Basis::DOSSIERS};
    if (statements != nullptr) {
      const std::optional<Counts> declared =
          statements->Declared(unit, existing, units_->facts(unit).validity);
      if (declared.has_value()) return {*declared, v1::Basis::STATEMENT};
    }
    return {counts, counts.total() > 0 ? v1::Basis::PARTIAL_DOSSIERS : v1::Basis::NONE};
  }

  friend class Cube;
  v1::Position position_;
  std::shared_ptr<const UnitTable> units_;
  CoverageTable coverage_;
  std::shared_ptr<const StatementTable> statements_;  // nullptr = none
  std::shared_ptr<const std::map<std::string, v1::MetricDefinition, std::less<>>> definitions_;
  std::map<std::string, std::shared_ptr<const DefinitionPlane>, std::less<>> planes_;
  std::shared_ptr<const ProcedureTable> procedures_;
  std::vector<std::shared_ptr<const CellsChunk>> cells_;
};

template <typename Visit>
void CubeView::ForEachConcerned(const DefinitionPlane& plane, const DayRange& window,
                                Visit visit) const {
  const StatementTable* const statements = StatementsFor(plane);
  const int chunks = (units_->size() + kChunkUnits - 1) / kChunkUnits;
  plane.days.ForEachChunk(chunks, window, [&](int chunk, const PlaneRow& row) {
    const int first = chunk * kChunkUnits;
    const int end = std::min(first + kChunkUnits, units_->size());
    for (int unit = first; unit < end; ++unit) {
      const UnitFacts& facts = units_->facts(unit);
      if (!facts.known) continue;
      const Counts counts = DayPlane::CountsAt(row, unit - first);
      const DayRange existing = Intersect(window, facts.validity);
      if (existing.empty() && counts.total() == 0) continue;
      visit(unit, facts, FigureOf(counts, unit, existing, statements));
    }
  });
}

// Adds figures up: pooled counts, and how many units and dossiers rest on what; the basis is the
// weakest, as Ratio says.
class RollUp {
 public:
  void Add(const Figure& figure) {
    counts_.online += figure.counts.online;
    counts_.counter += figure.counts.counter;
    counts_.postal += figure.counts.postal;
    counts_.unknown += figure.counts.unknown;
    ++units_;
    // Most rest on dossiers: what the others leave of the sums.
    if (figure.basis != v1::Basis::DOSSIERS) AddOther(figure.basis, figure.counts.total());
  }
  Figure Result() const;
  v1::BasisCounts ByBasis() const;

 private:
  struct Part {
    int64_t units = 0;
    int64_t total = 0;
  };
  void AddOther(v1::Basis::Value basis, int64_t total) {
    Part& part = basis == v1::Basis::STATEMENT ? statement_
                 : basis == v1::Basis::NONE    ? none_
                                               : partial_;
    ++part.units;
    part.total += total;
  }

  Counts counts_;
  int64_t units_ = 0;
  Part statement_;
  Part partial_;
  Part none_;
};

// The cube for writing. Not thread-safe (LiveCube is). After kDataLoss its state is undefined:
// throw it away and load a snapshot.
class Cube {
 public:
  // Empty, at sequence 0 of `ledger_id`, with the default definition in use.
  explicit Cube(std::string ledger_id = "");
  Cube(Cube&&) = default;
  Cube& operator=(Cube&&) = default;

  const v1::Position& position() const { return position_; }

  // A snapshot: its chunks in order into a fresh cube, then FinishLoad. kDataLoss names what is
  // wrong with it.
  absl::Status LoadChunk(const v1::SnapshotChunk& chunk);
  absl::Status FinishLoad();

  // One whole sequence: its events in order, the last of them `complete`. kDataLoss when it is not
  // the next sequence of this ledger, or makes no sense.
  absl::Status Apply(absl::Span<const v1::FeedEvent> parts);

  // Has the definition counted from now on: a pass over all cells the first time. `plane_id` is its
  // id or OnlineServicesPlane of it. kNotFound.
  absl::Status Use(absl::string_view plane_id);

  // The state as it is now.
  std::shared_ptr<const CubeView> View();

  int64_t cell_entries() const;

 private:
  // A definition in use, by plane id.
  struct Counted {
    v1::MetricDefinition definition;
    DayPlane days;
    std::shared_ptr<const DefinitionPlane> shown;  // nullptr = changed since the last view
  };

  int Intern(const std::string& unit_id);
  absl::Status TakeUnits(const google::protobuf::RepeatedPtrField<v1::Unit>& units);
  void TakeDefinition(const v1::MetricDefinition& definition);
  absl::Status TakeProcedures(const google::protobuf::RepeatedPtrField<v1::Procedure>& procedures);
  // Counts a plane from the cells.
  absl::Status Recount(const std::string& plane_id, Counted& counted) const;
  absl::Status TakeStatement(const v1::StatementRecord& record);
  absl::Status TakeClaim(const v1::CoverageClaim& claim,
                         const google::protobuf::Timestamp* commit_time);
  // Where the block's index columns point to.
  struct BlockIndex {
    std::vector<int> units;
    std::vector<uint32_t> procedures;
  };
  absl::StatusOr<BlockIndex> IndexBlock(const v1::CellBlock& block);
  absl::Status LoadCells(const v1::CellBlock& block);
  absl::Status TakeCells(const v1::CellBlock& block,
                         std::vector<std::vector<PlaneChange>>& changes);
  absl::StatusOr<DayPlane> Count(const v1::MetricDefinition& definition) const;
  std::string NameOf(int unit) const;

  v1::Position position_;
  absl::flat_hash_map<std::string, int> unit_index_;
  std::vector<UnitEntry> entries_;
  std::shared_ptr<const UnitTable> table_;  // nullptr = entries_ changed
  ProcedureBook procedures_;
  std::vector<UnitCells> cells_;                                // by unit index
  std::vector<std::shared_ptr<const CellsChunk>> cells_shown_;  // nullptr = changed since
  CoverageBook coverage_;
  StatementBook statements_;
  std::shared_ptr<const std::map<std::string, v1::MetricDefinition, std::less<>>> definitions_;
  std::map<std::string, Counted, std::less<>> counted_;
  bool loading_ = false;
};

inline constexpr int kUnitsMax = 1'000'000;

}  // namespace dondoc::aggregation
