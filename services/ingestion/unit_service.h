#pragma once

#include "absl/status/status.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr int kUnitsPutMax = 20'000;

class UnitService final : public v1::UnitService::Service {
 public:
  UnitService(Ledger& ledger, Metrics& metrics);

  grpc::Status ListUnits(grpc::ServerContext* context, const v1::ListUnitsRequest* request,
                         v1::ListUnitsResponse* response) override;
  grpc::Status GetUnit(grpc::ServerContext* context, const v1::GetUnitRequest* request,
                       v1::Unit* response) override;
  grpc::Status ImportUnits(grpc::ServerContext* context, const v1::ImportUnitsRequest* request,
                           v1::ImportUnitsResponse* response) override;

 private:
  absl::Status List(const v1::ListUnitsRequest& request, v1::ListUnitsResponse& response) const;
  absl::Status Get(const v1::GetUnitRequest& request, v1::Unit& response) const;
  absl::Status Put(const v1::ImportUnitsRequest& request, v1::ImportUnitsResponse& response);

  Ledger& ledger_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
