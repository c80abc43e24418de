#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dondoc::aggregation {

// A cell key has 56 bits, a count 40.
inline constexpr int64_t kCellCountMax = (int64_t{1} << 39) - 1;

// A unit's cells in 12 bytes each: those added up, and a log of changes since. A change costs an
// append; the log is added up when it is a quarter of the rest. Not thread-safe.
class UnitCells {
 public:
  // `key` < 2^56, `count` within ±kCellCountMax. Load is for a snapshot, which has each cell once.
  void Load(uint64_t key, int64_t count) { cells_.push_back(Pack(key, count)); }
  void Append(uint64_t key, int64_t count) {
    log_.push_back(Pack(key, count));
    if (log_.size() > cells_.size() / 4 + kLogMin) AddUp();
  }
  // Gives back the room that loading left over.
  void FinishLoad() { cells_.shrink_to_fit(); }

  size_t entries() const { return cells_.size() + log_.size(); }
  // visit(key, count), in any order, a key possibly repeatedly.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Packed& cell : cells_) visit(Key(cell), Count(cell));
    for (const Packed& cell : log_) visit(Key(cell), Count(cell));
  }

 private:
  static constexpr size_t kLogMin = 64;
  struct Packed {
    uint32_t key_low;
    uint32_t key_high_and_count_low;  // 24 bits of key, 8 of count above them
    int32_t count_high;
  };
  static_assert(sizeof(Packed) == 12);

  static Packed Pack(uint64_t key, int64_t count) {
    return {static_cast<uint32_t>(key),
            static_cast<uint32_t>(key >> 32) | static_cast<uint32_t>(count & 0xff) << 24,
            static_cast<int32_t>(count >> 8)};
  }
  static uint64_t Key(const Packed& cell) {
    return uint64_t{cell.key_high_and_count_low & 0xffffff} << 32 | cell.key_low;
  }
  static int64_t Count(const Packed& cell) {
    return int64_t{cell.count_high} * 256 + (cell.key_high_and_count_low >> 24);
  }
  void AddUp();

  std::vector<Packed> cells_;
  std::vector<Packed> log_;
  bool sorted_ = false;  // cells_, by key
};

}  // namespace dondoc::aggregation
