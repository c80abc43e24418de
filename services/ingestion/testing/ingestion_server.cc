#include "services/ingestion/testing/ingestion_server.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/server_builder.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/temp_dir.h"
#include "services/ingestion/definition_service.h"
#include "services/ingestion/directory_service.h"
#include "services/ingestion/dossier_service.h"
#include "services/ingestion/import_service.h"
#include "services/ingestion/ledger/fake_ledger.h"
#include "services/ingestion/ledger/rocksdb_ledger.h"
#include "services/ingestion/procedure_service.h"
#include "services/ingestion/statement_service.h"
#include "services/ingestion/testing/kontum_units.h"
#include "services/ingestion/unit_service.h"

namespace dondoc::ingestion::testing {

IngestionServer::IngestionServer(Open open, Options options)
    : open_(std::move(open)),
      options_(std::move(options)),
      clock_(*ParseInstant("2023-11-21T09:00:00+07:00")) {
  Start();
  if (!options_.load_units) return;
  UnitsPut put;
  put.units = KontumUnits();
  if (!ledger_->Commit(put, false).ok()) throw std::runtime_error("cannot put the units");
}

IngestionServer::~IngestionServer() { Stop(); }

void IngestionServer::Restart() {
  Stop();
  Start();
}

void IngestionServer::Start() {
  registry_ = std::make_unique<prometheus::Registry>();
  metrics_ = std::make_unique<Metrics>(*registry_);
  ledger_ = open_(clock_);
  imports_ =
      std::make_unique<Imports>(*ledger_, ledger_->imports(), clock_, *metrics_, options_.imports);
  if (!imports_->Recover().ok()) throw std::runtime_error("cannot recover");
  auto feed = std::make_unique<FeedService>(*ledger_, *metrics_, options_.feed);
  feed_ = feed.get();
  services_.push_back(std::make_unique<DossierService>(*ledger_, clock_, *metrics_));
  services_.push_back(std::make_unique<ImportService>(*imports_, *ledger_, clock_, *metrics_));
  services_.push_back(std::make_unique<UnitService>(*ledger_, *metrics_, UnitService::Options()));
  services_.push_back(std::make_unique<ProcedureService>(*ledger_, *metrics_, "/tmp"));
  services_.push_back(std::make_unique<DirectoryService>(*ledger_, *metrics_));
  services_.push_back(std::make_unique<DefinitionService>(*ledger_, *metrics_));
  services_.push_back(std::make_unique<StatementService>(*ledger_, clock_, *metrics_));
  services_.push_back(std::move(feed));
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(64 << 20);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) throw std::runtime_error("cannot listen");
  address_ = "127.0.0.1:" + std::to_string(port);
}

void IngestionServer::Stop() {
  feed_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  server_.reset();
  services_.clear();
  imports_.reset();
  ledger_.reset();
}

std::shared_ptr<grpc::Channel> IngestionServer::Dial() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // A connection of its own, so that one reader's flow control does not hold up another's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<v1::DossierService::Stub> IngestionServer::dossiers() const {
  return v1::DossierService::NewStub(Dial());
}
std::unique_ptr<v1::ImportService::Stub> IngestionServer::import_service() const {
  return v1::ImportService::NewStub(Dial());
}
std::unique_ptr<v1::UnitService::Stub> IngestionServer::units() const {
  return v1::UnitService::NewStub(Dial());
}
std::unique_ptr<v1::DefinitionService::Stub> IngestionServer::definitions() const {
  return v1::DefinitionService::NewStub(Dial());
}
std::unique_ptr<v1::StatementService::Stub> IngestionServer::statements() const {
  return v1::StatementService::NewStub(Dial());
}
std::unique_ptr<v1::FeedService::Stub> IngestionServer::feed() const {
  return v1::FeedService::NewStub(Dial());
}

std::unique_ptr<v1::ProcedureService::Stub> IngestionServer::procedures() const {
  return v1::ProcedureService::NewStub(Dial());
}
std::unique_ptr<v1::DirectoryService::Stub> IngestionServer::directory_service() const {
  return v1::DirectoryService::NewStub(Dial());
}

grpc::Status IngestionServer::Upload(v1::CreateImportRequest options, const std::string& text,
                                     v1::Import* import, size_t piece_bytes) {
  const auto stub = import_service();
  grpc::ClientContext context;
  const auto writer = stub->CreateImport(&context, import);
  for (size_t start = 0; start == 0 || start < text.size(); start += piece_bytes) {
    options.mutable_body()->set_data(text.substr(start, piece_bytes));
    if (!writer->Write(options)) break;
    options.Clear();
  }
  writer->WritesDone();
  return writer->Finish();
}

IngestionServer::Open InMemory() {
  auto disk = std::make_shared<MemoryDisk>();
  return [disk](const Clock& clock) -> std::unique_ptr<LogLedger> {
    auto ledger = FakeLedger::Open(disk, clock, LogLedgerOptions());
    if (!ledger.ok()) throw std::runtime_error(std::string(ledger.status().message()));
    return *std::move(ledger);
  };
}

IngestionServer::Open OnRocksDb() {
  auto folder = std::make_shared<dondoc::testing::TempDir>();
  return [folder](const Clock& clock) -> std::unique_ptr<LogLedger> {
    RocksDbLedgerOptions options;
    options.folder = folder->File("ledger");
    auto ledger = RocksDbLedger::Open(options, clock);
    if (!ledger.ok()) throw std::runtime_error(std::string(ledger.status().message()));
    return *std::move(ledger);
  };
}

}  // namespace dondoc::ingestion::testing
