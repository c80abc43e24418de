#include "services/aggregation/selection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/aggregation/answer_parts.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

// Beyond that, one walk over all units is cheaper than one look-up for each.
constexpr size_t kLookedUpMax = 64;

Figure SumOf(const CubeView& view, const DefinitionPlane& plane, const std::vector<int>& members,
             const DayRange& window) {
  RollUp sum;
  for (const int unit : members) {
    if (view.Concerns(plane, unit, window)) sum.Add(view.UnitFigure(plane, unit, window));
  }
  return sum.Result();
}

}  // namespace

Selection::Selection(const CubeView& view, std::vector<int> members, bool single)
    : view_(&view), members_(std::move(members)), single_(single) {
  if (members_.size() <= kLookedUpMax) return;
  mask_.resize(static_cast<size_t>(view.units().size()));
  for (const int unit : members_) mask_[static_cast<size_t>(unit)] = true;
}

absl::StatusOr<Selection> Selection::OfUnit(const CubeView& view, const Question& question,
                                            const std::string& unit_id) {
  ASSIGN_OR_RETURN(const int unit, FindUnit(view, "unit_id", unit_id));
  if (!question.structure_day.has_value() && !question.roll_up) {
    return Selection(view, {unit}, true);
  }
  const auto structure = view.units().Structure(question.structure_day);
  const int counts_for = structure->CountsFor(unit);
  if (counts_for != unit) {
    return absl::InvalidArgumentError(
        absl::StrCat("unit_id: ", unit_id, " counts for ", view.units()[counts_for].unit_id,
                     " in the structure of ", FormatDay(DayFromNumber(*question.structure_day))));
  }
  return Selection(view, structure->Members(unit, question.roll_up), false);
}

Selection Selection::Pooled(const CubeView& view, const Question& question,
                            std::optional<v1::Level::Value> level) {
  const auto structure = view.units().Structure(question.structure_day);
  std::vector<int> members;
  for (int unit = 0; unit < view.units().size(); ++unit) {
    if (!view.units().facts(unit).known) continue;
    if (level.has_value() && view.units().facts(structure->CountsFor(unit)).level != *level) {
      continue;
    }
    members.push_back(unit);
  }
  return Selection(view, std::move(members), false);
}

Figure Selection::In(const DefinitionPlane& plane, const DayRange& window) const {
  if (single_) return view_->UnitFigure(plane, members_.front(), window);
  if (mask_.empty()) return SumOf(*view_, plane, members_, window);
  RollUp sum;
  view_->ForEachConcerned(plane, window, [&](int unit, const UnitFacts&, const Figure& figure) {
    if (mask_[static_cast<size_t>(unit)]) sum.Add(figure);
  });
  return sum.Result();
}

v1::Basis::Value Selection::DossierBasis(const Counts& counts, const DayRange& window) const {
  bool exists = false;
  bool complete = true;
  for (const int unit : members_) {
    const DayRange existing = Intersect(window, view_->units().facts(unit).validity);
    if (existing.empty()) continue;
    exists = true;
    complete = complete && view_->coverage().Complete(unit, existing);
  }
  if (exists && complete) return v1::Basis::DOSSIERS;
  return counts.total() > 0 ? v1::Basis::PARTIAL_DOSSIERS : v1::Basis::NONE;
}

RowUnits::RowUnits(const CubeView& view, const DefinitionPlane& plane, const Question& question)
    : view_(view), question_(question) {
  const UnitTable& table = view.units();
  if (question.structure_day.has_value() || question.roll_up) {
    structure_ = table.Structure(question.structure_day);
  }
  const int32_t day = question.structure_day.value_or(question.window.last);
  for (const int unit : table.by_name()) {
    if (structure_ != nullptr && structure_->CountsFor(unit) != unit) continue;
    if (!table[unit].ExistsOn(day)) {
      if (!question.structure_day.has_value()) continue;
      // Its own dossiers must be somewhere: not apportioned, and not left out either.
      if (SumOf(view, plane, structure_->Members(unit, false), question.window).counts.total() ==
          0) {
        continue;
      }
    }
    units_.push_back(unit);
  }
}

Figure RowUnits::FigureOf(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  if (structure_ == nullptr) return view_.UnitFigure(plane, unit, window);
  return SumOf(view_, plane, structure_->Members(unit, question_.roll_up), window);
}

std::vector<int> RowUnits::Included(int unit) const {
  if (structure_ == nullptr) return {};
  std::vector<int> members = structure_->Members(unit, question_.roll_up);
  members.erase(std::remove(members.begin(), members.end(), unit), members.end());
  return members;
}

}  // namespace dondoc::aggregation
