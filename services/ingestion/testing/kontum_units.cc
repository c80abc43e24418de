#include "services/ingestion/testing/kontum_units.h"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "services/ingestion/reading/csv_reader.h"

namespace dondoc::ingestion::testing {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Without the header.
Rows ReadRows(const std::string& name) {
  std::ifstream file(std::string(DONDOC_SOURCE_DIR) + "/deploy/data/kontum/" + name);
  std::stringstream text;
  text << file.rdbuf();
  Rows rows;
  CsvReader reader([](absl::Span<const absl::string_view>) { return 0; },
                   [&](const CsvRow& row) {
                     rows.emplace_back(row.cells.begin(), row.cells.end());
                     return absl::OkStatus();
                   });
  if (!reader.Feed(text.str()).ok() || !reader.Finish().ok() || rows.empty()) {
    throw std::runtime_error("cannot read " + name);
  }
  rows.erase(rows.begin());
  return rows;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> KontumAliases() {
  std::vector<std::pair<std::string, std::string>> aliases;
  for (const auto& row : ReadRows("unit_aliases.csv")) aliases.emplace_back(row[0], row[1]);
  return aliases;
}

std::vector<v1::Unit> KontumUnits() {
  static const std::map<std::string, v1::Level::Value> kLevels = {{"province", v1::Level::PROVINCE},
                                                                  {"district", v1::Level::DISTRICT},
                                                                  {"commune", v1::Level::COMMUNE}};
  std::vector<v1::Unit> units;
  for (const auto& row : ReadRows("units.csv")) {
    units.push_back(MakeUnit(row[0], row[1], kLevels.at(row[2]), row[3]));
  }
  for (const auto& [unit_id, alias] : KontumAliases()) {
    for (v1::Unit& unit : units) {
      if (unit.unit_id() == unit_id) unit.add_aliases(alias);
    }
  }
  return units;
}

v1::Unit MakeUnit(const std::string& unit_id, const std::string& name, v1::Level::Value level,
                  const std::string& parent_id) {
  v1::Unit unit;
  unit.set_unit_id(unit_id);
  unit.set_name(name);
  unit.set_level(level);
  unit.set_parent_id(parent_id);
  return unit;
}

}  // namespace dondoc::ingestion::testing
