#pragma once

// The fixture of the contract tests: one test, every implementation.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion::testing {

inline constexpr absl::CivilDay kDay(2023, 11, 15);

struct Implementation {
  std::string name;
  std::unique_ptr<LedgerPlace> (*make)();
};

class LedgerContractTest : public ::testing::TestWithParam<Implementation> {
 protected:
  LedgerContractTest() : clock_(TestNow()), place_(GetParam().make()) { Reopen(); }

  void Reopen() {
    opened_ = {};
    auto opened = place_->Open(clock_);
    ASSERT_OK(opened);
    opened_ = *std::move(opened);
  }
  Ledger& ledger() { return *opened_.ledger; }
  ImportStore& imports() { return *opened_.imports; }
  int64_t head() { return ledger().Head().sequence(); }

  CommitResult Commit(const Change& change) {
    auto result = ledger().Commit(change);
    EXPECT_OK(result);
    return result.ok() ? *result : CommitResult();
  }
  CommitResult Push(const std::vector<v1::Dossier>& dossiers,
                    std::optional<v1::Coverage> covers = std::nullopt) {
    return Commit(DossierBatch{dossiers, covers});
  }
  static ImportApplication Application(const std::string& import_id,
                                       std::optional<v1::Coverage> coverage = std::nullopt,
                                       std::optional<absl::Time> extracted_at = std::nullopt,
                                       bool confirm_withdrawals = false) {
    return {import_id, std::move(coverage), extracted_at, confirm_withdrawals};
  }
  void Stage(const std::string& import_id, const std::vector<v1::Dossier>& dossiers) {
    v1::Import import;
    import.set_import_id(import_id);
    import.set_state(v1::ImportState::RUNNING);
    (void)imports().CreateImport(import);  // known already when more is staged
    ASSERT_OK(imports().StageRows(import_id, ToRows(dossiers)));
  }
  CellMap Cells() { return CellsAt(head()); }
  CellMap CellsAt(int64_t sequence) {
    auto snapshot = Snapshot(ledger(), sequence);
    EXPECT_OK(snapshot);
    return snapshot.ok() ? snapshot->cells : CellMap();
  }
  int64_t TotalAt(int64_t sequence) {
    int64_t total = 0;
    for (const auto& [key, count] : CellsAt(sequence)) total += count;
    return total;
  }
  int64_t Total() { return TotalAt(head()); }
  v1::DossierHistory Find(const std::string& code) {
    auto history = ledger().FindDossier(code, head());
    EXPECT_OK(history);
    return history.ok() ? *history : v1::DossierHistory();
  }
  static CellMap::value_type Cell(const std::string& unit_id, v1::Channel::Value channel,
                                  int64_t count) {
    return {{unit_id, "1.000001", DayNumber(kDay), channel, v1::ServiceLevel::FULL,
             v1::Status::PROCESSING},
            count};
  }

  dondoc::testing::FakeClock clock_;
  const std::unique_ptr<LedgerPlace> place_;
  LedgerPlace::Opened opened_;
};

// Every implementation with few checkpoints and with one after each commit.
inline auto Implementations() {
  return ::testing::Values(
      Implementation{"RocksDb", [] { return RocksDbPlace(InlineOptions(1'000'000)); }},
      Implementation{"RocksDbCheckpointingAtOnce", [] { return RocksDbPlace(InlineOptions(1)); }},
      Implementation{"Fake", [] { return FakePlace(InlineOptions(1'000'000)); }},
      Implementation{"FakeCheckpointingAtOnce", [] { return FakePlace(InlineOptions(1)); }});
}

inline std::string NameOf(const ::testing::TestParamInfo<Implementation>& implementation) {
  return implementation.param.name;
}

}  // namespace dondoc::ingestion::testing
