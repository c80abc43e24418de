#pragma once

#include "absl/status/status.h"
#include "dondoc/v1/dossiers.grpc.pb.h"
#include "services/common/clock/clock.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr int kBatchDossiersMax = 10'000;

class DossierService final : public v1::DossierService::Service {
 public:
  DossierService(Ledger& ledger, const Clock& clock, Metrics& metrics);

  grpc::Status BatchWriteDossiers(grpc::ServerContext* context,
                                  const v1::BatchWriteDossiersRequest* request,
                                  v1::BatchWriteDossiersResponse* response) override;
  grpc::Status StreamWriteDossiers(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::BatchWriteDossiersResponse, v1::BatchWriteDossiersRequest>*
          stream) override;
  grpc::Status GetDossier(grpc::ServerContext* context, const v1::GetDossierRequest* request,
                          v1::DossierHistory* response) override;
  grpc::Status ListDossiers(grpc::ServerContext* context, const v1::ListDossiersRequest* request,
                            v1::ListDossiersResponse* response) override;

 private:
  absl::Status Write(const v1::BatchWriteDossiersRequest& request,
                     v1::BatchWriteDossiersResponse& response);
  absl::Status Get(const v1::GetDossierRequest& request, v1::DossierHistory& response) const;
  absl::Status List(const v1::ListDossiersRequest& request,
                    v1::ListDossiersResponse& response) const;
  // As of the position; "" = the default one. kNotFound.
  absl::StatusOr<v1::MetricDefinition> FindDefinition(const std::string& definition_id,
                                                      int64_t sequence) const;
  // 1…head; 0 = the head.
  absl::StatusOr<int64_t> CheckPosition(int64_t sequence, int64_t head) const;

  Ledger& ledger_;
  const Clock& clock_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
