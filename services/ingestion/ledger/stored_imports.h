#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/common/mutex/mutex.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/store.h"

namespace dondoc::ingestion {

// Imports kept in the same store as the log, so that staged rows become the body of a log record by
// being named in it. Also durable: what a synced write of this store follows.
class StoredImports : public ImportStore {
 public:
  // How often the import's staged rows took effect (its application and replays); 0 = never.
  using Applications = std::function<int64_t(const std::string& import_id)>;

  // `store` outlives this.
  StoredImports(Store& store, Applications applications);

  // Reads which imports there are; once, before anything else.
  absl::Status Load();
  // Drops staged rows that nothing can take in any more: of imports that failed, were cancelled or
  // are unknown, and of replays that were cut off.
  absl::Status DropDeadRows();

  bool Knows(const std::string& import_id) const;

  absl::Status CreateImport(const v1::Import& import) override;
  absl::Status UpdateImport(const v1::Import& import) override;
  absl::Status RemoveImport(const std::string& import_id) override;
  absl::StatusOr<v1::Import> FindImport(const std::string& import_id) const override;
  absl::StatusOr<std::vector<v1::Import>> ListImports(const std::string& after_id,
                                                      int limit) const override;
  absl::Status StageRows(const std::string& import_id, absl::Span<const Row> rows) override;
  absl::Status StageStatements(const std::string& import_id,
                               absl::Span<const v1::StatementRecord> statements) override;
  absl::Status DropStagedRows(const std::string& import_id) override;
  absl::Status AddRejects(const std::string& import_id,
                          absl::Span<const v1::Reject> rejects) override;
  absl::Status RemoveRejects(const std::string& import_id,
                             absl::Span<const int64_t> row_numbers) override;
  absl::StatusOr<std::vector<v1::Reject>> ListRejects(const std::string& import_id,
                                                      int64_t after_row, int limit) const override;

 private:
  // Where the next chunk of an import's staged rows goes.
  struct Staging {
    int64_t application = -1;
    int64_t next_chunk = 0;
  };

  absl::Status WriteEntry(int64_t number, const v1::Import& import);
  // The (import, application) that something is staged for, below `kind`, a prefix of keys.
  absl::StatusOr<std::set<std::pair<std::string, int64_t>>> StagedUnder(
      const std::string& kind) const;
  bool MayCome(const std::string& import_id) const;

  Store& store_;
  const Applications applications_;
  // Held across the write of an import or of staged rows, so that each order of calls is also the
  // order in the store; readers do not take it for long.
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, int64_t> numbers_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, std::string> ids_ ABSL_GUARDED_BY(mutex_);  // in the order of creation
  absl::flat_hash_map<std::string, Staging> staging_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::ingestion
