#include "services/aggregation/day_plane.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

constexpr PlaneRow kZeros = {};

bool InBlocks(int32_t day) { return day >= kFirstPlaneDay && day <= kLastPlaneDay; }

size_t At(int column, int slot) { return static_cast<size_t>(column * kChunkUnits + slot); }

absl::Status BelowZero(int32_t day) {
  return absl::DataLossError(absl::StrCat("day ", day, ": a count below zero"));
}

absl::Status TooMany(int64_t total) {
  return absl::DataLossError(
      absl::StrCat(total, " dossiers of one channel, limit ", kUnitColumnMax));
}

absl::Status Named(const absl::Status& status, int unit, UnitNamer name) {
  return absl::DataLossError(absl::StrCat("unit ", name(unit), ": ", status.message()));
}

// Sorts, and makes one of all changes of the same key.
void AddUp(std::vector<PlaneChange>& changes) {
  std::sort(changes.begin(), changes.end(),
            [](const PlaneChange& a, const PlaneChange& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < changes.size();) {
    PlaneChange sum = changes[i++];
    while (i < changes.size() && changes[i].key == sum.key) sum.count += changes[i++].count;
    if (sum.count != 0) changes[kept++] = sum;
  }
  changes.resize(kept);
}

}  // namespace

DayPlane DayPlane::Freeze() {
  DayPlane frozen;
  frozen.chunks_ = chunks_;
  ++generation_;
  return frozen;
}

DayPlane::Chunk& DayPlane::WritableChunk(int chunk) {
  const size_t index = static_cast<size_t>(chunk);
  if (index >= chunks_.size()) chunks_.resize(index + 1);
  std::shared_ptr<Chunk>& held = chunks_[index];
  if (held == nullptr) {
    held = std::make_shared<Chunk>();
    held->before.resize(1);
  } else if (held->generation != generation_) {
    held = std::make_shared<Chunk>(*held);
  }
  held->generation = generation_;
  return *held;
}

DayPlane::Block& DayPlane::WritableBlock(Chunk& chunk, int32_t id, size_t* at) {
  const auto found = std::lower_bound(chunk.ids.begin(), chunk.ids.end(), id);
  const auto index = found - chunk.ids.begin();
  *at = static_cast<size_t>(index);
  if (found == chunk.ids.end() || *found != id) {
    chunk.ids.insert(found, id);
    chunk.blocks.insert(chunk.blocks.begin() + index, std::make_shared<Block>());
    const PlaneRow before = chunk.before[*at];
    chunk.before.insert(chunk.before.begin() + index, before);
  } else if (chunk.blocks[*at]->generation != generation_) {
    chunk.blocks[*at] = std::make_shared<Block>(*chunk.blocks[*at]);
  }
  chunk.blocks[*at]->generation = generation_;
  return *chunk.blocks[*at];
}

absl::Status DayPlane::AddDay(Chunk& chunk, const PlaneChange& change) {
  const int32_t day = change.day() - kFirstPlaneDay;
  size_t index = 0;
  Block& block = WritableBlock(chunk, day / kBlockDays, &index);
  const size_t row = static_cast<size_t>(day % kBlockDays);
  const size_t column = At(change.column(), change.unit() % kChunkUnits);
  const int64_t held = int64_t{block.rows[row][column]} -
                       (row == 0 ? int64_t{0} : int64_t{block.rows[row - 1][column]});
  if (held + change.count < 0) return BelowZero(change.day());
  const int64_t total = int64_t{chunk.before.back()[column]} + change.count;
  if (total > kUnitColumnMax) return TooMany(total);
  const uint32_t count = static_cast<uint32_t>(change.count);
  for (size_t i = row; i < kBlockDays; ++i) block.rows[i][column] += count;
  for (size_t i = index + 1; i < chunk.before.size(); ++i) chunk.before[i][column] += count;
  return absl::OkStatus();
}

absl::Status DayPlane::AddStrays(Chunk& chunk, absl::Span<const PlaneChange> changes,
                                 UnitNamer name) {
  if (changes.empty()) return absl::OkStatus();
  const int first_unit = changes.front().unit() / kChunkUnits * kChunkUnits;
  std::vector<PlaneChange> all(changes.begin(), changes.end());
  for (const Stray& stray : chunk.strays) {
    for (int column = 0; column < kColumns; ++column) {
      all.push_back(PlaneChange::Of(first_unit + stray.slot, stray.day, static_cast<Column>(column),
                                    stray.counts[static_cast<size_t>(column)]));
    }
  }
  AddUp(all);
  chunk.strays.clear();
  std::array<int64_t, kColumns> totals = {};
  for (const PlaneChange& change : all) {
    const int slot = change.unit() - first_unit;
    if (chunk.strays.empty() || chunk.strays.back().slot != slot) totals = {};
    const size_t column = static_cast<size_t>(change.column());
    totals[column] += change.count;
    if (change.count < 0) return Named(BelowZero(change.day()), change.unit(), name);
    if (totals[column] > kUnitColumnMax) {
      return Named(TooMany(totals[column]), change.unit(), name);
    }
    if (chunk.strays.empty() || chunk.strays.back().slot != slot ||
        chunk.strays.back().day != change.day()) {
      chunk.strays.push_back({slot, change.day(), {}});
    }
    chunk.strays.back().counts[column] = static_cast<uint32_t>(change.count);
  }
  return absl::OkStatus();
}

absl::Status DayPlane::Add(std::vector<PlaneChange> changes, UnitNamer name) {
  AddUp(changes);
  std::vector<PlaneChange> strays;
  for (size_t i = 0; i < changes.size();) {
    const int index = changes[i].unit() / kChunkUnits;
    Chunk& chunk = WritableChunk(index);
    strays.clear();
    for (; i < changes.size() && changes[i].unit() / kChunkUnits == index; ++i) {
      if (!InBlocks(changes[i].day())) {
        strays.push_back(changes[i]);
        continue;
      }
      const absl::Status added = AddDay(chunk, changes[i]);
      if (!added.ok()) return Named(added, changes[i].unit(), name);
    }
    RETURN_IF_ERROR(AddStrays(chunk, strays, name));
  }
  return absl::OkStatus();
}

DayPlane::Sum DayPlane::UpTo(const Chunk& chunk, int64_t day) {
  const int64_t from_first = day - kFirstPlaneDay;
  if (from_first < 0) return {&kZeros, &kZeros};
  const int64_t id = from_first / kBlockDays;
  const auto found = std::lower_bound(chunk.ids.begin(), chunk.ids.end(), id);
  const size_t index = static_cast<size_t>(found - chunk.ids.begin());
  if (found == chunk.ids.end() || *found != id) return {&chunk.before[index], &kZeros};
  return {&chunk.before[index],
          &chunk.blocks[index]->rows[static_cast<size_t>(from_first % kBlockDays)]};
}

template <typename Visit>
void DayPlane::VisitStrays(const Chunk& chunk, int slot, const DayRange& window, Visit visit) {
  if (chunk.strays.empty() || (InBlocks(window.first) && InBlocks(window.last))) return;
  const std::pair from(slot, window.first);
  auto stray = std::lower_bound(chunk.strays.begin(), chunk.strays.end(), from,
                                [](const Stray& a, const std::pair<int, int32_t>& b) {
                                  return std::pair(a.slot, a.day) < b;
                                });
  for (; stray != chunk.strays.end() && stray->slot == slot && stray->day <= window.last; ++stray) {
    visit(*stray);
  }
}

Counts DayPlane::In(int unit, const DayRange& window) const {
  const size_t index = static_cast<size_t>(unit / kChunkUnits);
  // A plane is only as long as the directory was when it was last changed.
  if (window.empty() || index >= chunks_.size() || chunks_[index] == nullptr) return {};
  const Chunk& chunk = *chunks_[index];
  const int slot = unit % kChunkUnits;
  const Sum last = UpTo(chunk, window.last);
  const Sum first = UpTo(chunk, int64_t{window.first} - 1);
  PlaneRow row;
  for (int column = 0; column < kColumns; ++column) {
    const size_t at = At(column, slot);
    row[at] = (*last.before)[at] + (*last.within)[at] - (*first.before)[at] - (*first.within)[at];
  }
  VisitStrays(chunk, slot, window, [&row, slot](const Stray& stray) {
    for (int column = 0; column < kColumns; ++column) {
      row[At(column, slot)] += stray.counts[static_cast<size_t>(column)];
    }
  });
  return CountsAt(row, slot);
}

DayPlane::Found DayPlane::Find(int chunk, const DayRange& window) const {
  const size_t index = static_cast<size_t>(chunk);
  if (window.empty() || index >= chunks_.size() || chunks_[index] == nullptr) return {};
  const Chunk& found = *chunks_[index];
  return {&found, UpTo(found, window.last), UpTo(found, int64_t{window.first} - 1)};
}

void DayPlane::SumInChunk(const Found& found, const DayRange& window, PlaneRow& out) {
  if (found.chunk == nullptr) {
    out = {};
    return;
  }
  const Chunk& chunk = *found.chunk;
  const Sum& last = found.last;
  const Sum& first = found.first;
  const uint32_t* const a = last.before->data();
  const uint32_t* const b = last.within->data();
  const uint32_t* const c = first.before->data();
  const uint32_t* const d = first.within->data();
  for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] + b[i] - c[i] - d[i];
  for (int slot = 0; slot < kChunkUnits && !chunk.strays.empty(); ++slot) {
    VisitStrays(chunk, slot, window, [&out, slot](const Stray& stray) {
      for (int column = 0; column < kColumns; ++column) {
        out[At(column, slot)] += stray.counts[static_cast<size_t>(column)];
      }
    });
  }
}

struct PlaneBuilder::Days {
  bool used = false;
  std::array<std::array<int64_t, kColumns * kChunkUnits>, kBlockDays> counts = {};
};

PlaneBuilder::PlaneBuilder() = default;
PlaneBuilder::~PlaneBuilder() = default;

void PlaneBuilder::Add(int slot, int32_t day, Column column, int64_t count) {
  if (!InBlocks(day)) {
    strays_.push_back(PlaneChange::Of(slot, day, column, count));
    return;
  }
  const int32_t from_first = day - kFirstPlaneDay;
  const int32_t id = from_first / kBlockDays;
  std::unique_ptr<Days>& days = days_[static_cast<size_t>(id)];
  if (days == nullptr) days = std::make_unique<Days>();
  if (!days->used) {
    days->used = true;
    used_.push_back(id);
  }
  days->counts[static_cast<size_t>(from_first % kBlockDays)][At(static_cast<int>(column), slot)] +=
      count;
}

absl::Status PlaneBuilder::WhatIsBad(int chunk, int32_t id, const PlaneRow& before,
                                     UnitNamer name) const {
  const Days& days = *days_[static_cast<size_t>(id)];
  for (size_t at = 0; at < before.size(); ++at) {
    const int unit = chunk * kChunkUnits + static_cast<int>(at) % kChunkUnits;
    int64_t sum = before[at];
    for (size_t row = 0; row < kBlockDays; ++row) {
      const int64_t count = days.counts[row][at];
      const int32_t day = kFirstPlaneDay + id * kBlockDays + static_cast<int32_t>(row);
      if (count < 0) return Named(BelowZero(day), unit, name);
      sum += count;
      if (sum > kUnitColumnMax) return Named(TooMany(sum), unit, name);
    }
  }
  return absl::InternalError("nothing is bad");
}

absl::Status PlaneBuilder::FinishBlock(int chunk, int32_t id, DayPlane::Chunk& out,
                                       UnitNamer name) {
  Days& days = *days_[static_cast<size_t>(id)];
  auto block = std::make_shared<DayPlane::Block>();
  const PlaneRow before = out.before.back();
  std::array<int64_t, kColumns * kChunkUnits> sums;
  for (size_t at = 0; at < sums.size(); ++at) sums[at] = before[at];
  bool bad = false;
  for (size_t row = 0; row < kBlockDays; ++row) {
    for (size_t at = 0; at < sums.size(); ++at) {
      const int64_t count = days.counts[row][at];
      sums[at] += count;
      bad |= count < 0 || sums[at] > kUnitColumnMax;
      block->rows[row][at] = static_cast<uint32_t>(sums[at]) - before[at];
    }
  }
  if (bad) return WhatIsBad(chunk, id, before, name);
  PlaneRow total;
  for (size_t at = 0; at < sums.size(); ++at) total[at] = static_cast<uint32_t>(sums[at]);
  days = {};
  out.ids.push_back(id);
  out.blocks.push_back(std::move(block));
  out.before.push_back(total);
  return absl::OkStatus();
}

absl::Status PlaneBuilder::FinishChunk(int chunk, UnitNamer name) {
  if (used_.empty() && strays_.empty()) return absl::OkStatus();
  auto made = std::make_shared<DayPlane::Chunk>();
  made->before.resize(1);
  std::sort(used_.begin(), used_.end());
  for (const int32_t id : used_) RETURN_IF_ERROR(FinishBlock(chunk, id, *made, name));
  used_.clear();
  for (PlaneChange& stray : strays_) {
    stray.key += static_cast<uint64_t>(chunk * kChunkUnits) << 34;
  }
  RETURN_IF_ERROR(DayPlane::AddStrays(*made, strays_, name));
  strays_.clear();
  const size_t index = static_cast<size_t>(chunk);
  if (index >= plane_.chunks_.size()) plane_.chunks_.resize(index + 1);
  plane_.chunks_[index] = std::move(made);
  return absl::OkStatus();
}

}  // namespace dondoc::aggregation
