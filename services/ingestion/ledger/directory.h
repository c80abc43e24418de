#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/procedures.pb.h"
#include "dondoc/v1/units.pb.h"

namespace dondoc::ingestion {

// The units at one position. Immutable once built, so readers share it without a lock.
class Directory {
 public:
  // `sequence` is that of the last change of a unit.
  explicit Directory(std::map<std::string, v1::Unit> units = {}, int64_t sequence = 0);
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
  int64_t sequence() const { return sequence_; }

  static bool ExistsOn(const v1::Unit& unit, absl::CivilDay day);

  // Whether `units` may be put on top of this directory: ids and lengths as units.proto says, known
  // parents and successors, level set, days readable and in order, no identifier that names two
  // units on one day, level and parent of known units as they are unless `correct_structure`.
  // kInvalidArgument with the field path ("units[3].name").
  absl::Status Check(const std::vector<v1::Unit>& units, bool correct_structure = false) const;

 private:
  std::map<std::string, v1::Unit> units_;
  int64_t sequence_ = 0;
  std::vector<const v1::Unit*> in_order_;
};

// The catalogue of procedures at one position. Immutable once built.
struct Catalogue {
  std::map<std::string, v1::Procedure> procedures;  // by procedure_code
  int64_t sequence = 0;                             // of the last change of one
};

}  // namespace dondoc::ingestion
