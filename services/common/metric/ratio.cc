#include "services/common/metric/ratio.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/status/quote.h"

namespace dondoc {
namespace {

constexpr size_t kTargetDecimalsMax = 6;
constexpr int64_t kMillionthsPerPercent = 1'000'000;
constexpr int64_t kHundredthsOfPercentMax = 10'000;  // 100.00 %

// Of numerator/denominator with denominator > 0; C++ rounds towards zero.
absl::int128 FloorDivide(absl::int128 numerator, absl::int128 denominator) {
  const absl::int128 quotient = numerator / denominator;
  return numerator % denominator < 0 ? quotient - 1 : quotient;
}

// part/whole in hundredths of a percent, half-up.
absl::int128 HundredthsOfPercent(int64_t part, int64_t whole) {
  return FloorDivide(absl::int128(part) * (2 * kHundredthsOfPercentMax) + whole,
                     absl::int128(whole) * 2);
}

std::string HundredthsText(absl::int128 hundredths) {
  const bool negative = hundredths < 0;
  absl::uint128 rest(negative ? -hundredths : hundredths);
  std::string reversed;
  for (int place = 0; place < 3 || rest != 0; ++place) {
    if (place == 2) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (negative) reversed += '-';
  return std::string(reversed.rbegin(), reversed.rend());
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

int64_t DigitsValue(absl::string_view digits) {
  int64_t value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return value;
}

}  // namespace

void Counts::Add(v1::Channel::Value channel, int64_t count) {
  switch (channel) {
    case v1::Channel::ONLINE:
      online += count;
      return;
    case v1::Channel::COUNTER:
      counter += count;
      return;
    case v1::Channel::POSTAL:
      postal += count;
      return;
    default:
      // A channel that a newer writer knows is still in the total.
      unknown += count;
  }
}

Counts& Counts::operator+=(const Counts& other) {
  online += other.online;
  counter += other.counter;
  postal += other.postal;
  unknown += other.unknown;
  return *this;
}

absl::StatusOr<Target> ParseTarget(absl::string_view percent, v1::Operator::Value comparison) {
  const absl::Status bad = absl::InvalidArgumentError(absl::StrCat(
      Quoted(percent),
      " is not a percentage from 0 to 100 with at most 6 decimals, like 50 or 33.333333"));
  const size_t dot = percent.find('.');
  const absl::string_view whole = percent.substr(0, dot);
  if (!AllDigits(whole) || whole.size() > 3) return bad;
  int64_t millionths = DigitsValue(whole) * kMillionthsPerPercent;
  if (dot != absl::string_view::npos) {
    const absl::string_view decimals = percent.substr(dot + 1);
    if (!AllDigits(decimals) || decimals.size() > kTargetDecimalsMax) return bad;
    int64_t fraction = DigitsValue(decimals);
    for (size_t i = decimals.size(); i < kTargetDecimalsMax; ++i) fraction *= 10;
    millionths += fraction;
  }
  constexpr int64_t kMillionthsMax = 100 * kMillionthsPerPercent;
  if (millionths > kMillionthsMax) return bad;
  const int64_t divisor = std::gcd(millionths, kMillionthsMax);
  return Target{.p = millionths / divisor, .q = kMillionthsMax / divisor, .comparison = comparison};
}

bool Reached(int64_t online, int64_t total, const Target& target) {
  if (total == 0) return false;
  const absl::int128 have = absl::int128(online) * target.q;
  const absl::int128 need = absl::int128(total) * target.p;
  return target.comparison == v1::Operator::GT ? have > need : have >= need;
}

std::optional<std::string> PercentText(int64_t online, int64_t total,
                                       const std::optional<Target>& target) {
  if (total == 0) return std::nullopt;
  absl::int128 hundredths = HundredthsOfPercent(online, total);
  if (online < total) hundredths = std::min<absl::int128>(hundredths, kHundredthsOfPercentMax - 1);
  if (target.has_value() && !Reached(online, total, *target)) {
    // The largest h with h/10000 < p/q. Only "more than 0 %" has none, and prints 0.00.
    const absl::int128 below =
        FloorDivide(absl::int128(target->p) * kHundredthsOfPercentMax - 1, target->q);
    hundredths = std::min(hundredths, std::max<absl::int128>(below, 0));
  }
  return HundredthsText(hundredths);
}

std::string PlainPercentText(int64_t part, int64_t whole) {
  return HundredthsText(HundredthsOfPercent(part, whole));
}

std::string PercentVi(absl::string_view percent) {
  std::string text(percent);
  std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

std::string NumberVi(int64_t number) {
  const std::string digits = absl::StrCat(number);
  const size_t first_digit = number < 0 ? 1 : 0;
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > first_digit && (digits.size() - i) % 3 == 0) text += '.';
    text += digits[i];
  }
  return text;
}

v1::Ratio ToProto(const Counts& counts, const std::optional<Target>& target,
                  v1::Basis::Value basis) {
  v1::Ratio ratio;
  const int64_t total = counts.total();
  ratio.set_total(total);
  ratio.set_online(counts.online);
  ratio.set_counter(counts.counter);
  ratio.set_postal(counts.postal);
  ratio.set_unknown(counts.unknown);
  ratio.set_basis(basis);
  if (std::optional<std::string> percent = PercentText(counts.online, total, target)) {
    ratio.set_percent(*std::move(percent));
    if (target.has_value()) ratio.set_reached(Reached(counts.online, total, *target));
  }
  return ratio;
}

}  // namespace dondoc
