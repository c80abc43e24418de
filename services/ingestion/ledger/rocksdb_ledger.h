#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/ingestion/ledger/log_ledger.h"
#include "services/ingestion/ledger/rocksdb_store.h"

namespace rocksdb {
class Env;
}

namespace dondoc::ingestion {

struct RocksDbLedgerOptions {
  // A folder of its own; created when it is missing.
  std::string folder;
  LogLedgerOptions log;
  // Null = the machine's file system. Outlives the ledger.
  rocksdb::Env* env = nullptr;
  // Written to a table file when it is full.
  size_t memory_table_bytes = kMemoryTableBytes;
};

// The ledger embedded in one process, on RocksDB. Ledger's and ImportStore's contracts hold;
// imports() is in the same database.
class RocksDbLedger : public LogLedger {
 public:
  // Opens the ledger in the folder, or creates one. `clock` outlives the ledger.
  // kFailedPrecondition: another process has the folder, or a newer program wrote it.
  // kDataLoss: the folder's data is damaged. kUnavailable, kResourceExhausted: the disk. Every
  // message names the folder.
  static absl::StatusOr<std::unique_ptr<RocksDbLedger>> Open(const RocksDbLedgerOptions& options,
                                                             const Clock& clock);

 private:
  using LogLedger::LogLedger;
};

}  // namespace dondoc::ingestion
