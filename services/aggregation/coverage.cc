#include "services/aggregation/coverage.h"

#include <algorithm>
#include <utility>

namespace dondoc::aggregation {
namespace {

// The range of `sorted` that holds `day`, or nullptr.
const DayRange* Holding(const Cover* cover, int32_t day) {
  if (cover == nullptr) return nullptr;
  const auto after =
      std::upper_bound(cover->complete.begin(), cover->complete.end(), day,
                       [](int32_t value, const DayRange& range) { return value < range.first; });
  if (after == cover->complete.begin()) return nullptr;
  const DayRange& range = *std::prev(after);
  return day <= range.last ? &range : nullptr;
}

// Puts `added` into the sorted, disjoint, not touching `ranges`.
void Merge(std::vector<DayRange>& ranges, DayRange added) {
  std::vector<DayRange> merged;
  merged.reserve(ranges.size() + 1);
  bool placed = false;
  for (const DayRange& range : ranges) {
    // 64 bits: an end may be the last day there is.
    if (int64_t{range.last} + 1 < added.first) {
      merged.push_back(range);
    } else if (int64_t{added.last} + 1 < range.first) {
      if (!placed) merged.push_back(added);
      placed = true;
      merged.push_back(range);
    } else {
      added = {std::min(added.first, range.first), std::max(added.last, range.last)};
    }
  }
  if (!placed) merged.push_back(added);
  ranges = std::move(merged);
}

}  // namespace

const Cover* CoverageTable::Own(int unit) const {
  const CoverChunk* chunk = ChunkOf(unit);
  if (chunk == nullptr) return nullptr;
  return chunk->covers[static_cast<size_t>(unit) % kCoverChunkUnits].get();
}

bool CoverageTable::CompleteByWalk(int unit, const DayRange& days) const {
  // Walks from the first day on, each time as far as either cover reaches.
  int64_t day = days.first;
  while (day <= days.last) {
    const DayRange* own = Holding(Own(unit), static_cast<int32_t>(day));
    const DayRange* all = Holding(everyone_.get(), static_cast<int32_t>(day));
    if (own == nullptr && all == nullptr) return false;
    int64_t reached = day;
    if (own != nullptr) reached = std::max<int64_t>(reached, own->last);
    if (all != nullptr) reached = std::max<int64_t>(reached, all->last);
    day = reached + 1;
  }
  return true;
}

std::optional<int32_t> CoverageTable::FirstDay(int unit) const {
  std::optional<int32_t> first;
  for (const Cover* cover : {Own(unit), everyone_.get()}) {
    if (cover != nullptr && cover->first_day.has_value()) {
      first = std::min(first.value_or(*cover->first_day), *cover->first_day);
    }
  }
  return first;
}

std::optional<int32_t> CoverageTable::LastDay(int unit) const {
  std::optional<int32_t> last;
  for (const Cover* cover : {Own(unit), everyone_.get()}) {
    if (cover != nullptr && cover->last_day.has_value()) {
      last = std::max(last.value_or(*cover->last_day), *cover->last_day);
    }
  }
  return last;
}

std::optional<absl::Time> CoverageTable::NewestClaim(int unit) const {
  const Cover* own = Own(unit);
  const Cover* all = everyone_.get();
  const Cover* newest = own;
  if (newest == nullptr || (all != nullptr && all->claim_sequence > newest->claim_sequence)) {
    newest = all;
  }
  if (newest == nullptr) return std::nullopt;
  return newest->claim_time;
}

void CoverageBook::AddTo(std::shared_ptr<const Cover>& cover, const Claim& claim) {
  auto changed = cover == nullptr ? std::make_shared<Cover>() : std::make_shared<Cover>(*cover);
  if (claim.complete) Merge(changed->complete, claim.days);
  changed->first_day = std::min(changed->first_day.value_or(claim.days.first), claim.days.first);
  changed->last_day = std::max(changed->last_day.value_or(claim.days.last), claim.days.last);
  if (claim.sequence >= changed->claim_sequence) {
    changed->claim_sequence = claim.sequence;
    changed->claim_time = claim.commit_time;
  }
  cover = std::move(changed);
}

std::shared_ptr<const Cover> CoverageBook::Recomputed(const std::vector<int64_t>& claims) const {
  std::shared_ptr<const Cover> cover;
  for (const int64_t sequence : claims) {
    const Claim& claim = claims_.at(sequence);
    if (claim.live) AddTo(cover, claim);
  }
  return cover;
}

std::shared_ptr<const Cover> CoverageBook::Own(int unit) const {
  const size_t chunk = static_cast<size_t>(unit) / kCoverChunkUnits;
  if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return nullptr;
  return chunks_[chunk]->covers[static_cast<size_t>(unit) % kCoverChunkUnits];
}

void CoverageBook::SetOwn(int unit, std::shared_ptr<const Cover> cover) {
  const size_t index = static_cast<size_t>(unit) / kCoverChunkUnits;
  const size_t slot = static_cast<size_t>(unit) % kCoverChunkUnits;
  if (index >= chunks_.size()) chunks_.resize(index + 1);
  std::shared_ptr<CoverChunk>& chunk = chunks_[index];
  if (chunk == nullptr) {
    chunk = std::make_shared<CoverChunk>();
  } else if (chunk->generation != generation_) {
    chunk = std::make_shared<CoverChunk>(*chunk);
  }
  chunk->generation = generation_;
  CoverChunk::Newest newest;
  if (cover != nullptr && !cover->complete.empty()) {
    newest.days = cover->complete.back();
    newest.only = cover->complete.size() == 1;
  }
  chunk->newest[slot] = newest;
  chunk->covers[slot] = std::move(cover);
}

void CoverageBook::Put(Claim claim) {
  const int64_t sequence = claim.sequence;
  const auto known = claims_.find(sequence);
  const bool replaces = known != claims_.end();
  // A claim's units and days never change; only whether it is live does.
  if (replaces) {
    if (!claim.commit_time.has_value()) claim.commit_time = known->second.commit_time;
    known->second = std::move(claim);
  } else {
    claims_.emplace(sequence, std::move(claim));
  }
  const Claim& put = claims_.at(sequence);
  if (put.every_unit) {
    if (!replaces) claims_of_everyone_.push_back(sequence);
    if (replaces) {
      everyone_ = Recomputed(claims_of_everyone_);
    } else if (put.live) {
      AddTo(everyone_, put);
    }
    return;
  }
  for (const int unit : put.units) {
    const size_t index = static_cast<size_t>(unit);
    if (index >= claims_of_unit_.size()) claims_of_unit_.resize(index + 1);
    if (replaces) {
      SetOwn(unit, Recomputed(claims_of_unit_[index]));
      continue;
    }
    claims_of_unit_[index].push_back(sequence);
    if (!put.live) continue;
    std::shared_ptr<const Cover> cover = Own(unit);
    AddTo(cover, put);
    SetOwn(unit, std::move(cover));
  }
}

CoverageTable CoverageBook::Table() {
  CoverageTable table;
  table.everyone_ = everyone_;
  table.chunks_.assign(chunks_.begin(), chunks_.end());
  ++generation_;
  return table;
}

const Claim* CoverageBook::Find(int64_t sequence) const {
  const auto found = claims_.find(sequence);
  return found == claims_.end() ? nullptr : &found->second;
}

}  // namespace dondoc::aggregation
