#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "dondoc/v1/common.pb.h"

// The values of cells, as one-stop systems write them (domain: formats).

namespace dondoc::ingestion {

// dd/MM/yyyy[ HH:mm[:ss]] (also with '-' or '.'), yyyy-MM-dd[( |T)HH:mm[:ss[.fff]]][zone],
// yyyyMMddHHmmss; without a zone it is Viet Nam's time. nullopt for an empty cell and for the
// sources' null dates, 01/01/0001 and 01/01/1970. kInvalidArgument for anything else, days that do
// not exist included; the message is a Vietnamese reason without the value.
absl::StatusOr<std::optional<absl::Time>> ParseCellTime(absl::string_view text);

// A word or national code of an enum.
template <typename Value>
struct CellValue {
  enum class Kind {
    kKnown,    // an empty cell and "0" are known to be UNKNOWN
    kUnknown,  // a word that is none of ours
    kBadCode,  // a number outside the enum
  };
  Value value{};
  Kind kind = Kind::kKnown;
};

CellValue<v1::Channel::Value> ParseCellChannel(absl::string_view text);
CellValue<v1::ServiceLevel::Value> ParseCellServiceLevel(absl::string_view text);
CellValue<v1::Status::Value> ParseCellStatus(absl::string_view text);

// The national form of a dossier code, upper case: "H34.14-231115-0001" or
// "000.00.14.H34-231115-0001". Others are accepted but worth a warning.
bool IsUsualCode(absl::string_view code);

}  // namespace dondoc::ingestion
