#include "services/ingestion/ledger/directory.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

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

using Units = absl::flat_hash_map<std::string, const v1::Unit*>;

absl::Status Bad(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status CheckId(const std::string& path, absl::string_view id) {
  const bool fits =
      !id.empty() && id.size() <= kUnitIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_islower(static_cast<unsigned char>(c)) ||
               absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return Bad(path, absl::StrCat(Quoted(id), " is not 1 to ", kUnitIdBytesMax,
                                " characters of a-z, 0-9, '.' and '-'"));
}

absl::Status CheckText(const std::string& path, absl::string_view text, size_t bytes_max) {
  if (text.empty()) return Bad(path, "is empty");
  if (text.size() > bytes_max) {
    return Bad(path, absl::StrCat(Quoted(text), " has ", text.size(), " bytes, limit ", bytes_max));
  }
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  return printable ? absl::OkStatus()
                   : Bad(path, absl::StrCat(Quoted(text), " has control characters"));
}

absl::Status CheckDays(const std::string& path, const std::string& from, const std::string& to) {
  absl::CivilDay first;
  absl::CivilDay last;
  if (!from.empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(from);
    if (!day.ok()) return Bad(absl::StrCat(path, ".valid_from"), day.status().message());
    first = *day;
  }
  if (!to.empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(to);
    if (!day.ok()) return Bad(absl::StrCat(path, ".valid_to"), day.status().message());
    last = *day;
  }
  if (from.empty() || to.empty() || first <= last) return absl::OkStatus();
  return Bad(absl::StrCat(path, ".valid_to"), absl::StrCat(to, " is before valid_from, ", from));
}

// One mailbox as we may write to it; the mail service checks more.
absl::Status CheckEmail(const std::string& path, absl::string_view email) {
  RETURN_IF_ERROR(CheckText(path, email, kEmailBytesMax));
  const size_t at = email.find('@');
  if (at != absl::string_view::npos && at > 0 && at + 1 < email.size() &&
      email.find('@', at + 1) == absl::string_view::npos &&
      email.find_first_of(" ,;<>\"") == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return Bad(path, absl::StrCat(Quoted(email), " is not an e-mail address"));
}

absl::Status CheckCount(const std::string& path, int count, int count_max) {
  if (count <= count_max) return absl::OkStatus();
  return Bad(path, absl::StrCat(count, " entries, limit ", count_max));
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
  RETURN_IF_ERROR(CheckId(absl::StrCat(path, ".unit_id"), unit.unit_id()));
  RETURN_IF_ERROR(CheckText(absl::StrCat(path, ".name"), unit.name(), kNameBytesMax));
  if (unit.level() == v1::Level::UNSPECIFIED || !v1::Level::Value_IsValid(unit.level())) {
    return Bad(absl::StrCat(path, ".level"), "PROVINCE, DISTRICT or COMMUNE");
  }
  RETURN_IF_ERROR(CheckDays(path, unit.valid_from(), unit.valid_to()));
  return CheckLists(path, unit);
}

// The unit among all units there will be.
absl::Status CheckLinks(const std::string& path, const v1::Unit& unit, const Units& all) {
  if (!unit.parent_id().empty()) {
    const std::string here = absl::StrCat(path, ".parent_id");
    const auto parent = all.find(unit.parent_id());
    if (parent == all.end()) return Bad(here, absl::StrCat("no unit ", Quoted(unit.parent_id())));
    // This also rules out circles.
    if (parent->second->level() >= unit.level()) {
      return Bad(here, absl::StrCat(Quoted(unit.parent_id()), " is not of a higher level"));
    }
  }
  for (int i = 0; i < unit.successor_ids_size(); ++i) {
    const std::string& successor = unit.successor_ids(i);
    const std::string here = absl::StrCat(path, ".successor_ids[", i, "]");
    if (successor == unit.unit_id()) return Bad(here, "is the unit itself");
    if (!all.contains(successor)) return Bad(here, absl::StrCat("no unit ", Quoted(successor)));
  }
  return absl::OkStatus();
}

}  // namespace

Directory::Directory(std::map<std::string, v1::Unit> units) : units_(std::move(units)) {
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
  // Days in ISO form compare as text; kept ones were checked.
  const std::string text = FormatDay(day);
  return (unit.valid_from().empty() || unit.valid_from() <= text) &&
         (unit.valid_to().empty() || text <= unit.valid_to());
}

absl::Status Directory::Check(const std::vector<v1::Unit>& units) const {
  if (units.size() > kUnitsMax) {
    return Bad("units", absl::StrCat(units.size(), " units, limit ", kUnitsMax));
  }
  Units all;
  for (const auto& [unit_id, unit] : units_) all[unit_id] = &unit;
  absl::flat_hash_map<absl::string_view, size_t> given;
  for (size_t i = 0; i < units.size(); ++i) {
    const std::string path = absl::StrCat("units[", i, "]");
    RETURN_IF_ERROR(CheckUnit(path, units[i]));
    if (!given.emplace(units[i].unit_id(), i).second) {
      return Bad(absl::StrCat(path, ".unit_id"),
                 absl::StrCat(Quoted(units[i].unit_id()), " is given twice"));
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
      return Bad(absl::StrCat("units[", parent->second, "].level"),
                 absl::StrCat("is not above that of ", Quoted(unit_id), ", whose parent it is"));
    }
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
