// One contender of tests/bench/run ingest, once; ingest.py starts them all and makes the table.
// Prints {"seconds": …, "rows": …, "changed": …}.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "services/common/status/macros.h"
#include "tests/bench/ingest/contenders.h"

ABSL_FLAG(int64_t, rows, 2'000'000, "Rows of the export.");
ABSL_FLAG(uint64_t, seed, 1, "Seed of the export.");
ABSL_FLAG(std::string, units, "deploy/data/kontum/units.csv", "Registry of units.");

namespace dondoc::bench {
namespace {

constexpr char kUsage[] =
    "ingest_bench [flags] generate FOLDER | units ADDRESS | stream ADDRESS | import ADDRESS FILE "
    "|\n"
    "  nothing PORT_FILE | postgres-batches CONNINFO upsert|facts |\n"
    "  postgres-file CONNINFO upsert|facts FILE | sqlite FILE\n";

absl::StatusOr<Result> Run(const std::vector<std::string>& arguments) {
  const std::string& what = arguments[0];
  const std::string where = arguments.size() > 1 ? arguments[1] : "";
  const std::string more = arguments.size() > 2 ? arguments[2] : "";
  if (what == "nothing") {
    RETURN_IF_ERROR(ServeNothing(where));
    return Result();
  }
  if (what == "import") return RunImport(more, where);
  const Facts facts = more == "facts" ? Facts::kAll : Facts::kUpsert;
  if (what == "postgres-file" && arguments.size() > 3) {
    return RunPostgresFile(arguments[3], where, facts);
  }
  absl::StatusOr<Source> source = Source::Open(
      absl::GetFlag(FLAGS_units), absl::GetFlag(FLAGS_rows), absl::GetFlag(FLAGS_seed));
  if (!source.ok()) return source.status();
  Result none;
  if (what == "generate") {
    RETURN_IF_ERROR(WriteFiles(*std::move(source), where));
    return none;
  }
  if (what == "units") {
    RETURN_IF_ERROR(PutUnits(*source, where));
    return none;
  }
  if (what == "stream") return RunStream(*std::move(source), where);
  if (what == "postgres-batches") return RunPostgresBatches(*std::move(source), where, facts);
  if (what == "sqlite") return RunSqlite(*std::move(source), where);
  return absl::InvalidArgumentError(kUsage);
}

}  // namespace
}  // namespace dondoc::bench

int main(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (char* argument : absl::ParseCommandLine(argc, argv)) arguments.emplace_back(argument);
  arguments.erase(arguments.begin());
  if (arguments.empty()) arguments.emplace_back("help");
  const auto result = dondoc::bench::Run(arguments);
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    return 1;
  }
  absl::PrintF("{\"seconds\": %.6f, \"rows\": %d, \"changed\": %d}\n", result->seconds,
               result->rows, result->changed);
  return 0;
}
