#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"

namespace dondoc::aggregation {

// The units whose dossiers are in a figure: one unit, one with what counts for it or is below it,
// or everything that is pooled. Reads one view, which outlives it.
class Selection {
 public:
  // What `question` says of one unit. kNotFound: no such unit. kInvalidArgument: in the structure
  // asked for it counts for another.
  static absl::StatusOr<Selection> OfUnit(const CubeView& view, const Question& question,
                                          const std::string& unit_id);
  // Every unit, or those that count for a unit of `level`.
  static Selection Pooled(const CubeView& view, const Question& question,
                          std::optional<v1::Level::Value> level);

  Figure In(const DefinitionPlane& plane, const DayRange& window) const;

  // By index; of what is pooled all that are known.
  const std::vector<int>& members() const { return members_; }
  // What counting dossiers rests on (never a statement).
  v1::Basis::Value DossierBasis(const Counts& counts, const DayRange& window) const;

 private:
  Selection(const CubeView& view, std::vector<int> members, bool single);

  const CubeView* view_;
  std::vector<int> members_;
  bool single_;             // one unit's own figure
  std::vector<bool> mask_;  // of members_, when they are many
};

// Rows of a list of units: those that exist on the day asked for, and under a structure those that
// do not, count for themselves and have dossiers in the window. In Vietnamese order.
class RowUnits {
 public:
  RowUnits(const CubeView& view, const DefinitionPlane& plane, const Question& question);

  const std::vector<int>& units() const { return units_; }
  Figure FigureOf(const DefinitionPlane& plane, int unit, const DayRange& window) const;
  // The units in its figure apart from itself.
  std::vector<int> Included(int unit) const;

 private:
  const CubeView& view_;
  const Question& question_;
  std::shared_ptr<const UnitStructure> structure_;  // nullptr = every unit by itself
  std::vector<int> units_;
};

}  // namespace dondoc::aggregation
