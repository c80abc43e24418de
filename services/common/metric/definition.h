#pragma once

#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/definitions.pb.h"

namespace dondoc {

// The id that an empty definition_id means.
inline constexpr char kDefaultDefinitionId[] = "received";

// The definition every ledger starts with: received in the window, every channel in the
// denominator, ONLINE in the numerator, statuses NEW and REFUSED (never received) left out. Source:
// docs/adr/0008.
v1::MetricDefinition DefaultDefinition();

// What a definition says of one dossier, by the only facts it may look at. Used by counting and by
// drill-down: the one predicate. `service_level` is the one that counts, see ProcedureCatalogue.
class DefinitionPredicate {
 public:
  explicit DefinitionPredicate(const v1::MetricDefinition& definition);

  // Whether a received, not withdrawn dossier is in the denominator.
  bool Counts(v1::Channel::Value channel, v1::ServiceLevel::Value service_level,
              v1::Status::Value status) const;
  // Whether a counted one is in the numerator.
  bool Online(v1::Channel::Value channel) const;
  // The column of a Ratio that a counted one is in. The numerator is ONLINE whatever channels make
  // it up (one definition in use counts the post as online); an ONLINE dossier that is counted but
  // not in the numerator has no column of its own and is shown as UNKNOWN.
  v1::Channel::Value ShownAs(v1::Channel::Value channel) const;

 private:
  uint32_t denominator_channels_ = 0;  // bit i = Channel.Value i
  uint32_t numerator_channels_ = 0;
  uint32_t excluded_statuses_ = 0;
  bool only_online_services_ = false;
};

}  // namespace dondoc
