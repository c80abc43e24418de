#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dondoc/v1/procedures.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

class ProcedureService final : public v1::ProcedureService::Service {
 public:
  // Ledger and metrics outlive the service; `spool_folder` as SheetReader has it.
  ProcedureService(Ledger& ledger, Metrics& metrics, std::string spool_folder);

  grpc::Status ListProcedures(grpc::ServerContext* context,
                              const v1::ListProceduresRequest* request,
                              v1::ListProceduresResponse* response) override;
  grpc::Status GetProcedure(grpc::ServerContext* context, const v1::GetProcedureRequest* request,
                            v1::Procedure* response) override;
  grpc::Status ImportProcedures(grpc::ServerContext* context,
                                const v1::ImportProceduresRequest* request,
                                v1::ImportProceduresResponse* response) override;
  grpc::Status ImportProceduresFile(grpc::ServerContext* context,
                                    grpc::ServerReader<v1::ImportProceduresFileRequest>* reader,
                                    v1::ImportProceduresFileResponse* response) override;

 private:
  absl::Status List(const v1::ListProceduresRequest& request,
                    v1::ListProceduresResponse& response) const;
  absl::Status Get(const v1::GetProcedureRequest& request, v1::Procedure& response) const;
  absl::Status Put(const v1::ImportProceduresRequest& request, const std::string& author,
                   v1::ImportProceduresResponse& response);
  absl::Status PutFile(grpc::ServerContext& context,
                       grpc::ServerReader<v1::ImportProceduresFileRequest>& reader,
                       v1::ImportProceduresFileResponse& response);
  absl::StatusOr<CommitResult> Commit(const ProceduresPut& put);

  Ledger& ledger_;
  Metrics& metrics_;
  const std::string spool_folder_;
};

}  // namespace dondoc::ingestion
