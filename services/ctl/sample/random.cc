#include "services/ctl/sample/random.h"

#include <algorithm>

namespace dondoc::sample {

WeightedChoice::WeightedChoice(const std::vector<int64_t>& weights) {
  running_sums_.reserve(weights.size());
  int64_t sum = 0;
  for (const int64_t weight : weights) running_sums_.push_back(sum += weight);
}

size_t WeightedChoice::Pick(Random& random) const {
  const int64_t at = random.Below(running_sums_.back());
  const auto found = std::upper_bound(running_sums_.begin(), running_sums_.end(), at);
  return static_cast<size_t>(found - running_sums_.begin());
}

}  // namespace dondoc::sample
