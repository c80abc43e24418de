#include "services/ingestion/ledger/packed_revisions.h"

namespace dondoc::ingestion {
namespace {

constexpr int kServiceShift = 22;
constexpr int kChannelShift = 44;
constexpr int kLevelShift = 48;
constexpr int kStatusShift = 52;
constexpr uint64_t kPairMask = (1 << 22) - 1;
constexpr uint64_t kChannelMask = 15;
constexpr uint64_t kLevelMask = 15;
constexpr uint64_t kStatusMask = 63;

constexpr int64_t kUsPerMs = 1000;
constexpr int64_t kMsMax = (int64_t{1} << 47) - 1;

// Whether an instant is whole milliseconds in 48 bits.
bool IsNarrow(int64_t us) {
  return us % kUsPerMs == 0 && us / kUsPerMs <= kMsMax && us / kUsPerMs >= -kMsMax;
}

void PutTime(int64_t us, uint16_t* place) {
  const auto ms = static_cast<uint64_t>(us / kUsPerMs);
  place[0] = static_cast<uint16_t>(ms);
  place[1] = static_cast<uint16_t>(ms >> 16);
  place[2] = static_cast<uint16_t>(ms >> 32);
}

int64_t GetTime(const uint16_t* place) {
  const uint64_t ms = place[0] | (uint64_t{place[1]} << 16) | (uint64_t{place[2]} << 32);
  // The 48th bit is the sign.
  return (static_cast<int64_t>(ms << 16) >> 16) * kUsPerMs;
}

}  // namespace

std::optional<uint32_t> NumberPairs::Add(uint32_t first, uint32_t second) {
  const uint64_t key = (uint64_t{first} << 32) | second;
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  if (size() == kMax) return std::nullopt;
  numbers_.emplace(key, size());
  pairs_.emplace_back(first, second);
  return size() - 1;
}

uint32_t PackedRevisions::ImportOfSequence(int64_t sequence) const {
  const auto found = imports_.find(sequence);
  return found == imports_.end() ? kPush : found->second;
}

PackedRevision PackedRevisions::Pack(const Revision& revision) {
  const Facts& facts = revision.facts;
  PackedRevision packed = {};
  uint64_t bits = revision.import == kPush ? 0 : PackedRevision::kImport;
  const std::optional<uint32_t> place = places_.Add(facts.unit, facts.handling_unit);
  const std::optional<uint32_t> service = services_.Add(facts.procedure, facts.field);
  const bool received = facts.received_us != kNoTime;
  const bool update = revision.update_us != kNoTime;
  const bool narrow = place && service && facts.channel <= kChannelMask &&
                      facts.service_level <= kLevelMask && facts.status <= kStatusMask &&
                      (!received || IsNarrow(facts.received_us)) &&
                      (!update || IsNarrow(revision.update_us)) && revision.row_number >= 0 &&
                      revision.row_number <= ~uint32_t{0} && revision.sequence <= ~uint32_t{0};
  if (narrow) {
    bits |= *place | (uint64_t{*service} << kServiceShift) |
            (uint64_t{facts.channel} << kChannelShift) |
            (uint64_t{facts.service_level} << kLevelShift) |
            (uint64_t{facts.status} << kStatusShift) |
            (facts.withdrawn ? PackedRevision::kWithdrawn : 0) |
            (received ? PackedRevision::kReceived : 0) | (update ? PackedRevision::kUpdate : 0);
    if (received) PutTime(facts.received_us, packed.times.data());
    if (update) PutTime(revision.update_us, packed.times.data() + 3);
    packed.sequence = static_cast<uint32_t>(revision.sequence);
    packed.row = static_cast<uint32_t>(revision.row_number);
  } else {
    bits |= PackedRevision::kWide;
    const auto wide_place = static_cast<uint32_t>(wide_.size());
    packed.times[0] = static_cast<uint16_t>(wide_place);
    packed.times[1] = static_cast<uint16_t>(wide_place >> 16);
    wide_.push_back(revision);
  }
  packed.facts = {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  return packed;
}

Revision PackedRevisions::UnpackNarrow(const PackedRevision& packed) const {
  const uint64_t bits = packed.bits();
  Revision revision;
  Facts& facts = revision.facts;
  std::tie(facts.unit, facts.handling_unit) = places_.Get(bits & kPairMask);
  std::tie(facts.procedure, facts.field) = services_.Get((bits >> kServiceShift) & kPairMask);
  facts.channel = static_cast<uint8_t>((bits >> kChannelShift) & kChannelMask);
  facts.service_level = static_cast<uint8_t>((bits >> kLevelShift) & kLevelMask);
  facts.status = static_cast<uint8_t>((bits >> kStatusShift) & kStatusMask);
  facts.withdrawn = packed.Has(PackedRevision::kWithdrawn);
  if (packed.Has(PackedRevision::kReceived)) facts.received_us = GetTime(packed.times.data());
  if (packed.Has(PackedRevision::kUpdate)) revision.update_us = GetTime(packed.times.data() + 3);
  revision.sequence = packed.sequence;
  revision.row_number = packed.row;
  if (packed.Has(PackedRevision::kImport)) revision.import = ImportOfSequence(packed.sequence);
  if (revision.update_us != kNoTime) {
    revision.effective_us = revision.update_us;
  } else {
    revision.effective_us = revision.import == kPush
                                ? commit_us_[packed.sequence - 1]
                                : all_imports_[revision.import].default_effective_us;
  }
  return revision;
}

}  // namespace dondoc::ingestion
