#include "services/ingestion/ledger/rocksdb_ledger.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {

absl::StatusOr<std::unique_ptr<RocksDbLedger>> RocksDbLedger::Open(
    const RocksDbLedgerOptions& options, const Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                   RocksDbStore::Open(options.folder, options.env, options.memory_table_bytes));
  std::unique_ptr<RocksDbLedger> ledger(new RocksDbLedger(std::move(store), clock, options.log));
  if (absl::Status loaded = ledger->Load(); !loaded.ok()) {
    if (absl::StrContains(loaded.message(), options.folder)) return loaded;
    return absl::Status(loaded.code(),
                        absl::StrCat("ledger in ", options.folder, ": ", loaded.message()));
  }
  return ledger;
}

}  // namespace dondoc::ingestion
