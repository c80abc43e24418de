#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "services/common/clock/clock.h"
#include "services/ingestion/imports.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr size_t kFilenameBytesMax = 255;
// Of a file that cannot be read, so much more is taken in, so that the sender hears why and not
// that it was hung up on.
inline constexpr int64_t kDrainBytesMax = 64 << 20;

class ImportService final : public v1::ImportService::Service {
 public:
  ImportService(Imports& imports, const Ledger& ledger, const Clock& clock, Metrics& metrics);

  grpc::Status CreateImport(grpc::ServerContext* context,
                            grpc::ServerReader<v1::CreateImportRequest>* reader,
                            v1::Import* response) override;
  grpc::Status GetImport(grpc::ServerContext* context, const v1::GetImportRequest* request,
                         v1::Import* response) override;
  grpc::Status ListImports(grpc::ServerContext* context, const v1::ListImportsRequest* request,
                           v1::ListImportsResponse* response) override;
  grpc::Status ListRejects(grpc::ServerContext* context, const v1::ListRejectsRequest* request,
                           v1::ListRejectsResponse* response) override;
  grpc::Status DownloadRejects(grpc::ServerContext* context,
                               const v1::DownloadRejectsRequest* request,
                               grpc::ServerWriter<v1::RawBody>* writer) override;
  grpc::Status ApplyImport(grpc::ServerContext* context, const v1::ApplyImportRequest* request,
                           v1::Import* response) override;
  grpc::Status RevertImport(grpc::ServerContext* context, const v1::RevertImportRequest* request,
                            v1::Import* response) override;
  grpc::Status ReplayImport(grpc::ServerContext* context, const v1::ReplayImportRequest* request,
                            v1::Import* response) override;
  grpc::Status CancelImport(grpc::ServerContext* context, const v1::CancelImportRequest* request,
                            v1::Import* response) override;

 private:
  absl::StatusOr<v1::Import> Receive(grpc::ServerContext& context,
                                     grpc::ServerReader<v1::CreateImportRequest>& reader);
  absl::StatusOr<std::shared_ptr<Imports::Upload>> Open(grpc::ServerContext& context,
                                                        const v1::CreateImportRequest& first);
  absl::StatusOr<ImportOptions> ReadOptions(const v1::CreateImportRequest& first) const;
  absl::Status List(const v1::ListImportsRequest& request, v1::ListImportsResponse& response);
  absl::Status Rejects(const v1::ListRejectsRequest& request, v1::ListRejectsResponse& response);
  absl::Status Download(const std::string& import_id, grpc::ServerWriter<v1::RawBody>& writer);
  grpc::Status Answer(absl::string_view rpc, absl::StatusOr<v1::Import> result,
                      v1::Import* response);

  Imports& imports_;
  const Ledger& ledger_;
  const Clock& clock_;
  Metrics& metrics_;
};

}  // namespace dondoc::ingestion
