#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/units.pb.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/structure.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::aggregation {

// What the cube knows of a unit.
struct UnitEntry {
  std::string unit_id;
  std::string name;
  std::string parent_id;
  v1::Level::Value level = v1::Level::UNSPECIFIED;
  DayRange validity = {kOpenFirstDay, kOpenLastDay};
  std::vector<std::string> successor_ids;
  // False: a claim names the id, but the directory does not have it (yet). Such an entry is shown
  // nowhere.
  bool known = false;
  // ICU sort key of `name` in Vietnamese order; set by UnitTable.
  std::string sort_key;

  bool ExistsOn(int32_t day) const { return validity.first <= day && day <= validity.last; }
};

// What a sum over all units looks at, apart from names and keys.
struct UnitFacts {
  DayRange validity;
  v1::Level::Value level = v1::Level::UNSPECIFIED;
  bool known = false;
};

// kInvalidArgument when the directory's days cannot be read.
absl::StatusOr<UnitEntry> MakeUnitEntry(const v1::Unit& unit);

inline constexpr size_t kStructuresKept = 4;

// One version of the directory; entries keep their index over all versions of one cube. Immutable,
// so readers share it without a lock.
class UnitTable {
 public:
  explicit UnitTable(std::vector<UnitEntry> entries = {});

  int size() const { return static_cast<int>(entries_.size()); }
  const UnitEntry& operator[](int unit) const { return entries_[static_cast<size_t>(unit)]; }
  const UnitFacts& facts(int unit) const { return facts_[static_cast<size_t>(unit)]; }
  // Of a known unit; nullopt when there is none of that id.
  std::optional<int> Find(absl::string_view unit_id) const;
  // The known units in the Vietnamese order of their names, then by id.
  const std::vector<int>& by_name() const { return by_name_; }
  // Which unit counts for which, by the index here, in the structure of `day` (nullopt = at
  // receipt). The structures asked for lately are kept. Thread-safe.
  std::shared_ptr<const UnitStructure> Structure(std::optional<int32_t> day) const;

 private:
  std::vector<UnitEntry> entries_;
  std::vector<UnitFacts> facts_;
  absl::flat_hash_map<std::string, int> by_id_;
  std::vector<int> by_name_;

  mutable Mutex mutex_;
  // Newest first.
  mutable std::list<std::shared_ptr<const UnitStructure>> structures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::aggregation
