// What is special to a ledger that is a log over a store: checkpoints, damage, failed writes.

#include "services/ingestion/ledger/log_ledger.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/log/log.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/ledger/fake_ledger.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::CivilDay kDay(2023, 11, 15);

class LogLedgerTest : public ::testing::Test {
 protected:
  LogLedgerTest() : clock_(TestNow()), disk_(std::make_shared<MemoryDisk>()) {
    log::Start("test", log::Level::kError);
    Reopen();
  }

  absl::Status TryReopen() {
    ledger_.reset();
    auto opened = FakeLedger::Open(disk_, clock_, options_);
    if (opened.ok()) ledger_ = *std::move(opened);
    return opened.status();
  }
  void Reopen() { ASSERT_OK(TryReopen()); }

  absl::StatusOr<CommitResult> TryPush(const std::string& code) {
    const std::vector<v1::Dossier> batch = {MakeDossier(code, "u1", kDay)};
    return ledger_->Commit(DossierBatch{batch, std::nullopt}, false);
  }
  void Push(const std::string& code) { ASSERT_OK(TryPush(code)); }
  void Stage(const std::string& import_id, v1::ImportState::Value state) {
    v1::Import import;
    import.set_import_id(import_id);
    import.set_state(state);
    ASSERT_OK(ledger_->imports().CreateImport(import));
    ASSERT_OK(ledger_->imports().StageRows(import_id, ToRows({MakeDossier("A", "u1", kDay)})));
  }
  int64_t head() { return ledger_->Head().sequence(); }

  dondoc::testing::FakeClock clock_;
  const std::shared_ptr<MemoryDisk> disk_;
  LogLedgerOptions options_ = InlineOptions(1'000'000);
  std::unique_ptr<FakeLedger> ledger_;
};

TEST_F(LogLedgerTest, AFailedWriteTakesNoEffectAndTheNextWorks) {
  Push("A");
  ledger_->FailNextWith(absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(TryPush("B"), StatusIs(absl::StatusCode::kResourceExhausted, "disk full"));
  EXPECT_EQ(head(), 2);
  EXPECT_THAT(ledger_->FindDossier("B", 2), StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
  Push("B");
  EXPECT_EQ(head(), 3);
  Reopen();
  EXPECT_EQ(head(), 3);
}

TEST_F(LogLedgerTest, AClosedLedgerOpensFromItsCheckpoint) {
  Push("A");
  Push("B");
  Reopen();
  EXPECT_EQ(ledger_->opened_from_checkpoint(), 3);
  EXPECT_TRUE(ledger_->CellsAreExact());
  Push("C");
  Reopen();
  EXPECT_EQ(ledger_->opened_from_checkpoint(), 4);
  EXPECT_THAT(disk_->Keys("checkpoint/"), SizeIs(2));  // one generation
}

TEST_F(LogLedgerTest, ACheckpointThatIsNotWholeFallsBackToTheLog) {
  for (int i = 0; i < 5; ++i) Push(absl::StrCat("D", i));
  Reopen();
  for (const size_t part : {0, 1, 2}) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>(), std::optional<std::string>("\x0f torn")}) {
      // The two chunks, and the pointer.
      std::vector<std::string> keys = disk_->Keys("checkpoint");
      ASSERT_THAT(keys, SizeIs(3));
      ledger_.reset();
      disk_->Tamper(keys[part], value);
      Reopen();
      EXPECT_EQ(ledger_->opened_from_checkpoint(), 0) << part;
      EXPECT_EQ(head(), 6);
      EXPECT_TRUE(ledger_->CellsAreExact());
      ASSERT_OK(ledger_->WriteCheckpoint());
    }
  }
}

TEST_F(LogLedgerTest, ACheckpointMayBeWrittenWhileTheLogGrows) {
  Push("A");
  ASSERT_OK(ledger_->WriteCheckpoint());
  ledger_->FailNextWith(absl::UnavailableError("no"));
  EXPECT_THAT(ledger_->WriteCheckpoint(), StatusIs(absl::StatusCode::kUnavailable, "no"));
  Push("B");
  disk_->UnplugAfter(0);
  std::mt19937_64 random(1);
  ledger_.reset();
  disk_->Crash(random);
  Reopen();
  EXPECT_EQ(ledger_->opened_from_checkpoint(), 2);
  EXPECT_EQ(head(), 3);
}

TEST_F(LogLedgerTest, ACheckpointIsDueAfterSoMuchWork) {
  options_.checkpoint_work_min = 30;
  Reopen();
  for (int i = 0; i < 3; ++i) Push(absl::StrCat("D", i));
  EXPECT_THAT(disk_->Keys("checkpoint/"), SizeIs(2));
}

TEST_F(LogLedgerTest, ABackgroundThreadWritesCheckpointsAndEnds) {
  options_.checkpoint_work_min = 1;
  options_.checkpoints_in_background = true;
  Reopen();
  for (int i = 0; i < 100; ++i) Push(absl::StrCat("D", i));
  Reopen();
  EXPECT_EQ(head(), 101);
  EXPECT_GT(ledger_->opened_from_checkpoint(), 1);
  EXPECT_TRUE(ledger_->CellsAreExact());
}

TEST_F(LogLedgerTest, AMissingRecordIsDataLoss) {
  Push("A");
  Push("B");
  ledger_.reset();
  disk_->Tamper("checkpoint", std::nullopt);
  const std::vector<std::string> records = disk_->Keys("log/");
  ASSERT_THAT(records, SizeIs(3));
  disk_->Tamper(records[1], std::nullopt);
  EXPECT_THAT(TryReopen(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("record 2 is missing")));
}

TEST_F(LogLedgerTest, ALogShorterThanItsCheckpointIsDataLoss) {
  Push("A");
  ledger_.reset();
  disk_->Tamper(disk_->Keys("log/").back(), std::nullopt);
  EXPECT_THAT(TryReopen(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("log record 2")));
}

TEST_F(LogLedgerTest, ANewerFormatIsRefused) {
  ledger_.reset();
  ledger::Meta meta;
  meta.set_format_version(kLedgerFormatVersion + 1);
  meta.set_ledger_id("x");
  disk_->Tamper("meta", meta.SerializeAsString());
  EXPECT_THAT(TryReopen(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer")));
}

TEST_F(LogLedgerTest, DataWithoutAnIdentityIsNotOverwritten) {
  Push("A");
  ledger_.reset();
  disk_->Tamper("meta", std::nullopt);
  EXPECT_THAT(TryReopen(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("identity")));
}

TEST_F(LogLedgerTest, StagedRowsOfDeadImportsAreDroppedAtOpening) {
  Stage("failed", v1::ImportState::FAILED);
  Stage("previewed", v1::ImportState::PREVIEWED);
  Stage("applied", v1::ImportState::RUNNING);
  ASSERT_OK(ledger_->Commit(ImportApplication{"applied", {}, {}}, false));
  // A replay that was cut off.
  ASSERT_OK(ledger_->imports().StageRows("applied", ToRows({MakeDossier("B", "u1", kDay)})));
  EXPECT_THAT(disk_->Keys("stage/"), SizeIs(4));
  Reopen();
  EXPECT_THAT(disk_->Keys("stage/failed/"), IsEmpty());
  EXPECT_THAT(disk_->Keys("stage/previewed/"), SizeIs(1));
  EXPECT_THAT(disk_->Keys("stage/applied/"), SizeIs(1));
  EXPECT_EQ(head(), 2);
}

TEST_F(LogLedgerTest, LedgersHaveDifferentIdentities) {
  const FakeLedger other(clock_);
  EXPECT_NE(other.Head().ledger_id(), ledger_->Head().ledger_id());
}

// Pushes of several threads share writes, some of which fail: what was acknowledged is there, what
// was refused is not, and nothing that was planned on top of what failed came through.
TEST_F(LogLedgerTest, PushesAtTheSameTimeAreCommittedOrRefusedAsTheirCallersWereTold) {
  constexpr int kThreads = 4;
  constexpr int kPushes = 150;
  std::vector<std::set<std::string>> acknowledged(kThreads);
  std::vector<std::set<int64_t>> sequences(kThreads);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPushes; ++i) {
        // One code that all share, so that they plan on top of each other, and one of its own.
        const std::string own = absl::StrCat("D", t, "-", i);
        const std::vector<v1::Dossier> batch = {
            MakeDossier("shared", absl::StrCat("u", t, "-", i), kDay),
            MakeDossier(own, "u1", kDay)};
        const auto result = ledger_->Commit(DossierBatch{batch, std::nullopt}, false);
        if (!result.ok()) continue;
        EXPECT_TRUE(result->changed);
        EXPECT_TRUE(sequences[t].insert(result->position.sequence()).second);
        acknowledged[t].insert(own);
      }
    });
  }
  std::thread trouble([&] {
    while (!done) {
      disk_->FailNextWith(absl::UnavailableError("no disk"));
      EXPECT_OK(Snapshot(*ledger_, head()));
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  trouble.join();
  disk_->FailNextWith(absl::OkStatus());
  const auto check = [&] {
    int64_t count = 0;
    std::set<int64_t> all;
    for (size_t t = 0; t < kThreads; ++t) {
      all.insert(sequences[t].begin(), sequences[t].end());
      for (int i = 0; i < kPushes; ++i) {
        const std::string own = absl::StrCat("D", t, "-", i);
        const bool found = ledger_->FindDossier(own, head()).ok();
        EXPECT_EQ(found, acknowledged[t].contains(own)) << own;
        count += found ? 1 : 0;
      }
    }
    EXPECT_EQ(head(), count + 1);
    EXPECT_EQ(static_cast<int64_t>(all.size()), count);
    EXPECT_TRUE(ledger_->CellsAreExact());
    const auto snapshot = Snapshot(*ledger_, head());
    ASSERT_OK(snapshot);
    const auto events = Events(*ledger_, 0);
    ASSERT_OK(events);
    EXPECT_EQ(SumOfEvents(*events, head()), snapshot->cells);
  };
  check();
  Reopen();
  check();
}

}  // namespace
}  // namespace dondoc::ingestion::testing
