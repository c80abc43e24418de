#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dondoc {

// A share less another one, in percentage points with two decimals and its sign: "+1.20", "-0.05",
// "0.00". Of the exact shares, half away from zero; what rounds to nothing has no sign. nullopt
// when either total is 0. Totals below 2^46.
std::optional<std::string> ChangeText(int64_t online, int64_t total, int64_t online_before,
                                      int64_t total_before);

}  // namespace dondoc
