#include "services/aggregation/statements.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/common/clock/civil.h"

namespace dondoc::aggregation {
namespace {

auto DaysOf(const StandingStatement& statement) {
  return std::tuple(statement.days.first, statement.days.last);
}

// Whether `a` comes after `b` in the order of revisions.
bool Later(const StandingStatement& a, const StandingStatement& b) {
  const auto order = [](const StandingStatement& s) {
    return std::tuple(s.effective_us, s.record.sequence(), s.record.row_number());
  };
  return order(a) > order(b);
}

}  // namespace

std::vector<const StandingStatement*> Tile(const UnitStatements& statements, const DayRange& window,
                                           const DayRange& validity) {
  // From the last first day to the first, so that each looks only at what follows it.
  struct Step {
    int64_t count = 0;
    int32_t last = 0;
    const StandingStatement* statement = nullptr;
  };
  absl::flat_hash_map<int32_t, Step> best;
  best[window.last + 1] = {};
  std::vector<std::pair<DayRange, const StandingStatement*>> inside;
  for (const StandingStatement& statement : statements) {
    const DayRange days = Intersect(statement.days, validity);
    if (days.empty() || days.first < window.first || days.last > window.last) continue;
    inside.emplace_back(days, &statement);
  }
  std::stable_sort(inside.begin(), inside.end(),
                   [](const auto& a, const auto& b) { return a.first.first > b.first.first; });
  for (const auto& [days, statement] : inside) {
    const auto rest = best.find(days.last + 1);
    if (rest == best.end()) continue;
    const int64_t count = rest->second.count + 1;
    const auto [place, added] = best.try_emplace(days.first);
    Step& step = place->second;
    const bool better =
        added || std::tuple(-count, days.last) > std::tuple(-step.count, step.last) ||
        (count == step.count && days.last == step.last && Later(*statement, *step.statement));
    if (better) step = {count, days.last, statement};
  }
  std::vector<const StandingStatement*> tiles;
  for (int32_t day = window.first; day <= window.last;) {
    const auto step = best.find(day);
    if (step == best.end()) return {};
    tiles.push_back(step->second.statement);
    day = step->second.last + 1;
  }
  return tiles;
}

std::vector<const StandingStatement*> Overlapping(const UnitStatements& statements,
                                                  const DayRange& window,
                                                  const DayRange& validity) {
  std::vector<const StandingStatement*> found;
  for (const StandingStatement& statement : statements) {
    if (!Intersect(Intersect(statement.days, validity), window).empty()) {
      found.push_back(&statement);
    }
  }
  return found;
}

std::optional<Counts> StatementTable::Declared(int unit, const DayRange& window,
                                               const DayRange& validity) const {
  const UnitStatements* statements = Find(unit);
  if (statements == nullptr || window.empty()) return std::nullopt;
  const std::vector<const StandingStatement*> tiles = Tile(*statements, window, validity);
  if (tiles.empty()) return std::nullopt;
  Counts counts;
  for (const StandingStatement* tile : tiles) counts += tile->counts;
  return counts;
}

absl::Status StatementBook::Put(int unit, const v1::StatementRecord& record) {
  const v1::Statement& wire = record.statement();
  const absl::StatusOr<absl::CivilDay> from = ParseDay(wire.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(wire.to());
  const int64_t parts = wire.online() + wire.counter() + wire.postal() + wire.unknown();
  if (!from.ok() || !to.ok() || *to < *from || wire.online() < 0 || wire.counter() < 0 ||
      wire.postal() < 0 || wire.unknown() < 0 || parts > wire.total()) {
    return absl::DataLossError("a statement that cannot be");
  }
  StandingStatement statement;
  statement.days = {DayNumber(*from), DayNumber(*to)};
  statement.counts.online = wire.online();
  statement.counts.counter = wire.counter();
  statement.counts.postal = wire.postal();
  // What the parts leave of the total is of a channel that is not known.
  statement.counts.unknown = wire.unknown() + wire.total() - parts;
  statement.effective_us = absl::ToUnixMicros(FromProto(record.effective_time()));
  statement.record = record;
  std::shared_ptr<const UnitStatements>& shared = of_unit_[unit];
  auto statements = shared == nullptr ? std::make_shared<UnitStatements>()
                                      : std::make_shared<UnitStatements>(*shared);
  const auto place =
      std::lower_bound(statements->begin(), statements->end(), statement,
                       [](const auto& a, const auto& b) { return DaysOf(a) < DaysOf(b); });
  const bool known = place != statements->end() && DaysOf(*place) == DaysOf(statement);
  if (wire.withdrawn()) {
    if (known) statements->erase(place);
  } else if (known) {
    *place = std::move(statement);
  } else {
    statements->insert(place, std::move(statement));
  }
  if (statements->empty()) {
    of_unit_.erase(unit);
  } else {
    shared = std::move(statements);
  }
  changed_ = true;
  return absl::OkStatus();
}

std::shared_ptr<const StatementTable> StatementBook::Table() {
  if (!changed_) return table_;
  changed_ = false;
  table_ = nullptr;
  if (of_unit_.empty()) return table_;
  auto table = std::make_shared<StatementTable>();
  table->of_unit_.resize(static_cast<size_t>(of_unit_.rbegin()->first) + 1);
  for (const auto& [unit, statements] : of_unit_) {
    table->of_unit_[static_cast<size_t>(unit)] = statements;
  }
  table_ = std::move(table);
  return table_;
}

}  // namespace dondoc::aggregation
