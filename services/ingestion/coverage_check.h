#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/common.pb.h"
#include "services/ingestion/ledger/directory.h"

namespace dondoc::ingestion {

// The fields of a request that a coverage came in, for messages.
struct CoverageFields {
  std::string from = "covers.from";
  std::string to = "covers.to";
  std::string unit_ids = "covers.unit_ids";
  std::string extent = "covers.extent";
};

// Whether `coverage` may be claimed on `today`: two readable days in order, not before 2000 and not
// after today, an extent, units that the directory knows. kInvalidArgument with the field.
absl::Status CheckCoverage(const v1::Coverage& coverage, const Directory& directory,
                           absl::CivilDay today, const CoverageFields& fields);

}  // namespace dondoc::ingestion
