#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/clock/clock.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/log_ledger.h"

// What the tests of ledgers share; never linked into a shipped binary.

namespace dondoc::ingestion::testing {

// A ledger under test on storage of its own, which outlives the ledgers opened on it.
class LedgerPlace {
 public:
  struct Opened {
    std::unique_ptr<Ledger> ledger;
    ImportStore* imports = nullptr;
  };
  virtual ~LedgerPlace() = default;
  // At most one is open at a time.
  virtual absl::StatusOr<Opened> Open(const Clock& clock) = 0;
  // After so many more writes to the storage the machine is down: every write fails.
  virtual void StopAfter(int64_t writes) = 0;
  // Closes `opened` (the machine goes down now, if it is not) and leaves on the storage what a
  // crash would; the machine is up again.
  virtual void Crash(Opened opened, std::mt19937_64& random) = 0;
};

// Everything in the caller's thread, so that tests repeat.
LogLedgerOptions InlineOptions(int64_t checkpoint_work_min);

// On RocksDB over a file system in memory that a crash robs of what was not synced, and on
// FakeLedger.
std::unique_ptr<LedgerPlace> RocksDbPlace(const LogLedgerOptions& options);
std::unique_ptr<LedgerPlace> FakePlace(const LogLedgerOptions& options);

// 2023-11-21 09:00 in Viet Nam.
absl::Time TestNow();

// Received at noon of `day`, ONLINE, PROCESSING, procedure "1.000001", of `unit_id`.
v1::Dossier MakeDossier(absl::string_view code, absl::string_view unit_id, absl::CivilDay day);
v1::Dossier Withdrawal(absl::string_view code);
v1::Dossier WithUpdate(v1::Dossier dossier, absl::Time update_time);
v1::Dossier WithChannel(v1::Dossier dossier, v1::Channel::Value channel);
v1::Coverage MakeCoverage(absl::string_view from, absl::string_view to,
                          v1::Coverage::Extent::Value extent,
                          const std::vector<std::string>& unit_ids = {});
v1::Unit MakeUnit(absl::string_view unit_id, v1::Level::Value level);

// Of a unit for some days; `counter` is what is left of `total`.
v1::Statement MakeStatement(absl::string_view unit_id, absl::string_view from, absl::string_view to,
                            int64_t total, int64_t online);
// As they are staged, numbered from 2 on.
std::vector<v1::StatementRecord> ToStatementRows(const std::vector<v1::Statement>& statements);

// Rows numbered from 2 on, as below a header line.
std::vector<Row> ToRows(const std::vector<v1::Dossier>& dossiers);

// (unit, procedure, day, channel, service level, status) → count, without zeros.
using CellMap =
    std::map<std::tuple<std::string, std::string, int32_t, uint32_t, uint32_t, uint32_t>, int64_t>;
void AddTo(CellMap& cells, const v1::CellBlock& block);

// A snapshot put together; checks that its chunks are as feed.proto says.
struct SnapshotView {
  v1::Position position;
  std::vector<v1::Unit> units;
  std::vector<v1::MetricDefinition> definitions;
  std::vector<v1::CoverageClaim> coverage;
  CellMap cells;
  std::vector<v1::StatementRecord> statements;
  int chunks = 0;
};
absl::StatusOr<SnapshotView> Snapshot(const Ledger& ledger, int64_t sequence);

// All events after `after`, in order; checks that they are as feed.proto says.
absl::StatusOr<std::vector<v1::FeedEvent>> Events(const Ledger& ledger, int64_t after);

// What the events up to `sequence` add up to.
CellMap SumOfEvents(const std::vector<v1::FeedEvent>& events, int64_t sequence);

// The seed of a random test: --seed=N on the command line or TEST_SEED, else a new one. Printed.
uint64_t TestSeed();

}  // namespace dondoc::ingestion::testing
