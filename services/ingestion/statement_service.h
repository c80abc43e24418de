#pragma once

#include "dondoc/v1/statements.grpc.pb.h"
#include "services/common/clock/clock.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr int kBatchStatementsMax = 10'000;

// Decodes, checks, commits or lists. Thread-safe.
class StatementService final : public v1::StatementService::Service {
 public:
  // Ledger, clock and metrics outlive the service.
  StatementService(Ledger& ledger, const Clock& clock, Metrics& metrics);

  grpc::Status BatchWriteStatements(grpc::ServerContext* context,
                                    const v1::BatchWriteStatementsRequest* request,
                                    v1::BatchWriteStatementsResponse* response) override;
  grpc::Status ListStatements(grpc::ServerContext* context,
                              const v1::ListStatementsRequest* request,
                              v1::ListStatementsResponse* response) override;

 private:
  absl::Status Write(const v1::BatchWriteStatementsRequest& request,
                     v1::BatchWriteStatementsResponse& response);
  absl::Status List(const v1::ListStatementsRequest& request,
                    v1::ListStatementsResponse& response) const;

  Ledger& ledger_;
  const Clock& clock_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
