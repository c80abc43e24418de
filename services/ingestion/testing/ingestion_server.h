#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dondoc/v1/definitions.grpc.pb.h"
#include "dondoc/v1/directory.grpc.pb.h"
#include "dondoc/v1/dossiers.grpc.pb.h"
#include "dondoc/v1/feed.grpc.pb.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "dondoc/v1/procedures.grpc.pb.h"
#include "dondoc/v1/statements.grpc.pb.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "grpcpp/server.h"
#include "prometheus/registry.h"
#include "services/common/testing/fake_clock.h"
#include "services/ingestion/feed_service.h"
#include "services/ingestion/imports.h"
#include "services/ingestion/ledger/log_ledger.h"

namespace dondoc::ingestion::testing {

// Every service of ingestion on a ledger, behind a real gRPC server on a free port, with the units
// of Kon Tum. Civil time is 2023-11-21 09:00.
class IngestionServer {
 public:
  struct Options {
    FeedService::Options feed;
    Imports::Config imports;
    bool load_units = true;
  };

  // `open` opens the ledger; called again by Restart.
  using Open = std::function<std::unique_ptr<LogLedger>(const Clock& clock)>;
  explicit IngestionServer(Open open) : IngestionServer(std::move(open), Options()) {}
  IngestionServer(Open open, Options options);
  ~IngestionServer();

  // Stops the services and the ledger as a shutdown does, and starts them again on the same store.
  void Restart();

  LogLedger& ledger() { return *ledger_; }
  Imports& imports() { return *imports_; }
  Metrics& metrics() { return *metrics_; }
  FeedService& feed_service() { return *feed_; }
  dondoc::testing::FakeClock& clock() { return clock_; }

  std::shared_ptr<grpc::Channel> Dial() const;
  std::unique_ptr<v1::DossierService::Stub> dossiers() const;
  std::unique_ptr<v1::ImportService::Stub> import_service() const;
  std::unique_ptr<v1::UnitService::Stub> units() const;
  std::unique_ptr<v1::DefinitionService::Stub> definitions() const;
  std::unique_ptr<v1::StatementService::Stub> statements() const;
  std::unique_ptr<v1::FeedService::Stub> feed() const;
  std::unique_ptr<v1::ProcedureService::Stub> procedures() const;
  std::unique_ptr<v1::DirectoryService::Stub> directory_service() const;

  // Uploads `text` in pieces of `piece_bytes`.
  grpc::Status Upload(v1::CreateImportRequest options, const std::string& text, v1::Import* import,
                      size_t piece_bytes = 1 << 16);

 private:
  void Start();
  void Stop();

  const Open open_;
  const Options options_;
  dondoc::testing::FakeClock clock_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<LogLedger> ledger_;
  std::unique_ptr<Imports> imports_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  FeedService* feed_ = nullptr;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

// Ledgers for tests: in memory, and RocksDB in a folder of its own that lives as long as `open`.
IngestionServer::Open InMemory();
IngestionServer::Open OnRocksDb();

}  // namespace dondoc::ingestion::testing
