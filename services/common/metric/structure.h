#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/types/span.h"

// What a reorganisation does to figures (design §4.7), for counting and for drill-down.

namespace dondoc {

// What a structure is made from; days since 1970-01-01, both included.
struct StructureUnit {
  std::string unit_id;
  int32_t valid_first = std::numeric_limits<int32_t>::min();
  int32_t valid_last = std::numeric_limits<int32_t>::max();
  std::vector<std::string> successor_ids;
};

// For each unit the index of the unit it counts for in the structure of `day`. A unit that ended
// before `day` and has exactly one successor counts for it, and so on through further reforms. It
// stays itself where it exists on that day or later, has no successor, has several (a split is
// never apportioned), or where its successors are unknown or lead round in a circle.
std::vector<int> CountsFor(absl::Span<const StructureUnit> units, int32_t day);

// More reforms than that one after the other are taken for a mistake in the directory.
inline constexpr int kSuccessionsMax = 32;

}  // namespace dondoc
