#include "services/ingestion/unit_service.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 1'000;
constexpr int kPageSizeMax = 20'000;

}  // namespace

UnitService::UnitService(Ledger& ledger, Metrics& metrics) : ledger_(ledger), metrics_(metrics) {}

grpc::Status UnitService::ListUnits(grpc::ServerContext*, const v1::ListUnitsRequest* request,
                                    v1::ListUnitsResponse* response) {
  return metrics_.Answer("ListUnits", List(*request, *response));
}

absl::Status UnitService::List(const v1::ListUnitsRequest& request,
                               v1::ListUnitsResponse& response) const {
  ASSIGN_OR_RETURN(const int page_size,
                   CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  std::optional<absl::CivilDay> valid_on;
  if (!request.valid_on().empty()) {
    const absl::StatusOr<absl::CivilDay> day = ParseDay(request.valid_on());
    if (!day.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("valid_on: ", day.status().message()));
    }
    valid_on = *day;
  }
  if (request.has_level() && !v1::Level::Value_IsValid(request.level())) {
    return absl::InvalidArgumentError(
        absl::StrCat("level: ", static_cast<int>(request.level()), " is no level"));
  }
  v1::ListUnitsRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  // The position is before the directory, which may then only be newer than it says.
  const v1::Position head = ledger_.Head();
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  size_t next = 0;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const std::string after, ReadPageToken(query, request.page_token()));
    const std::vector<const v1::Unit*>& units = directory->InOrder();
    while (next < units.size() && units[next]->unit_id() != after) ++next;
    ++next;
  }
  for (; next < directory->InOrder().size(); ++next) {
    const v1::Unit& unit = *directory->InOrder()[next];
    if (request.has_level() && unit.level() != request.level()) continue;
    if (!request.parent_id().empty() && unit.parent_id() != request.parent_id()) continue;
    if (valid_on.has_value() && !Directory::ExistsOn(unit, *valid_on)) continue;
    if (response.units_size() == page_size) {
      response.set_next_page_token(MakePageToken(query, response.units(page_size - 1).unit_id()));
      break;
    }
    *response.add_units() = unit;
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(head.sequence());
  return absl::OkStatus();
}

grpc::Status UnitService::GetUnit(grpc::ServerContext*, const v1::GetUnitRequest* request,
                                  v1::Unit* response) {
  return metrics_.Answer("GetUnit", Get(*request, *response));
}

absl::Status UnitService::Get(const v1::GetUnitRequest& request, v1::Unit& response) const {
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  const v1::Unit* const unit = directory->Find(request.unit_id());
  if (unit == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("unit_id: ", Quoted(request.unit_id()), " is not in the directory"));
  }
  response = *unit;
  return absl::OkStatus();
}

grpc::Status UnitService::ImportUnits(grpc::ServerContext*, const v1::ImportUnitsRequest* request,
                                      v1::ImportUnitsResponse* response) {
  return metrics_.Answer("ImportUnits", Put(*request, *response));
}

absl::Status UnitService::Put(const v1::ImportUnitsRequest& request,
                              v1::ImportUnitsResponse& response) {
  if (request.units_size() > kUnitsPutMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("units: ", request.units_size(), ", limit ", kUnitsPutMax));
  }
  if (request.units_size() == 0) return absl::InvalidArgumentError("units: none given");
  UnitsPut put;
  put.units.assign(request.units().begin(), request.units().end());
  for (v1::Unit& unit : put.units) {
    unit.set_name(ToNfc(Trim(unit.name())));
    for (std::string& alias : *unit.mutable_aliases()) alias = ToNfc(Trim(alias));
  }
  RETURN_IF_ERROR(ledger_.CurrentDirectory()->Check(put.units));
  const absl::Time start = absl::Now();
  absl::StatusOr<CommitResult> result = ledger_.Commit(put);
  metrics_.ObserveCommit("units", absl::Now() - start);
  RETURN_IF_ERROR(result.status());
  response.set_created(result->entries_created);
  response.set_updated(result->entries_updated);
  response.set_unchanged(result->entries_unchanged);
  response.set_ledger_id(result->position.ledger_id());
  response.set_sequence(result->position.sequence());
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
