#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "dondoc/v1/units.pb.h"
#include "services/ingestion/entry_file.h"
#include "services/ingestion/ledger/directory.h"

namespace dondoc::ingestion {

// The forms of ImportUnitsFile: registry, other names, reform, in this order.
absl::Span<const EntryForm> UnitFileForms();

// Units as a file leaves them.
struct UnitsOfFile {
  std::vector<v1::Unit> units;
  std::vector<int64_t> row_numbers;  // of each unit the first row that is about it
};

// What `table`, of one of UnitFileForms, makes of the units of `directory`. kInvalidArgument names
// the row (see BadRow); what only shows among all units is Directory::Check's to find.
absl::StatusOr<UnitsOfFile> ReadUnitFile(const EntryTable& table, const Directory& directory);

}  // namespace dondoc::ingestion
