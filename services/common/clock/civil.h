#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

// Days and instants in Viet Nam's time, +07:00, fixed in code: no daylight saving since 1975 and no
// tzdata needed.

namespace dondoc {

absl::TimeZone VietNamTime();

absl::CivilDay DayOf(absl::Time instant);
absl::Time StartOf(absl::CivilDay day);

// Days since 1970-01-01: the form a day has in cells and on the wire.
int32_t DayNumber(absl::CivilDay day);
absl::CivilDay DayFromNumber(int32_t number);

// "2023-11-15"; exactly that form. kInvalidArgument names the text.
absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text);
std::string FormatDay(absl::CivilDay day);
// "15/11/2023", for people.
std::string FormatDayVi(absl::CivilDay day);

// RFC 3339 with an offset; kInvalidArgument names the text.
absl::StatusOr<absl::Time> ParseInstant(absl::string_view text);
// "2023-11-20T08:00:00+07:00"
std::string FormatInstant(absl::Time instant);

absl::Time FromProto(const google::protobuf::Timestamp& timestamp);
google::protobuf::Timestamp ToProto(absl::Time instant);

}  // namespace dondoc
