#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/units.pb.h"

// The registry of units as a CSV file that a person keeps (deploy/data/kontum/README.md describes
// the columns).

namespace dondoc::ctl {

inline constexpr size_t kUnitsMax = 20'000;
inline constexpr size_t kRegistryBytesMax = 16 << 20;

// Reads units from `units_csv` and puts the spellings of `aliases_csv` (unit_id, alias, …; empty =
// none) with them. Columns are found by their header; unit_id, name and level are required; a
// column of no known name is refused, so that a slip in a header is not data lost. kInvalidArgument
// "units.csv row 7: …" names the row as a spreadsheet shows it.
absl::StatusOr<std::vector<v1::Unit>> ReadUnits(absl::string_view units_csv,
                                                absl::string_view aliases_csv);

// Reads the registry file `units_path` with the aliases of `aliases_path`, or, when that is
// nullopt, of unit_aliases.csv in the same folder if there is one; "" = no aliases. Errors name the
// file.
absl::StatusOr<std::vector<v1::Unit>> ReadRegistry(const std::string& units_path,
                                                   const std::optional<std::string>& aliases_path);

// The same units as ReadUnits reads them, with every column.
std::string UnitsCsv(const std::vector<v1::Unit>& units);

}  // namespace dondoc::ctl
