// Random histories against an oracle that folds from scratch.
//
// Statements fold as dossiers do, with their unit and days for a code; so the oracle is given each
// as a dossier that is never counted, and what it says of that dossier is what must stand.

#include <algorithm>
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
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/metric/definition.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/ledger/log_ledger.h"
#include "services/ingestion/ledger/testing/ledger_oracle.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion::testing {
namespace {

using Extent = v1::Coverage::Extent;

// A share is a test of its own, so that shares run side by side.
constexpr int kShares = 20;
constexpr uint64_t kHistoriesPerShare = 500;
constexpr int kStepsMax = 25;
constexpr int kCodes = 8;
constexpr absl::CivilDay kFirstDay(2023, 11, 1);

class History {
 public:
  History(std::unique_ptr<LedgerPlace> place, uint64_t seed)
      : random_(seed), clock_(TestNow()), place_(std::move(place)) {
    Reopen();
  }

  void Run() {
    const int steps = Below(kStepsMax) + 1;
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      Step();
      EXPECT_EQ(ledger().Head().sequence(), oracle_.head);
      if (Below(4) == 0) CheckAt(Below(static_cast<int>(oracle_.head) + 1));
    }
    CheckAt(oracle_.head);
    CheckEvents();
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }
  Ledger& ledger() { return *opened_.ledger; }

  void Reopen() {
    opened_ = {};
    auto opened = place_->Open(clock_);
    ASSERT_OK(opened);
    opened_ = *std::move(opened);
  }
  void Crash() {
    place_->Crash(std::move(opened_), random_);
    Reopen();
  }

  v1::Dossier RandomDossier() {
    const std::string code = absl::StrCat("D", Below(kCodes));
    if (OneIn(8)) return MaybeUpdated(Withdrawal(code));
    v1::Dossier dossier = MakeDossier(code, absl::StrCat("u", Below(3)), kFirstDay + Below(4));
    if (OneIn(8)) dossier.clear_received_time();
    dossier.set_procedure_code(absl::StrCat("1.", Below(2)));
    dossier.set_channel(static_cast<v1::Channel::Value>(Below(2)));
    if (OneIn(6)) dossier.set_status(v1::Status::REFUSED);
    return MaybeUpdated(dossier);
  }
  v1::Dossier MaybeUpdated(v1::Dossier dossier) {
    // Few instants, so that they meet each other and the commit times.
    return OneIn(2) ? dossier
                    : WithUpdate(std::move(dossier), TestNow() + absl::Hours(Below(6) - 3));
  }
  std::vector<v1::Dossier> RandomDossiers(int count_max) {
    std::vector<v1::Dossier> dossiers(static_cast<size_t>(Below(count_max + 1)));
    for (v1::Dossier& dossier : dossiers) {
      dossier = !pushed_.empty() && OneIn(4)
                    ? pushed_[static_cast<size_t>(Below(static_cast<int>(pushed_.size())))]
                    : RandomDossier();
      pushed_.push_back(dossier);
    }
    return dossiers;
  }
  std::optional<v1::Coverage> RandomCoverage(int one_in) {
    if (!OneIn(one_in)) return std::nullopt;
    const int from = Below(4);
    v1::Coverage coverage =
        MakeCoverage(FormatDay(kFirstDay + from), FormatDay(kFirstDay + from + Below(4 - from)),
                     OneIn(2) ? Extent::COMPLETE : Extent::PARTIAL);
    for (int unit = 0; unit < 3; ++unit) {
      if (OneIn(3)) coverage.add_unit_ids(absl::StrCat("u", unit));
    }
    return coverage;
  }
  v1::Statement RandomStatement() {
    const int from = Below(3);
    v1::Statement statement =
        MakeStatement(absl::StrCat("u", Below(2)), FormatDay(kFirstDay + from),
                      FormatDay(kFirstDay + from + Below(2)), 5 + Below(3), Below(3));
    if (OneIn(4)) statement.clear_counter();
    if (OneIn(6)) {
      v1::Statement withdrawn;
      withdrawn.set_unit_id(statement.unit_id());
      withdrawn.set_from(statement.from());
      withdrawn.set_to(statement.to());
      withdrawn.set_withdrawn(true);
      statement = withdrawn;
    }
    if (OneIn(2)) {
      *statement.mutable_update_time() = ToProto(TestNow() + absl::Hours(Below(6) - 3));
    }
    return statement;
  }
  std::vector<v1::Statement> RandomStatements(int count_max) {
    std::vector<v1::Statement> statements(static_cast<size_t>(Below(count_max + 1)));
    for (v1::Statement& statement : statements) {
      statement = !declared_.empty() && OneIn(4)
                      ? declared_[static_cast<size_t>(Below(static_cast<int>(declared_.size())))]
                      : RandomStatement();
      declared_.push_back(statement);
    }
    return statements;
  }
  // The dossier that stands for a statement: never received, so never counted.
  static std::vector<v1::Dossier> AsDossiers(const std::vector<v1::Statement>& statements) {
    std::vector<v1::Dossier> dossiers;
    for (v1::Statement statement : statements) {
      v1::Dossier& dossier = dossiers.emplace_back();
      dossier.set_code(CodeOf(statement));
      dossier.set_withdrawn(statement.withdrawn());
      if (statement.has_update_time()) {
        *dossier.mutable_update_time() = statement.update_time();
        statement.clear_update_time();
      }
      dossier.set_field(statement.SerializeAsString());
    }
    return dossiers;
  }
  static std::string CodeOf(const v1::Statement& statement) {
    return absl::StrCat("S|", statement.unit_id(), "|", statement.from(), "|", statement.to());
  }
  // What stands, by code.
  using Standing = std::map<std::string, std::string>;
  static void Put(Standing& standing, v1::Statement statement) {
    statement.clear_update_time();
    if (statement.withdrawn()) {
      standing.erase(CodeOf(statement));
    } else {
      standing[CodeOf(statement)] = statement.SerializeAsString();
    }
  }
  static Standing StandingAt(const LedgerOracle& oracle, int64_t sequence) {
    Standing standing;
    for (const std::string& code : oracle.Codes()) {
      const LedgerOracle::Statement* state = oracle.StateAt(code, sequence);
      if (state == nullptr || code[0] != 'S' || state->facts.withdrawn()) continue;
      standing[code] = state->facts.field();
    }
    return standing;
  }

  // Of the imports applied so far.
  std::optional<std::string> RandomImport() {
    if (oracle_.imports.empty()) return std::nullopt;
    return std::next(oracle_.imports.begin(), Below(static_cast<int>(oracle_.imports.size())))
        ->first;
  }

  void Step() {
    if (OneIn(3)) clock_.Advance(absl::Minutes(Below(120) - 30));
    // The commit time of this step, if it commits.
    now_ = std::max(FromProto(ledger().Head().commit_time()), clock_.Now());
    switch (Below(10)) {
      case 0:
        return OneIn(2) ? Reopen() : Crash();
      case 1:
      case 2:
        return ApplyImport();
      case 3:
        return Relive();
      case 4:
        return Replay();
      case 5:
        return PushStatements();
      default:
        return Push();
    }
  }

  void Push() {
    const std::vector<v1::Dossier> batch = RandomDossiers(4);
    const std::optional<v1::Coverage> covers = RandomCoverage(5);
    if (OneIn(4)) {
      ASSERT_OK(ledger().Commit(DossierBatch{batch, covers}, /*dry_run=*/true));
    }
    bool changed = false;
    const auto outcomes = oracle_.Push(batch, covers, now_, changed);
    auto result = ledger().Commit(DossierBatch{batch, covers});
    ASSERT_OK(result);
    EXPECT_EQ(result->outcomes, outcomes);
    EXPECT_EQ(result->changed, changed);
    EXPECT_EQ(result->position.sequence(), oracle_.head);
  }

  void PushStatements() {
    const std::vector<v1::Statement> batch = RandomStatements(4);
    if (OneIn(4)) {
      ASSERT_OK(ledger().Commit(StatementBatch{batch}, /*dry_run=*/true));
    }
    const LedgerOracle before = oracle_;
    bool changed = false;
    const auto outcomes = oracle_.Push(AsDossiers(batch), std::nullopt, now_, changed);
    auto result = ledger().Commit(StatementBatch{batch});
    ASSERT_OK(result);
    EXPECT_EQ(result->outcomes, outcomes);
    EXPECT_EQ(result->changed, changed);
    CheckStatementChanges(*result, before, oracle_);
  }

  static void CheckStatementChanges(const CommitResult& result, const LedgerOracle& before,
                                    const LedgerOracle& after) {
    Standing standing = StandingAt(before, before.head);
    for (const CommitResult::StatementChange& change : result.statement_changes) {
      const v1::Statement& any = change.after ? *change.after : *change.before;
      EXPECT_EQ(change.before.has_value(), standing.contains(CodeOf(any)));
      if (change.before) {
        Standing stood;
        Put(stood, *change.before);
        EXPECT_EQ(stood[CodeOf(any)], standing[CodeOf(any)]);
      }
      standing.erase(CodeOf(any));
      if (change.after) Put(standing, *change.after);
    }
    EXPECT_EQ(standing, StandingAt(after, after.head));
  }

  // What an import states beside its rows, for the oracle.
  std::vector<Row> StageStatements(const std::string& import_id) {
    if (!OneIn(3)) return {};
    const std::vector<v1::Statement> statements = RandomStatements(4);
    EXPECT_OK(opened_.imports->StageStatements(import_id, ToStatementRows(statements)));
    return ToRows(AsDossiers(statements));
  }

  std::vector<Row> Stage(const std::string& import_id) {
    const std::vector<Row> rows = ToRows(RandomDossiers(6));
    if (OneIn(4)) {
      // Cut off half way, and begun again.
      EXPECT_OK(opened_.imports->StageRows(import_id, rows));
      EXPECT_OK(opened_.imports->StageStatements(import_id, ToStatementRows({RandomStatement()})));
      OneIn(2) ? Reopen() : Crash();
      EXPECT_OK(opened_.imports->DropStagedRows(import_id));
    }
    const absl::Span<const Row> all(rows);
    const size_t half = rows.size() / 2;
    EXPECT_OK(opened_.imports->StageRows(import_id, all.first(half)));
    EXPECT_OK(opened_.imports->StageRows(import_id, all.subspan(half)));
    return rows;
  }

  void ApplyImport() {
    ImportApplication application{absl::StrCat("i-", ++imports_), RandomCoverage(1), std::nullopt,
                                  OneIn(2)};
    if (OneIn(4)) application.coverage.reset();
    if (OneIn(2)) application.extracted_at = TestNow() + absl::Hours(Below(6) - 3);
    v1::Import import;
    import.set_import_id(application.import_id);
    import.set_state(v1::ImportState::RUNNING);
    ASSERT_OK(opened_.imports->CreateImport(import));
    const std::vector<Row> rows = Stage(application.import_id);
    const std::vector<Row> statements = StageStatements(application.import_id);
    LedgerOracle after = oracle_;
    CommitResult expected = after.Apply(application, rows, now_);
    TakeStatements(after, application.import_id, statements, expected);
    auto preview = ledger().Commit(application, /*dry_run=*/true);
    ASSERT_OK(preview);
    CheckCounts(*preview, expected);
    auto result = ledger().Commit(application);
    if (!application.confirm_withdrawals && expected.withdrawn * 100 > expected.covered * 5) {
      EXPECT_THAT(result, dondoc::testing::StatusIs(absl::StatusCode::kFailedPrecondition,
                                                    ::testing::HasSubstr("confirm")));
      return;
    }
    ASSERT_OK(result);
    CheckCounts(*result, expected);
    CheckUnitChanges(*result, oracle_, after);
    CheckStatementChanges(*result, oracle_, after);
    oracle_ = after;
    EXPECT_TRUE(ledger().FindImportEffect(application.import_id)->live);
  }

  // Of the sequence that the oracle took last.
  static void TakeStatements(LedgerOracle& oracle, const std::string& import_id,
                             const std::vector<Row>& statements, CommitResult& expected) {
    CommitResult apart;
    --oracle.head;
    oracle.Take(import_id, statements, apart);
    ++oracle.head;
    expected.statements = static_cast<int64_t>(statements.size());
  }

  void Relive() {
    const std::optional<std::string> import_id = RandomImport();
    if (!import_id) return;
    const bool live = OneIn(2);
    const bool changes = oracle_.LiveAt(*import_id, oracle_.head) != live;
    const LedgerOracle before = oracle_;
    if (changes) oracle_.Relive(*import_id, live);
    auto result = ledger().Commit(ImportLiveness{*import_id, live});
    ASSERT_OK(result);
    EXPECT_EQ(result->changed, changes);
    CheckUnitChanges(*result, before, oracle_);
    CheckStatementChanges(*result, before, oracle_);
  }

  void Replay() {
    const std::optional<std::string> import_id = RandomImport();
    if (!import_id || !oracle_.LiveAt(*import_id, oracle_.head)) return;
    const std::vector<Row> rows = Stage(*import_id);
    const std::vector<Row> statements = StageStatements(*import_id);
    const LedgerOracle before = oracle_;
    CommitResult expected;
    if (!rows.empty() || !statements.empty()) {
      oracle_.Take(*import_id, rows, expected);
      ++oracle_.head;
      TakeStatements(oracle_, *import_id, statements, expected);
    }
    auto result = ledger().Commit(ImportReplay{*import_id});
    ASSERT_OK(result);
    EXPECT_EQ(result->changed, !rows.empty() || !statements.empty());
    CheckCounts(*result, expected);
    CheckUnitChanges(*result, before, oracle_);
    CheckStatementChanges(*result, before, oracle_);
  }

  static void CheckCounts(const CommitResult& result, const CommitResult& expected) {
    EXPECT_EQ(result.counted, expected.counted);
    EXPECT_EQ(result.unchanged, expected.unchanged);
    EXPECT_EQ(result.stale, expected.stale);
    EXPECT_EQ(result.withdrawn, expected.withdrawn);
    EXPECT_EQ(result.covered, expected.covered);
    EXPECT_EQ(result.statements, expected.statements);
  }

  // Under the default definition: all but NEW and REFUSED count.
  static std::map<std::string, int64_t> UnitTotals(const LedgerOracle& oracle) {
    std::map<std::string, int64_t> totals;
    for (const auto& [key, count] : oracle.CellsAt(oracle.head)) {
      if (std::get<5>(key) != v1::Status::REFUSED) totals[std::get<0>(key)] += count;
    }
    return totals;
  }
  static void CheckUnitChanges(const CommitResult& result, const LedgerOracle& before,
                               const LedgerOracle& after) {
    std::map<std::string, int64_t> totals = UnitTotals(before);
    for (const CommitResult::UnitChange& change : result.unit_changes) {
      EXPECT_EQ(change.before.total(), totals[change.unit_id]);
      totals[change.unit_id] = change.after.total();
    }
    std::erase_if(totals, [](const auto& total) { return total.second == 0; });
    EXPECT_EQ(totals, UnitTotals(after));
  }

  void CheckAt(int64_t sequence) {
    auto snapshot = Snapshot(ledger(), sequence);
    ASSERT_OK(snapshot);
    const CellMap cells = oracle_.CellsAt(sequence);
    EXPECT_EQ(snapshot->cells, cells) << "as of " << sequence;
    Standing standing;
    for (const v1::StatementRecord& record : snapshot->statements) {
      EXPECT_LE(record.sequence(), sequence);
      Put(standing, record.statement());
    }
    EXPECT_EQ(standing, StandingAt(oracle_, sequence)) << "as of " << sequence;
    std::vector<int64_t> claims;
    for (const v1::CoverageClaim& claim : snapshot->coverage) {
      claims.push_back(claim.claim_sequence());
      EXPECT_EQ(claim.coverage().SerializeAsString(),
                oracle_.claims.at(claim.claim_sequence()).second.SerializeAsString());
    }
    std::vector<int64_t> expected;
    for (const auto& [made, claim] : oracle_.claims) {
      if (made <= sequence && oracle_.LiveAt(claim.first, sequence)) expected.push_back(made);
    }
    EXPECT_EQ(claims, expected);
    for (int i = 0; i < kCodes; ++i) CheckDossierAt(absl::StrCat("D", i), sequence);
    CheckListAt(cells, sequence);
  }

  void CheckDossierAt(const std::string& code, int64_t sequence) {
    const auto known = std::count_if(oracle_.kept.begin(), oracle_.kept.end(), [&](const auto& s) {
      return s.code == code && s.sequence <= sequence;
    });
    auto history = ledger().FindDossier(code, sequence);
    EXPECT_EQ(history.ok() ? history->revisions_size() : 0, known);
    if (!history.ok()) return;
    const LedgerOracle::Statement* state = oracle_.StateAt(code, sequence);
    ASSERT_EQ(history->has_dossier(), state != nullptr) << code << " as of " << sequence;
    if (state == nullptr) return;
    EXPECT_EQ(LedgerOracle::FactsOf(history->dossier()).SerializeAsString(),
              state->facts.SerializeAsString());
    EXPECT_EQ(history->dossier().code(), code);
    EXPECT_EQ(history->dossier().has_update_time(), state->update.has_value());
  }

  void CheckListAt(const CellMap& cells, int64_t sequence) {
    int64_t total = 0;
    for (const auto& [key, count] : cells) {
      if (std::get<0>(key) == "u1" && std::get<5>(key) != v1::Status::REFUSED) total += count;
    }
    auto page = ledger().ListDossiers(
        {"u1", kFirstDay, kFirstDay + 9, std::nullopt, DefaultDefinition(), sequence, "", 100});
    ASSERT_OK(page);
    EXPECT_EQ(page->total_size, total);
    EXPECT_EQ(static_cast<int64_t>(page->dossiers.size()), total);
  }

  void CheckEvents() {
    auto events = Events(ledger(), 0);
    ASSERT_OK(events);
    for (int64_t sequence = 0; sequence <= oracle_.head; ++sequence) {
      EXPECT_EQ(SumOfEvents(*events, sequence), oracle_.CellsAt(sequence)) << "at " << sequence;
      Standing standing;
      for (const v1::FeedEvent& event : *events) {
        if (event.sequence() > sequence) break;
        for (const auto& record : event.statements()) Put(standing, record.statement());
      }
      EXPECT_EQ(standing, StandingAt(oracle_, sequence)) << "at " << sequence;
    }
    EXPECT_TRUE(dynamic_cast<LogLedger&>(ledger()).CellsAreExact());
  }

  std::mt19937_64 random_;
  dondoc::testing::FakeClock clock_;
  absl::Time now_;
  const std::unique_ptr<LedgerPlace> place_;
  LedgerPlace::Opened opened_;
  LedgerOracle oracle_;
  int imports_ = 0;
  std::vector<v1::Dossier> pushed_;
  std::vector<v1::Statement> declared_;
};

void RunHistories(int share, std::unique_ptr<LedgerPlace> (*make)(const LogLedgerOptions&)) {
  log::Start("test", log::Level::kError);
  const uint64_t seed = TestSeed() + static_cast<uint64_t>(share) * kHistoriesPerShare;
  for (uint64_t i = 0; i < kHistoriesPerShare; ++i) {
    // One history alone: the seed printed here, with a count of 1.
    SCOPED_TRACE(absl::StrCat("history with seed ", seed + i));
    LogLedgerOptions options = InlineOptions((seed + i) % 3 == 0 ? 30 : 1'000'000);
    if ((seed + i) % 2 == 0) options.inline_bytes_max = 50;
    History(make(options), seed + i).Run();
    if (::testing::Test::HasFailure()) break;
  }
}

// 10,000 histories for each ledger.
class LedgerPropertyTest : public ::testing::TestWithParam<int> {};

TEST_P(LedgerPropertyTest, FakeLedgerFoldsAsTheRulesSay) { RunHistories(GetParam(), FakePlace); }

TEST_P(LedgerPropertyTest, RocksDbLedgerFoldsAsTheRulesSay) {
  RunHistories(GetParam(), RocksDbPlace);
}

INSTANTIATE_TEST_SUITE_P(Shares, LedgerPropertyTest, ::testing::Range(0, kShares));

}  // namespace
}  // namespace dondoc::ingestion::testing
