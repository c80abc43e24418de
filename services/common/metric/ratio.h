#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/common.pb.h"

// The ratio: exact integers inside, a percentage only here, at the edge (design §4.5).

namespace dondoc {

// Disjoint counts by channel.
struct Counts {
  int64_t online = 0;
  int64_t counter = 0;
  int64_t postal = 0;
  int64_t unknown = 0;

  int64_t total() const { return online + counter + postal + unknown; }
  void Add(v1::Channel::Value channel, int64_t count);
  Counts& operator+=(const Counts& other);
  friend bool operator==(const Counts&, const Counts&) = default;
};

// A share p/q in lowest terms, 0 <= p <= q, with its operator.
struct Target {
  int64_t p = 0;
  int64_t q = 1;
  v1::Operator::Value comparison = v1::Operator::GE;
};

// "50", "33.333333": 0–100, at most 6 decimals, digits and one dot only. kInvalidArgument names the
// text.
absl::StatusOr<Target> ParseTarget(absl::string_view percent, v1::Operator::Value comparison);

// online·q >= total·p (GE) or > (GT), in 128-bit integers. False when total is 0.
bool Reached(int64_t online, int64_t total, const Target& target);

// online/total·100, two decimals, half-up, with a dot: "26.77". A share that has not reached
// `target` never prints at or above it; one below 100 % never prints "100.00". nullopt when total
// is 0.
std::optional<std::string> PercentText(int64_t online, int64_t total,
                                       const std::optional<Target>& target);

// part/whole·100 with two decimals, half-up, unbounded ("240.13"). `whole` > 0.
std::string PlainPercentText(int64_t part, int64_t whole);

// For people: "26.77" → "26,77"; 1234567 → "1.234.567".
std::string PercentVi(absl::string_view percent);
std::string NumberVi(int64_t number);

// The wire form, with percent and reached as the target says.
v1::Ratio ToProto(const Counts& counts, const std::optional<Target>& target,
                  v1::Basis::Value basis);

}  // namespace dondoc
