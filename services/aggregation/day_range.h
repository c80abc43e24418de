#pragma once

#include <cstdint>
#include <limits>

namespace dondoc::aggregation {

// Days as numbers (days since 1970-01-01 in +07:00), both ends included; empty when last < first.
struct DayRange {
  int32_t first = 0;
  int32_t last = -1;

  bool empty() const { return last < first; }
  friend bool operator==(const DayRange&, const DayRange&) = default;
};

inline constexpr int32_t kOpenFirstDay = std::numeric_limits<int32_t>::min();
inline constexpr int32_t kOpenLastDay = std::numeric_limits<int32_t>::max();

inline DayRange Intersect(const DayRange& a, const DayRange& b) {
  return {a.first > b.first ? a.first : b.first, a.last < b.last ? a.last : b.last};
}

}  // namespace dondoc::aggregation
