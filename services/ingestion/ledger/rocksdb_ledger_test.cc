// What is special to the ledger on RocksDB: its folder, its lock, its disk.

#include "services/ingestion/ledger/rocksdb_ledger.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "services/common/log/log.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"
#include "services/ingestion/ledger/testing/unsynced_discard_fs.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::CivilDay kDay(2023, 11, 15);

class RocksDbLedgerTest : public ::testing::Test {
 protected:
  RocksDbLedgerTest() : clock_(TestNow()) { log::Start("test", log::Level::kError); }

  static absl::StatusOr<CommitResult> Push(Ledger& ledger, const std::string& code) {
    const std::vector<v1::Dossier> batch = {MakeDossier(code, "u1", kDay)};
    return ledger.Commit(DossierBatch{batch, std::nullopt});
  }

  dondoc::testing::FakeClock clock_;
  dondoc::testing::TempDir folder_;
};

TEST_F(RocksDbLedgerTest, AFolderIsHeldByOneAtATimeAndFoundAgain) {
  const std::string folder = folder_.File("data/ledger");
  std::string ledger_id;
  {
    auto ledger = RocksDbLedger::Open({folder, {}}, clock_);
    ASSERT_OK(ledger);
    ASSERT_OK(Push(**ledger, "A"));
    ledger_id = (*ledger)->Head().ledger_id();
    EXPECT_THAT(RocksDbLedger::Open({folder, {}}, clock_),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(folder), HasSubstr("using"))));
    EXPECT_OK(Push(**ledger, "B"));
  }
  auto again = RocksDbLedger::Open({folder, {}}, clock_);
  ASSERT_OK(again);
  EXPECT_EQ((*again)->Head().sequence(), 3);
  EXPECT_EQ((*again)->Head().ledger_id(), ledger_id);
}

TEST_F(RocksDbLedgerTest, AFolderThatCannotBeMadeIsNamed) {
  const std::string file = folder_.File("file");
  std::ofstream(file) << "not a folder";
  EXPECT_THAT(RocksDbLedger::Open({absl::StrCat(file, "/ledger"), {}}, clock_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(file)));
}

TEST_F(RocksDbLedgerTest, DamagedFilesAreDataLossAndNamed) {
  const std::string folder = folder_.File("ledger");
  {
    auto ledger = RocksDbLedger::Open({folder, {}}, clock_);
    ASSERT_OK(ledger);
    ASSERT_OK(Push(**ledger, "A"));
  }
  // Opening again writes what the log holds to a table.
  ASSERT_OK(RocksDbLedger::Open({folder, {}}, clock_));
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(64, '\x55');
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  EXPECT_THAT(RocksDbLedger::Open({folder, {}}, clock_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(folder)));
}

// A disk that refuses for a while.
class FailingDiskTest : public RocksDbLedgerTest,
                        public ::testing::WithParamInterface<rocksdb::IOStatus> {
 protected:
  FailingDiskTest()
      : memory_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        files_(std::make_shared<UnsyncedDiscardFs>(memory_->GetFileSystem())),
        env_(rocksdb::NewCompositeEnv(files_)) {}

  absl::StatusOr<std::unique_ptr<RocksDbLedger>> Open() {
    return RocksDbLedger::Open({"/ledger", InlineOptions(1'000'000), env_.get()}, clock_);
  }

  const std::unique_ptr<rocksdb::Env> memory_;
  const std::shared_ptr<UnsyncedDiscardFs> files_;
  const std::unique_ptr<rocksdb::Env> env_;
};

TEST_P(FailingDiskTest, NothingTakesEffectWhileItRefusesAndAllIsWellAfter) {
  auto ledger = Open();
  ASSERT_OK(ledger);
  ASSERT_OK(Push(**ledger, "A"));
  const absl::StatusCode code = GetParam().IsNoSpace() ? absl::StatusCode::kResourceExhausted
                                                       : absl::StatusCode::kUnavailable;
  files_->FailWith(GetParam());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Push(**ledger, "B"), StatusIs(code, HasSubstr("/ledger")));
  }
  EXPECT_EQ((*ledger)->Head().sequence(), 2);
  EXPECT_OK(Snapshot(**ledger, 2));
  files_->FailWith(rocksdb::IOStatus::OK());
  auto pushed = Push(**ledger, "C");
  ASSERT_OK(pushed);
  EXPECT_EQ(pushed->position.sequence(), 3);
  ledger->reset();
  ledger = Open();
  ASSERT_OK(ledger);
  EXPECT_EQ((*ledger)->Head().sequence(), 3);
  EXPECT_OK((*ledger)->FindDossier("C", 3));
  EXPECT_THAT((*ledger)->FindDossier("B", 3), StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
}

TEST_P(FailingDiskTest, AFailureWithNothingAfterItIsForgottenAtTheEnd) {
  auto ledger = Open();
  ASSERT_OK(ledger);
  files_->FailWith(GetParam());
  EXPECT_FALSE(Push(**ledger, "B").ok());
  files_->FailWith(rocksdb::IOStatus::OK());
  ledger->reset();
  ledger = Open();
  ASSERT_OK(ledger);
  EXPECT_EQ((*ledger)->Head().sequence(), 1);
}

INSTANTIATE_TEST_SUITE_P(, FailingDiskTest,
                         ::testing::Values(rocksdb::IOStatus::NoSpace("full"),
                                           rocksdb::IOStatus::IOError("broken")),
                         [](const auto& disk) {
                           return disk.param.IsNoSpace() ? "Full" : "Broken";
                         });

}  // namespace
}  // namespace dondoc::ingestion::testing
