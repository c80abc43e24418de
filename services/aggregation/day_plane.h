#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/ratio.h"

namespace dondoc::aggregation {

// The columns of Counts, as the planes store them.
enum class Column : uint8_t { kOnline = 0, kCounter = 1, kPostal = 2, kUnknown = 3 };
inline constexpr int kColumns = 4;

// Units are stored 16 side by side: a question about all of them reads whole rows, and a change of
// one copies little.
inline constexpr int kChunkUnits = 16;
// Days are stored in blocks of 32 from 2000-01-01 to 2050-01-09. A dossier of another day (an
// unlikely date is kept, not judged) is stored by itself and looked up: it costs time, not memory.
inline constexpr int kBlockDays = 32;
inline constexpr int32_t kFirstPlaneDay = 10957;
inline constexpr int32_t kPlaneBlocks = 572;
inline constexpr int32_t kLastPlaneDay = kFirstPlaneDay + kPlaneBlocks * kBlockDays - 1;
// Dossiers of one unit in one column, on the days above and on all others: kDataLoss beyond. The
// sums are kept in 32 bits.
inline constexpr int64_t kUnitColumnMax = (int64_t{1} << 31) - 1;

// What one change of a cell comes to: unit, day and column in `key`, so that sorting is cheap.
struct PlaneChange {
  uint64_t key = 0;
  int64_t count = 0;

  static PlaneChange Of(int unit, int32_t day, Column column, int64_t count) {
    return {(static_cast<uint64_t>(unit) << 34) |
                (uint64_t{static_cast<uint32_t>(day) ^ 0x80000000u} << 2) |
                static_cast<uint64_t>(column),
            count};
  }
  int unit() const { return static_cast<int>(key >> 34); }
  int32_t day() const {
    return static_cast<int32_t>(static_cast<uint32_t>(key >> 2) ^ 0x80000000u);
  }
  int column() const { return static_cast<int>(key & 3); }
};

// A row: a sum for each column and unit of a chunk, column by column.
using PlaneRow = std::array<uint32_t, kColumns * kChunkUnits>;

// For messages: what to call a unit.
using UnitNamer = absl::FunctionRef<std::string(int unit)>;

// Every unit's dossiers under one definition, summed up day by day, so that any window is four
// rows. One writer; Freeze gives it to readers, and what was frozen is copied before it is changed
// (a block of 32 days of 16 units, 8 KB), so that frozen planes never change and share what is
// equal. Not thread-safe; frozen copies are.
class DayPlane {
 public:
  DayPlane() = default;

  // Adds changes (any order, a cell may come repeatedly). kDataLoss when in the end a day would
  // hold a negative count, or a unit more than kUnitColumnMax; the plane is undefined then.
  absl::Status Add(std::vector<PlaneChange> changes, UnitNamer name);

  // The plane as it is now, for reading only.
  DayPlane Freeze();

  Counts In(int unit, const DayRange& window) const;
  // The same for units chunk · kChunkUnits and those after it, at once.
  void InChunk(int chunk, const DayRange& window, PlaneRow& out) const {
    SumInChunk(Find(chunk, window), window, out);
  }
  // visit(chunk, row) for chunks 0 to chunks - 1.
  template <typename Visit>
  void ForEachChunk(int chunks, const DayRange& window, Visit visit) const;
  static Counts CountsAt(const PlaneRow& row, int slot) {
    const size_t at = static_cast<size_t>(slot);
    return {row[at], row[at + kChunkUnits], row[at + 2 * kChunkUnits], row[at + 3 * kChunkUnits]};
  }

 private:
  friend class PlaneBuilder;
  // Sums from the block's first day to each of its days.
  struct Block {
    uint64_t generation = 0;
    std::array<PlaneRow, kBlockDays> rows = {};
  };
  // A day outside the blocks; sorted by slot, then day.
  struct Stray {
    int32_t slot = 0;
    int32_t day = 0;
    std::array<uint32_t, kColumns> counts = {};
  };
  struct Chunk {
    uint64_t generation = 0;
    std::vector<int32_t> ids;                    // of blocks, ascending
    std::vector<std::shared_ptr<Block>> blocks;  // as `ids`
    std::vector<PlaneRow> before;                // sums before each block, and of all: one more
    std::vector<Stray> strays;
  };

  Chunk& WritableChunk(int chunk);
  Block& WritableBlock(Chunk& chunk, int32_t id, size_t* at);
  absl::Status AddDay(Chunk& chunk, const PlaneChange& change);
  static absl::Status AddStrays(Chunk& chunk, absl::Span<const PlaneChange> changes,
                                UnitNamer name);
  // A sum is one row, or two.
  struct Sum {
    const PlaneRow* before = nullptr;
    const PlaneRow* within = nullptr;
  };
  static Sum UpTo(const Chunk& chunk, int64_t day);
  // Where a window's figures of a chunk are; nullptr = it has none.
  struct Found {
    const Chunk* chunk = nullptr;
    Sum last;   // up to the last day of the window
    Sum first;  // up to the day before it
  };
  Found Find(int chunk, const DayRange& window) const;
  static void SumInChunk(const Found& found, const DayRange& window, PlaneRow& out);
  template <typename Visit>
  static void VisitStrays(const Chunk& chunk, int slot, const DayRange& window, Visit visit);

  std::vector<std::shared_ptr<Chunk>> chunks_;  // nullptr = no dossiers
  uint64_t generation_ = 1;                     // what has another is shared with a frozen plane
};

template <typename Visit>
void DayPlane::ForEachChunk(int chunks, const DayRange& window, Visit visit) const {
  // A chunk is some dozen look-ups in memory, each waiting for the one before it. Looking several
  // chunks up before summing any lets their waiting overlap: half the time of one by one.
  constexpr int kAtOnce = 16;
  std::array<Found, kAtOnce> found;
  PlaneRow row;
  for (int first = 0; first < chunks; first += kAtOnce) {
    const int end = first + kAtOnce < chunks ? first + kAtOnce : chunks;
    for (int chunk = first; chunk < end; ++chunk) {
      Found& at = found[static_cast<size_t>(chunk - first)];
      at = Find(chunk, window);
      if (at.chunk == nullptr) continue;
      for (const PlaneRow* needed :
           {at.last.before, at.last.within, at.first.before, at.first.within}) {
        for (size_t i = 0; i < needed->size(); i += 16) __builtin_prefetch(needed->data() + i);
      }
    }
    for (int chunk = first; chunk < end; ++chunk) {
      SumInChunk(found[static_cast<size_t>(chunk - first)], window, row);
      visit(chunk, row);
    }
  }
}

// Builds a plane from nothing, chunk by chunk. Not thread-safe.
class PlaneBuilder {
 public:
  PlaneBuilder();
  ~PlaneBuilder();

  void Add(int slot, int32_t day, Column column, int64_t count);
  // What was added since the last call is of chunk `chunk`. kDataLoss as DayPlane::Add.
  absl::Status FinishChunk(int chunk, UnitNamer name);
  DayPlane Finish() { return std::move(plane_); }

 private:
  struct Days;
  absl::Status WhatIsBad(int chunk, int32_t id, const PlaneRow& before, UnitNamer name) const;
  absl::Status FinishBlock(int chunk, int32_t id, DayPlane::Chunk& out, UnitNamer name);

  std::array<std::unique_ptr<Days>, kPlaneBlocks> days_;  // made once, used for every chunk
  std::vector<int32_t> used_;
  std::vector<PlaneChange> strays_;
  DayPlane plane_;
};

}  // namespace dondoc::aggregation
