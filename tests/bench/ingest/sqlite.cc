#include <sqlite3.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "tests/bench/ingest/contenders.h"

namespace dondoc::bench {
namespace {

constexpr char kSetup[] = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -524288;
PRAGMA wal_autocheckpoint = 10000;
CREATE TABLE dossiers (code TEXT PRIMARY KEY, unit_id TEXT, procedure_code TEXT, field TEXT, received INTEGER,
                       channel INTEGER, service_level INTEGER, status INTEGER, updated INTEGER) WITHOUT ROWID;
)sql";

constexpr char kUpsert[] = R"sql(
INSERT INTO dossiers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (code) DO UPDATE SET
  unit_id = excluded.unit_id, procedure_code = excluded.procedure_code, field = excluded.field,
  received = excluded.received, channel = excluded.channel, service_level = excluded.service_level,
  status = excluded.status, updated = excluded.updated
WHERE updated <= excluded.updated
)sql";

void BindText(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

bool Upsert(sqlite3_stmt* statement, const v1::Dossier& dossier) {
  BindText(statement, 1, dossier.code());
  BindText(statement, 2, dossier.unit_id());
  BindText(statement, 3, dossier.procedure_code());
  BindText(statement, 4, dossier.field());
  sqlite3_bind_int64(statement, 5, dossier.received_time().seconds());
  sqlite3_bind_int(statement, 6, dossier.channel());
  sqlite3_bind_int(statement, 7, dossier.service_level());
  sqlite3_bind_int(statement, 8, dossier.status());
  sqlite3_bind_int64(statement, 9, dossier.update_time().seconds());
  const bool done = sqlite3_step(statement) == SQLITE_DONE;
  return sqlite3_reset(statement) == SQLITE_OK && done;
}

int64_t CountDossiers(sqlite3* database) {
  int64_t count = 0;
  sqlite3_exec(
      database, "SELECT count(*) FROM dossiers",
      [](void* to, int, char** values, char**) {
        *static_cast<int64_t*>(to) = std::stoll(values[0]);
        return 0;
      },
      &count, nullptr);
  return count;
}

}  // namespace

absl::StatusOr<Result> RunSqlite(Source source, const std::string& file) {
  Result result;
  std::vector<v1::Dossier> dossiers;
  for (ExportRow row; source.Next(row);) dossiers.push_back(ToDossier(source, row));
  sqlite3* database = nullptr;
  sqlite3_stmt* upsert = nullptr;
  const auto run = [&](const char* sql) {
    return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  bool good = sqlite3_open(file.c_str(), &database) == SQLITE_OK && run(kSetup) &&
              sqlite3_prepare_v2(database, kUpsert, -1, &upsert, nullptr) == SQLITE_OK;
  const absl::Time start = absl::Now();
  for (size_t i = 0; good && i < dossiers.size(); ++i) {
    if (i % kBatchRows == 0) good = run("BEGIN");
    good = good && Upsert(upsert, dossiers[i]);
    if (i % kBatchRows == kBatchRows - 1 || i + 1 == dossiers.size()) good = good && run("COMMIT");
  }
  result.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  result.rows = static_cast<int64_t>(dossiers.size());
  result.changed = CountDossiers(database);
  const std::string error = good ? "" : sqlite3_errmsg(database);
  sqlite3_finalize(upsert);
  sqlite3_close(database);
  return good ? absl::StatusOr<Result>(result) : absl::UnavailableError(error);
}

}  // namespace dondoc::bench
