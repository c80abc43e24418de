#pragma once

#include <string>
#include <vector>

#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/units.pb.h"

namespace dondoc::sample {

// A procedure (TTHC) of the sample year. Names are of the usual kind; codes begin with 9, which no
// national procedure code does.
struct Procedure {
  std::string code;
  std::string name;
  std::string field;
  v1::ServiceLevel::Value service_level = v1::ServiceLevel::UNKNOWN;
};

struct Catalogue {
  std::vector<Procedure> procedures;
  // For each unit, the indexes of the procedures it takes in, the most usual first. At least one of
  // them can be filed online.
  std::vector<std::vector<size_t>> of_unit;
};

Catalogue MakeCatalogue(const std::vector<v1::Unit>& units);

}  // namespace dondoc::sample
