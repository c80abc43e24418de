#include "services/ctl/unit_registry.h"

#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/common/status/macros.h"
#include "services/ctl/csv.h"
#include "services/ctl/files.h"

namespace dondoc::ctl {
namespace {

constexpr char kUnitsName[] = "units.csv";
constexpr char kAliasesName[] = "unit_aliases.csv";
// Several values of one cell.
constexpr char kListSeparator = ';';

constexpr absl::string_view kUnitColumns[] = {"unit_id",  "name",          "level",  "parent_id",
                                              "gso_code", "agency_code",   "emails", "valid_from",
                                              "valid_to", "successor_ids", "aliases"};
constexpr absl::string_view kAliasColumns[] = {"unit_id", "alias", "source"};

using Row = std::vector<std::string>;

// A CSV file with a header, cells asked for by column.
class Sheet {
 public:
  static absl::StatusOr<Sheet> Read(const char* name, absl::string_view csv,
                                    const std::vector<absl::string_view>& known,
                                    const std::vector<absl::string_view>& required) {
    Sheet sheet;
    sheet.name_ = name;
    absl::StatusOr<std::vector<Row>> rows = ParseCsv(csv);
    if (!rows.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " ", rows.status().message()));
    }
    if (rows->empty()) return absl::InvalidArgumentError(absl::StrCat(name, ": tệp rỗng"));
    sheet.rows_ = *std::move(rows);
    for (size_t i = 0; i < sheet.rows_[0].size(); ++i) {
      const std::string header(absl::StripAsciiWhitespace(sheet.rows_[0][i]));
      bool is_known = false;
      for (const absl::string_view column : known) is_known = is_known || column == header;
      if (!is_known) {
        return absl::InvalidArgumentError(absl::StrCat(name, " row 1: cột lạ '", header,
                                                       "'; các cột: ", absl::StrJoin(known, ", ")));
      }
      if (!sheet.columns_.emplace(header, i).second) {
        return absl::InvalidArgumentError(absl::StrCat(name, " row 1: cột '", header, "' hai lần"));
      }
    }
    for (const absl::string_view column : required) {
      if (sheet.columns_.count(std::string(column)) == 0) {
        return absl::InvalidArgumentError(absl::StrCat(name, " row 1: thiếu cột '", column, "'"));
      }
    }
    return sheet;
  }

  size_t size() const { return rows_.size() - 1; }
  // Empty when the row or the file has no such column.
  std::string Cell(size_t row, const std::string& column) const {
    const auto found = columns_.find(column);
    const Row& cells = rows_[row + 1];
    if (found == columns_.end() || found->second >= cells.size()) return "";
    return std::string(absl::StripAsciiWhitespace(cells[found->second]));
  }
  std::vector<std::string> List(size_t row, const std::string& column) const {
    std::vector<std::string> values;
    for (const absl::string_view value :
         absl::StrSplit(Cell(row, column), kListSeparator, absl::SkipWhitespace())) {
      values.emplace_back(absl::StripAsciiWhitespace(value));
    }
    return values;
  }
  absl::Status Error(size_t row, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, " row ", row + 2, ": ", what));
  }

 private:
  const char* name_ = "";
  std::vector<Row> rows_;
  std::map<std::string, size_t> columns_;
};

std::optional<v1::Level::Value> LevelOf(const std::string& text) {
  v1::Level::Value level = v1::Level::UNSPECIFIED;
  if (!v1::Level::Value_Parse(absl::AsciiStrToUpper(text), &level)) return std::nullopt;
  if (level == v1::Level::UNSPECIFIED) return std::nullopt;
  return level;
}

void AddIdentifier(const char* scheme, const std::string& code, v1::Unit& unit) {
  if (code.empty()) return;
  v1::UnitIdentifier& identifier = *unit.add_identifiers();
  identifier.set_scheme(scheme);
  identifier.set_code(code);
}

absl::StatusOr<v1::Unit> UnitOf(const Sheet& sheet, size_t row) {
  v1::Unit unit;
  unit.set_unit_id(sheet.Cell(row, "unit_id"));
  unit.set_name(sheet.Cell(row, "name"));
  unit.set_parent_id(sheet.Cell(row, "parent_id"));
  unit.set_valid_from(sheet.Cell(row, "valid_from"));
  unit.set_valid_to(sheet.Cell(row, "valid_to"));
  if (unit.unit_id().empty()) return sheet.Error(row, "thiếu unit_id");
  if (unit.name().empty()) return sheet.Error(row, "thiếu name");
  const std::string level_text = sheet.Cell(row, "level");
  const std::optional<v1::Level::Value> level = LevelOf(level_text);
  if (!level.has_value()) {
    return sheet.Error(
        row, absl::StrCat("level '", level_text, "': phải là province, district hoặc commune"));
  }
  unit.set_level(*level);
  AddIdentifier("gso", sheet.Cell(row, "gso_code"), unit);
  AddIdentifier("agency", sheet.Cell(row, "agency_code"), unit);
  for (std::string& email : sheet.List(row, "emails")) unit.add_emails(std::move(email));
  for (std::string& alias : sheet.List(row, "aliases")) unit.add_aliases(std::move(alias));
  for (std::string& id : sheet.List(row, "successor_ids")) unit.add_successor_ids(std::move(id));
  return unit;
}

absl::Status AddAliases(absl::string_view aliases_csv,
                        const std::map<std::string, size_t>& index_of,
                        std::vector<v1::Unit>& units) {
  ASSIGN_OR_RETURN(
      const Sheet sheet,
      Sheet::Read(kAliasesName, aliases_csv, {std::begin(kAliasColumns), std::end(kAliasColumns)},
                  {"unit_id", "alias"}));
  for (size_t row = 0; row < sheet.size(); ++row) {
    const std::string alias = sheet.Cell(row, "alias");
    const auto unit = index_of.find(sheet.Cell(row, "unit_id"));
    if (unit == index_of.end()) {
      return sheet.Error(row, absl::StrCat("unit_id '", sheet.Cell(row, "unit_id"),
                                           "' không có trong ", kUnitsName));
    }
    if (alias.empty()) return sheet.Error(row, "thiếu alias");
    units[unit->second].add_aliases(alias);
  }
  return absl::OkStatus();
}

std::string CodeOf(const v1::Unit& unit, const char* scheme) {
  for (const v1::UnitIdentifier& identifier : unit.identifiers()) {
    if (identifier.scheme() == scheme) return identifier.code();
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<v1::Unit>> ReadUnits(absl::string_view units_csv,
                                                absl::string_view aliases_csv) {
  ASSIGN_OR_RETURN(
      const Sheet sheet,
      Sheet::Read(kUnitsName, units_csv, {std::begin(kUnitColumns), std::end(kUnitColumns)},
                  {"unit_id", "name", "level"}));
  if (sheet.size() > kUnitsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(kUnitsName, ": ", sheet.size(), " đơn vị, nhiều hơn ", kUnitsMax));
  }
  std::vector<v1::Unit> units;
  std::map<std::string, size_t> index_of;
  for (size_t row = 0; row < sheet.size(); ++row) {
    ASSIGN_OR_RETURN(v1::Unit unit, UnitOf(sheet, row));
    if (!index_of.emplace(unit.unit_id(), units.size()).second) {
      return sheet.Error(row, absl::StrCat("unit_id '", unit.unit_id(), "' hai lần"));
    }
    units.push_back(std::move(unit));
  }
  if (!aliases_csv.empty()) RETURN_IF_ERROR(AddAliases(aliases_csv, index_of, units));
  return units;
}

absl::StatusOr<std::vector<v1::Unit>> ReadRegistry(const std::string& units_path,
                                                   const std::optional<std::string>& aliases_path) {
  std::string aliases;
  const std::filesystem::path beside =
      std::filesystem::path(units_path).parent_path() / kAliasesName;
  std::error_code error;
  if (!aliases_path.has_value() && std::filesystem::exists(beside, error)) {
    ASSIGN_OR_RETURN(aliases, ReadFile(beside.string(), kRegistryBytesMax));
  } else if (aliases_path.has_value() && !aliases_path->empty()) {
    ASSIGN_OR_RETURN(aliases, ReadFile(*aliases_path, kRegistryBytesMax));
  }
  ASSIGN_OR_RETURN(const std::string units, ReadFile(units_path, kRegistryBytesMax));
  return ReadUnits(units, aliases);
}

std::string UnitsCsv(const std::vector<v1::Unit>& units) {
  std::string csv = absl::StrCat(absl::StrJoin(kUnitColumns, ","), "\n");
  for (const v1::Unit& unit : units) {
    const std::string separator(1, kListSeparator);
    const std::string cells[] = {unit.unit_id(),
                                 unit.name(),
                                 absl::AsciiStrToLower(v1::Level::Value_Name(unit.level())),
                                 unit.parent_id(),
                                 CodeOf(unit, "gso"),
                                 CodeOf(unit, "agency"),
                                 absl::StrJoin(unit.emails(), separator),
                                 unit.valid_from(),
                                 unit.valid_to(),
                                 absl::StrJoin(unit.successor_ids(), separator),
                                 absl::StrJoin(unit.aliases(), separator)};
    absl::StrAppend(&csv,
                    absl::StrJoin(cells, ",",
                                  [](std::string* out, const std::string& cell) {
                                    out->append(CsvCell(cell));
                                  }),
                    "\n");
  }
  return csv;
}

}  // namespace dondoc::ctl
