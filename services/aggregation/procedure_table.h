#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/procedures.pb.h"
#include "services/common/metric/catalogue.h"

namespace dondoc::aggregation {

// A procedure as dossiers name it, and what the catalogue says of it.
struct ProcedureFacts {
  std::string code;  // as on the dossiers
  std::string key;   // see ProcedureKey
  std::string name;  // empty = not in the catalogue
  std::string field;
  ProcedureOffers offers;
};
// By the index that cells have. Immutable, so readers share it without a lock.
using ProcedureTable = std::vector<ProcedureFacts>;

// The procedures that cells name, and the catalogue. Not thread-safe.
class ProcedureBook {
 public:
  // The index of a code, given out when it is first met.
  uint32_t Intern(const std::string& code);
  size_t size() const { return facts_.size(); }

  // Adds to the catalogue or replaces; procedures met before follow. kInvalidArgument when a day
  // cannot be read.
  absl::Status Put(const v1::Procedure& procedure);

  const ProcedureOffers& offers(uint32_t procedure) const { return facts_[procedure].offers; }
  // As of now; the same pointer while nothing changes.
  std::shared_ptr<const ProcedureTable> Table();

 private:
  void Describe(ProcedureFacts& facts) const;

  ProcedureCatalogue catalogue_;
  absl::flat_hash_map<std::string, uint32_t> index_;
  absl::flat_hash_map<std::string, std::vector<uint32_t>> by_key_;
  ProcedureTable facts_;
  std::shared_ptr<const ProcedureTable> table_;  // nullptr = changed
};

}  // namespace dondoc::aggregation
