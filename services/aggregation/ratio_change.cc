#include "services/aggregation/ratio_change.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/numeric/int128.h"
#include "services/aggregation/answer_parts.h"
#include "services/common/metric/change.h"

namespace dondoc::aggregation {
namespace {

constexpr int32_t kWeek = 7;

bool HigherShare(const Counts& a, const Counts& b) {
  return absl::int128(a.online) * b.total() > absl::int128(b.online) * a.total();
}

int32_t YearBefore(int32_t day) {
  const absl::CivilDay now = DayFromNumber(day);
  const absl::CivilDay then(now.year() - 1, now.month(), now.day());
  // 29 February becomes 1 March where there is none.
  return DayNumber(then.month() == now.month() ? then : then - 1);
}

}  // namespace

DayRange YearBefore(const DayRange& window) {
  return {YearBefore(window.first), YearBefore(window.last)};
}

RatioChanges::RatioChanges(const CubeView& view, const DefinitionPlane& plane,
                           const Question& question, const RowUnits& rows)
    : question_(question) {
  const DayRange& window = question.window;
  const DayRange before = {window.first, window.last - kWeek};
  rows_.reserve(rows.units().size());
  for (const int unit : rows.units()) {
    Row& row = rows_[unit];
    row.now = rows.FigureOf(plane, unit, window);
    if (!before.empty()) row.before = rows.FigureOf(plane, unit, before);
    row.week = rows.FigureOf(plane, unit, {window.last - kWeek + 1, window.last});
    row.week_before =
        rows.FigureOf(plane, unit, {window.last - 2 * kWeek + 1, window.last - kWeek});
    row.year_before = rows.FigureOf(plane, unit, YearBefore(window));
  }
  std::map<v1::Level::Value, std::vector<Row*>> levels;
  for (auto& [unit, row] : rows_) levels[view.units()[unit].level].push_back(&row);
  for (auto& [level, of_level] : levels) RankLevel(std::move(of_level));
}

void RatioChanges::RankLevel(std::vector<Row*> rows) {
  // Equal shares have the rank of the first of them.
  const auto rank = [&rows](auto counts_of, auto set) {
    std::vector<std::pair<Counts, Row*>> with_dossiers;
    for (Row* row : rows) {
      const Counts counts = counts_of(*row);
      if (counts.total() > 0) with_dossiers.emplace_back(counts, row);
    }
    std::sort(with_dossiers.begin(), with_dossiers.end(),
              [](const auto& a, const auto& b) { return HigherShare(a.first, b.first); });
    int64_t at = 0;
    for (size_t i = 0; i < with_dossiers.size(); ++i) {
      if (i == 0 || HigherShare(with_dossiers[i - 1].first, with_dossiers[i].first)) {
        at = static_cast<int64_t>(i) + 1;
      }
      set(*with_dossiers[i].second, at);
    }
    return static_cast<int64_t>(with_dossiers.size());
  };
  const int64_t ranked = rank([](const Row& row) { return row.now.counts; },
                              [](Row& row, int64_t at) { row.rank = at; });
  for (Row* row : rows) row->ranked = ranked;
  rank([](const Row& row) { return row.before.value_or(Figure()).counts; },
       [](Row& row, int64_t at) { row.rank_before = at; });
}

v1::RatioChange RatioChanges::Of(int unit) const {
  const Row& row = rows_.at(unit);
  v1::RatioChange change;
  if (row.rank.has_value()) change.set_rank(*row.rank);
  if (row.rank_before.has_value()) change.set_rank_before(*row.rank_before);
  change.set_ranked(row.ranked);
  if (row.before.has_value()) {
    *change.mutable_before() = ToRatio(*row.before, question_.target);
  }
  *change.mutable_week() = ToRatio(row.week, question_.target);
  *change.mutable_week_before() = ToRatio(row.week_before, question_.target);
  *change.mutable_year_before() = ToRatio(row.year_before, question_.target);
  change.set_of_weeks(!row.before.has_value());
  const Counts& now = row.before.has_value() ? row.now.counts : row.week.counts;
  const Counts& then = row.before.has_value() ? row.before->counts : row.week_before.counts;
  if (const auto text = ChangeText(now.online, now.total(), then.online, then.total())) {
    change.set_change_percent_points(*text);
  }
  const Counts& year = row.year_before.counts;
  if (const auto text =
          ChangeText(row.now.counts.online, row.now.counts.total(), year.online, year.total())) {
    change.set_year_change_percent_points(*text);
  }
  return change;
}

std::optional<int64_t> RatioChanges::Rank(int unit) const { return rows_.at(unit).rank; }

std::optional<int64_t> RatioChanges::Change(int unit) const {
  const Row& row = rows_.at(unit);
  const Counts& now = row.before.has_value() ? row.now.counts : row.week.counts;
  const Counts& then = row.before.has_value() ? row.before->counts : row.week_before.counts;
  if (now.total() == 0 || then.total() == 0) return std::nullopt;
  // Two shares' difference compared with another two's exactly would need more than 128 bits.
  const absl::int128 part =
      absl::int128(now.online) * then.total() - absl::int128(then.online) * now.total();
  const absl::int128 whole = absl::int128(now.total()) * then.total();
  return static_cast<int64_t>(part * 1'000'000'000'000 / whole);
}

}  // namespace dondoc::aggregation
