#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/ratios.grpc.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/ledgers.h"
#include "services/aggregation/metrics.h"
#include "services/aggregation/request.h"
#include "services/aggregation/window_registry.h"

namespace dondoc::aggregation {

struct RatioServiceOptions {
  // For a call without a deadline of its own, and the most that any call waits for a past position.
  absl::Duration call_timeout = absl::Seconds(30);
};

// Decodes, finds the view of the position asked for, has the question answered, encodes.
// Thread-safe.
//
// The synchronous interface, because a question about the past may wait seconds for its snapshot:
// in a callback that would hold one of gRPC's few threads.
class RatioServiceServer : public v1::RatioService::Service {
 public:
  // `registered` is called after a window was registered or renewed.
  RatioServiceServer(Ledgers& ledgers, WindowRegistry& windows, Metrics& metrics,
                     std::function<void()> registered, RatioServiceOptions options = {});

  grpc::Status GetSummary(grpc::ServerContext* context, const v1::GetSummaryRequest* request,
                          v1::GetSummaryResponse* response) override;
  grpc::Status ListRatios(grpc::ServerContext* context, const v1::ListRatiosRequest* request,
                          v1::ListRatiosResponse* response) override;
  grpc::Status GetUnitRatio(grpc::ServerContext* context, const v1::GetUnitRatioRequest* request,
                            v1::GetUnitRatioResponse* response) override;
  grpc::Status ListTrend(grpc::ServerContext* context, const v1::ListTrendRequest* request,
                         v1::ListTrendResponse* response) override;
  grpc::Status GetBreakdown(grpc::ServerContext* context, const v1::GetBreakdownRequest* request,
                            v1::GetBreakdownResponse* response) override;
  grpc::Status ListUnitProcedures(grpc::ServerContext* context,
                                  const v1::ListUnitProceduresRequest* request,
                                  v1::ListUnitProceduresResponse* response) override;
  grpc::Status GetNation(grpc::ServerContext* context, const v1::GetNationRequest* request,
                         v1::GetNationResponse* response) override;
  grpc::Status GetReconciliation(grpc::ServerContext* context,
                                 const v1::GetReconciliationRequest* request,
                                 v1::GetReconciliationResponse* response) override;
  grpc::Status GetFreshness(grpc::ServerContext* context, const v1::GetFreshnessRequest* request,
                            v1::GetFreshnessResponse* response) override;
  grpc::Status ListDailyCounts(grpc::ServerContext* context,
                               const v1::ListDailyCountsRequest* request,
                               v1::ListDailyCountsResponse* response) override;
  grpc::Status RegisterWindow(grpc::ServerContext* context,
                              const v1::RegisterWindowRequest* request,
                              v1::RegisterWindowResponse* response) override;

 private:
  using View = std::shared_ptr<const CubeView>;

  // The view that answers, see PositionFinder. kInvalidArgument: no such province.
  absl::StatusOr<View> Find(const Question& question, absl::Time deadline);
  absl::Time Deadline(const grpc::ServerContext& context) const;

  absl::Status Answer(const v1::GetSummaryRequest& request, absl::Time deadline,
                      v1::GetSummaryResponse& response);
  absl::Status Answer(const v1::ListRatiosRequest& request, absl::Time deadline,
                      v1::ListRatiosResponse& response);
  absl::Status Answer(const v1::GetUnitRatioRequest& request, absl::Time deadline,
                      v1::GetUnitRatioResponse& response);
  absl::Status Answer(const v1::ListTrendRequest& request, absl::Time deadline,
                      v1::ListTrendResponse& response);
  absl::Status Answer(const v1::GetBreakdownRequest& request, absl::Time deadline,
                      v1::GetBreakdownResponse& response);
  absl::Status Answer(const v1::ListUnitProceduresRequest& request, absl::Time deadline,
                      v1::ListUnitProceduresResponse& response);
  absl::Status Answer(const v1::GetNationRequest& request, absl::Time deadline,
                      v1::GetNationResponse& response);
  absl::Status Answer(const v1::GetReconciliationRequest& request, absl::Time deadline,
                      v1::GetReconciliationResponse& response);
  absl::Status Answer(const v1::GetFreshnessRequest& request, absl::Time deadline,
                      v1::GetFreshnessResponse& response);
  absl::Status Answer(const v1::ListDailyCountsRequest& request, absl::Time deadline,
                      v1::ListDailyCountsResponse& response);
  absl::Status Answer(const v1::RegisterWindowRequest& request, absl::Time deadline,
                      v1::RegisterWindowResponse& response);
  // Answers, counts and times one call.
  template <typename Request, typename Response>
  grpc::Status Serve(const char* rpc, const grpc::ServerContext* context, const Request* request,
                     Response* response);

  Ledgers& ledgers_;
  WindowRegistry& windows_;
  Metrics& metrics_;
  const std::function<void()> registered_;
  const RatioServiceOptions options_;
};

}  // namespace dondoc::aggregation
