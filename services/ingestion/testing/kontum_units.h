#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dondoc/v1/units.pb.h"

namespace dondoc::ingestion::testing {

// The 129 units of deploy/data/kontum/units.csv with the aliases of unit_aliases.csv.
std::vector<v1::Unit> KontumUnits();
// (unit_id, alias) of unit_aliases.csv.
std::vector<std::pair<std::string, std::string>> KontumAliases();

// One unit, valid for ever.
v1::Unit MakeUnit(const std::string& unit_id, const std::string& name, v1::Level::Value level,
                  const std::string& parent_id = "");

}  // namespace dondoc::ingestion::testing
