// dondoc_ingestion: the system of record. Wiring only.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "services/common/config/flags.h"
#include "services/common/log/log.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/rpc/server.h"
#include "services/ingestion/config.h"
#include "services/ingestion/definition_service.h"
#include "services/ingestion/directory_service.h"
#include "services/ingestion/dossier_service.h"
#include "services/ingestion/feed_service.h"
#include "services/ingestion/import_service.h"
#include "services/ingestion/imports.h"
#include "services/ingestion/ledger/rocksdb_ledger.h"
#include "services/ingestion/metrics.h"
#include "services/ingestion/procedure_service.h"
#include "services/ingestion/statement_service.h"
#include "services/ingestion/unit_service.h"

int main(int argc, char** argv) {
  namespace ingestion = dondoc::ingestion;
  const sigset_t signals = dondoc::BlockShutdownSignals();
  const std::vector<std::string> words = dondoc::ParseFlags(
      argc, argv, "dondoc_ingestion: the system of record of dossiers and units.");
  if (!words.empty()) {
    return dondoc::ExitWith(dondoc::kExitBadConfig,
                            absl::InvalidArgumentError("takes flags only: " + words.front()));
  }
  absl::StatusOr<ingestion::Config> config = ingestion::ConfigFromFlags();
  if (!config.ok()) return dondoc::ExitWith(dondoc::kExitBadConfig, config.status());
  dondoc::log::Info("starting", {{"flags", absl::StrJoin(dondoc::DescribeFlags(), " ")}});

  auto metrics_server =
      dondoc::MetricsServer::Start(config->metrics_address, config->server.service);
  if (!metrics_server.ok()) {
    return dondoc::ExitWith(dondoc::kExitFailed, metrics_server.status());
  }
  ingestion::Metrics metrics((*metrics_server)->registry());

  ingestion::RocksDbLedgerOptions ledger_options;
  ledger_options.folder = config->data_dir;
  auto ledger = ingestion::RocksDbLedger::Open(ledger_options, *config->clock);
  if (!ledger.ok()) return dondoc::ExitWith(dondoc::kExitFailed, ledger.status());
  ingestion::Imports imports(**ledger, (*ledger)->imports(), *config->clock, metrics,
                             config->imports);
  if (absl::Status recovered = imports.Recover(); !recovered.ok()) {
    return dondoc::ExitWith(dondoc::kExitFailed, recovered);
  }

  ingestion::DossierService dossier_service(**ledger, *config->clock, metrics);
  ingestion::ImportService import_service(imports, **ledger, *config->clock, metrics);
  ingestion::UnitService unit_service(**ledger, metrics,
                                      {config->imports.province, config->data_dir});
  ingestion::ProcedureService procedure_service(**ledger, metrics, config->data_dir);
  ingestion::DirectoryService directory_service(**ledger, metrics);
  ingestion::DefinitionService definition_service(**ledger, metrics);
  ingestion::StatementService statement_service(**ledger, *config->clock, metrics);
  ingestion::FeedService feed_service(**ledger, metrics, config->feed);

  dondoc::ServerHooks hooks;
  hooks.ready = [&] {
    metrics.head_sequence.Set(static_cast<double>((*ledger)->Head().sequence()));
    return true;
  };
  // Followers never end by themselves.
  hooks.drain = [&] { feed_service.Stop(); };
  return dondoc::RunServer(
      config->server,
      {&dossier_service, &import_service, &unit_service, &procedure_service, &definition_service,
       &statement_service, &directory_service, &feed_service},
      **metrics_server, signals, hooks);
}
