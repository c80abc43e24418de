#pragma once

#include "absl/status/status.h"
#include "dondoc/v1/directory.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

class DirectoryService final : public v1::DirectoryService::Service {
 public:
  // Ledger and metrics outlive the service.
  DirectoryService(const Ledger& ledger, Metrics& metrics);

  grpc::Status ListDirectoryChanges(grpc::ServerContext* context,
                                    const v1::ListDirectoryChangesRequest* request,
                                    v1::ListDirectoryChangesResponse* response) override;

 private:
  absl::Status List(const v1::ListDirectoryChangesRequest& request,
                    v1::ListDirectoryChangesResponse& response) const;

  const Ledger& ledger_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
