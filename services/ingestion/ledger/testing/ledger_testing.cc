#include "services/ingestion/ledger/testing/ledger_testing.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/ingestion/ledger/fake_ledger.h"
#include "services/ingestion/ledger/rocksdb_ledger.h"
#include "services/ingestion/ledger/testing/unsynced_discard_fs.h"

namespace dondoc::ingestion::testing {
namespace {

// Small, so that tables are written and merged in a test.
constexpr size_t kMemoryTableBytes = 64 << 10;

class RocksDbInMemory : public LedgerPlace {
 public:
  explicit RocksDbInMemory(const LogLedgerOptions& options)
      : memory_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        files_(std::make_shared<UnsyncedDiscardFs>(memory_->GetFileSystem())),
        env_(rocksdb::NewCompositeEnv(files_)),
        options_(options) {}

  absl::StatusOr<Opened> Open(const Clock& clock) override {
    ASSIGN_OR_RETURN(auto ledger, RocksDbLedger::Open(
                                      {"/ledger", options_, env_.get(), kMemoryTableBytes}, clock));
    ImportStore* imports = &ledger->imports();
    return Opened{std::move(ledger), imports};
  }
  void StopAfter(int64_t writes) override { files_->StopAfter(writes); }
  void Crash(Opened opened, std::mt19937_64& random) override {
    files_->StopAfter(0);
    opened = {};
    files_->Crash(random);
  }

 private:
  const std::unique_ptr<rocksdb::Env> memory_;
  const std::shared_ptr<UnsyncedDiscardFs> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  const LogLedgerOptions options_;
};

class Fake : public LedgerPlace {
 public:
  explicit Fake(const LogLedgerOptions& options) : options_(options) {}

  absl::StatusOr<Opened> Open(const Clock& clock) override {
    ASSIGN_OR_RETURN(auto ledger, FakeLedger::Open(disk_, clock, options_));
    ImportStore* imports = &ledger->imports();
    return Opened{std::move(ledger), imports};
  }
  void StopAfter(int64_t writes) override { disk_->UnplugAfter(writes); }
  void Crash(Opened opened, std::mt19937_64& random) override {
    disk_->UnplugAfter(0);
    opened = {};
    disk_->Crash(random);
  }

 private:
  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  const LogLedgerOptions options_;
};

}  // namespace

LogLedgerOptions InlineOptions(int64_t checkpoint_work_min) {
  LogLedgerOptions options;
  options.checkpoint_work_min = checkpoint_work_min;
  options.checkpoints_in_background = false;
  return options;
}

std::unique_ptr<LedgerPlace> RocksDbPlace(const LogLedgerOptions& options) {
  return std::make_unique<RocksDbInMemory>(options);
}

std::unique_ptr<LedgerPlace> FakePlace(const LogLedgerOptions& options) {
  return std::make_unique<Fake>(options);
}

absl::Time TestNow() { return StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9); }

v1::Dossier MakeDossier(absl::string_view code, absl::string_view unit_id, absl::CivilDay day) {
  v1::Dossier dossier;
  dossier.set_code(std::string(code));
  dossier.set_unit_id(std::string(unit_id));
  dossier.set_procedure_code("1.000001");
  dossier.set_channel(v1::Channel::ONLINE);
  dossier.set_service_level(v1::ServiceLevel::FULL);
  dossier.set_status(v1::Status::PROCESSING);
  *dossier.mutable_received_time() = ToProto(StartOf(day) + absl::Hours(12));
  return dossier;
}

v1::Dossier Withdrawal(absl::string_view code) {
  v1::Dossier dossier;
  dossier.set_code(std::string(code));
  dossier.set_withdrawn(true);
  return dossier;
}

v1::Dossier WithUpdate(v1::Dossier dossier, absl::Time update_time) {
  *dossier.mutable_update_time() = ToProto(update_time);
  return dossier;
}

v1::Dossier WithChannel(v1::Dossier dossier, v1::Channel::Value channel) {
  dossier.set_channel(channel);
  return dossier;
}

v1::Coverage MakeCoverage(absl::string_view from, absl::string_view to,
                          v1::Coverage::Extent::Value extent,
                          const std::vector<std::string>& unit_ids) {
  v1::Coverage coverage;
  coverage.set_from(std::string(from));
  coverage.set_to(std::string(to));
  coverage.set_extent(extent);
  for (const std::string& unit_id : unit_ids) coverage.add_unit_ids(unit_id);
  return coverage;
}

v1::Unit MakeUnit(absl::string_view unit_id, v1::Level::Value level) {
  v1::Unit unit;
  unit.set_unit_id(std::string(unit_id));
  unit.set_name(absl::StrCat("Đơn vị ", unit_id));
  unit.set_level(level);
  return unit;
}

v1::Statement MakeStatement(absl::string_view unit_id, absl::string_view from, absl::string_view to,
                            int64_t total, int64_t online) {
  v1::Statement statement;
  statement.set_unit_id(std::string(unit_id));
  statement.set_from(std::string(from));
  statement.set_to(std::string(to));
  statement.set_total(total);
  statement.set_online(online);
  statement.set_counter(total - online);
  statement.set_postal(0);
  return statement;
}

std::vector<v1::StatementRecord> ToStatementRows(const std::vector<v1::Statement>& statements) {
  std::vector<v1::StatementRecord> rows;
  for (const v1::Statement& statement : statements) {
    v1::StatementRecord& row = rows.emplace_back();
    *row.mutable_statement() = statement;
    row.set_row_number(static_cast<int64_t>(rows.size()) + 1);
  }
  return rows;
}

std::vector<Row> ToRows(const std::vector<v1::Dossier>& dossiers) {
  std::vector<Row> rows;
  int64_t row_number = 2;
  for (const v1::Dossier& dossier : dossiers) rows.push_back({dossier, row_number++});
  return rows;
}

void AddTo(CellMap& cells, const v1::CellBlock& block) {
  for (int i = 0; i < block.count_size(); ++i) {
    const auto key =
        std::tuple(block.unit_ids(static_cast<int>(block.unit_index(i))),
                   block.procedure_codes(static_cast<int>(block.procedure_index(i))), block.day(i),
                   block.channel(i), block.service_level(i), block.status(i));
    int64_t& count = cells[key];
    count += block.count(i);
    if (count == 0) cells.erase(key);
  }
}

absl::StatusOr<SnapshotView> Snapshot(const Ledger& ledger, int64_t sequence) {
  SnapshotView view;
  bool complete = false;
  RETURN_IF_ERROR(ledger.ReadSnapshot(sequence, [&](v1::SnapshotChunk chunk) {
    EXPECT_FALSE(complete) << "a chunk after the last";
    EXPECT_EQ(chunk.has_position(), view.chunks == 0);
    EXPECT_LE(chunk.ByteSizeLong(), kFeedBytesMax);
    if (view.chunks++ == 0) {
      view.position = chunk.position();
      view.units.assign(chunk.units().begin(), chunk.units().end());
      view.definitions.assign(chunk.definitions().begin(), chunk.definitions().end());
      view.coverage.assign(chunk.coverage().begin(), chunk.coverage().end());
    }
    AddTo(view.cells, chunk.cells());
    view.statements.insert(view.statements.end(), chunk.statements().begin(),
                           chunk.statements().end());
    complete = chunk.complete();
    return absl::OkStatus();
  }));
  EXPECT_TRUE(complete);
  return view;
}

absl::StatusOr<std::vector<v1::FeedEvent>> Events(const Ledger& ledger, int64_t after) {
  std::vector<v1::FeedEvent> events;
  int64_t expected = after + 1;
  RETURN_IF_ERROR(ledger.ReadEvents(after, 1'000'000'000, [&](v1::FeedEvent event) {
    EXPECT_EQ(event.sequence(), expected);
    EXPECT_LE(event.ByteSizeLong(), kFeedBytesMax);
    if (event.complete()) ++expected;
    events.push_back(std::move(event));
    return absl::OkStatus();
  }));
  EXPECT_TRUE(events.empty() || events.back().complete());
  return events;
}

CellMap SumOfEvents(const std::vector<v1::FeedEvent>& events, int64_t sequence) {
  CellMap cells;
  for (const v1::FeedEvent& event : events) {
    if (event.sequence() <= sequence) AddTo(cells, event.deltas());
  }
  return cells;
}

uint64_t TestSeed() {
  uint64_t seed = std::random_device()();
  for (const std::string& argument : ::testing::internal::GetArgvs()) {
    absl::string_view value(argument);
    if (value.rfind("--seed=", 0) == 0 && !absl::SimpleAtoi(value.substr(7), &seed)) std::abort();
  }
  if (const char* given = std::getenv("TEST_SEED")) {
    if (!absl::SimpleAtoi(given, &seed)) std::abort();
  }
  std::cout << "seed: " << seed << " (again: TEST_SEED=" << seed << " or --seed=" << seed << ")"
            << std::endl;
  return seed;
}

}  // namespace dondoc::ingestion::testing
