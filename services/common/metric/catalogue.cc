#include "services/common/metric/catalogue.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc {

absl::string_view ProcedureKey(absl::string_view procedure_code) {
  const size_t first = procedure_code.find('.');
  if (first == absl::string_view::npos) return procedure_code;
  return procedure_code.substr(0, procedure_code.find('.', first + 1));
}

absl::Status ProcedureOffers::Read(const v1::Procedure& procedure, ProcedureOffers& out) {
  ProcedureOffers offers;
  for (const v1::ProcedureOffer& wire : procedure.offers()) {
    Offer offer = {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max(),
                   wire.service_level()};
    if (!wire.valid_from().empty()) {
      ASSIGN_OR_RETURN(const absl::CivilDay day, ParseDay(wire.valid_from()));
      offer.first = DayNumber(day);
    }
    if (!wire.valid_to().empty()) {
      ASSIGN_OR_RETURN(const absl::CivilDay day, ParseDay(wire.valid_to()));
      offer.last = DayNumber(day);
    }
    offers.offers_.push_back(offer);
  }
  out = std::move(offers);
  return absl::OkStatus();
}

absl::Status ProcedureCatalogue::Put(const v1::Procedure& procedure) {
  Entry entry;
  entry.procedure_code = std::string(ProcedureKey(procedure.procedure_code()));
  entry.name = procedure.name();
  entry.field = procedure.field();
  RETURN_IF_ERROR(ProcedureOffers::Read(procedure, entry.offers));
  std::string key = entry.procedure_code;
  entries_.insert_or_assign(std::move(key), std::move(entry));
  return absl::OkStatus();
}

const ProcedureCatalogue::Entry* ProcedureCatalogue::Find(absl::string_view procedure_code) const {
  const auto found = entries_.find(ProcedureKey(procedure_code));
  return found == entries_.end() ? nullptr : &found->second;
}

v1::ServiceLevel::Value ProcedureCatalogue::EffectiveLevel(absl::string_view procedure_code,
                                                           int32_t day,
                                                           v1::ServiceLevel::Value stated) const {
  const Entry* entry = Find(procedure_code);
  return entry == nullptr ? stated : entry->offers.LevelOn(day, stated);
}

}  // namespace dondoc
