#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/metrics.h"

namespace dondoc::ingestion {

inline constexpr int kUnitsPutMax = 20'000;

class UnitService final : public v1::UnitService::Service {
 public:
  struct Options {
    std::string province = "Kon Tum";   // see UnitMatcher
    std::string spool_folder = "/tmp";  // see SheetReader
  };

  // Ledger and metrics outlive the service.
  UnitService(Ledger& ledger, Metrics& metrics, Options options);

  grpc::Status ListUnits(grpc::ServerContext* context, const v1::ListUnitsRequest* request,
                         v1::ListUnitsResponse* response) override;
  grpc::Status GetUnit(grpc::ServerContext* context, const v1::GetUnitRequest* request,
                       v1::Unit* response) override;
  grpc::Status ImportUnits(grpc::ServerContext* context, const v1::ImportUnitsRequest* request,
                           v1::ImportUnitsResponse* response) override;
  grpc::Status ImportUnitsFile(grpc::ServerContext* context,
                               grpc::ServerReader<v1::ImportUnitsFileRequest>* reader,
                               v1::ImportUnitsFileResponse* response) override;
  grpc::Status UpdateUnit(grpc::ServerContext* context, const v1::UpdateUnitRequest* request,
                          v1::UpdateUnitResponse* response) override;
  grpc::Status AddAlias(grpc::ServerContext* context, const v1::AddAliasRequest* request,
                        v1::UpdateUnitResponse* response) override;

 private:
  // What a change puts, given the directory it is made from.
  using Make = std::function<absl::StatusOr<UnitsPut>(const std::shared_ptr<const Directory>&)>;

  absl::Status List(const v1::ListUnitsRequest& request, v1::ListUnitsResponse& response) const;
  absl::Status Get(const v1::GetUnitRequest& request, v1::Unit& response) const;
  absl::Status Put(const v1::ImportUnitsRequest& request, const std::string& author,
                   v1::ImportUnitsResponse& response);
  absl::Status PutFile(grpc::ServerContext& context,
                       grpc::ServerReader<v1::ImportUnitsFileRequest>& reader,
                       v1::ImportUnitsFileResponse& response);
  absl::Status Update(const v1::UpdateUnitRequest& request, const std::string& author,
                      v1::UpdateUnitResponse& response);
  absl::Status Teach(const v1::AddAliasRequest& request, const std::string& author,
                     v1::UpdateUnitResponse& response);
  absl::StatusOr<CommitResult> Commit(const UnitsPut& put);
  // Makes the change from the directory of now, and again when another change came between.
  absl::StatusOr<CommitResult> CommitMade(const Make& make);
  // The same for one unit; fills the response.
  absl::Status ChangeOne(const Make& make, v1::UpdateUnitResponse& response);

  Ledger& ledger_;
  Metrics& metrics_;
  const Options options_;
};

}  // namespace dondoc::ingestion
