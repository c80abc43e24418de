#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "services/aggregation/day_range.h"

namespace dondoc::aggregation {

// What the live claims say of one unit, or of all of them.
struct Cover {
  // Union of the COMPLETE claims: sorted, disjoint, not touching.
  std::vector<DayRange> complete;
  // First and last day of any claim, COMPLETE or PARTIAL.
  std::optional<int32_t> first_day;
  std::optional<int32_t> last_day;
  // The newest claim; 0 = none.
  int64_t claim_sequence = 0;
  std::optional<absl::Time> claim_time;
};

// Covers of units side by side, so that successive tables share what did not change.
inline constexpr size_t kCoverChunkUnits = 64;
struct CoverChunk {
  // The last of a unit's ranges, which answers nearly every question without a look at its cover.
  struct Newest {
    DayRange days = {std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()};
    bool only = true;  // it has no other
  };
  uint64_t generation = 0;
  std::array<Newest, kCoverChunkUnits> newest = {};
  std::array<std::shared_ptr<const Cover>, kCoverChunkUnits> covers = {};  // nullptr = no claim
};

// Coverage at one position. Immutable, so readers share it without a lock.
class CoverageTable {
 public:
  CoverageTable() = default;

  // Whether every day of `days` is covered COMPLETE for the unit; true for an empty range.
  bool Complete(int unit, const DayRange& days) const {
    if (days.empty()) return true;
    const CoverChunk* chunk = ChunkOf(unit);
    if (chunk == nullptr && everyone_ == nullptr) return false;
    if (chunk != nullptr) {
      const CoverChunk::Newest& newest =
          chunk->newest[static_cast<size_t>(unit) % kCoverChunkUnits];
      if (newest.days.first <= days.first && days.last <= newest.days.last) return true;
      if (newest.only && everyone_ == nullptr) return false;
    }
    return CompleteByWalk(unit, days);
  }
  // Of the claims that name the unit and those that name all units.
  std::optional<int32_t> FirstDay(int unit) const;
  std::optional<int32_t> LastDay(int unit) const;
  std::optional<absl::Time> NewestClaim(int unit) const;

 private:
  friend class CoverageBook;
  const CoverChunk* ChunkOf(int unit) const {
    const size_t index = static_cast<size_t>(unit) / kCoverChunkUnits;
    return index < chunks_.size() ? chunks_[index].get() : nullptr;
  }
  const Cover* Own(int unit) const;
  bool CompleteByWalk(int unit, const DayRange& days) const;

  std::shared_ptr<const Cover> everyone_;
  std::vector<std::shared_ptr<const CoverChunk>> chunks_;  // nullptr = no claim names its units
};

// One claim. A claim of every unit also speaks for units that join the directory later: it says
// that its days are known, whoever is asked about.
struct Claim {
  int64_t sequence = 0;  // its identity
  bool every_unit = false;
  std::vector<int> units;
  DayRange days;
  bool complete = false;
  bool live = false;
  std::optional<absl::Time> commit_time;
};

// The claims, and the covers they add up to. Not thread-safe.
class CoverageBook {
 public:
  // Adds a claim, or replaces the one of the same sequence (a revert, or its undoing).
  void Put(Claim claim);
  // As of now. Unchanged covers are shared between tables.
  CoverageTable Table();
  const Claim* Find(int64_t sequence) const;

 private:
  static void AddTo(std::shared_ptr<const Cover>& cover, const Claim& claim);
  std::shared_ptr<const Cover> Recomputed(const std::vector<int64_t>& claims) const;
  std::shared_ptr<const Cover> Own(int unit) const;
  void SetOwn(int unit, std::shared_ptr<const Cover> cover);

  std::map<int64_t, Claim> claims_;
  std::vector<std::vector<int64_t>> claims_of_unit_;
  std::vector<int64_t> claims_of_everyone_;
  std::shared_ptr<const Cover> everyone_;
  std::vector<std::shared_ptr<CoverChunk>> chunks_;
  uint64_t generation_ = 1;  // a chunk of another is shared with a table
};

}  // namespace dondoc::aggregation
