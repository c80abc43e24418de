#include "services/common/metric/structure.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace dondoc {

std::vector<int> CountsFor(absl::Span<const StructureUnit> units, int32_t day) {
  absl::flat_hash_map<absl::string_view, int> index;
  index.reserve(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    index.emplace(units[i].unit_id, static_cast<int>(i));
  }
  std::vector<int> counts_for;
  counts_for.reserve(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    int at = static_cast<int>(i);
    for (int steps = 0;; ++steps) {
      const StructureUnit& unit = units[static_cast<size_t>(at)];
      if (unit.valid_last >= day || unit.successor_ids.size() != 1) break;
      const auto next = index.find(unit.successor_ids[0]);
      if (next == index.end() || steps == kSuccessionsMax) {
        // Half a succession would put the figure where nobody looks for it.
        at = static_cast<int>(i);
        break;
      }
      at = next->second;
    }
    counts_for.push_back(at);
  }
  return counts_for;
}

}  // namespace dondoc
