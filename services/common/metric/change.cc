#include "services/common/metric/change.h"

#include "absl/numeric/int128.h"
#include "absl/strings/str_format.h"

namespace dondoc {

std::optional<std::string> ChangeText(int64_t online, int64_t total, int64_t online_before,
                                      int64_t total_before) {
  if (total == 0 || total_before == 0) return std::nullopt;
  const absl::int128 difference =
      absl::int128(online) * total_before - absl::int128(online_before) * total;
  const absl::int128 whole = absl::int128(total) * total_before;
  const bool negative = difference < 0;
  // Hundredths of a percentage point; half away from zero is half up of the size.
  const absl::int128 size = negative ? -difference : difference;
  const auto hundredths = static_cast<int64_t>((size * 20'000 + whole) / (whole * 2));
  if (hundredths == 0) return "0.00";
  return absl::StrFormat("%c%d.%02d", negative ? '-' : '+', hundredths / 100, hundredths % 100);
}

}  // namespace dondoc
