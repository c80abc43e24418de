#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/units.pb.h"

namespace dondoc::ingestion {

// The units at one position. Immutable once built, so readers share it without a lock.
class Directory {
 public:
  explicit Directory(std::map<std::string, v1::Unit> units = {});
  // in_order_ points into units_: a copy would point into the original. Moving keeps it right.
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  Directory(Directory&&) = default;
  Directory& operator=(Directory&&) = default;

  // nullptr when there is none of that id.
  const v1::Unit* Find(absl::string_view unit_id) const;
  // By level, then parent, then unit_id.
  const std::vector<const v1::Unit*>& InOrder() const { return in_order_; }
  const std::map<std::string, v1::Unit>& units() const { return units_; }

  static bool ExistsOn(const v1::Unit& unit, absl::CivilDay day);

  // Whether `units` may be put on top of this directory: ids and lengths as units.proto says, known
  // parents and successors, level set, days readable and in order. kInvalidArgument with the field
  // path ("units[3].name").
  absl::Status Check(const std::vector<v1::Unit>& units) const;

 private:
  std::map<std::string, v1::Unit> units_;
  std::vector<const v1::Unit*> in_order_;
};

}  // namespace dondoc::ingestion
