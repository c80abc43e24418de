#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "boost/multiprecision/cpp_int.hpp"
#include "dondoc/v1/campaigns.pb.h"
#include "services/common/metric/ratio.h"

// What a unit still needs to reach its target (design §7). Pure functions in exact integers: any
// int64 is a safe input, nothing here divides by zero or overflows.

namespace dondoc::alerting {

// An exact share numerator/denominator, denominator > 0.
struct Share {
  boost::multiprecision::int256_t numerator;
  boost::multiprecision::int256_t denominator;
};

struct ForecastInput {
  int64_t online = 0;    // K
  int64_t total = 0;     // N, K <= N
  Target target;         // p/q and its operator
  int64_t expected = 0;  // M: dossiers expected from the data's last day to the deadline
  // What came over the last covered working days.
  int64_t recent_online = 0;
  int64_t recent_total = 0;
};

struct Forecast {
  // Never NO_DATA: that is the caller's to know.
  v1::Outlook::Value outlook = v1::Outlook::UNSPECIFIED;
  // Further dossiers needed if every one is online; 0 when reached. nullopt when nothing is
  // counted, no number is enough (a target of 100 % that is missed), or the number exceeds int64.
  std::optional<int64_t> missing;
  // (p(N+M) − qK)/(qM), not below 0; may exceed 1. nullopt when M or N is 0.
  std::optional<Share> required;
};

// Outlook in this order: NO_DOSSIERS, REACHED, OUT_OF_REACH (M = 0 or required > 1), ON_TRACK
// (recent >= required), HARD. With GT the required share must be exceeded, so exactly 1 is out of
// reach and an equal recent share is not on track.
Forecast MakeForecast(const ForecastInput& input);

// Mean arrivals a day × days left, half-up, capped at int64. 0 when `days` is 0.
int64_t ExpectedArrivals(int64_t arrivals, int64_t days, int64_t days_left);

// Percent with two decimals, half-up ("240.13"); more than 100 % never prints "100.00".
std::string ShareText(const Share& share);

// By how many percentage points, two decimals half-up, the whole of `online` of `total` gains when
// `missing` more dossiers come and all are online. nullopt when missing is, or total is 0.
std::optional<std::string> LeverText(int64_t online, int64_t total, std::optional<int64_t> missing);

}  // namespace dondoc::alerting
