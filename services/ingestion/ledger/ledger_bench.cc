// How fast the ledger takes batches of 10,000 dossiers, each synced. Measures, asserts nothing.
//   ledger_bench FOLDER [BATCHES]

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/clock/clock.h"
#include "services/ingestion/ledger/rocksdb_ledger.h"

namespace dondoc::ingestion {
namespace {

constexpr int kBatchSize = 10'000;

std::vector<v1::Dossier> MakeBatch(int64_t first) {
  std::vector<v1::Dossier> batch(kBatchSize);
  for (int64_t i = 0; i < kBatchSize; ++i) {
    const int64_t n = first + i;
    const absl::CivilDay day = absl::CivilDay(2023, 1, 1) + n % 319;
    v1::Dossier& dossier = batch[static_cast<size_t>(i)];
    dossier.set_code(
        absl::StrFormat("H34.%d-%02d%02d%02d-%06d", n % 129, 23, day.month(), day.day(), n));
    dossier.set_unit_id(absl::StrCat("kontum.unit-", n % 129));
    dossier.set_procedure_code(absl::StrCat("1.00", n % 400));
    dossier.set_field("Đất đai");
    dossier.set_channel(static_cast<v1::Channel::Value>(1 + n % 3));
    dossier.set_service_level(v1::ServiceLevel::PARTIAL);
    dossier.set_status(v1::Status::PROCESSING);
    *dossier.mutable_received_time() = ToProto(StartOf(day) + absl::Minutes(n % 600));
  }
  return batch;
}

int64_t ResidentKiB() {
  long pages_all = 0;
  long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages_all, &pages) != 2) pages = 0;
    std::fclose(file);
  }
  return pages * 4;
}

int Run(const std::string& folder, int batches) {
  const auto clock = MakeClock("", "");
  auto ledger = RocksDbLedger::Open({folder, {}}, **clock);
  if (!ledger.ok()) {
    std::fprintf(stderr, "%s\n", ledger.status().ToString().c_str());
    return 1;
  }
  const int64_t memory_before = ResidentKiB();
  absl::Duration committing;
  for (int i = 0; i < batches; ++i) {
    const std::vector<v1::Dossier> batch = MakeBatch(int64_t{i} * kBatchSize);
    const absl::Time start = absl::Now();
    const auto result = (*ledger)->Commit(DossierBatch{batch, std::nullopt}, false);
    committing += absl::Now() - start;
    if (!result.ok()) {
      std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
      return 1;
    }
  }
  const double dossiers = 1.0 * batches * kBatchSize;
  std::printf("pushed     %10.0f dossiers in %s: %.0f dossiers/s, %.1f batches/s\n", dossiers,
              absl::FormatDuration(committing).c_str(),
              dossiers / absl::ToDoubleSeconds(committing),
              batches / absl::ToDoubleSeconds(committing));
  std::printf("memory     %10.0f bytes a dossier\n",
              1024.0 * static_cast<double>(ResidentKiB() - memory_before) / dossiers);
  absl::Time start = absl::Now();
  ledger->reset();
  std::printf("closed     in %s\n", absl::FormatDuration(absl::Now() - start).c_str());
  start = absl::Now();
  ledger = RocksDbLedger::Open({folder, {}}, **clock);
  if (!ledger.ok()) return 1;
  std::printf("opened     in %s\n", absl::FormatDuration(absl::Now() - start).c_str());
  start = absl::Now();
  int64_t cells = 0;
  if (!(*ledger)
           ->ReadSnapshot((*ledger)->Head().sequence(),
                          [&](v1::SnapshotChunk chunk) {
                            cells += chunk.cells().count_size();
                            return absl::OkStatus();
                          })
           .ok()) {
    return 1;
  }
  std::printf("snapshot   %10.0f cells in %s\n", static_cast<double>(cells),
              absl::FormatDuration(absl::Now() - start).c_str());
  return 0;
}

}  // namespace
}  // namespace dondoc::ingestion

int main(int argc, char** argv) {
  int batches = 100;
  if (argc < 2 || (argc > 2 && !absl::SimpleAtoi(argv[2], &batches)) || batches < 1) {
    std::fprintf(stderr, "ledger_bench FOLDER [BATCHES]\n");
    return 2;
  }
  return dondoc::ingestion::Run(argv[1], batches);
}
