#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace dondoc::aggregation {

// A cell key has 56 bits, a count 40.
inline constexpr int64_t kCellCountMax = (int64_t{1} << 39) - 1;

// One entry of a unit's cells, in 12 bytes.
struct PackedCell {
  uint32_t key_low;
  uint32_t key_high_and_count_low;  // 24 bits of key, 8 of count above them
  int32_t count_high;

  static PackedCell Of(uint64_t key, int64_t count) {
    return {static_cast<uint32_t>(key),
            static_cast<uint32_t>(key >> 32) | static_cast<uint32_t>(count & 0xff) << 24,
            static_cast<int32_t>(count >> 8)};
  }
  uint64_t key() const { return uint64_t{key_high_and_count_low & 0xffffff} << 32 | key_low; }
  int64_t count() const { return int64_t{count_high} * 256 + (key_high_and_count_low >> 24); }
};
static_assert(sizeof(PackedCell) == 12);

// A unit's cells at one moment. Immutable; keeps what it shows alive.
class FrozenCells {
 public:
  FrozenCells() = default;

  // visit(key, count), in any order, a key possibly repeatedly.
  template <typename Visit>
  void ForEach(Visit visit) const {
    if (cells_ != nullptr) {
      for (const PackedCell& cell : *cells_) visit(cell.key(), cell.count());
    }
    for (size_t i = 0; i < log_size_; ++i) visit(log_[i].key(), log_[i].count());
  }

 private:
  friend class UnitCells;
  std::shared_ptr<const std::vector<PackedCell>> cells_;
  std::shared_ptr<const PackedCell[]> log_;
  size_t log_size_ = 0;
};

// A unit's cells in 12 bytes each: those added up, and a log of changes since. A change costs an
// append; the log is added up when it is a quarter of the rest. Not thread-safe, but what Freeze
// gave away never changes: the log only grows behind it, and what is added up is built anew.
class UnitCells {
 public:
  // `key` < 2^56, `count` within ±kCellCountMax. Load is for a snapshot, which has each cell once.
  void Load(uint64_t key, int64_t count) { loading_.push_back(PackedCell::Of(key, count)); }
  // After the last Load; gives back the room that loading left over.
  void FinishLoad();
  void Append(uint64_t key, int64_t count) {
    if (log_size_ == log_room_) GrowLog();
    log_[log_size_++] = PackedCell::Of(key, count);
    if (log_size_ > cells_size() / 4 + kLogMin) AddUp();
  }

  size_t entries() const { return cells_size() + loading_.size() + log_size_; }
  FrozenCells Freeze() const;
  // As FrozenCells::ForEach, without what was loaded since FinishLoad.
  template <typename Visit>
  void ForEach(Visit visit) const {
    Freeze().ForEach(visit);
  }

 private:
  static constexpr size_t kLogMin = 64;

  size_t cells_size() const { return cells_ == nullptr ? 0 : cells_->size(); }
  void GrowLog();
  void AddUp();

  std::vector<PackedCell> loading_;
  std::shared_ptr<const std::vector<PackedCell>> cells_;
  std::shared_ptr<PackedCell[]> log_;
  size_t log_size_ = 0;
  size_t log_room_ = 0;
  bool sorted_ = false;  // cells_, by key
};

}  // namespace dondoc::aggregation
