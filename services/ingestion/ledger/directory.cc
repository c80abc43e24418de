#include "services/ingestion/ledger/directory.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/entry_checks.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kUnitsMax = 20'000;
constexpr size_t kUnitIdBytesMax = 128;
constexpr size_t kNameBytesMax = 200;
constexpr size_t kEmailBytesMax = 254;
constexpr size_t kSchemeBytesMax = 64;
constexpr int kAliasesMax = 100;
constexpr int kIdentifiersMax = 100;
constexpr int kEmailsMax = 20;
constexpr int kSuccessorsMax = 100;
constexpr int kFormerNamesMax = 100;

using Units = absl::flat_hash_map<std::string, const v1::Unit*>;

// One mailbox as we may write to it; the mail service checks more.
absl::Status CheckEmail(const std::string& path, absl::string_view email) {
  RETURN_IF_ERROR(CheckText(path, email, kEmailBytesMax));
  const size_t at = email.find('@');
  if (at != absl::string_view::npos && at > 0 && at + 1 < email.size() &&
      email.find('@', at + 1) == absl::string_view::npos &&
      email.find_first_of(" ,;<>\"") == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return BadEntry(path, absl::StrCat(Quoted(email), " is not an e-mail address"));
}

absl::Status CheckLists(const std::string& path, const v1::Unit& unit) {
  const auto at = [&path](absl::string_view field, int i) {
    return absl::StrCat(path, ".", field, "[", i, "]");
  };
  RETURN_IF_ERROR(CheckCount(absl::StrCat(path, ".aliases"), unit.aliases_size(), kAliasesMax));
  RETURN_IF_ERROR(
      CheckCount(absl::StrCat(path, ".identifiers"), unit.identifiers_size(), kIdentifiersMax));
  RETURN_IF_ERROR(CheckCount(absl::StrCat(path, ".emails"), unit.emails_size(), kEmailsMax));
  RETURN_IF_ERROR(
      CheckCount(absl::StrCat(path, ".successor_ids"), unit.successor_ids_size(), kSuccessorsMax));
  RETURN_IF_ERROR(
      CheckCount(absl::StrCat(path, ".former_names"), unit.former_names_size(), kFormerNamesMax));
  for (int i = 0; i < unit.former_names_size(); ++i) {
    const std::string here = at("former_names", i);
    const v1::FormerName& former = unit.former_names(i);
    RETURN_IF_ERROR(CheckText(absl::StrCat(here, ".name"), former.name(), kNameBytesMax));
    RETURN_IF_ERROR(CheckDays(here, former.valid_from(), former.valid_to()));
  }
  for (int i = 0; i < unit.aliases_size(); ++i) {
    RETURN_IF_ERROR(CheckText(at("aliases", i), unit.aliases(i), kNameBytesMax));
  }
  for (int i = 0; i < unit.emails_size(); ++i) {
    RETURN_IF_ERROR(CheckEmail(at("emails", i), unit.emails(i)));
  }
  for (int i = 0; i < unit.identifiers_size(); ++i) {
    const std::string here = at("identifiers", i);
    const v1::UnitIdentifier& identifier = unit.identifiers(i);
    RETURN_IF_ERROR(CheckText(absl::StrCat(here, ".scheme"), identifier.scheme(), kSchemeBytesMax));
    RETURN_IF_ERROR(CheckText(absl::StrCat(here, ".code"), identifier.code(), kSchemeBytesMax));
    RETURN_IF_ERROR(CheckDays(here, identifier.valid_from(), identifier.valid_to()));
  }
  return absl::OkStatus();
}

// The unit by itself.
absl::Status CheckUnit(const std::string& path, const v1::Unit& unit) {
  RETURN_IF_ERROR(CheckId(absl::StrCat(path, ".unit_id"), unit.unit_id(), kUnitIdBytesMax));
  RETURN_IF_ERROR(CheckText(absl::StrCat(path, ".name"), unit.name(), kNameBytesMax));
  if (unit.level() == v1::Level::UNSPECIFIED || !v1::Level::Value_IsValid(unit.level())) {
    return BadEntry(absl::StrCat(path, ".level"), "PROVINCE, DISTRICT or COMMUNE");
  }
  RETURN_IF_ERROR(CheckDays(path, unit.valid_from(), unit.valid_to()));
  return CheckLists(path, unit);
}

// A unit that is there keeps its level and parent: reports of the past lie on them.
absl::Status CheckStructure(const std::string& path, const v1::Unit& known, const v1::Unit& unit) {
  constexpr absl::string_view kWhy =
      "a change of level, parent or territory is a new unit: give the old one valid_to and "
      "successor_ids, and import the new one";
  if (unit.level() != known.level()) {
    return BadEntry(absl::StrCat(path, ".level"),
                    absl::StrCat(Quoted(unit.unit_id()), " is ",
                                 v1::Level::Value_Name(known.level()), "; ", kWhy));
  }
  if (unit.parent_id() == known.parent_id()) return absl::OkStatus();
  return BadEntry(
      absl::StrCat(path, ".parent_id"),
      absl::StrCat(Quoted(unit.unit_id()), " has ", Quoted(known.parent_id()), "; ", kWhy));
}

// The days on which an identifier names its unit. ISO days compare as text; "" = open.
struct Days {
  std::string from;
  std::string to;
};

Days DaysOf(const v1::Unit& unit, const v1::UnitIdentifier& identifier) {
  Days days{std::max(unit.valid_from(), identifier.valid_from()), identifier.valid_to()};
  if (days.to.empty() || (!unit.valid_to().empty() && unit.valid_to() < days.to)) {
    days.to = unit.valid_to();
  }
  return days;
}

bool Overlap(const Days& a, const Days& b) {
  return (a.to.empty() || b.from <= a.to) && (b.to.empty() || a.from <= b.to);
}

// Codes are reused, but on one day a code of a scheme names one unit.
absl::Status CheckIdentifiers(const std::vector<v1::Unit>& units, const Units& all) {
  struct Use {
    const v1::Unit* unit;
    int index;
    Days days;
  };
  absl::flat_hash_map<std::pair<std::string, std::string>, std::vector<Use>> uses;
  for (const auto& [unit_id, unit] : all) {
    for (int i = 0; i < unit->identifiers_size(); ++i) {
      const v1::UnitIdentifier& identifier = unit->identifiers(i);
      uses[{identifier.scheme(), identifier.code()}].push_back(
          {unit, i, DaysOf(*unit, identifier)});
    }
  }
  for (size_t u = 0; u < units.size(); ++u) {
    for (int i = 0; i < units[u].identifiers_size(); ++i) {
      const v1::UnitIdentifier& identifier = units[u].identifiers(i);
      const Days days = DaysOf(units[u], identifier);
      for (const Use& use : uses[{identifier.scheme(), identifier.code()}]) {
        if ((use.unit == &units[u] && use.index == i) || !Overlap(days, use.days)) continue;
        return BadEntry(
            absl::StrCat("units[", u, "].identifiers[", i, "].code"),
            absl::StrCat(identifier.scheme(), " ", Quoted(identifier.code()), " names ",
                         Quoted(use.unit->unit_id()), " on a day of both; end one with valid_to"));
      }
    }
  }
  return absl::OkStatus();
}

// The unit among all units there will be.
absl::Status CheckLinks(const std::string& path, const v1::Unit& unit, const Units& all) {
  if (!unit.parent_id().empty()) {
    const std::string here = absl::StrCat(path, ".parent_id");
    const auto parent = all.find(unit.parent_id());
    if (parent == all.end())
      return BadEntry(here, absl::StrCat("no unit ", Quoted(unit.parent_id())));
    // This also rules out circles.
    if (parent->second->level() >= unit.level()) {
      return BadEntry(here, absl::StrCat(Quoted(unit.parent_id()), " is not of a higher level"));
    }
  }
  for (int i = 0; i < unit.successor_ids_size(); ++i) {
    const std::string& successor = unit.successor_ids(i);
    const std::string here = absl::StrCat(path, ".successor_ids[", i, "]");
    if (successor == unit.unit_id()) return BadEntry(here, "is the unit itself");
    if (!all.contains(successor))
      return BadEntry(here, absl::StrCat("no unit ", Quoted(successor)));
  }
  return absl::OkStatus();
}

}  // namespace

Directory::Directory(std::map<std::string, v1::Unit> units, int64_t sequence)
    : units_(std::move(units)), sequence_(sequence) {
  in_order_.reserve(units_.size());
  for (const auto& [unit_id, unit] : units_) in_order_.push_back(&unit);
  std::sort(in_order_.begin(), in_order_.end(), [](const v1::Unit* a, const v1::Unit* b) {
    return std::forward_as_tuple(a->level(), a->parent_id(), a->unit_id()) <
           std::forward_as_tuple(b->level(), b->parent_id(), b->unit_id());
  });
}

const v1::Unit* Directory::Find(absl::string_view unit_id) const {
  const auto found = units_.find(std::string(unit_id));
  return found == units_.end() ? nullptr : &found->second;
}

bool Directory::ExistsOn(const v1::Unit& unit, absl::CivilDay day) {
  // Most units have no bounds, and every row asks.
  if (unit.valid_from().empty() && unit.valid_to().empty()) return true;
  // Days in ISO form compare as text; kept ones were checked.
  const std::string text = FormatDay(day);
  return (unit.valid_from().empty() || unit.valid_from() <= text) &&
         (unit.valid_to().empty() || text <= unit.valid_to());
}

absl::Status Directory::Check(const std::vector<v1::Unit>& units, bool correct_structure) const {
  if (units.size() > kUnitsMax) {
    return BadEntry("units", absl::StrCat(units.size(), " units, limit ", kUnitsMax));
  }
  Units all;
  for (const auto& [unit_id, unit] : units_) all[unit_id] = &unit;
  absl::flat_hash_map<absl::string_view, size_t> given;
  for (size_t i = 0; i < units.size(); ++i) {
    const std::string path = absl::StrCat("units[", i, "]");
    RETURN_IF_ERROR(CheckUnit(path, units[i]));
    if (!given.emplace(units[i].unit_id(), i).second) {
      return BadEntry(absl::StrCat(path, ".unit_id"),
                      absl::StrCat(Quoted(units[i].unit_id()), " is given twice"));
    }
    const v1::Unit* const known = Find(units[i].unit_id());
    if (known != nullptr && !correct_structure) {
      RETURN_IF_ERROR(CheckStructure(path, *known, units[i]));
    }
    all[units[i].unit_id()] = &units[i];
  }
  for (size_t i = 0; i < units.size(); ++i) {
    RETURN_IF_ERROR(CheckLinks(absl::StrCat("units[", i, "]"), units[i], all));
  }
  // A unit that is replaced may be the parent of units that are not given.
  for (const auto& [unit_id, unit] : units_) {
    const auto parent = given.find(unit.parent_id());
    if (parent == given.end() || given.contains(unit_id)) continue;
    if (units[parent->second].level() >= unit.level()) {
      return BadEntry(
          absl::StrCat("units[", parent->second, "].level"),
          absl::StrCat("is not above that of ", Quoted(unit_id), ", whose parent it is"));
    }
  }
  return CheckIdentifiers(units, all);
}

}  // namespace dondoc::ingestion
