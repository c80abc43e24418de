#include "services/alerting/forecast.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dondoc::alerting {
namespace {

// Products of three int64 stay below 2^190, so 256 bits never overflow.
using Int = boost::multiprecision::int256_t;

const Int kInt64Max = std::numeric_limits<int64_t>::max();

std::optional<int64_t> Missing(const ForecastInput& input) {
  if (Reached(input.online, input.total, input.target)) return 0;
  const Int gap = Int(input.target.p) * input.total - Int(input.target.q) * input.online;
  const Int gain = Int(input.target.q) - input.target.p;
  if (gain <= 0) return std::nullopt;
  // GE: the least x with x·gain >= gap. GT: the least x with x·gain > gap.
  Int needed = input.target.comparison == v1::Operator::GT ? Int(gap / gain + 1)
                                                           : Int((gap + gain - 1) / gain);
  needed = std::max(needed, Int(0));
  if (needed > kInt64Max) return std::nullopt;
  return static_cast<int64_t>(needed);
}

Share Required(const ForecastInput& input) {
  const Int whole = Int(input.total) + input.expected;
  const Int numerator = Int(input.target.p) * whole - Int(input.target.q) * input.online;
  return {.numerator = std::max(numerator, Int(0)),
          .denominator = Int(input.target.q) * input.expected};
}

v1::Outlook::Value OutlookOf(const ForecastInput& input, const std::optional<Share>& required) {
  if (input.total <= 0) return v1::Outlook::NO_DOSSIERS;
  if (Reached(input.online, input.total, input.target)) return v1::Outlook::REACHED;
  if (!required.has_value()) return v1::Outlook::OUT_OF_REACH;
  const bool strict = input.target.comparison == v1::Operator::GT;
  const bool beyond = strict ? required->numerator >= required->denominator
                             : required->numerator > required->denominator;
  if (beyond) return v1::Outlook::OUT_OF_REACH;
  if (input.recent_total <= 0) return v1::Outlook::HARD;
  const Int recent = Int(input.recent_online) * required->denominator;
  const Int needed = required->numerator * input.recent_total;
  return (strict ? recent > needed : recent >= needed) ? v1::Outlook::ON_TRACK : v1::Outlook::HARD;
}

// numerator/denominator in hundredths, half-up; both not negative, denominator > 0.
std::string HundredthsText(const Int& hundredths) {
  const Int whole = hundredths / 100;
  return absl::StrCat(whole.str(), ".",
                      absl::StrFormat("%02d", static_cast<int>(hundredths % 100)));
}

Int RoundHalfUp(const Int& numerator, const Int& denominator) {
  return (2 * numerator + denominator) / (2 * denominator);
}

}  // namespace

Forecast MakeForecast(const ForecastInput& input) {
  Forecast forecast;
  if (input.total > 0) {
    forecast.missing = Missing(input);
    if (input.expected > 0) forecast.required = Required(input);
  }
  forecast.outlook = OutlookOf(input, forecast.required);
  return forecast;
}

int64_t ExpectedArrivals(int64_t arrivals, int64_t days, int64_t days_left) {
  if (arrivals <= 0 || days <= 0 || days_left <= 0) return 0;
  const Int expected = RoundHalfUp(Int(arrivals) * days_left, Int(days));
  return static_cast<int64_t>(std::min(expected, kInt64Max));
}

std::string ShareText(const Share& share) {
  Int hundredths = RoundHalfUp(share.numerator * 10000, share.denominator);
  const bool more_than_all = share.numerator > share.denominator;
  if (more_than_all && hundredths == 10000) hundredths = 10001;
  return HundredthsText(hundredths);
}

std::optional<std::string> LeverText(int64_t online, int64_t total,
                                     std::optional<int64_t> missing) {
  if (!missing.has_value() || total <= 0) return std::nullopt;
  // (K+x)/(N+x) − K/N = x(N−K) / (N(N+x))
  const Int gain = Int(*missing) * (Int(total) - online);
  const Int whole = Int(total) * (Int(total) + *missing);
  return HundredthsText(RoundHalfUp(gain * 10000, whole));
}

}  // namespace dondoc::alerting
