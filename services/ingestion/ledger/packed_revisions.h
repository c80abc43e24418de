#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/ingestion/ledger/import_view.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {

// A revision in 28 bytes. Facts and flags, from the lowest bit: number of (unit, handling unit) 22,
// of (procedure, field) 22, channel 4, service level 4, status 6, then the flags below. Times are
// milliseconds since 1970-01-01Z in 48 bits. The effective time and the import follow from the
// sequence.
struct PackedRevision {
  std::array<uint32_t, 2> facts;
  std::array<uint16_t, 6> times;  // received, update; or the place of a wide revision
  uint32_t sequence;
  uint32_t row;

  static constexpr uint64_t kWithdrawn = uint64_t{1} << 58;
  static constexpr uint64_t kReceived = uint64_t{1} << 59;
  static constexpr uint64_t kUpdate = uint64_t{1} << 60;
  static constexpr uint64_t kImport = uint64_t{1} << 61;
  static constexpr uint64_t kWide = uint64_t{1} << 62;
  // Not a revision: `row` is the place of the first of several.
  static constexpr uint64_t kChain = uint64_t{1} << 63;

  uint64_t bits() const { return facts[0] | (uint64_t{facts[1]} << 32); }
  bool Has(uint64_t flag) const { return (bits() & flag) != 0; }
};
static_assert(sizeof(PackedRevision) == 28 && alignof(PackedRevision) == 4);

// Pairs of numbers kept once, numbered from 0 on; (0, 0) is 0.
class NumberPairs {
 public:
  static constexpr uint32_t kMax = 1 << 22;

  NumberPairs() { Add(0, 0); }
  // nullopt when there is no room for another pair.
  std::optional<uint32_t> Add(uint32_t first, uint32_t second);
  std::pair<uint32_t, uint32_t> Get(uint32_t number) const { return pairs_[number]; }
  uint32_t size() const { return static_cast<uint32_t>(pairs_.size()); }

 private:
  std::vector<std::pair<uint32_t, uint32_t>> pairs_;
  absl::flat_hash_map<uint64_t, uint32_t> numbers_;
};

// Packs revisions and keeps what does not fit into 28 bytes: instants with a part of a millisecond,
// numbers out of range.
class PackedRevisions {
 public:
  // `imports` are numbered as in Revision::import, `commit_us` are the commit times of sequence
  // i + 1; both outlive this.
  PackedRevisions(const std::vector<ImportView>& imports, const std::vector<int64_t>& commit_us)
      : all_imports_(imports), commit_us_(commit_us) {}

  // Says that a sequence is of an import; before its revisions come.
  void SetImport(int64_t sequence, uint32_t import) { imports_[sequence] = import; }
  void ForgetImport(int64_t sequence) { imports_.erase(sequence); }

  // The revision's import and default effective time are those of its sequence.
  PackedRevision Pack(const Revision& revision);
  Revision Unpack(const PackedRevision& packed) const {
    return packed.Has(PackedRevision::kWide) ? wide_[WidePlace(packed)] : UnpackNarrow(packed);
  }
  int64_t SequenceOf(const PackedRevision& packed) const {
    return packed.Has(PackedRevision::kWide) ? wide_[WidePlace(packed)].sequence : packed.sequence;
  }
  // kPush for a push.
  uint32_t ImportOf(const PackedRevision& packed) const {
    return packed.Has(PackedRevision::kImport) ? ImportOfSequence(SequenceOf(packed)) : kPush;
  }

  // Wide revisions can be forgotten in reverse.
  size_t wide_count() const { return wide_.size(); }
  void TruncateWide(size_t count) { wide_.resize(count); }

  // --- For checkpoints.
  NumberPairs& places() { return places_; }
  const NumberPairs& places() const { return places_; }
  NumberPairs& services() { return services_; }
  const NumberPairs& services() const { return services_; }

 private:
  static uint32_t WidePlace(const PackedRevision& packed) {
    return packed.times[0] | (uint32_t{packed.times[1]} << 16);
  }
  Revision UnpackNarrow(const PackedRevision& packed) const;
  uint32_t ImportOfSequence(int64_t sequence) const;

  NumberPairs places_;
  NumberPairs services_;
  std::deque<Revision> wide_;
  const std::vector<ImportView>& all_imports_;
  const std::vector<int64_t>& commit_us_;
  absl::flat_hash_map<int64_t, uint32_t> imports_;  // of sequences that are not pushes
};

}  // namespace dondoc::ingestion
