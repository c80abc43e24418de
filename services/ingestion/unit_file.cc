#include "services/ingestion/unit_file.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

// Columns by their place in the forms below.
enum Registry {
  kUnitId,
  kName,
  kLevel,
  kParentId,
  kGsoCode,
  kAgencyCode,
  kEmails,
  kValidFrom,
  kValidTo,
  kSuccessorIds,
  kAliases
};
enum OtherName { kAliasUnitId, kAlias };
enum Reform { kOldUnitId, kNewUnitId, kNewName, kOldTo, kNewFrom, kNewCode, kNewLevel, kNewParent };

// Several values of one cell.
constexpr char kListSeparator = ';';

const std::vector<EntryForm>& Forms() {
  static const auto* const forms = new std::vector<EntryForm>{
      {{{"unit_id", true, {"unit id", "ma don vi"}},
        {"name", true, {"name", "ten", "ten don vi"}},
        {"level", true, {"level", "cap"}},
        {"parent_id", false, {"parent id", "truc thuoc", "ma don vi cap tren"}},
        {"gso_code", false, {"gso code", "ma gso", "ma tong cuc thong ke"}},
        {"agency_code", false, {"agency code", "ma dinh danh"}},
        {"emails", false, {"emails", "email", "hop thu", "thu dien tu"}},
        {"valid_from", false, {"valid from", "tu ngay", "hieu luc tu"}},
        {"valid_to", false, {"valid to", "den ngay", "hieu luc den"}},
        {"successor_ids", false, {"successor ids", "don vi ke thua"}},
        {"aliases", false, {"aliases", "ten khac", "ten goi khac"}}}},
      {{{"unit_id", true, {"unit id", "ma don vi"}},
        {"alias", true, {"alias", "ten khac", "ten goi khac"}}}},
      {{{"old_unit_id", true, {"old unit id", "ma don vi cu"}},
        {"new_unit_id", true, {"new unit id", "ma don vi moi"}},
        {"new_name", true, {"new name", "ten moi", "ten don vi moi"}},
        {"valid_to", true, {"valid to", "den ngay"}},
        {"valid_from", true, {"valid from", "tu ngay"}},
        {"new_gso_code", false, {"new gso code", "ma gso moi"}},
        {"new_level", false, {"new level", "cap moi"}},
        {"new_parent_id", false, {"new parent id", "truc thuoc moi"}}}}};
  return *forms;
}

// The units that a file is about, each as it stands or new.
class Changed {
 public:
  explicit Changed(const Directory& directory) : directory_(directory) {}

  // nullptr when there is none of that id.
  v1::Unit* Find(const std::string& unit_id, int64_t row) {
    if (const auto found = index_.find(unit_id); found != index_.end()) {
      return &result_.units[found->second];
    }
    const v1::Unit* const known = directory_.Find(unit_id);
    return known == nullptr ? nullptr : &Add(*known, row);
  }
  v1::Unit& FindOrAdd(const std::string& unit_id, int64_t row) {
    if (v1::Unit* const found = Find(unit_id, row); found != nullptr) return *found;
    v1::Unit unit;
    unit.set_unit_id(unit_id);
    return Add(unit, row);
  }
  bool Has(const std::string& unit_id) const { return index_.contains(unit_id); }
  UnitsOfFile Take() { return std::move(result_); }

 private:
  v1::Unit& Add(const v1::Unit& unit, int64_t row) {
    index_[unit.unit_id()] = result_.units.size();
    result_.row_numbers.push_back(row);
    return result_.units.emplace_back(unit);
  }

  const Directory& directory_;
  absl::flat_hash_map<std::string, size_t> index_;
  UnitsOfFile result_;
};

absl::StatusOr<v1::Level::Value> LevelOf(const EntryTable::Row& row, const std::string& cell) {
  static const auto* const words = new absl::flat_hash_map<std::string, v1::Level::Value>{
      {"province", v1::Level::PROVINCE},  {"tinh", v1::Level::PROVINCE},
      {"cap tinh", v1::Level::PROVINCE},  {"1", v1::Level::PROVINCE},
      {"district", v1::Level::DISTRICT},  {"huyen", v1::Level::DISTRICT},
      {"cap huyen", v1::Level::DISTRICT}, {"2", v1::Level::DISTRICT},
      {"commune", v1::Level::COMMUNE},    {"xa", v1::Level::COMMUNE},
      {"cap xa", v1::Level::COMMUNE},     {"3", v1::Level::COMMUNE}};
  const auto found = words->find(TextKey(cell));
  if (found != words->end()) return found->second;
  return BadRow(row.number,
                absl::StrCat("cấp ", Quoted(cell), ": phải là province, district hoặc commune"));
}

absl::StatusOr<std::string> DayIn(const EntryTable::Row& row, size_t column, const char* meaning) {
  absl::StatusOr<std::string> day = DayOfCell(row.cells[column]);
  if (day.ok()) return day;
  return BadRow(row.number, absl::StrCat(meaning, " ", Quoted(row.cells[column]), ": ",
                                         day.status().message()));
}

std::vector<std::string> ListOf(const std::string& cell) {
  std::vector<std::string> values;
  for (const absl::string_view value :
       absl::StrSplit(cell, kListSeparator, absl::SkipWhitespace())) {
    values.emplace_back(Trim(value));
  }
  return values;
}

// The code of a scheme without days of its own; others are the past's.
void SetIdentifier(const char* scheme, const std::string& code, v1::Unit& unit) {
  auto& identifiers = *unit.mutable_identifiers();
  const auto undated = [&](const v1::UnitIdentifier& identifier) {
    return identifier.scheme() == scheme && identifier.valid_from().empty() &&
           identifier.valid_to().empty();
  };
  const auto same = std::find_if(identifiers.begin(), identifiers.end(), [&](const auto& each) {
    return undated(each) && each.code() == code;
  });
  if (same != identifiers.end()) return;
  identifiers.erase(std::remove_if(identifiers.begin(), identifiers.end(), undated),
                    identifiers.end());
  if (code.empty()) return;
  v1::UnitIdentifier& added = *unit.add_identifiers();
  added.set_scheme(scheme);
  added.set_code(code);
}

void AddAliasTo(v1::Unit& unit, const std::string& alias) {
  const auto& known = unit.aliases();
  if (std::find(known.begin(), known.end(), alias) == known.end()) unit.add_aliases(alias);
}

absl::Status TakeRegistryRow(const EntryTable& table, const EntryTable::Row& row,
                             Changed& changed) {
  const std::string& unit_id = row.cells[kUnitId];
  if (changed.Has(unit_id)) {
    return BadRow(row.number, absl::StrCat("unit_id ", Quoted(unit_id), " hai lần"));
  }
  v1::Unit& unit = changed.FindOrAdd(unit_id, row.number);
  if (row.cells[kName].empty()) return BadRow(row.number, "thiếu name");
  unit.set_name(row.cells[kName]);
  ASSIGN_OR_RETURN(const v1::Level::Value level, LevelOf(row, row.cells[kLevel]));
  unit.set_level(level);
  if (table.has[kParentId]) unit.set_parent_id(row.cells[kParentId]);
  if (table.has[kGsoCode]) SetIdentifier("gso", row.cells[kGsoCode], unit);
  if (table.has[kAgencyCode]) SetIdentifier("agency", row.cells[kAgencyCode], unit);
  if (table.has[kEmails]) {
    unit.clear_emails();
    for (std::string& email : ListOf(row.cells[kEmails])) unit.add_emails(std::move(email));
  }
  if (table.has[kValidFrom]) {
    ASSIGN_OR_RETURN(*unit.mutable_valid_from(), DayIn(row, kValidFrom, "valid_from"));
  }
  if (table.has[kValidTo]) {
    ASSIGN_OR_RETURN(*unit.mutable_valid_to(), DayIn(row, kValidTo, "valid_to"));
  }
  if (table.has[kSuccessorIds]) {
    unit.clear_successor_ids();
    for (std::string& id : ListOf(row.cells[kSuccessorIds])) unit.add_successor_ids(std::move(id));
  }
  if (table.has[kAliases]) {
    for (const std::string& alias : ListOf(row.cells[kAliases])) AddAliasTo(unit, alias);
  }
  return absl::OkStatus();
}

absl::Status TakeAliasRow(const EntryTable::Row& row, Changed& changed) {
  v1::Unit* const unit = changed.Find(row.cells[kAliasUnitId], row.number);
  if (unit == nullptr) {
    return BadRow(row.number, absl::StrCat("không có đơn vị ", Quoted(row.cells[kAliasUnitId])));
  }
  if (row.cells[kAlias].empty()) return BadRow(row.number, "thiếu alias");
  AddAliasTo(*unit, row.cells[kAlias]);
  return absl::OkStatus();
}

// Says what `unit` is to be; the rows of a file about one new unit have to agree.
absl::Status Agree(const EntryTable::Row& row, const char* meaning, bool first,
                   const std::string& value, std::string& field) {
  if (!first && field != value) {
    return BadRow(row.number,
                  absl::StrCat(meaning, " ", Quoted(value), ", dòng trước ghi ", Quoted(field)));
  }
  field = value;
  return absl::OkStatus();
}

absl::Status TakeReformRow(const EntryTable& table, const EntryTable::Row& row, Changed& changed) {
  // Copied: another unit may be added, and move them all.
  const v1::Unit* const known = changed.Find(row.cells[kOldUnitId], row.number);
  if (known == nullptr) {
    return BadRow(row.number, absl::StrCat("không có đơn vị ", Quoted(row.cells[kOldUnitId])));
  }
  v1::Unit old = *known;
  const std::string& new_id = row.cells[kNewUnitId];
  if (new_id.empty() || row.cells[kNewName].empty()) {
    return BadRow(row.number, "thiếu new_unit_id hoặc new_name");
  }
  ASSIGN_OR_RETURN(const std::string to, DayIn(row, kOldTo, "valid_to"));
  ASSIGN_OR_RETURN(const std::string from, DayIn(row, kNewFrom, "valid_from"));
  if (to.empty() || from.empty() || from <= to) {
    return BadRow(row.number, "cần valid_to của đơn vị cũ trước valid_from của đơn vị mới");
  }
  v1::Level::Value level = old.level();
  if (table.has[kNewLevel]) {
    ASSIGN_OR_RETURN(level, LevelOf(row, row.cells[kNewLevel]));
  }
  const bool first = !changed.Has(new_id);
  v1::Unit& unit = changed.FindOrAdd(new_id, row.number);
  if (!first && unit.level() != level) {
    return BadRow(row.number, absl::StrCat("cấp của ", Quoted(new_id), " khác dòng trước"));
  }
  unit.set_level(level);
  RETURN_IF_ERROR(Agree(row, "new_name", first, row.cells[kNewName], *unit.mutable_name()));
  RETURN_IF_ERROR(Agree(row, "valid_from", first, from, *unit.mutable_valid_from()));
  if (table.has[kNewParent]) {
    RETURN_IF_ERROR(
        Agree(row, "new_parent_id", first, row.cells[kNewParent], *unit.mutable_parent_id()));
  }
  if (table.has[kNewCode]) SetIdentifier("gso", row.cells[kNewCode], unit);
  v1::Unit& ended = *changed.Find(old.unit_id(), row.number);
  ended.set_valid_to(to);
  const auto& successors = ended.successor_ids();
  if (std::find(successors.begin(), successors.end(), new_id) == successors.end()) {
    ended.add_successor_ids(new_id);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const EntryForm> UnitFileForms() { return Forms(); }

absl::StatusOr<UnitsOfFile> ReadUnitFile(const EntryTable& table, const Directory& directory) {
  Changed changed(directory);
  for (const EntryTable::Row& row : table.rows) {
    switch (table.form) {
      case 0:
        RETURN_IF_ERROR(TakeRegistryRow(table, row, changed));
        break;
      case 1:
        RETURN_IF_ERROR(TakeAliasRow(row, changed));
        break;
      default:
        RETURN_IF_ERROR(TakeReformRow(table, row, changed));
    }
  }
  return changed.Take();
}

}  // namespace dondoc::ingestion
