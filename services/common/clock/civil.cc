#include "services/common/clock/civil.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/status/quote.h"

namespace dondoc {
namespace {

constexpr int kVietNamOffsetSeconds = 7 * 60 * 60;

// What google.protobuf.Timestamp may hold: years 1 to 9999.
constexpr int64_t kTimestampSecondsMin = -62135596800;
constexpr int64_t kTimestampSecondsMax = 253402300799;

constexpr size_t kFractionDigitsMax = 9;

// Reads the front of a text piece by piece; anything unexpected makes it not ok.
class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  int Digits(size_t count) {
    if (text_.size() < count) return Fail();
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(text_[i]))) return Fail();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  // One of the characters of `any`, upper-cased; 0 when there is none.
  char OneOf(absl::string_view any) {
    if (text_.empty() || any.find(text_[0]) == absl::string_view::npos) {
      Fail();
      return 0;
    }
    const char found = absl::ascii_toupper(static_cast<unsigned char>(text_[0]));
    text_.remove_prefix(1);
    return found;
  }
  bool Next(char c) const { return !text_.empty() && text_[0] == c; }
  bool NextIsDigit() const {
    return !text_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text_[0]));
  }
  bool ok() const { return ok_; }
  bool Done() const { return ok_ && text_.empty(); }

 private:
  int Fail() {
    ok_ = false;
    return 0;
  }

  absl::string_view text_;
  bool ok_ = true;
};

// The day at the front of `reader`; CivilDay normalizes what does not exist, so it is compared with
// what was read.
std::optional<absl::CivilDay> ReadDay(Reader& reader) {
  const int year = reader.Digits(4);
  reader.OneOf("-");
  const int month = reader.Digits(2);
  reader.OneOf("-");
  const int day = reader.Digits(2);
  const absl::CivilDay read(year, month, day);
  if (!reader.ok() || year == 0 || read.year() != year || read.month() != month ||
      read.day() != day) {
    return std::nullopt;
  }
  return read;
}

// The time of day at the front of `reader`. A leap second is the first one of the next minute.
std::optional<absl::Duration> ReadTimeOfDay(Reader& reader) {
  const int hour = reader.Digits(2);
  reader.OneOf(":");
  const int minute = reader.Digits(2);
  reader.OneOf(":");
  const int second = reader.Digits(2);
  absl::Duration fraction;
  if (reader.ok() && reader.Next('.')) {
    reader.OneOf(".");
    absl::Duration unit = absl::Seconds(1);
    size_t digits = 0;
    do {
      unit /= 10;
      fraction += unit * reader.Digits(1);
      ++digits;
    } while (reader.ok() && reader.NextIsDigit() && digits < kFractionDigitsMax);
  }
  if (!reader.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return absl::Hours(hour) + absl::Minutes(minute) + absl::Seconds(second) + fraction;
}

std::optional<absl::Duration> ReadOffset(Reader& reader) {
  const char sign = reader.OneOf("Zz+-");
  if (sign == 'Z') return absl::ZeroDuration();
  const int hours = reader.Digits(2);
  reader.OneOf(":");
  const int minutes = reader.Digits(2);
  if (!reader.ok() || hours > 23 || minutes > 59) return std::nullopt;
  const absl::Duration offset = absl::Hours(hours) + absl::Minutes(minutes);
  return sign == '-' ? -offset : offset;
}

}  // namespace

absl::TimeZone VietNamTime() {
  // Looked up once: the look-up takes a lock and makes texts, and every row of a file asks.
  static const absl::TimeZone* const zone =
      new absl::TimeZone(absl::FixedTimeZone(kVietNamOffsetSeconds));
  return *zone;
}

absl::CivilDay DayOf(absl::Time instant) {
  const int64_t seconds = absl::ToUnixSeconds(instant);
  // What a timestamp cannot hold may not be counted with, either.
  if (seconds < kTimestampSecondsMin || seconds > kTimestampSecondsMax) {
    return absl::ToCivilDay(instant, VietNamTime());
  }
  constexpr int64_t kDaySeconds = 24 * 60 * 60;
  const int64_t local = seconds + kVietNamOffsetSeconds;
  const int64_t days = local >= 0 ? local / kDaySeconds : (local + 1) / kDaySeconds - 1;
  return absl::CivilDay(1970, 1, 1) + days;
}

absl::Time StartOf(absl::CivilDay day) { return absl::FromCivil(day, VietNamTime()); }

int32_t DayNumber(absl::CivilDay day) {
  // Saturates: a timestamp from outside may name a year that no day number reaches.
  const int64_t days = day - absl::CivilDay(1970, 1, 1);
  return static_cast<int32_t>(std::clamp<int64_t>(days, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

absl::CivilDay DayFromNumber(int32_t number) { return absl::CivilDay(1970, 1, 1) + number; }

absl::StatusOr<absl::CivilDay> ParseDay(absl::string_view text) {
  Reader reader(text);
  const std::optional<absl::CivilDay> day = ReadDay(reader);
  if (!day.has_value() || !reader.Done()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is not a day of the form 2023-11-15"));
  }
  return *day;
}

std::string FormatDay(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

std::string FormatDayVi(absl::CivilDay day) {
  return absl::StrFormat("%02d/%02d/%04d", day.day(), day.month(), day.year());
}

absl::StatusOr<absl::Time> ParseInstant(absl::string_view text) {
  const absl::Status bad = absl::InvalidArgumentError(absl::StrCat(
      Quoted(text), " is not an instant of the form 2023-11-20T08:00:00+07:00 (RFC 3339)"));
  Reader reader(text);
  const std::optional<absl::CivilDay> day = ReadDay(reader);
  if (!day.has_value()) return bad;
  reader.OneOf("Tt");
  const std::optional<absl::Duration> time_of_day = ReadTimeOfDay(reader);
  if (!time_of_day.has_value()) return bad;
  const std::optional<absl::Duration> offset = ReadOffset(reader);
  if (!offset.has_value() || !reader.Done()) return bad;
  const absl::Time instant = absl::FromCivil(*day, absl::UTCTimeZone()) + *time_of_day - *offset;
  const int64_t seconds = absl::ToUnixSeconds(instant);
  if (seconds < kTimestampSecondsMin || seconds > kTimestampSecondsMax) return bad;
  return instant;
}

std::string FormatInstant(absl::Time instant) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*S%Ez", instant, VietNamTime());
}

absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time instant) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(instant);
  timestamp.set_seconds(std::clamp(seconds, kTimestampSecondsMin, kTimestampSecondsMax));
  if (timestamp.seconds() == seconds) {
    timestamp.set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(instant - absl::FromUnixSeconds(timestamp.seconds()))));
  }
  return timestamp;
}

}  // namespace dondoc
