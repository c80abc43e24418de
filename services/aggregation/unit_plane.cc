#include "services/aggregation/unit_plane.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace dondoc::aggregation {
namespace {

Counts Minus(const Counts& a, const Counts& b) {
  return {a.online - b.online, a.counter - b.counter, a.postal - b.postal, a.unknown - b.unknown};
}

}  // namespace

Counts UnitPlane::UpTo(int64_t day) const {
  if (sums_.empty() || day < first_) return {};
  if (days_.empty()) {
    const size_t index = static_cast<size_t>(day - first_);
    return sums_[std::min(index, sums_.size() - 1)];
  }
  const auto after = std::upper_bound(days_.begin(), days_.end(), day);
  return sums_[static_cast<size_t>(after - days_.begin()) - 1];
}

Counts UnitPlane::In(const DayRange& window) const {
  if (window.empty()) return {};
  return Minus(UpTo(window.last), UpTo(int64_t{window.first} - 1));
}

std::vector<DayCounts> UnitPlane::Days() const {
  std::vector<DayCounts> days;
  days.reserve(sums_.size());
  Counts before;
  for (size_t i = 0; i < sums_.size(); ++i) {
    const Counts counts = Minus(sums_[i], before);
    before = sums_[i];
    if (counts == Counts{}) continue;
    days.push_back({days_.empty() ? first_ + static_cast<int32_t>(i) : days_[i], counts});
  }
  return days;
}

absl::StatusOr<std::shared_ptr<const UnitPlane>> UnitPlane::Make(const UnitPlane* before,
                                                                 std::vector<DayCounts> changes) {
  std::vector<DayCounts> days = before == nullptr ? std::vector<DayCounts>() : before->Days();
  days.insert(days.end(), changes.begin(), changes.end());
  std::stable_sort(days.begin(), days.end(),
                   [](const DayCounts& a, const DayCounts& b) { return a.day < b.day; });
  size_t kept = 0;
  for (size_t i = 0; i < days.size();) {
    DayCounts sum = days[i++];
    while (i < days.size() && days[i].day == sum.day) sum.counts += days[i++].counts;
    const Counts& c = sum.counts;
    if (c.online < 0 || c.counter < 0 || c.postal < 0 || c.unknown < 0) {
      return absl::DataLossError(absl::StrCat("day ", sum.day, ": a count below zero"));
    }
    if (!(c == Counts{})) days[kept++] = sum;
  }
  days.resize(kept);
  if (days.empty()) return std::shared_ptr<const UnitPlane>();

  auto plane = std::make_shared<UnitPlane>();
  plane->first_ = days.front().day;
  const bool dense = int64_t{days.back().day} - days.front().day <= kDenseDaysMax;
  Counts sum;
  for (const DayCounts& day : days) {
    if (dense) {
      plane->sums_.resize(static_cast<size_t>(day.day - plane->first_), sum);
    } else {
      plane->days_.push_back(day.day);
    }
    sum += day.counts;
    plane->sums_.push_back(sum);
  }
  return std::shared_ptr<const UnitPlane>(std::move(plane));
}

}  // namespace dondoc::aggregation
