#pragma once

#include <optional>
#include <string>

#include "absl/time/civil_time.h"
#include "dondoc/v1/dossiers.pb.h"
#include "services/ingestion/ledger/directory.h"

namespace dondoc::ingestion {

inline constexpr size_t kCodeBytesMax = 64;
inline constexpr size_t kProcedureCodeBytesMax = 64;
inline constexpr size_t kFieldBytesMax = 200;
inline constexpr size_t kUnitIdBytesMax = 128;

struct DossierProblem {
  v1::RejectReason::Value reason = v1::RejectReason::UNSPECIFIED;
  std::string message;  // Vietnamese, for a person
};

// Whether a dossier, pushed or read from a row, may go into the ledger; nullopt = yes. Brings it
// into the form that is kept: code trimmed and upper-cased, other texts trimmed, 0001-01-01 and
// 1970-01-01 (which systems write for "no date") taken away. Of a withdrawn dossier only code and
// update_time are looked at, and the rest is cleared.
//   MISSING_CODE, BAD_CODE
//   NO_UNIT, UNKNOWN_UNIT   the latter also when the unit does not exist on the received day
//   NO_DATE                 status says received (RECEIVED, PROCESSING, FINISHED, RETURNED), but
//                           there is no received time; otherwise such a dossier is pending
//   BAD_DATE, FUTURE_DATE   received before 2000-01-01, after `today`; an update_time may be one
//                           day ahead of `today`, for clocks that are
//   BAD_VALUE               a text too long or with control characters, a number outside its enum
std::optional<DossierProblem> CheckDossier(v1::Dossier& dossier, const Directory& directory,
                                           absl::CivilDay today);

}  // namespace dondoc::ingestion
