#include "services/aggregation/unit_table.h"

#include <unicode/coll.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

// The bytes that sort like `name` in Vietnamese. Without ICU's data (a broken installation) names
// sort by their bytes: an order, though not the Vietnamese one.
std::string SortKey(const icu::Collator* collator, const std::string& name) {
  if (collator == nullptr) return name;
  const icu::UnicodeString text = icu::UnicodeString::fromUTF8(name);
  std::string key(name.size() * 3 + 16, '\0');
  while (true) {
    const int32_t needed = collator->getSortKey(text, reinterpret_cast<uint8_t*>(key.data()),
                                                static_cast<int32_t>(key.size()));
    const bool fits = static_cast<size_t>(needed) <= key.size();
    key.resize(static_cast<size_t>(needed));
    if (fits) return key;
  }
}

}  // namespace

absl::StatusOr<UnitEntry> MakeUnitEntry(const v1::Unit& unit) {
  UnitEntry entry;
  entry.unit_id = unit.unit_id();
  entry.name = unit.name();
  entry.parent_id = unit.parent_id();
  entry.level = unit.level();
  entry.known = true;
  entry.successor_ids.assign(unit.successor_ids().begin(), unit.successor_ids().end());
  if (!unit.valid_from().empty()) {
    ASSIGN_OR_RETURN(const absl::CivilDay day, ParseDay(unit.valid_from()));
    entry.validity.first = DayNumber(day);
  }
  if (!unit.valid_to().empty()) {
    ASSIGN_OR_RETURN(const absl::CivilDay day, ParseDay(unit.valid_to()));
    entry.validity.last = DayNumber(day);
  }
  return entry;
}

UnitTable::UnitTable(std::vector<UnitEntry> entries) : entries_(std::move(entries)) {
  facts_.reserve(entries_.size());
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::Collator> collator(
      icu::Collator::createInstance(icu::Locale("vi"), error));
  for (int unit = 0; unit < size(); ++unit) {
    UnitEntry& entry = entries_[static_cast<size_t>(unit)];
    facts_.push_back({entry.validity, entry.level, entry.known});
    if (!entry.known) continue;
    entry.sort_key = SortKey(U_SUCCESS(error) ? collator.get() : nullptr, entry.name);
    by_id_.emplace(entry.unit_id, unit);
    by_name_.push_back(unit);
  }
  std::sort(by_name_.begin(), by_name_.end(), [this](int a, int b) {
    return std::tie((*this)[a].sort_key, (*this)[a].unit_id) <
           std::tie((*this)[b].sort_key, (*this)[b].unit_id);
  });
}

std::shared_ptr<const UnitStructure> UnitTable::Structure(std::optional<int32_t> day) const {
  MutexLock lock(mutex_);
  for (auto kept = structures_.begin(); kept != structures_.end(); ++kept) {
    if ((*kept)->day() != day) continue;
    structures_.splice(structures_.begin(), structures_, kept);
    return structures_.front();
  }
  // A unit that no directory knows yet has no validity: it is itself and nobody asks for it.
  std::vector<StructureUnit> units;
  units.reserve(entries_.size());
  for (const UnitEntry& entry : entries_) {
    units.push_back({entry.unit_id, entry.parent_id, entry.validity.first, entry.validity.last,
                     entry.successor_ids});
  }
  structures_.push_front(std::make_shared<const UnitStructure>(std::move(units), day));
  if (structures_.size() > kStructuresKept) structures_.pop_back();
  return structures_.front();
}

std::optional<int> UnitTable::Find(absl::string_view unit_id) const {
  const auto found = by_id_.find(unit_id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

}  // namespace dondoc::aggregation
