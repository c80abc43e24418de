#include "services/common/metric/structure.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/clock/civil.h"
#include "services/common/status/quote.h"

namespace dondoc {
namespace {

constexpr absl::string_view kAtReceipt = "at_receipt";
constexpr absl::string_view kAsOf = "as_of:";

}  // namespace

UnitStructure::UnitStructure(std::vector<StructureUnit> units, std::optional<int32_t> day)
    : units_(std::move(units)), day_(day), counted_here_(units_.size()), children_(units_.size()) {
  index_.reserve(units_.size());
  for (int i = 0; i < size(); ++i) index_.emplace((*this)[i].unit_id, i);
  counts_for_.reserve(units_.size());
  for (int i = 0; i < size(); ++i) {
    int at = i;
    for (int steps = 0; day.has_value(); ++steps) {
      const StructureUnit& unit = (*this)[at];
      if (unit.valid_last >= *day || unit.successor_ids.size() != 1) break;
      const std::optional<int> next = Find(unit.successor_ids[0]);
      if (!next.has_value() || steps == kSuccessionsMax) {
        // Half a succession would put the figure where nobody looks for it.
        at = i;
        break;
      }
      at = *next;
    }
    counts_for_.push_back(at);
    counted_here_[static_cast<size_t>(at)].push_back(i);
    const std::optional<int> parent = Find((*this)[i].parent_id);
    if (parent.has_value()) children_[static_cast<size_t>(*parent)].push_back(i);
  }
}

std::optional<int> UnitStructure::Find(absl::string_view unit_id) const {
  const auto found = index_.find(unit_id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::vector<int> UnitStructure::Members(int unit, bool roll_up) const {
  if (CountsFor(unit) != unit) return {};
  std::vector<int> targets = {unit};
  // Each unit has one parent, so a walk meets none twice, unless parents lead round in a circle:
  // more units than there are would be that.
  for (size_t i = 0; roll_up && i < targets.size() && targets.size() <= units_.size(); ++i) {
    const std::vector<int>& below = children_[static_cast<size_t>(targets[i])];
    targets.insert(targets.end(), below.begin(), below.end());
  }
  std::vector<int> members;
  for (const int target : targets) {
    const std::vector<int>& here = counted_here_[static_cast<size_t>(target)];
    members.insert(members.end(), here.begin(), here.end());
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

absl::StatusOr<std::optional<int32_t>> ParseStructure(absl::string_view text) {
  if (text.empty() || text == kAtReceipt) return std::optional<int32_t>();
  absl::string_view day_text = text;
  if (absl::ConsumePrefix(&day_text, kAsOf)) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(day_text);
    if (day.ok()) return std::optional<int32_t>(DayNumber(*day));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "structure: ", Quoted(text), " is not at_receipt, or as_of: and a day (as_of:2025-07-01)"));
}

std::string StructureText(std::optional<int32_t> day) {
  if (!day.has_value()) return std::string(kAtReceipt);
  return absl::StrCat(kAsOf, FormatDay(DayFromNumber(*day)));
}

}  // namespace dondoc
