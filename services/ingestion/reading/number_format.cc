#include "services/ingestion/reading/number_format.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"

namespace dondoc::ingestion {
namespace {

constexpr double kSerialEnd = 2958466;            // 01/01/10000
constexpr int kDaysOf1904 = 1462;                 // between the two epochs
constexpr double kExactMax = 9007199254740992.0;  // 2^53

}  // namespace

bool IsBuiltInDateFormat(int format_id) {
  return (format_id >= 14 && format_id <= 22) || (format_id >= 27 && format_id <= 36) ||
         (format_id >= 45 && format_id <= 47 && format_id != 46) ||
         (format_id >= 50 && format_id <= 58);
}

bool IsDateFormat(absl::string_view code) {
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = absl::ascii_tolower(static_cast<unsigned char>(code[i]));
    if (c == ';') return false;  // the first section is that of positive numbers
    if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == '"') {
      i = code.find('"', i + 1);
      if (i == absl::string_view::npos) return false;
    } else if (c == '[') {
      const size_t end = code.find(']', i);
      if (end == absl::string_view::npos) return false;
      const char unit = absl::ascii_tolower(static_cast<unsigned char>(code[i + 1]));
      // "[h]:mm" is a duration; "[$-42A]dd/mm" and "[Red]" are not.
      if (code.substr(i + 1, end - i - 1).find_first_not_of(unit) == absl::string_view::npos ||
          end == i + 2) {
        if (unit == 'h' || unit == 'm' || unit == 's') return false;
      }
      i = end;
    } else if (c == 'd' || c == 'm' || c == 'y' || c == 'h' || c == 's') {
      return true;
    } else if (c == '0' || c == '#' || c == '?' || c == 'g') {
      return false;  // digits, or "General"
    }
  }
  return false;
}

std::optional<std::string> SerialToText(double serial, bool epoch_1904) {
  if (epoch_1904) serial += kDaysOf1904;
  if (!(serial >= 0 && serial < kSerialEnd)) return std::nullopt;
  int64_t day = static_cast<int64_t>(std::floor(serial));
  int64_t second = std::llround((serial - std::floor(serial)) * 86400);
  if (second == 86400) {
    ++day;
    second = 0;
  }
  if (!epoch_1904 && day == 60) return std::nullopt;
  // Before the day that never was, serials are one ahead.
  const absl::CivilDay civil = absl::CivilDay(1899, 12, day < 60 && !epoch_1904 ? 31 : 30) + day;
  if (civil.year() > 9999) return std::nullopt;
  std::string text = absl::StrFormat("%04d-%02d-%02d", civil.year(), civil.month(), civil.day());
  if (second != 0) {
    absl::StrAppendFormat(&text, " %02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
  }
  return text;
}

std::string NumberToText(double number) {
  if (!std::isfinite(number)) return "";
  if (number == std::floor(number) && std::fabs(number) < kExactMax) {
    return absl::StrCat(static_cast<int64_t>(number));
  }
  std::string text = absl::StrFormat("%.15g", number);
  const size_t dot = text.find('.');
  if (dot != std::string::npos && text.size() - dot == 4) text += "0";
  return text;
}

}  // namespace dondoc::ingestion
