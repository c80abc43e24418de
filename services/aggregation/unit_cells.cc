#include "services/aggregation/unit_cells.h"

#include <algorithm>
#include <iterator>

namespace dondoc::aggregation {

void UnitCells::AddUp() {
  const auto by_key = [](const Packed& a, const Packed& b) { return Key(a) < Key(b); };
  if (!sorted_ && !std::is_sorted(cells_.begin(), cells_.end(), by_key)) {
    std::sort(cells_.begin(), cells_.end(), by_key);
  }
  std::sort(log_.begin(), log_.end(), by_key);
  std::vector<Packed> merged;
  merged.reserve(entries());
  std::merge(cells_.begin(), cells_.end(), log_.begin(), log_.end(), std::back_inserter(merged),
             by_key);
  size_t kept = 0;
  for (size_t i = 0; i < merged.size();) {
    const uint64_t key = Key(merged[i]);
    int64_t sum = 0;
    for (; i < merged.size() && Key(merged[i]) == key; ++i) sum += Count(merged[i]);
    // A sum beyond what an entry holds takes several, never more than were added up.
    while (sum != 0) {
      const int64_t part = std::clamp(sum, -kCellCountMax, kCellCountMax);
      merged[kept++] = Pack(key, part);
      sum -= part;
    }
  }
  merged.resize(kept);
  merged.shrink_to_fit();
  cells_ = std::move(merged);
  log_ = {};
  sorted_ = true;
}

}  // namespace dondoc::aggregation
