#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/repeated_field.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/store.h"

namespace dondoc::ingestion {

// The blocks of a record: in it while they are few, else each a chunk in the store, written when it
// comes and not synced: the store keeps the order, so the record's sync covers them.
template <typename Block>
class BlockSink {
 public:
  using Key = std::function<std::string(int64_t chunk)>;

  // `store` null = nothing is kept. It outlives the sink.
  BlockSink(Store* store, size_t inline_bytes_max, Key key)
      : store_(store), inline_bytes_max_(inline_bytes_max), key_(std::move(key)) {}

  absl::Status Add(Block block) {
    if (store_ == nullptr) return absl::OkStatus();
    inline_bytes_ += block.ByteSizeLong();
    if (inline_bytes_ <= inline_bytes_max_) {
      inline_.push_back(std::move(block));
      return absl::OkStatus();
    }
    for (const Block& earlier : inline_) RETURN_IF_ERROR(Write(earlier));
    inline_.clear();
    return Write(block);
  }
  // What the record holds, and how many chunks there are beside it.
  int32_t Finish(google::protobuf::RepeatedPtrField<Block>& blocks) {
    for (Block& block : inline_) *blocks.Add() = std::move(block);
    return chunks_;
  }

 private:
  absl::Status Write(const Block& block) {
    RETURN_IF_ERROR(store_->Write(
        WriteBatch().Add(WriteBatch::Put{key_(chunks_), block.SerializeAsString()}), false));
    ++chunks_;
    return absl::OkStatus();
  }

  Store* const store_;
  const size_t inline_bytes_max_;
  const Key key_;
  std::vector<Block> inline_;
  size_t inline_bytes_ = 0;
  int32_t chunks_ = 0;
};

}  // namespace dondoc::ingestion
