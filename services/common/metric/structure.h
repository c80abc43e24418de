#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Which unit a dossier counts for when units are merged, and which units are below another: for
// counting and for drill-down (design §4.7).

namespace dondoc {

// What a structure is made from; days since 1970-01-01, both included.
struct StructureUnit {
  std::string unit_id;
  std::string parent_id;  // empty = none
  int32_t valid_first = std::numeric_limits<int32_t>::min();
  int32_t valid_last = std::numeric_limits<int32_t>::max();
  std::vector<std::string> successor_ids;
};

// More reforms than that one after the other are taken for a mistake in the directory.
inline constexpr int kSuccessionsMax = 32;

// Units by their index in the list that the structure was made from. Immutable.
class UnitStructure {
 public:
  // Without a day every unit counts for itself. With one, a unit that ended before it and has
  // exactly one successor counts for that one, and so on through further reforms. It stays itself
  // where it exists on that day or later, has no successor, has several (a split is never
  // apportioned), or where its successors are unknown or lead round in a circle.
  UnitStructure(std::vector<StructureUnit> units, std::optional<int32_t> day);

  int size() const { return static_cast<int>(units_.size()); }
  const StructureUnit& operator[](int unit) const { return units_[static_cast<size_t>(unit)]; }
  std::optional<int32_t> day() const { return day_; }
  std::optional<int> Find(absl::string_view unit_id) const;

  int CountsFor(int unit) const { return counts_for_[static_cast<size_t>(unit)]; }
  // The units whose dossiers are in the figure of `unit`, each once, by index: those that count for
  // it, and with `roll_up` those that count for a unit below it. Empty when `unit` itself counts
  // for another.
  std::vector<int> Members(int unit, bool roll_up) const;

 private:
  std::vector<StructureUnit> units_;
  std::optional<int32_t> day_;
  absl::flat_hash_map<std::string, int> index_;
  std::vector<int> counts_for_;
  std::vector<std::vector<int>> counted_here_;  // the other direction
  std::vector<std::vector<int>> children_;
};

// "" and "at_receipt" = nullopt, "as_of:2025-07-01" = that day. kInvalidArgument "structure: …".
absl::StatusOr<std::optional<int32_t>> ParseStructure(absl::string_view text);
// The other direction.
std::string StructureText(std::optional<int32_t> day);

}  // namespace dondoc
