// What the ledger on RocksDB does with a disk that is really synced. Measures, asserts nothing; how
// to read it: docs/performance.md.
//   ledger_bench FOLDER [DOSSIERS] [IMPORTED]
// FOLDER is made; DOSSIERS (default 2,000,000) are pushed 10,000 at a time; then as many as
// IMPORTED (default DOSSIERS / 10) come again with another status in a file that is staged and
// applied.

#include <malloc.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
constexpr int64_t kBatchesPerReport = 500;

v1::Dossier MakeDossier(int64_t n, v1::Status::Value status) {
  const absl::CivilDay day = absl::CivilDay(2023, 1, 1) + n % 319;
  v1::Dossier dossier;
  dossier.set_code(
      absl::StrFormat("H34.%d-%02d%02d%02d-%06d", n % 129, 23, day.month(), day.day(), n));
  dossier.set_unit_id(absl::StrCat("kontum.unit-", n % 129));
  dossier.set_procedure_code(absl::StrCat("1.00", n % 400));
  dossier.set_field("Đất đai");
  dossier.set_channel(static_cast<v1::Channel::Value>(1 + n % 3));
  dossier.set_service_level(v1::ServiceLevel::PARTIAL);
  dossier.set_status(status);
  *dossier.mutable_received_time() = ToProto(StartOf(day) + absl::Minutes(n % 600));
  return dossier;
}

// A process's bytes: allocated by its heap, and resident.
struct Memory {
  double heap = 0;
  double resident = 0;
};

Memory MemoryNow() {
  Memory memory;
  const struct mallinfo2 info = mallinfo2();
  memory.heap = static_cast<double>(info.uordblks + info.hblkhd);
  long pages_all = 0;
  long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages_all, &pages) != 2) pages = 0;
    std::fclose(file);
  }
  memory.resident = static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return memory;
}

double ThreadSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Time that passed, and that the calling thread worked.
class Stopwatch {
 public:
  void Start() {
    start_ = absl::Now();
    thread_start_ = ThreadSeconds();
  }
  void Stop() {
    seconds_ += absl::ToDoubleSeconds(absl::Now() - start_);
    thread_seconds_ += ThreadSeconds() - thread_start_;
  }
  void Print(const char* what, double rows) const {
    std::printf("%-10s %9.0f in %6.2f s: %8.0f a second; the calling thread worked %.2f us a row\n",
                what, rows, seconds_, rows / seconds_, 1e6 * thread_seconds_ / rows);
    std::fflush(stdout);
  }

 private:
  absl::Time start_;
  double thread_start_ = 0;
  double seconds_ = 0;
  double thread_seconds_ = 0;
};

std::unique_ptr<RocksDbLedger> Open(const std::string& folder, const Clock& clock) {
  auto ledger = RocksDbLedger::Open({folder, {}}, clock);
  if (ledger.ok()) return *std::move(ledger);
  std::fprintf(stderr, "%s\n", ledger.status().ToString().c_str());
  std::exit(1);
}

template <typename Result>
void Check(const Result& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "failed\n");
  std::exit(1);
}

void PrintMemory(const Memory& before, int64_t dossiers) {
  const Memory now = MemoryNow();
  std::printf("memory     %9.0f dossiers: heap %.1f bytes a dossier, resident %.1f\n",
              static_cast<double>(dossiers),
              (now.heap - before.heap) / static_cast<double>(dossiers),
              (now.resident - before.resident) / static_cast<double>(dossiers));
  std::fflush(stdout);
}

// Pushes, and leaves the process as a kill would.
[[noreturn]] void PushAndDie(const std::string& folder, const Clock& clock, int64_t batches) {
  const Memory before = MemoryNow();
  std::unique_ptr<RocksDbLedger> ledger = Open(folder, clock);
  Stopwatch watch;
  {
    std::vector<v1::Dossier> batch(kBatchSize);
    for (int64_t i = 0; i < batches; ++i) {
      for (int64_t n = 0; n < kBatchSize; ++n) {
        batch[static_cast<size_t>(n)] = MakeDossier(i * kBatchSize + n, v1::Status::PROCESSING);
      }
      watch.Start();
      Check(ledger->Commit(DossierBatch{batch, std::nullopt}, false));
      watch.Stop();
      const int64_t done = i + 1;
      if (done % kBatchesPerReport == 0 && (done & (done - kBatchesPerReport)) == 0) {
        PrintMemory(before, done * kBatchSize);
      }
    }
  }
  watch.Print("pushed", static_cast<double>(batches * kBatchSize));
  PrintMemory(before, batches * kBatchSize);
  _exit(0);
}

void Import(RocksDbLedger& ledger, int64_t imported) {
  v1::Import import;
  import.set_import_id("bench");
  import.set_state(v1::ImportState::RUNNING);
  Check(ledger.imports().CreateImport(import));
  Stopwatch staging;
  std::vector<Row> rows;
  for (int64_t n = 0; n < imported; ++n) {
    rows.push_back({MakeDossier(n, v1::Status::RETURNED), n + 2});
    if (static_cast<int>(rows.size()) < kBatchSize && n + 1 < imported) continue;
    staging.Start();
    Check(ledger.imports().StageRows("bench", rows));
    staging.Stop();
    rows.clear();
  }
  staging.Print("staged", static_cast<double>(imported));
  Stopwatch applying;
  applying.Start();
  Check(ledger.Commit(ImportApplication{"bench", std::nullopt, std::nullopt, false}, false));
  applying.Stop();
  applying.Print("applied", static_cast<double>(imported));
}

int Run(const std::string& folder, int64_t dossiers, int64_t imported) {
  const auto clock = MakeClock("", "");
  const pid_t child = fork();
  if (child == 0) PushAndDie(folder, **clock, dossiers / kBatchSize);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) return 1;
  Stopwatch watch;
  const auto open = [&](const char* what) {
    const absl::Time start = absl::Now();
    auto ledger = Open(folder, **clock);
    std::printf("opened     %s in %s\n", what, absl::FormatDuration(absl::Now() - start).c_str());
    return ledger;
  };
  auto ledger = open("after a kill");
  absl::Time start = absl::Now();
  ledger.reset();
  std::printf("closed     in %s\n", absl::FormatDuration(absl::Now() - start).c_str());
  ledger = open("after a clean end");
  std::fflush(stdout);
  int64_t cells = 0;
  start = absl::Now();
  Check(ledger->ReadSnapshot(ledger->Head().sequence(), [&](const v1::SnapshotChunk& chunk) {
    cells += chunk.cells().count_size();
    return absl::OkStatus();
  }));
  std::printf("snapshot   %9.0f cells in %s\n", static_cast<double>(cells),
              absl::FormatDuration(absl::Now() - start).c_str());
  if (imported > 0) Import(*ledger, imported);
  return 0;
}

}  // namespace
}  // namespace dondoc::ingestion

int main(int argc, char** argv) {
  int64_t dossiers = 2'000'000;
  if (argc < 2 || (argc > 2 && !absl::SimpleAtoi(argv[2], &dossiers)) || dossiers < 10'000) {
    std::fprintf(stderr, "usage: ledger_bench FOLDER [DOSSIERS, from 10000 on] [IMPORTED]\n");
    return 2;
  }
  int64_t imported = dossiers / 10;
  if (argc > 3 && !absl::SimpleAtoi(argv[3], &imported)) return 2;
  return dondoc::ingestion::Run(argv[1], dossiers, imported);
}
