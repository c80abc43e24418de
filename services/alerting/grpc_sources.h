#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dondoc/v1/definitions.grpc.pb.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "dondoc/v1/ratios.grpc.pb.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "grpcpp/channel.h"
#include "services/alerting/figures.h"

namespace dondoc::alerting {

// A list longer than this many pages is not ours.
inline constexpr int kPagesMax = 100;

class GrpcFigureSource : public FigureSource {
 public:
  explicit GrpcFigureSource(const std::shared_ptr<grpc::Channel>& aggregation);
  absl::StatusOr<v1::GetFreshnessResponse> GetFreshness(const CallContext& context) override;
  absl::StatusOr<v1::GetSummaryResponse> GetSummary(const CallContext& context,
                                                    const v1::GetSummaryRequest& request) override;
  absl::StatusOr<v1::ListRatiosResponse> ListRatios(const CallContext& context,
                                                    v1::ListRatiosRequest request) override;
  absl::StatusOr<v1::ListDailyCountsResponse> ListDailyCounts(
      const CallContext& context, const v1::ListDailyCountsRequest& request) override;
  absl::Status RegisterWindow(const CallContext& context,
                              const v1::RegisterWindowRequest& request) override;

 private:
  const std::unique_ptr<v1::RatioService::Stub> stub_;
};

class GrpcDirectorySource : public DirectorySource {
 public:
  explicit GrpcDirectorySource(const std::shared_ptr<grpc::Channel>& ingestion);
  absl::StatusOr<std::vector<v1::Unit>> ListUnits(const CallContext& context,
                                                  absl::CivilDay day) override;
  absl::StatusOr<std::vector<v1::MetricDefinition>> ListDefinitions(
      const CallContext& context) override;
  absl::StatusOr<std::vector<std::string>> ListRunningImports(const CallContext& context) override;

 private:
  const std::unique_ptr<v1::UnitService::Stub> units_;
  const std::unique_ptr<v1::DefinitionService::Stub> definitions_;
  const std::unique_ptr<v1::ImportService::Stub> imports_;
};

}  // namespace dondoc::alerting
