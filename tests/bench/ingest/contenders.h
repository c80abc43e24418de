#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/ingest/rows.h"

// Each takes the rows of a source, made ready in its own wire form before the clock starts, and
// answers with what the clock said.

namespace dondoc::bench {

inline constexpr int kBatchRows = 10'000;

struct Result {
  double seconds = 0;
  int64_t rows = 0;     // that were sent
  int64_t changed = 0;  // what the contender says it holds or did; for a check by eye
};

// The units of the source into the directory of the service at `address`.
absl::Status PutUnits(const Source& source, const std::string& address);
// StreamWriteDossiers; the clock stops at the last acknowledgement.
absl::StatusOr<Result> RunStream(Source source, const std::string& address);
// CreateImport of a file, in pieces of 64 KiB as the gateway sends them.
absl::StatusOr<Result> RunImport(const std::string& file, const std::string& address);
// A DossierService whose stream decodes what it gets and stores nothing; writes its port to
// `port_file` and serves until it is killed.
absl::Status ServeNothing(const std::string& port_file);

enum class Facts { kUpsert, kAll };
// COPY in binary form and one statement a batch, a transaction each. The schema is made first.
absl::StatusOr<Result> RunPostgresBatches(Source source, const std::string& conninfo, Facts facts);
// The whole of `clean_csv`, which the server reads itself, in one transaction.
absl::StatusOr<Result> RunPostgresFile(const std::string& clean_csv, const std::string& conninfo,
                                       Facts facts);

// WAL, synchronous=FULL, a prepared upsert, a transaction a batch.
absl::StatusOr<Result> RunSqlite(Source source, const std::string& file);

}  // namespace dondoc::bench
