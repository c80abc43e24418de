#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/procedures.pb.h"

// The catalogue of procedures as counting and drill-down look at it: what a definition calls the
// service level of a dossier is decided here and nowhere else.

namespace dondoc {

// What a procedure is known by: the first two groups of its code ("1.010708" for
// "1.010708.000.00.00.H34"); a code of fewer groups is known by itself.
absl::string_view ProcedureKey(absl::string_view procedure_code);

// Whether a procedure of that level can be done online.
inline bool HasOnlineService(v1::ServiceLevel::Value level) {
  return level == v1::ServiceLevel::PARTIAL || level == v1::ServiceLevel::FULL;
}

// The offers of one procedure.
class ProcedureOffers {
 public:
  ProcedureOffers() = default;
  // kInvalidArgument when a day cannot be read.
  static absl::Status Read(const v1::Procedure& procedure, ProcedureOffers& out);

  // The level on the received day (days since 1970-01-01): the catalogue's where it knows the
  // procedure on that day, else the one that was stated.
  v1::ServiceLevel::Value LevelOn(int32_t day, v1::ServiceLevel::Value stated) const {
    for (const Offer& offer : offers_) {
      if (offer.first <= day && day <= offer.last) return offer.level;
    }
    return stated;
  }
  bool empty() const { return offers_.empty(); }

 private:
  struct Offer {
    int32_t first;
    int32_t last;
    v1::ServiceLevel::Value level;
  };
  std::vector<Offer> offers_;
};

// The procedures at one position. Not thread-safe while it is written.
class ProcedureCatalogue {
 public:
  struct Entry {
    std::string procedure_code;  // its key
    std::string name;
    std::string field;
    ProcedureOffers offers;
  };

  // Adds or replaces. kInvalidArgument when a day cannot be read.
  absl::Status Put(const v1::Procedure& procedure);
  // By a code written in full or not; nullptr = not in the catalogue.
  const Entry* Find(absl::string_view procedure_code) const;
  // As ProcedureOffers::LevelOn; for a procedure that is not in the catalogue the level stated.
  v1::ServiceLevel::Value EffectiveLevel(absl::string_view procedure_code, int32_t day,
                                         v1::ServiceLevel::Value stated) const;
  size_t size() const { return entries_.size(); }

 private:
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace dondoc
