#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "dondoc/v1/feed.pb.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {

struct CellKey {
  uint32_t unit = 0;
  uint32_t procedure = 0;
  int32_t day = 0;
  uint8_t channel = 0;
  uint8_t service_level = 0;
  uint8_t status = 0;

  friend bool operator==(const CellKey&, const CellKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const CellKey& key) {
    const uint64_t texts = (uint64_t{key.unit} << 32) | key.procedure;
    const uint64_t rest = (static_cast<uint64_t>(static_cast<uint32_t>(key.day)) << 24) |
                          (uint64_t{key.channel} << 16) | (uint64_t{key.service_level} << 8) |
                          key.status;
    return H::combine(std::move(h), texts, rest);
  }
};

using CellCounts = absl::flat_hash_map<CellKey, int64_t>;

// The cell a state is counted in; nullopt when it is not counted.
std::optional<CellKey> CellOf(const Facts& facts);

// Adds `count` to a cell; one that comes to 0 goes.
void AddToCell(CellCounts& cells, const CellKey& key, int64_t count);

// Sorts cells by unit, procedure, day and the rest, adds up those of equal keys, and drops zeros.
void SortAndAddUp(std::vector<std::pair<CellKey, int64_t>>& cells);

// Bytes that a block of ours is cut at; leaves room below kFeedBytesMax for the message round it.
inline constexpr size_t kBlockBytesMax = 900 * 1024;

// Builds blocks of cells; texts get their places when they first come.
class CellBlockWriter {
 public:
  // `cells` are ordered, and `texts` holds their numbers. Units that come one after the other pack
  // best.
  void Add(absl::Span<const std::pair<CellKey, int64_t>> cells, const TextTable& texts);
  // The next block that is full, at about kBlockBytesMax; nullopt when none is.
  std::optional<v1::CellBlock> TakeFull();
  // What is left; nullopt when nothing is.
  std::optional<v1::CellBlock> TakeRest();

 private:
  void Add(const CellKey& key, int64_t count, const TextTable& texts);
  uint32_t Index(absl::flat_hash_map<uint32_t, uint32_t>& known, uint32_t number,
                 const TextTable& table, google::protobuf::RepeatedPtrField<std::string>& texts);

  v1::CellBlock block_;
  absl::flat_hash_map<uint32_t, uint32_t> units_;
  absl::flat_hash_map<uint32_t, uint32_t> procedures_;
  size_t bytes_ = 0;
  std::deque<v1::CellBlock> full_;
};

// Calls `visit` for each cell of `block`, its texts numbered by `number`. kDataLoss when the
// columns do not fit together.
absl::Status ForEachCell(const v1::CellBlock& block,
                         absl::FunctionRef<uint32_t(const std::string&)> number,
                         absl::FunctionRef<void(const CellKey&, int64_t)> visit);

}  // namespace dondoc::ingestion
