#include "services/common/metric/definition.h"

#include "services/common/metric/catalogue.h"

namespace dondoc {
namespace {

// Codes come from the wire: one beyond the mask is in no set.
uint32_t Bit(int code) { return code >= 0 && code < 32 ? 1u << code : 0u; }

}  // namespace

v1::MetricDefinition DefaultDefinition() {
  v1::MetricDefinition definition;
  definition.set_definition_id(kDefaultDefinitionId);
  definition.set_version(1);
  definition.set_name("Tỷ lệ hồ sơ trực tuyến trên tổng số hồ sơ tiếp nhận");
  definition.add_numerator_channels(v1::Channel::ONLINE);
  for (const auto channel :
       {v1::Channel::UNKNOWN, v1::Channel::COUNTER, v1::Channel::ONLINE, v1::Channel::POSTAL}) {
    definition.add_denominator_channels(channel);
  }
  definition.add_excluded_statuses(v1::Status::NEW);
  definition.add_excluded_statuses(v1::Status::REFUSED);
  definition.set_legal_basis(
      "Quyết định số 17/QĐ-UBCĐSQG ngày 04/04/2023; Công văn số 4067/UBND-TTHCC ngày 21/11/2023 "
      "của "
      "UBND tỉnh Kon Tum");
  return definition;
}

DefinitionPredicate::DefinitionPredicate(const v1::MetricDefinition& definition)
    : only_online_services_(definition.only_online_services()) {
  for (const int channel : definition.denominator_channels()) denominator_channels_ |= Bit(channel);
  for (const int channel : definition.numerator_channels()) numerator_channels_ |= Bit(channel);
  for (const int status : definition.excluded_statuses()) excluded_statuses_ |= Bit(status);
}

bool DefinitionPredicate::Counts(v1::Channel::Value channel, v1::ServiceLevel::Value service_level,
                                 v1::Status::Value status) const {
  if (only_online_services_ && !HasOnlineService(service_level)) return false;
  return (denominator_channels_ & Bit(channel)) != 0 && (excluded_statuses_ & Bit(status)) == 0;
}

bool DefinitionPredicate::Online(v1::Channel::Value channel) const {
  return (numerator_channels_ & Bit(channel)) != 0;
}

v1::Channel::Value DefinitionPredicate::ShownAs(v1::Channel::Value channel) const {
  if (Online(channel)) return v1::Channel::ONLINE;
  if (channel == v1::Channel::COUNTER || channel == v1::Channel::POSTAL) return channel;
  return v1::Channel::UNKNOWN;
}

}  // namespace dondoc
