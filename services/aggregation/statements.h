#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/statements.pb.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/ratio.h"

// What units declare of themselves, and when that counts (docs/adr/0013).

namespace dondoc::aggregation {

// One statement that stands.
struct StandingStatement {
  DayRange days;
  Counts counts;
  // Of several for the same days the last in the order of revisions counts.
  int64_t effective_us = 0;
  v1::StatementRecord record;
};

// Of one unit: by first day, then by last.
using UnitStatements = std::vector<StandingStatement>;

// The statements of every unit at one position. Immutable, so readers share it without a lock.
class StatementTable {
 public:
  // nullptr when the unit has none.
  const UnitStatements* Find(int unit) const {
    const auto index = static_cast<size_t>(unit);
    return index < of_unit_.size() ? of_unit_[index].get() : nullptr;
  }
  // What the unit declares for `window`: the sum of the statements that tile it. nullopt when none
  // do. `window` and `validity` as in Tile.
  std::optional<Counts> Declared(int unit, const DayRange& window, const DayRange& validity) const;

 private:
  friend class StatementBook;
  std::vector<std::shared_ptr<const UnitStatements>> of_unit_;
};

// The statements that are disjoint and together cover exactly `window`, oldest first; empty when
// there are none such. `window` is within `validity`, the days on which the unit exists, and
// statements are cut to it: days on which there was no unit need no statement and spoil none. Of
// several ways to tile, the one with the fewest statements, then the one whose first statement
// (then the next …) is longest; of statements with the same days after the cut the last by
// (effective time, sequence, row).
std::vector<const StandingStatement*> Tile(const UnitStatements& statements, const DayRange& window,
                                           const DayRange& validity);

// Those that share a day with `window` after the cut, oldest first.
std::vector<const StandingStatement*> Overlapping(const UnitStatements& statements,
                                                  const DayRange& window, const DayRange& validity);

// The statements for writing. Not thread-safe.
class StatementBook {
 public:
  // What stands for a unit and days now, or, withdrawn, that nothing does. kDataLoss: days or
  // counts that cannot be.
  absl::Status Put(int unit, const v1::StatementRecord& record);
  // As of now; nullptr while no unit has any. Unchanged units are shared between tables.
  std::shared_ptr<const StatementTable> Table();

 private:
  std::map<int, std::shared_ptr<const UnitStatements>> of_unit_;
  std::shared_ptr<const StatementTable> table_;
  bool changed_ = false;
};

}  // namespace dondoc::aggregation
