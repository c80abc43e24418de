#include "services/ingestion/ledger/dossier_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dondoc::ingestion {
namespace {

// A table grows when more than 7/8 of its homes are taken.
constexpr uint32_t kHomesMin = 8;

}  // namespace

bool DossierIndex::Place(Table& table, uint16_t tag, uint32_t number) {
  const size_t end = table.homes + kTail;
  size_t place = table.Home(tag);
  while (table.slots[place].number() != kNone && table.slots[place].tag <= tag) ++place;
  size_t gap = place;
  while (table.slots[gap].number() != kNone) ++gap;
  if (gap >= end) return false;
  std::memmove(&table.slots[place + 1], &table.slots[place], (gap - place) * sizeof(Slot));
  table.slots[place] = {tag, static_cast<uint16_t>(number), static_cast<uint16_t>(number >> 16)};
  return true;
}

void DossierIndex::Grow(Table& table) {
  const Table old = std::move(table);
  table = Table();
  table.size = old.size;
  table.homes = std::max(kHomesMin, old.homes + old.homes / 8 + 1);
  // A small one doubles: its growth costs more than its bytes.
  if (old.homes < 256) table.homes = std::max(kHomesMin, old.homes * 2);
  const size_t old_slots = old.slots == nullptr ? 0 : old.homes + kTail + 1;
  for (;; table.homes += table.homes / 8 + 1) {
    const size_t count = table.homes + kTail + 1;
    table.slots.reset(new Slot[count]);
    std::memset(table.slots.get(), 0xff, count * sizeof(Slot));
    size_t next = 0;
    bool fits = true;
    for (size_t i = 0; i < old_slots && fits; ++i) {
      const Slot& slot = old.slots[i];
      if (slot.number() == kNone) continue;
      next = std::max(next, table.Home(slot.tag));
      fits = next < table.homes + kTail;
      if (fits) table.slots[next++] = slot;
    }
    if (fits) return;
  }
}

void DossierIndex::Insert(uint64_t hash, uint32_t number) {
  Table& table = tables_[TableOf(hash)];
  if (uint64_t{table.size} * 8 >= uint64_t{table.homes} * 7) Grow(table);
  while (!Place(table, TagOf(hash), number)) Grow(table);
  ++table.size;
}

void DossierIndex::Erase(uint64_t hash, uint32_t number) {
  Table& table = tables_[TableOf(hash)];
  size_t place = table.Home(TagOf(hash));
  while (table.slots[place].number() != number) ++place;
  // Those behind it move up, but none before its home.
  for (;; ++place) {
    const Slot next = table.slots[place + 1];
    if (next.number() == kNone || table.Home(next.tag) > place) break;
    table.slots[place] = next;
  }
  table.slots[place] = {0xffff, 0xffff, 0xffff};
  --table.size;
}

}  // namespace dondoc::ingestion
