#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/units.pb.h"
#include "services/ctl/sample/catalogue.h"
#include "services/ctl/sample/plan.h"

namespace dondoc::sample {

inline constexpr absl::CivilDay kFirstDay(2023, 1, 1);
inline constexpr absl::CivilDay kLastDay(2023, 11, 15);
// When the export says it was taken.
inline constexpr absl::CivilSecond kExtracted(2023, 11, 16, 7, 0, 0);

// What is wrong with a row that cannot be counted.
enum class Defect { kNone, kUnknownUnit, kNoDate, kBadDate, kFutureDate, kMissingCode };

// A line of the export. A dossier may have several; the one with the newest `updated` is what it
// is.
struct Row {
  size_t unit = 0;
  std::string code;
  size_t procedure = 0;
  v1::Channel::Value channel = v1::Channel::UNKNOWN;
  v1::Status::Value status = v1::Status::UNKNOWN;
  absl::CivilSecond submitted;
  // Absent = not yet received.
  std::optional<absl::CivilSecond> received;
  absl::CivilSecond due;
  absl::CivilSecond updated;
  Defect defect = Defect::kNone;
};

// A synthetic year of a province's one-stop export. Nothing in it is real but the units' names.
struct Year {
  std::vector<v1::Unit> units;
  Catalogue catalogue;
  // What the rows count to, unit by unit, under the default definition over the window.
  std::vector<UnitPlan> plan;
  // In the order of the export.
  std::vector<Row> rows;
};

// The same year for the same seed and units, on every machine. Errors as MakePlan's.
absl::StatusOr<Year> MakeYear(std::vector<v1::Unit> units, uint64_t seed);

// Whether public offices were open: weekends and the public holidays of 2023 are not.
bool IsDayOff(absl::CivilDay day);

}  // namespace dondoc::sample
