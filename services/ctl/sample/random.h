#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace dondoc::sample {

// Random numbers that are the same on every machine: the generator is fixed by the C++ standard and
// its mapping to a range is ours, because the standard distributions differ between libraries.
class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}

  // 0 … n-1; n > 0. The bias of the remainder, below 2^-40 for our ranges, does not matter here.
  int64_t Below(int64_t n) { return static_cast<int64_t>(generator_() % static_cast<uint64_t>(n)); }
  // Both ends included.
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  bool Chance(int64_t per_10000) { return Below(10'000) < per_10000; }

  template <typename T>
  void Shuffle(std::vector<T>& values) {
    for (size_t left = values.size(); left > 1; --left) {
      const auto pick = static_cast<size_t>(Below(static_cast<int64_t>(left)));
      std::swap(values[left - 1], values[pick]);
    }
  }

 private:
  std::mt19937_64 generator_;
};

// Picks an index with a chance proportional to its weight.
class WeightedChoice {
 public:
  // `weights` not negative, their sum positive.
  explicit WeightedChoice(const std::vector<int64_t>& weights);
  size_t Pick(Random& random) const;

 private:
  std::vector<int64_t> running_sums_;
};

}  // namespace dondoc::sample
