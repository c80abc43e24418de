#include "services/ingestion/coverage_check.h"

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/quote.h"

namespace dondoc::ingestion {
namespace {

constexpr int kCoveredUnitsMax = 20'000;

absl::Status Bad(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

}  // namespace

absl::Status CheckCoverage(const v1::Coverage& coverage, const Directory& directory,
                           absl::CivilDay today, const CoverageFields& fields) {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(coverage.from());
  if (!from.ok()) return Bad(fields.from, from.status().message());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(coverage.to());
  if (!to.ok()) return Bad(fields.to, to.status().message());
  if (*from < absl::CivilDay(2000, 1, 1)) {
    return Bad(fields.from, absl::StrCat(coverage.from(), " is before 2000-01-01"));
  }
  if (*to < *from) {
    return Bad(fields.to, absl::StrCat(coverage.to(), " is before ", coverage.from()));
  }
  // Nobody knows the dossiers of days to come.
  if (*to > today) {
    return Bad(fields.to, absl::StrCat(coverage.to(), " is after today, ", FormatDay(today)));
  }
  if (coverage.extent() != v1::Coverage::Extent::PARTIAL &&
      coverage.extent() != v1::Coverage::Extent::COMPLETE) {
    return Bad(fields.extent, "must be PARTIAL or COMPLETE");
  }
  if (coverage.unit_ids_size() > kCoveredUnitsMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        fields.unit_ids, ": ", coverage.unit_ids_size(), ", limit ", kCoveredUnitsMax));
  }
  for (int i = 0; i < coverage.unit_ids_size(); ++i) {
    if (directory.Find(coverage.unit_ids(i)) == nullptr) {
      return Bad(absl::StrCat(fields.unit_ids, "[", i, "]"),
                 absl::StrCat(Quoted(coverage.unit_ids(i)), " is not in the directory"));
    }
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
