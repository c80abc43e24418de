// What is special to the ledger on RocksDB: its folder, its lock, its disk.

#include "services/ingestion/ledger/rocksdb_ledger.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "services/common/log/log.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ingestion/ledger/rocksdb_manifest.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"
#include "services/ingestion/ledger/testing/unsynced_discard_fs.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::AnyOf;
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

// The MANIFEST of a ledger that was opened, a second time too, so that it has several records.
std::string ManifestOf(const std::string& folder) {
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (absl::StartsWith(entry.path().filename().string(), "MANIFEST-")) path = entry.path();
  }
  return path;
}

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_F(RocksDbLedgerTest, AnEndOfZerosThatACrashLeftIsCutOffAndKept) {
  const std::string folder = folder_.File("ledger");
  {
    auto ledger = RocksDbLedger::Open({folder, {}}, clock_);
    ASSERT_OK(ledger);
    ASSERT_OK(Push(**ledger, "A"));
  }
  const std::string path = ManifestOf(folder);
  const std::string whole = Content(path);
  ASSERT_EQ(WholeManifestBytes(whole), whole.size());
  // The header of the first record again, and zeros where its payload was to come.
  std::ofstream(path, std::ios::app | std::ios::binary)
      << whole.substr(0, 7) + std::string(300, '\0');
  {
    auto ledger = RocksDbLedger::Open({folder, {}}, clock_);
    ASSERT_OK(ledger);
    EXPECT_EQ((*ledger)->Head().sequence(), 2);
    EXPECT_OK(Push(**ledger, "B"));
  }
  EXPECT_EQ(Content(path + ".torn").size(), whole.size() + 307);
}

TEST_F(RocksDbLedgerTest, OnlyATornEndCountsAsOne) {
  const std::string folder = folder_.File("ledger");
  ASSERT_OK(RocksDbLedger::Open({folder, {}}, clock_));
  ASSERT_OK(RocksDbLedger::Open({folder, {}}, clock_));
  const std::string whole = Content(ManifestOf(folder));
  const size_t first_bytes = 7 + static_cast<uint8_t>(whole[4]) +
                             (static_cast<size_t>(static_cast<uint8_t>(whole[5])) << 8);
  ASSERT_GT(whole.size(), first_bytes + 7) << "one record only";
  // Every way to turn an end into zeros leaves whole records, and all of those before it.
  for (size_t from = first_bytes; from < whole.size(); ++from) {
    std::string torn = whole;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(from), torn.end(), '\0');
    if (torn == whole) continue;
    const size_t kept = WholeManifestBytes(torn);
    EXPECT_GE(kept, first_bytes);
    EXPECT_EQ(torn.substr(0, kept), whole.substr(0, kept));
  }
  // Damage in the middle is no torn end, nor is a cut that RocksDB reads past by itself.
  std::string damaged = whole;
  damaged[first_bytes - 1] = static_cast<char>(damaged[first_bytes - 1] ^ 1);
  EXPECT_EQ(WholeManifestBytes(damaged), damaged.size());
  std::string cut = whole.substr(0, whole.size() - 1);
  while (cut.back() == '\0') cut.pop_back();
  EXPECT_EQ(WholeManifestBytes(cut), cut.size());
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

TEST_P(FailingDiskTest, AnImportIsStagedAndAppliedOnceTheDiskTakesItAgain) {
  auto ledger = Open();
  ASSERT_OK(ledger);
  ImportStore& imports = (*ledger)->imports();
  v1::Import import;
  import.set_import_id("i");
  import.set_state(v1::ImportState::RUNNING);
  ASSERT_OK(imports.CreateImport(import));
  const std::vector<Row> first = ToRows({MakeDossier("A", "u1", kDay)});
  const std::vector<Row> second = ToRows({MakeDossier("B", "u1", kDay)});
  ASSERT_OK(imports.StageRows("i", first));
  const absl::StatusCode code = GetParam().IsNoSpace() ? absl::StatusCode::kResourceExhausted
                                                       : absl::StatusCode::kUnavailable;
  const ImportApplication application{"i", std::nullopt, std::nullopt, false};
  files_->FailWith(GetParam());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(imports.StageRows("i", second), StatusIs(code, HasSubstr("/ledger")));
    EXPECT_THAT((*ledger)->Commit(application, false), StatusIs(code, HasSubstr("/ledger")));
    // It reads the log first, and a full disk may keep the database from being opened again.
    EXPECT_THAT((*ledger)->WriteCheckpoint().code(), AnyOf(code, absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ((*ledger)->Head().sequence(), 1);
  EXPECT_FALSE((*ledger)->FindImportEffect("i").has_value());
  EXPECT_TRUE((*ledger)->CellsAreExact());
  files_->FailWith(rocksdb::IOStatus::OK());
  ASSERT_OK(imports.StageRows("i", second));
  auto applied = (*ledger)->Commit(application, false);
  ASSERT_OK(applied);
  EXPECT_EQ(applied->counted, 2);
  ASSERT_OK((*ledger)->WriteCheckpoint());
  ledger->reset();
  ledger = Open();
  ASSERT_OK(ledger);
  EXPECT_EQ((*ledger)->Head().sequence(), 2);
  EXPECT_TRUE((*ledger)->FindImportEffect("i")->live);
  EXPECT_OK((*ledger)->FindDossier("B", 2));
}

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
