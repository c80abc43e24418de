// The machine goes down at random points of pushes, imports, checkpoints and openings. Nothing
// acknowledged may be lost and nothing counted twice.

#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/log/log.h"
#include "services/common/testing/fake_clock.h"
#include "services/ingestion/ledger/log_ledger.h"
#include "services/ingestion/ledger/testing/ledger_oracle.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion::testing {
namespace {

using Make = std::unique_ptr<LedgerPlace> (*)(const LogLedgerOptions&);

constexpr int kLives = 4;
constexpr int kStepsPerLife = 20;
constexpr absl::CivilDay kFirstDay(2023, 11, 1);

// Where the machine went down, over all ledgers: a run that never hits a commit proves nothing.
struct Crashes {
  int openings = 0;
  int commits = 0;
  int commits_found_afterwards = 0;
  int elsewhere = 0;  // between calls, in a checkpoint, in staging, in the clean end
};

// Several lives of one ledger, each ended by a crash. Answers "" or what is wrong.
class Lives {
 public:
  Lives(std::unique_ptr<LedgerPlace> place, uint64_t seed, int changes_max, Crashes& crashes)
      : random_(seed),
        changes_max_(changes_max),
        clock_(TestNow()),
        place_(std::move(place)),
        crashes_(crashes) {}

  std::string Run() {
    for (int life = 0; life < kLives && problem_.empty(); ++life) {
      // Also within opening, and within the checkpoint of a clean end.
      place_->StopAfter(Below(changes_max_));
      if (Open(/*may_fail=*/true)) {
        const int steps = Below(kStepsPerLife) + 1;
        for (int i = 0; i < steps && up_ && problem_.empty(); ++i) Step();
        if (up_ && Below(3) == 0) opened_ = {};
        ++(maybe_ ? crashes_.commits : crashes_.elsewhere);
      } else {
        ++crashes_.openings;
      }
      place_->Crash(std::move(opened_), random_);
      if (problem_.empty() && Open(/*may_fail=*/false)) CheckAll();
      opened_ = {};
    }
    return problem_;
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  Ledger& ledger() { return *opened_.ledger; }
  void Problem(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }

  bool Open(bool may_fail) {
    opened_ = {};
    auto opened = place_->Open(clock_);
    up_ = opened.ok();
    if (up_) {
      opened_ = *std::move(opened);
    } else if (!may_fail || opened.status().code() != absl::StatusCode::kUnavailable) {
      Problem(absl::StrCat("does not open: ", opened.status().ToString()));
    }
    return up_;
  }

  // Commits; `fold` is what it does to the oracle. After an error it may have happened or not.
  bool Commit(const Change& change, const std::function<void(LedgerOracle&)>& fold) {
    LedgerOracle after = oracle_;
    fold(after);
    const auto result = ledger().Commit(change);
    if (result.ok()) {
      oracle_ = after;
      return true;
    }
    up_ = false;
    if (result.status().code() != absl::StatusCode::kUnavailable) {
      Problem(absl::StrCat("commit: ", result.status().ToString()));
    }
    maybe_ = after;
    return false;
  }

  void Step() {
    clock_.Advance(absl::Minutes(1));
    switch (Below(6)) {
      case 0:
      case 1:
        return Import();
      case 2:
        return Relive();
      default:
        return Push();
    }
  }

  std::vector<v1::Dossier> Dossiers(int count) {
    std::vector<v1::Dossier> dossiers;
    for (int i = 0; i < count; ++i) {
      dossiers.push_back(MakeDossier(absl::StrCat("D", Below(30)), absl::StrCat("u", Below(3)),
                                     kFirstDay + Below(5)));
    }
    return dossiers;
  }

  void Push() {
    const std::vector<v1::Dossier> batch = Dossiers(1 + Below(20));
    Commit(DossierBatch{batch, std::nullopt}, [&](LedgerOracle& oracle) {
      bool changed = false;
      oracle.Push(batch, std::nullopt, clock_.Now(), changed);
    });
  }

  void Import() {
    const ImportApplication application{
        absl::StrCat("i-", ++imports_),
        MakeCoverage("2023-11-01", "2023-11-03", v1::Coverage::Extent::COMPLETE), std::nullopt,
        true};
    v1::Import import;
    import.set_import_id(application.import_id);
    import.set_state(v1::ImportState::RUNNING);
    std::vector<Row> rows;
    for (const v1::Dossier& dossier : Dossiers(Below(30))) {
      rows.push_back({dossier, static_cast<int64_t>(rows.size()) + 2});
    }
    const absl::Span<const Row> all(rows);
    up_ = opened_.imports->CreateImport(import).ok();
    if (up_) known_imports_.push_back(application.import_id);
    up_ = up_ && opened_.imports->StageRows(application.import_id, all.first(rows.size() / 2)).ok();
    up_ =
        up_ && opened_.imports->StageRows(application.import_id, all.subspan(rows.size() / 2)).ok();
    if (!up_) return;
    const bool done = Commit(
        application, [&](LedgerOracle& oracle) { oracle.Apply(application, rows, clock_.Now()); });
    if (done || maybe_) applied_.push_back(application.import_id);
  }

  void Relive() {
    if (applied_.empty()) return;
    const std::string import_id =
        applied_[static_cast<size_t>(Below(static_cast<int>(applied_.size())))];
    if (!oracle_.imports.contains(import_id)) return;
    const bool live = !oracle_.LiveAt(import_id, oracle_.head);
    Commit(ImportLiveness{import_id, live},
           [&](LedgerOracle& oracle) { oracle.Relive(import_id, live); });
  }

  void CheckAll() {
    if (maybe_ && ledger().Head().sequence() == maybe_->head) {
      oracle_ = *maybe_;
      ++crashes_.commits_found_afterwards;
    }
    maybe_.reset();
    if (ledger().Head().sequence() != oracle_.head) {
      return Problem(absl::StrCat("the head is ", ledger().Head().sequence(), ", acknowledged was ",
                                  oracle_.head));
    }
    for (const int64_t sequence : {oracle_.head, oracle_.head / 2, int64_t{1}}) {
      const auto snapshot = Snapshot(ledger(), sequence);
      if (!snapshot.ok()) return Problem(snapshot.status().ToString());
      if (snapshot->cells != oracle_.CellsAt(sequence)) {
        return Problem(absl::StrCat("other cells as of ", sequence));
      }
    }
    const auto events = Events(ledger(), 0);
    if (!events.ok()) return Problem(events.status().ToString());
    if (SumOfEvents(*events, oracle_.head) != oracle_.CellsAt(oracle_.head)) {
      return Problem("events do not add up");
    }
    if (!dynamic_cast<LogLedger&>(ledger()).CellsAreExact()) return Problem("cells are not exact");
    for (const std::string& import_id : known_imports_) {
      if (!opened_.imports->FindImport(import_id).ok()) return Problem("an import is lost");
    }
  }

  std::mt19937_64 random_;
  const int changes_max_;
  dondoc::testing::FakeClock clock_;
  const std::unique_ptr<LedgerPlace> place_;
  Crashes& crashes_;
  LedgerPlace::Opened opened_;
  bool up_ = false;
  LedgerOracle oracle_;
  std::optional<LedgerOracle> maybe_;
  int imports_ = 0;
  std::vector<std::string> applied_;
  std::vector<std::string> known_imports_;
  std::string problem_;
};

// Runs ledgers with seeds from `seed` on; answers how many were wrong, and prints each.
int CountWrong(int count, uint64_t seed, Make make, int changes_max, bool sync) {
  log::Start("test", log::Level::kError);
  int wrong = 0;
  Crashes crashes;
  for (uint64_t i = 0; i < static_cast<uint64_t>(count); ++i) {
    LogLedgerOptions options = InlineOptions((seed + i) % 2 == 0 ? 40 : 1'000'000);
    options.inline_bytes_max = (seed + i) % 3 == 0 ? 50 : 1'000'000;
    options.sync = sync;
    const std::string problem = Lives(make(options), seed + i, changes_max, crashes).Run();
    if (problem.empty()) continue;
    std::cout << "ledger with seed " << seed + i << ": " << problem << std::endl;
    ++wrong;
  }
  std::cout << "crashes: " << crashes.openings << " in opening, " << crashes.commits
            << " in a commit (" << crashes.commits_found_afterwards << " found afterwards), "
            << crashes.elsewhere << " elsewhere" << std::endl;
  return wrong;
}

TEST(DurabilityTest, NothingAcknowledgedIsLostOnADiskThatDropsUnsyncedWrites) {
  EXPECT_EQ(CountWrong(150, TestSeed(), RocksDbPlace, 110, /*sync=*/true), 0);
}

TEST(DurabilityTest, TheFakeKeepsThatPromiseToo) {
  EXPECT_EQ(CountWrong(250, TestSeed(), FakePlace, 25, /*sync=*/true), 0);
}

// The check can fail: without the sync it does, nearly every time.
TEST(DurabilityTest, WithoutTheSyncAcknowledgedWritesAreLost) {
  EXPECT_GT(CountWrong(20, TestSeed(), RocksDbPlace, 110, /*sync=*/false), 0);
}

}  // namespace
}  // namespace dondoc::ingestion::testing
