#include <libpq-fe.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "tests/bench/ingest/contenders.h"

namespace dondoc::bench {
namespace {

constexpr int64_t kPostgresEpochUs = 946'684'800'000'000;  // 2000-01-01Z
constexpr int kColumns = 9;

constexpr char kSchema[] = R"sql(
DROP TABLE IF EXISTS dossiers, revisions, cells, log, head, staging;
CREATE TABLE dossiers (code text PRIMARY KEY, unit_id text, procedure_code text, field text, received timestamptz,
                       channel smallint, service_level smallint, status smallint, updated timestamptz);
CREATE UNLOGGED TABLE staging (LIKE dossiers);
)sql";

constexpr char kFactsSchema[] = R"sql(
CREATE TABLE head (sequence bigint);
INSERT INTO head VALUES (0);
CREATE TABLE log (sequence bigint PRIMARY KEY, committed timestamptz, revisions bigint);
CREATE TABLE revisions (code text, sequence bigint, unit_id text, procedure_code text, field text, received timestamptz,
                        channel smallint, service_level smallint, status smallint, updated timestamptz);
CREATE INDEX ON revisions (code);
CREATE TABLE cells (unit_id text, procedure_code text, day date, channel smallint, service_level smallint,
                    status smallint, dossiers bigint,
                    PRIMARY KEY (unit_id, procedure_code, day, channel, service_level, status));
CREATE OR REPLACE FUNCTION apply_staging() RETURNS bigint LANGUAGE plpgsql SET timezone = '+07' AS $$
DECLARE
  seq bigint;
  kept bigint;
BEGIN
  UPDATE head SET sequence = sequence + 1 RETURNING sequence INTO seq;
  INSERT INTO revisions SELECT code, seq, unit_id, procedure_code, field, received, channel, service_level, status,
                               updated FROM staging;
  GET DIAGNOSTICS kept = ROW_COUNT;
  WITH newest AS (SELECT DISTINCT ON (code) * FROM staging ORDER BY code, updated DESC),
       before AS (SELECT dossiers.* FROM dossiers JOIN newest USING (code)),
       applied AS (INSERT INTO dossiers SELECT * FROM newest ON CONFLICT (code) DO UPDATE SET
                     unit_id = excluded.unit_id, procedure_code = excluded.procedure_code, field = excluded.field,
                     received = excluded.received, channel = excluded.channel, service_level = excluded.service_level,
                     status = excluded.status, updated = excluded.updated
                   WHERE dossiers.updated <= excluded.updated RETURNING code),
       moves AS (SELECT unit_id, procedure_code, received::date AS day, channel, service_level, status, 1 AS n
                   FROM newest JOIN applied USING (code)
                 UNION ALL
                 SELECT unit_id, procedure_code, received::date, channel, service_level, status, -1
                   FROM before JOIN applied USING (code)),
       deltas AS (SELECT unit_id, procedure_code, day, channel, service_level, status, sum(n) AS n FROM moves
                  GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0)
  INSERT INTO cells SELECT * FROM deltas ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (unit_id, procedure_code, day, channel, service_level, status)
    DO UPDATE SET dossiers = cells.dossiers + excluded.dossiers;
  INSERT INTO log VALUES (seq, now(), kept);
  RETURN seq;
END $$;
)sql";

constexpr char kUpsert[] = R"sql(
INSERT INTO dossiers SELECT DISTINCT ON (code) * FROM staging ORDER BY code, updated DESC
ON CONFLICT (code) DO UPDATE SET
  unit_id = excluded.unit_id, procedure_code = excluded.procedure_code, field = excluded.field,
  received = excluded.received, channel = excluded.channel, service_level = excluded.service_level,
  status = excluded.status, updated = excluded.updated
WHERE dossiers.updated <= excluded.updated
)sql";

class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& conninfo) {
    auto connection = std::make_unique<Connection>(PQconnectdb(conninfo.c_str()));
    if (PQstatus(connection->handle_) != CONNECTION_OK) return connection->Error();
    PQsetNoticeProcessor(
        connection->handle_, [](void*, const char*) {}, nullptr);
    return connection;
  }
  explicit Connection(PGconn* handle) : handle_(handle) {}
  ~Connection() { PQfinish(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Every statement of `sql`; the first value of the last one's first row, if it has one.
  absl::StatusOr<std::string> Run(const std::string& sql) {
    PGresult* const result = PQexec(handle_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    std::string value;
    if (status == PGRES_TUPLES_OK && PQntuples(result) > 0) value = PQgetvalue(result, 0, 0);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return Error();
    return value;
  }

  // `begin` ends in a COPY FROM STDIN, which gets `data`.
  absl::Status Copy(const std::string& begin, const std::string& data) {
    PGresult* result = PQexec(handle_, begin.c_str());
    const bool copies = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    if (!copies || PQputCopyData(handle_, data.data(), static_cast<int>(data.size())) != 1 ||
        PQputCopyEnd(handle_, nullptr) != 1) {
      return Error();
    }
    bool done = true;
    while ((result = PQgetResult(handle_)) != nullptr) {
      done = done && PQresultStatus(result) == PGRES_COMMAND_OK;
      PQclear(result);
    }
    return done ? absl::OkStatus() : Error();
  }

 private:
  absl::Status Error() const { return absl::UnavailableError(PQerrorMessage(handle_)); }

  PGconn* handle_;
};

// Rows in COPY's binary form.
class CopyData {
 public:
  CopyData() : data_("PGCOPY\n\377\r\n\0", 11) { data_.append(8, '\0'); }

  void Add(const v1::Dossier& dossier) {
    Put16(kColumns);
    for (const std::string* text :
         {&dossier.code(), &dossier.unit_id(), &dossier.procedure_code(), &dossier.field()}) {
      Put32(static_cast<uint32_t>(text->size()));
      data_ += *text;
    }
    PutInstant(FromProto(dossier.received_time()));
    for (const int number :
         {static_cast<int>(dossier.channel()), static_cast<int>(dossier.service_level()),
          static_cast<int>(dossier.status())}) {
      Put32(2);
      Put16(static_cast<uint16_t>(number));
    }
    PutInstant(FromProto(dossier.update_time()));
  }
  std::string Take() {
    Put16(0xFFFF);
    return std::move(data_);
  }

 private:
  void Put16(uint16_t value) {
    for (const int shift : {8, 0}) data_.push_back(static_cast<char>(value >> shift));
  }
  void Put32(uint32_t value) {
    Put16(static_cast<uint16_t>(value >> 16));
    Put16(static_cast<uint16_t>(value));
  }
  void PutInstant(absl::Time time) {
    const auto us = static_cast<uint64_t>(absl::ToUnixMicros(time) - kPostgresEpochUs);
    Put32(8);
    Put32(static_cast<uint32_t>(us >> 32));
    Put32(static_cast<uint32_t>(us));
  }

  std::string data_;
};

absl::StatusOr<std::unique_ptr<Connection>> Prepare(const std::string& conninfo, Facts facts) {
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(conninfo);
  if (!connection.ok()) return connection;
  std::string schema = kSchema;
  if (facts == Facts::kAll) schema += kFactsSchema;
  // Nothing left to do from the run before.
  for (const std::string& sql : {schema, std::string("CHECKPOINT")}) {
    if (const auto done = (*connection)->Run(sql); !done.ok()) return done.status();
  }
  return connection;
}

absl::StatusOr<int64_t> CountDossiers(Connection& connection) {
  const absl::StatusOr<std::string> count = connection.Run("SELECT count(*) FROM dossiers");
  int64_t number = 0;
  if (!count.ok()) return count.status();
  return absl::SimpleAtoi(*count, &number) ? number : 0;
}

std::string ApplyOf(Facts facts) {
  return facts == Facts::kUpsert ? std::string(kUpsert) : "SELECT apply_staging()";
}

}  // namespace

absl::StatusOr<Result> RunPostgresBatches(Source source, const std::string& conninfo, Facts facts) {
  Result result;
  std::vector<std::string> batches;
  ExportRow row;
  for (bool more = true; more;) {
    CopyData copy;
    int rows = 0;
    while (rows < kBatchRows && (more = source.Next(row))) {
      copy.Add(ToDossier(source, row));
      ++rows;
    }
    result.rows += rows;
    if (rows > 0) batches.push_back(copy.Take());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Prepare(conninfo, facts));
  const std::string finish = absl::StrCat(ApplyOf(facts), "; COMMIT");
  const absl::Time start = absl::Now();
  for (const std::string& batch : batches) {
    // Emptied and filled in one transaction, so that the rows may go in frozen and unlogged.
    RETURN_IF_ERROR(connection->Copy(
        "BEGIN; TRUNCATE staging; COPY staging FROM STDIN (FORMAT binary)", batch));
    ASSIGN_OR_RETURN(const std::string ignored, connection->Run(finish));
  }
  result.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  ASSIGN_OR_RETURN(result.changed, CountDossiers(*connection));
  return result;
}

absl::StatusOr<Result> RunPostgresFile(const std::string& clean_csv, const std::string& conninfo,
                                       Facts facts) {
  Result result;
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Prepare(conninfo, facts));
  const absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(const std::string ignored,
                   connection->Run(absl::StrCat("BEGIN; TRUNCATE staging; COPY staging FROM '",
                                                clean_csv, "' (FORMAT csv); ANALYZE staging; ",
                                                ApplyOf(facts), "; COMMIT")));
  result.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  ASSIGN_OR_RETURN(result.changed, CountDossiers(*connection));
  ASSIGN_OR_RETURN(const std::string rows, connection->Run("SELECT count(*) FROM staging"));
  if (!absl::SimpleAtoi(rows, &result.rows)) return absl::InternalError("no count");
  return result;
}

}  // namespace dondoc::bench
