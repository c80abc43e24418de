#pragma once

#include <cstdint>
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
  // Last day of any claim, COMPLETE or PARTIAL.
  std::optional<int32_t> last_day;
  // The newest claim; 0 = none.
  int64_t claim_sequence = 0;
  std::optional<absl::Time> claim_time;
};

// Coverage at one position. Immutable, so readers share it without a lock.
class CoverageTable {
 public:
  CoverageTable() = default;
  CoverageTable(std::shared_ptr<const Cover> everyone,
                std::vector<std::shared_ptr<const Cover>> units)
      : everyone_(std::move(everyone)), units_(std::move(units)) {}

  // Whether every day of `days` is covered COMPLETE for the unit; true for an empty range.
  bool Complete(int unit, const DayRange& days) const;
  // Of the claims that name the unit and those that name all units.
  std::optional<int32_t> LastDay(int unit) const;
  std::optional<absl::Time> NewestClaim(int unit) const;

 private:
  const Cover* Own(int unit) const;

  std::shared_ptr<const Cover> everyone_;
  std::vector<std::shared_ptr<const Cover>> units_;  // nullptr = no claim names it
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
  // As of now, for units 0..size-1. Unchanged covers are shared between tables.
  CoverageTable Table(int size) const;
  const Claim* Find(int64_t sequence) const;

 private:
  void AddTo(std::shared_ptr<const Cover>& cover, const Claim& claim) const;
  void Recompute(std::optional<int> unit);

  std::map<int64_t, Claim> claims_;
  std::vector<std::vector<int64_t>> claims_of_unit_;
  std::vector<int64_t> claims_of_everyone_;
  std::shared_ptr<const Cover> everyone_;
  std::vector<std::shared_ptr<const Cover>> units_;
};

}  // namespace dondoc::aggregation
