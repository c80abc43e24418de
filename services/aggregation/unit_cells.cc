#include "services/aggregation/unit_cells.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dondoc::aggregation {

void UnitCells::FinishLoad() {
  if (loading_.empty()) return;
  loading_.shrink_to_fit();
  cells_ = std::make_shared<const std::vector<PackedCell>>(std::move(loading_));
  loading_ = {};
  sorted_ = false;
}

FrozenCells UnitCells::Freeze() const {
  FrozenCells frozen;
  frozen.cells_ = cells_;
  frozen.log_ = log_;
  frozen.log_size_ = log_size_;
  return frozen;
}

void UnitCells::GrowLog() {
  // A new one: who holds the old one goes on reading it.
  constexpr size_t kFirstRoom = 8;
  const size_t room = std::max(kFirstRoom, log_room_ * 2);
  std::shared_ptr<PackedCell[]> grown(new PackedCell[room]);
  std::copy_n(log_.get(), log_size_, grown.get());
  log_ = std::move(grown);
  log_room_ = room;
}

void UnitCells::AddUp() {
  const auto by_key = [](const PackedCell& a, const PackedCell& b) { return a.key() < b.key(); };
  std::vector<PackedCell> merged;
  merged.reserve(entries());
  if (cells_ != nullptr) merged.assign(cells_->begin(), cells_->end());
  if (!sorted_) std::sort(merged.begin(), merged.end(), by_key);
  const auto middle = static_cast<std::ptrdiff_t>(merged.size());
  merged.insert(merged.end(), log_.get(), log_.get() + log_size_);
  std::sort(merged.begin() + middle, merged.end(), by_key);
  std::inplace_merge(merged.begin(), merged.begin() + middle, merged.end(), by_key);
  size_t kept = 0;
  for (size_t i = 0; i < merged.size();) {
    const uint64_t key = merged[i].key();
    int64_t sum = 0;
    for (; i < merged.size() && merged[i].key() == key; ++i) sum += merged[i].count();
    // A sum beyond what an entry holds takes several, never more than were added up.
    while (sum != 0) {
      const int64_t part = std::clamp(sum, -kCellCountMax, kCellCountMax);
      merged[kept++] = PackedCell::Of(key, part);
      sum -= part;
    }
  }
  merged.resize(kept);
  merged.shrink_to_fit();
  cells_ = std::make_shared<const std::vector<PackedCell>>(std::move(merged));
  log_ = nullptr;
  log_size_ = log_room_ = 0;
  sorted_ = true;
}

}  // namespace dondoc::aggregation
