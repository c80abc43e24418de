#include "services/ingestion/reading/cell_forms.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "services/ingestion/reading/number_format.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kDigitsMax = 12;
constexpr double kSerialFirst = 36526;  // 01/01/2000
constexpr double kSerialLast = 73051;   // 01/01/2100
constexpr size_t kDateBytesMax = 40;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

struct Slashed {
  int first = 0, second = 0;
  absl::string_view year;
  absl::string_view rest;  // the clock, with the space before it
};

// "d/m/yyyy…" with '/', '-' or '.'.
std::optional<Slashed> ReadSlashed(absl::string_view text) {
  if (text.size() > kDateBytesMax) return std::nullopt;
  Slashed out;
  const size_t one = text.find_first_of("/-.");
  if (one == absl::string_view::npos || one > 2) return std::nullopt;
  const size_t two = text.find(text[one], one + 1);
  if (two == absl::string_view::npos || two - one > 3 || text.size() < two + 5) return std::nullopt;
  const absl::string_view first = text.substr(0, one);
  const absl::string_view second = text.substr(one + 1, two - one - 1);
  out.year = text.substr(two + 1, 4);
  out.rest = text.substr(two + 5);
  if (!IsDigits(first) || !IsDigits(second) || !IsDigits(out.year)) return std::nullopt;
  if (!out.rest.empty() && out.rest.front() != ' ') return std::nullopt;
  if (!absl::SimpleAtoi(first, &out.first) || !absl::SimpleAtoi(second, &out.second)) {
    return std::nullopt;
  }
  return out;
}

// " 8:05:00 PM" → " 20:05:00"; as it is when it is not of twelve hours.
std::string ToTwentyFour(absl::string_view clock) {
  std::string upper = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(clock));
  // "SA" and "CH" are the Vietnamese words.
  const bool afternoon = absl::EndsWith(upper, "PM") || absl::EndsWith(upper, "CH");
  const bool morning = absl::EndsWith(upper, "AM") || absl::EndsWith(upper, "SA");
  if (!afternoon && !morning) return std::string(clock);
  upper.resize(upper.size() - 2);
  const absl::string_view time = absl::StripAsciiWhitespace(upper);
  const size_t colon = time.find(':');
  int hour = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(time.substr(0, colon), &hour) ||
      hour < 1 || hour > 12) {
    return std::string(clock);
  }
  hour = hour % 12 + (afternoon ? 12 : 0);
  return absl::StrFormat(" %02d%s", hour, std::string(time.substr(colon)));
}

}  // namespace

std::optional<int64_t> ParseCount(absl::string_view text) {
  text = Trim(text);
  if (text.empty() || text == "-" || text == "–") return 0;
  // A no-break space divides like a space.
  const std::string plain = absl::StrReplaceAll(text, {{"\xC2\xA0", " "}, {"\xE2\x80\xAF", " "}});
  std::string digits;
  const size_t divider_at = plain.find_first_of("., ");
  if (divider_at == std::string::npos) {
    digits = plain;
  } else {
    const char divider = plain[divider_at];
    if (divider_at < 1 || divider_at > 3 || plain[0] == '0') return std::nullopt;
    digits = plain.substr(0, divider_at);
    for (size_t i = divider_at; i < plain.size(); i += 4) {
      if (plain[i] != divider || i + 4 > plain.size()) return std::nullopt;
      digits += plain.substr(i + 1, 3);
    }
  }
  int64_t value = 0;
  if (!IsDigits(digits) || digits.size() > kDigitsMax || !absl::SimpleAtoi(digits, &value)) {
    return std::nullopt;
  }
  return value;
}

bool IsRoundedNumber(absl::string_view text) {
  text = Trim(text);
  const size_t e = text.find_first_of("eE");
  if (e == absl::string_view::npos || e + 1 >= text.size()) return false;
  absl::string_view exponent = text.substr(e + 1);
  if (exponent.front() != '+' && exponent.front() != '-') return false;
  exponent.remove_prefix(1);
  const absl::string_view number = text.substr(0, e);
  const size_t point = number.find_first_of(".,");
  if (point == absl::string_view::npos) return IsDigits(number) && IsDigits(exponent);
  return IsDigits(number.substr(0, point)) && IsDigits(number.substr(point + 1)) &&
         IsDigits(exponent);
}

DayOrder OrderOf(absl::string_view date) {
  const std::optional<Slashed> slashed = ReadSlashed(Trim(date));
  if (!slashed.has_value()) return DayOrder::kOther;
  const bool first_month = slashed->first >= 1 && slashed->first <= 12;
  const bool second_month = slashed->second >= 1 && slashed->second <= 12;
  if (first_month && second_month) {
    return slashed->first == slashed->second ? DayOrder::kOther : DayOrder::kEither;
  }
  if (second_month && slashed->first <= 31) return DayOrder::kDayFirst;
  if (first_month && slashed->second <= 31) return DayOrder::kMonthFirst;
  return DayOrder::kOther;
}

std::string ToDayFirst(absl::string_view date, DayOrder column_order) {
  const std::optional<Slashed> slashed = ReadSlashed(Trim(date));
  if (!slashed.has_value()) return std::string(date);
  const bool swap = column_order == DayOrder::kMonthFirst;
  return absl::StrFormat("%02d/%02d/%s%s", swap ? slashed->second : slashed->first,
                         swap ? slashed->first : slashed->second, std::string(slashed->year),
                         ToTwentyFour(slashed->rest));
}

std::string SerialToIso(absl::string_view text) {
  const std::string number = absl::StrReplaceAll(Trim(text), {{",", "."}});
  const size_t point = number.find('.');
  double serial = 0;
  if (number.size() > 20 || !IsDigits(number.substr(0, point)) ||
      (point != std::string::npos && !IsDigits(number.substr(point + 1))) ||
      !absl::SimpleAtod(number, &serial) || serial < kSerialFirst || serial >= kSerialLast) {
    return std::string(text);
  }
  return SerialToText(serial, false).value_or(std::string(text));
}

}  // namespace dondoc::ingestion
