#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace dondoc::ingestion {

// From hashes to numbers below kNone, some six to eight bytes each at any size. Many small tables,
// each growing by an eighth on its own: no moment with twice the memory, and no long pause. Holds
// 28 bits of a hash, so that what it finds has to be compared. Not thread-safe; const methods may
// run at the same time.
class DossierIndex {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  DossierIndex() : tables_(kTables) {}

  // Calls `is` with numbers that may be meant until it answers true; kNone when none did.
  template <typename Is>
  uint32_t Find(uint64_t hash, const Is& is) const {
    const Table& table = tables_[TableOf(hash)];
    if (table.size == 0) return kNone;
    const uint16_t tag = TagOf(hash);
    // In the order of tags, with gaps: the first greater one ends the search.
    for (size_t i = table.Home(tag);; ++i) {
      const Slot& slot = table.slots[i];
      if (slot.number() == kNone || slot.tag > tag) return kNone;
      if (slot.tag == tag && is(slot.number())) return slot.number();
    }
  }
  void Insert(uint64_t hash, uint32_t number);
  // It is there.
  void Erase(uint64_t hash, uint32_t number);

  // Two steps of Find that wait for memory; with some work between them, they need not wait.
  void PrefetchTable(uint64_t hash) const { __builtin_prefetch(&tables_[TableOf(hash)]); }
  void PrefetchSlots(uint64_t hash) const {
    const Table& table = tables_[TableOf(hash)];
    if (table.size > 0) __builtin_prefetch(&table.slots[table.Home(TagOf(hash))]);
  }

 private:
  static constexpr int kTableBits = 12;
  static constexpr size_t kTables = size_t{1} << kTableBits;
  // Behind the last home; a slot that is always empty ends them.
  static constexpr uint32_t kTail = 24;

  struct Slot {
    uint16_t tag;
    uint16_t number_low;
    uint16_t number_high;

    uint32_t number() const { return (uint32_t{number_high} << 16) | number_low; }
  };
  static_assert(sizeof(Slot) == 6);

  struct Table {
    std::unique_ptr<Slot[]> slots;  // homes + kTail + 1
    uint32_t homes = 0;
    uint32_t size = 0;

    size_t Home(uint16_t tag) const { return static_cast<size_t>((uint64_t{tag} * homes) >> 16); }
  };

  static size_t TableOf(uint64_t hash) { return static_cast<size_t>(hash >> (64 - kTableBits)); }
  static uint16_t TagOf(uint64_t hash) {
    return static_cast<uint16_t>(hash >> (64 - kTableBits - 16));
  }
  static bool Place(Table& table, uint16_t tag, uint32_t number);
  static void Grow(Table& table);

  std::vector<Table> tables_;
};

}  // namespace dondoc::ingestion
