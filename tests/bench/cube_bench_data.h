#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "dondoc/v1/feed.pb.h"

namespace dondoc::bench {

struct DataOptions {
  int64_t dossiers = 0;
  int units = 12'000;
  int procedures = 6'000;
  int days = 365;
  uint32_t seed = 1;
};

inline constexpr int32_t kFirstDay = 19358;  // 2023-01-01

// A ledger as its feed would show it, made up straight as cells: units of unequal size, each with a
// few dozen procedures of its own, a few of which make up most of its dossiers.
class Data {
 public:
  explicit Data(const DataOptions& options);

  // The snapshot at sequence 1, serialized, one chunk after the other; false = no more.
  bool NextChunk(std::string& chunk);
  int64_t cells() const { return cells_; }

  // A sequence that adds `changes` dossiers of any units: nine of ten received on the last 30 days
  // when `recent`, otherwise on any.
  v1::FeedEvent Sequence(int64_t sequence, int changes, bool recent);

  std::string UnitId(int unit) const;
  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

 private:
  struct Facts {
    uint32_t procedure;
    int32_t day;
    uint32_t channel;
    uint32_t level;
    uint32_t status;
    auto operator<=>(const Facts&) const = default;
  };
  Facts Dossier(int unit);
  void AddUnit(v1::CellBlock& block);
  void FillFirst(v1::SnapshotChunk& chunk) const;
  static void AddRow(v1::CellBlock& block, uint32_t unit, uint32_t procedure, const Facts& facts,
                     int64_t count);

  DataOptions options_;
  std::mt19937 random_;
  std::vector<int64_t> dossiers_;  // by unit
  int next_unit_ = 0;
  int64_t cells_ = 0;
};

}  // namespace dondoc::bench
