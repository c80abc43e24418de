// What every ledger promises about statements; the fold itself is the property test's.

#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingestion/ledger/testing/ledger_contract.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StatementContractTest : public LedgerContractTest {
 protected:
  CommitResult Declare(const std::vector<v1::Statement>& statements) {
    return Commit(StatementBatch{statements});
  }
  void StageStatements(const std::string& import_id, const std::vector<v1::Statement>& statements) {
    v1::Import import;
    import.set_import_id(import_id);
    import.set_state(v1::ImportState::RUNNING);
    (void)imports().CreateImport(import);  // known already when more is staged
    ASSERT_OK(imports().StageStatements(import_id, ToStatementRows(statements)));
  }
  std::vector<std::string> StandingAt(int64_t sequence) {
    StatementQuery query;
    query.as_of_sequence = sequence;
    query.page_size = 100'000;
    auto page = ledger().ListStatements(query);
    EXPECT_OK(page);
    std::vector<std::string> texts;
    for (const v1::StatementRecord& record : page->statements) texts.push_back(Text(record));
    // Whoever follows and whoever loads see the same.
    EXPECT_EQ(Sorted(Followed(sequence)), texts);
    auto snapshot = Snapshot(ledger(), sequence);
    EXPECT_OK(snapshot);
    std::vector<std::string> loaded;
    for (const v1::StatementRecord& record : snapshot->statements) loaded.push_back(Text(record));
    EXPECT_EQ(loaded, texts);
    return texts;
  }
  std::vector<std::string> Standing() { return StandingAt(head()); }
  static std::string Text(const v1::StatementRecord& record) {
    const v1::Statement& statement = record.statement();
    return absl::StrCat(statement.unit_id(), " ", statement.from(), " ", statement.to(), ": ",
                        statement.online(), "/", statement.total(), " by ", record.import_id(), "#",
                        record.sequence());
  }
  using Key = std::tuple<std::string, std::string, std::string>;
  std::map<Key, std::string> Followed(int64_t sequence) {
    auto events = Events(ledger(), 0);
    EXPECT_OK(events);
    std::map<Key, std::string> standing;
    for (const v1::FeedEvent& event : *events) {
      if (event.sequence() > sequence) break;
      for (const v1::StatementRecord& record : event.statements()) {
        const v1::Statement& statement = record.statement();
        const Key key(statement.unit_id(), statement.from(), statement.to());
        if (statement.withdrawn()) {
          standing.erase(key);
        } else {
          standing[key] = Text(record);
        }
      }
    }
    return standing;
  }
  static std::vector<std::string> Sorted(const std::map<Key, std::string>& standing) {
    std::vector<std::string> texts;
    for (const auto& [key, text] : standing) texts.push_back(text);
    return texts;
  }
};

v1::Statement YearOf(const std::string& unit_id, int64_t total, int64_t online) {
  return MakeStatement(unit_id, "2023-01-01", "2023-11-15", total, online);
}

v1::Statement Undeclared(v1::Statement statement) {
  v1::Statement withdrawn;
  withdrawn.set_unit_id(statement.unit_id());
  withdrawn.set_from(statement.from());
  withdrawn.set_to(statement.to());
  withdrawn.set_withdrawn(true);
  return withdrawn;
}

TEST_P(StatementContractTest, ALaterOneReplacesAndNeverAdds) {
  Declare({YearOf("u1", 100, 40), YearOf("u2", 50, 10)});
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 40/100 by #2",
                                      "u2 2023-01-01 2023-11-15: 10/50 by #2"));
  const CommitResult result = Declare({YearOf("u1", 120, 60)});
  EXPECT_THAT(result.outcomes, ElementsAre(v1::Outcome::UPDATED));
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 60/120 by #3",
                                      "u2 2023-01-01 2023-11-15: 10/50 by #2"));
  EXPECT_THAT(StandingAt(2), ElementsAre("u1 2023-01-01 2023-11-15: 40/100 by #2",
                                         "u2 2023-01-01 2023-11-15: 10/50 by #2"));
}

TEST_P(StatementContractTest, TheSameAgainTakesNoSequence) {
  Declare({YearOf("u1", 100, 40)});
  const CommitResult again = Declare({YearOf("u1", 100, 40)});
  EXPECT_FALSE(again.changed);
  EXPECT_THAT(again.outcomes, ElementsAre(v1::Outcome::UNCHANGED));
  EXPECT_EQ(head(), 2);
}

TEST_P(StatementContractTest, AnOlderOneIsKeptAndChangesNothing) {
  v1::Statement newer = YearOf("u1", 100, 40);
  *newer.mutable_update_time() = ToProto(TestNow());
  v1::Statement older = YearOf("u1", 70, 70);
  *older.mutable_update_time() = ToProto(TestNow() - absl::Hours(1));
  Declare({newer});
  EXPECT_THAT(Declare({older}).outcomes, ElementsAre(v1::Outcome::STALE));
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 40/100 by #2"));
}

TEST_P(StatementContractTest, AWithdrawalLeavesNothingStanding) {
  Declare({YearOf("u1", 100, 40)});
  const CommitResult result = Declare({Undeclared(YearOf("u1", 0, 0))});
  ASSERT_EQ(result.statement_changes.size(), 1u);
  EXPECT_EQ(result.statement_changes[0].before->total(), 100);
  EXPECT_FALSE(result.statement_changes[0].after.has_value());
  EXPECT_THAT(Standing(), IsEmpty());
  // What was not declared cannot be withdrawn, and nobody hears of it.
  Declare({Undeclared(YearOf("u2", 0, 0))});
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_P(StatementContractTest, StagedOnesTakeEffectWithTheirImportAndLeaveWithIt) {
  Declare({YearOf("u1", 100, 40)});
  StageStatements("i-1", {YearOf("u1", 110, 50), YearOf("u2", 50, 10)});
  EXPECT_EQ(Standing().size(), 1u);
  auto preview = ledger().Commit(Application("i-1"), /*dry_run=*/true);
  ASSERT_OK(preview);
  EXPECT_EQ(preview->statements, 2);
  ASSERT_EQ(preview->statement_changes.size(), 2u);
  EXPECT_EQ(preview->statement_changes[0].before->online(), 40);
  EXPECT_EQ(preview->statement_changes[0].after->online(), 50);
  EXPECT_FALSE(preview->statement_changes[1].before.has_value());
  Commit(Application("i-1"));
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 50/110 by i-1#3",
                                      "u2 2023-01-01 2023-11-15: 10/50 by i-1#3"));
  Commit(ImportLiveness{"i-1", false});
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 40/100 by #2"));
  EXPECT_EQ(StandingAt(3).size(), 2u);
  Commit(ImportLiveness{"i-1", true});
  EXPECT_EQ(Standing().size(), 2u);
  const auto effect = ledger().FindImportEffect("i-1");
  ASSERT_TRUE(effect.has_value());
  EXPECT_EQ(effect->result.statements, 2);
  EXPECT_EQ(effect->result.statement_changes.size(), 2u);
}

TEST_P(StatementContractTest, OnesOfAReplayBelongToTheirImport) {
  StageStatements("i-1", {YearOf("u1", 110, 50)});
  Commit(Application("i-1"));
  std::vector<v1::StatementRecord> late = ToStatementRows({YearOf("u2", 50, 10)});
  late[0].set_row_number(9);
  ASSERT_OK(imports().StageStatements("i-1", late));
  EXPECT_TRUE(Commit(ImportReplay{"i-1"}).changed);
  const std::vector<v1::StatementRecord> all = ledger().StatementsOfImport("i-1");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].row_number(), 2);
  EXPECT_EQ(all[1].row_number(), 9);
  Commit(ImportLiveness{"i-1", false});
  EXPECT_THAT(Standing(), IsEmpty());
  EXPECT_EQ(ledger().StatementsOfImport("i-1").size(), 2u);
}

TEST_P(StatementContractTest, DroppedOnesTakeNoEffect) {
  StageStatements("i-1", {YearOf("u1", 110, 50)});
  ASSERT_OK(imports().DropStagedRows("i-1"));
  EXPECT_EQ(Commit(Application("i-1")).statements, 0);
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_P(StatementContractTest, StandAgainAfterReopeningAndAfterACrash) {
  Declare({YearOf("u1", 100, 40)});
  StageStatements("i-1", {YearOf("u1", 110, 50), YearOf("u2", 50, 10)});
  Commit(Application("i-1"));
  const std::vector<std::string> before = Standing();
  Reopen();
  EXPECT_EQ(Standing(), before);
  std::mt19937_64 random(20231121);
  place_->Crash(std::move(opened_), random);
  Reopen();
  EXPECT_EQ(Standing(), before);
  EXPECT_FALSE(Declare({YearOf("u1", 100, 40)}).outcomes.empty());
  Commit(ImportLiveness{"i-1", false});
  Reopen();
  EXPECT_THAT(Standing(), ElementsAre("u1 2023-01-01 2023-11-15: 40/100 by #4"));
}

TEST_P(StatementContractTest, AreListedByUnitAndDaysPageByPage) {
  Declare({MakeStatement("u2", "2023-02-01", "2023-02-28", 2, 1),
           MakeStatement("u1", "2023-02-01", "2023-02-28", 2, 1),
           MakeStatement("u1", "2023-01-01", "2023-03-31", 9, 1),
           MakeStatement("u1", "2023-01-01", "2023-01-31", 3, 1)});
  StatementQuery query;
  query.as_of_sequence = head();
  query.page_size = 3;
  auto page = ledger().ListStatements(query);
  ASSERT_OK(page);
  EXPECT_EQ(page->total_size, 4);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->statements[0].statement().to(), "2023-01-31");
  EXPECT_EQ(page->statements[1].statement().to(), "2023-03-31");
  query.offset = 3;
  page = ledger().ListStatements(query);
  ASSERT_OK(page);
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->statements[0].statement().unit_id(), "u2");
  query = {"u1", absl::CivilDay(2023, 1, 1), absl::CivilDay(2023, 2, 28), head(), 0, 10};
  page = ledger().ListStatements(query);
  ASSERT_OK(page);
  EXPECT_EQ(page->total_size, 2);
  query.as_of_sequence = head() + 1;
  EXPECT_THAT(ledger().ListStatements(query),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("after the head")));
}

TEST_P(StatementContractTest, ManyAreSentInPieces) {
  std::vector<v1::Statement> many;
  for (int i = 0; i < 20'000; ++i) many.push_back(YearOf(absl::StrCat("unit-", i), 100, 40));
  Declare(many);
  EXPECT_TRUE(Standing().size() == many.size());
  auto snapshot = Snapshot(ledger(), head());
  ASSERT_OK(snapshot);
  EXPECT_EQ(snapshot->statements.size(), many.size());
  EXPECT_GT(snapshot->chunks, 1);
}

INSTANTIATE_TEST_SUITE_P(AllLedgers, StatementContractTest, Implementations(), NameOf);

}  // namespace
}  // namespace dondoc::ingestion::testing
