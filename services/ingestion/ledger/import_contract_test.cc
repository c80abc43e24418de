// The contract of ledger.h for imports, and of opening again, run unchanged on every
// implementation.

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/metric/definition.h"
#include "services/ingestion/ledger/testing/ledger_contract.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = v1::Outcome;
using Extent = v1::Coverage::Extent;

class ImportContractTest : public LedgerContractTest {};

TEST_P(ImportContractTest, AnImportTakesEffectAsOneSequence) {
  Push({MakeDossier("A", "u1", kDay), WithUpdate(MakeDossier("C", "u1", kDay), TestNow())});
  Stage("i-1",
        {MakeDossier("A", "u1", kDay), MakeDossier("B", "u2", kDay), MakeDossier("C", "u2", kDay)});
  EXPECT_EQ(head(), 2);
  EXPECT_FALSE(ledger().FindImportEffect("i-1"));
  clock_.Advance(absl::Minutes(1));
  const ImportApplication application = Application(
      "i-1", MakeCoverage("2023-11-01", "2023-11-20", Extent::PARTIAL), TestNow() - absl::Hours(1));
  auto preview = ledger().Commit(application, /*dry_run=*/true);
  ASSERT_OK(preview);
  EXPECT_EQ(head(), 2);
  EXPECT_EQ(preview->counted, 1);

  const CommitResult result = Commit(application);
  EXPECT_EQ(result.position.sequence(), 3);
  EXPECT_EQ(result.counted, 1);
  EXPECT_EQ(result.unchanged, 0);
  EXPECT_EQ(result.stale, 2);  // A was pushed and C updated after the extraction
  ASSERT_THAT(result.unit_changes, SizeIs(1));
  EXPECT_EQ(result.unit_changes[0].unit_id, "u2");
  EXPECT_EQ(result.unit_changes[0].before.total(), 0);
  EXPECT_EQ(result.unit_changes[0].after.online(), 1);
  EXPECT_THAT(Cells(),
              ElementsAre(Cell("u1", v1::Channel::ONLINE, 2), Cell("u2", v1::Channel::ONLINE, 1)));
  auto effect = ledger().FindImportEffect("i-1");
  ASSERT_TRUE(effect);
  EXPECT_EQ(effect->sequence, 3);
  EXPECT_TRUE(effect->live);
  EXPECT_EQ(effect->result.stale, 2);

  const CommitResult again = Commit(application);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.counted, 1);
  EXPECT_EQ(head(), 3);
  auto events = Events(ledger(), 2);
  ASSERT_OK(events);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(events->front().import_id(), "i-1");
  ASSERT_EQ(events->front().coverage_size(), 1);
  EXPECT_EQ(events->front().coverage(0).import_id(), "i-1");
}

TEST_P(ImportContractTest, ChangesToImportsThatAreNotThereAreRefused) {
  EXPECT_THAT(ledger().Commit(Application("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ledger().Commit(ImportReplay{"none"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ledger().Commit(ImportLiveness{"none", false}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  Stage("i-1", {MakeDossier("A", "u1", kDay)});
  EXPECT_THAT(ledger().Commit(ImportReplay{"i-1"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not applied")));
  EXPECT_THAT(ledger().Commit(ImportLiveness{"i-1", false}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not applied")));
}

TEST_P(ImportContractTest, ACompleteImportWithdrawsWhatItNoLongerHas) {
  std::vector<v1::Dossier> all;
  for (int i = 0; i < 40; ++i) all.push_back(MakeDossier(absl::StrCat("D", i), "u1", kDay));
  all.push_back(MakeDossier("OTHER-DAY", "u1", kDay - 10));
  all.push_back(MakeDossier("OTHER-UNIT", "u2", kDay));
  Push(all);
  clock_.Advance(absl::Hours(1));
  Stage("i-1", {all.begin() + 2, all.begin() + 40});  // D0 and D1 are gone: 2 of 40
  ASSERT_EQ(
      Commit(Application("i-1", MakeCoverage("2023-11-15", "2023-11-15", Extent::COMPLETE, {"u1"})))
          .withdrawn,
      2);
  EXPECT_EQ(Total(), 40);
  EXPECT_TRUE(Find("D0").dossier().withdrawn());
  EXPECT_EQ(Find("D0").revisions(1).import_id(), "i-1");
  Commit(ImportLiveness{"i-1", false});
  EXPECT_EQ(Total(), 42);
}

TEST_P(ImportContractTest, WithdrawingMoreThanFivePercentAsksFirst) {
  std::vector<v1::Dossier> all;
  for (int i = 0; i < 39; ++i) all.push_back(MakeDossier(absl::StrCat("D", i), "u1", kDay));
  Push(all);
  clock_.Advance(absl::Hours(1));
  Stage("i-1", {all.begin() + 2, all.end()});
  ImportApplication application =
      Application("i-1", MakeCoverage("2023-11-15", "2023-11-15", Extent::COMPLETE));
  EXPECT_THAT(ledger().Commit(application),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("2 of 39")));
  auto preview = ledger().Commit(application, /*dry_run=*/true);
  ASSERT_OK(preview);
  EXPECT_EQ(preview->withdrawn, 2);
  EXPECT_EQ(preview->covered, 39);
  application.confirm_withdrawals = true;
  EXPECT_EQ(Commit(application).withdrawn, 2);
  EXPECT_EQ(Total(), 37);
}

TEST_P(ImportContractTest, AWithdrawalLosesToADossierTheSourceChangedLater) {
  Push({WithUpdate(MakeDossier("A", "u1", kDay), TestNow()),
        WithUpdate(MakeDossier("B", "u1", kDay), TestNow() - absl::Hours(10))});
  Stage("i-1", {});
  const CommitResult result =
      Commit(Application("i-1", MakeCoverage("2023-11-15", "2023-11-15", Extent::COMPLETE),
                         TestNow() - absl::Hours(1), /*confirm_withdrawals=*/true));
  EXPECT_EQ(result.covered, 2);
  EXPECT_EQ(result.withdrawn, 1);
  EXPECT_FALSE(Find("A").dossier().withdrawn());
  EXPECT_TRUE(Find("B").dossier().withdrawn());
}

TEST_P(ImportContractTest, ARevertLeavesExactlyTheStateWithoutTheImport) {
  Push({WithUpdate(MakeDossier("A", "u1", kDay), TestNow() - absl::Hours(9))});
  const CellMap before = Cells();
  Stage("i-1", {WithUpdate(MakeDossier("A", "u2", kDay), TestNow() - absl::Hours(5)),
                MakeDossier("B", "u2", kDay)});
  Commit(Application("i-1", MakeCoverage("2023-11-01", "2023-11-20", Extent::PARTIAL)));
  const CellMap with = Cells();
  // Late and of no effect while the import stands: it shows after the revert.
  Push({WithUpdate(MakeDossier("A", "u3", kDay), TestNow() - absl::Hours(7))});
  EXPECT_EQ(Cells(), with);

  EXPECT_TRUE(Commit(ImportLiveness{"i-1", false}).changed);
  EXPECT_FALSE(Commit(ImportLiveness{"i-1", false}).changed);
  EXPECT_THAT(Cells(), ElementsAre(Cell("u3", v1::Channel::ONLINE, 1)));
  EXPECT_FALSE(Find("B").has_dossier());
  EXPECT_EQ(CellsAt(3), with);
  EXPECT_EQ(CellsAt(2), before);
  auto b_then = ledger().FindDossier("B", 3);
  ASSERT_OK(b_then);
  EXPECT_TRUE(b_then->has_dossier());
  EXPECT_TRUE(b_then->revisions(0).live());
  auto snapshot = Snapshot(ledger(), head());
  ASSERT_OK(snapshot);
  EXPECT_THAT(snapshot->coverage, IsEmpty());
  EXPECT_THAT(ledger().Commit(Application("i-1")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("reverted")));

  EXPECT_TRUE(Commit(ImportLiveness{"i-1", true}).changed);
  EXPECT_EQ(Cells(), with);
  auto events = Events(ledger(), head() - 2);
  ASSERT_OK(events);
  ASSERT_THAT(*events, SizeIs(2));
  ASSERT_EQ(events->front().coverage_size(), 1);
  EXPECT_FALSE(events->front().coverage(0).live());
  EXPECT_EQ(events->front().coverage(0).claim_sequence(), 3);
  EXPECT_TRUE(events->back().coverage(0).live());
}

TEST_P(ImportContractTest, WhatAPushRepeatsOfAnImportStaysWhenTheImportGoes) {
  Stage("i-1", {MakeDossier("A", "u1", kDay)});
  Commit(Application("i-1"));
  clock_.Advance(absl::Hours(1));
  const CommitResult push = Push({MakeDossier("A", "u1", kDay)});
  EXPECT_THAT(push.outcomes, ElementsAre(Outcome::UNCHANGED));
  EXPECT_TRUE(push.changed);
  Commit(ImportLiveness{"i-1", false});
  EXPECT_EQ(Total(), 1);
}

TEST_P(ImportContractTest, AReplayBelongsToItsImport) {
  Stage("i-1", {MakeDossier("A", "u1", kDay)});
  Commit(Application("i-1"));
  clock_.Advance(absl::Hours(24));
  Push({MakeDossier("B", "u2", kDay)});
  EXPECT_FALSE(Commit(ImportReplay{"i-1"}).changed);
  Stage("i-1", {MakeDossier("B", "u1", kDay), MakeDossier("C", "u1", kDay)});
  const CommitResult replay = Commit(ImportReplay{"i-1"});
  EXPECT_TRUE(replay.changed);
  EXPECT_EQ(replay.counted, 1);
  EXPECT_EQ(replay.stale, 1);  // the file is as old as its application: B was pushed after
  EXPECT_FALSE(Commit(ImportReplay{"i-1"}).changed);
  auto effect = ledger().FindImportEffect("i-1");
  ASSERT_TRUE(effect);
  EXPECT_THAT(effect->replay_sequences, ElementsAre(4));
  EXPECT_EQ(effect->result.counted, 2);
  EXPECT_EQ(Total(), 3);
  Commit(ImportLiveness{"i-1", false});
  EXPECT_THAT(Cells(), ElementsAre(Cell("u2", v1::Channel::ONLINE, 1)));
  EXPECT_THAT(ledger().Commit(ImportReplay{"i-1"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not applied")));
}

TEST_P(ImportContractTest, OneCodeUnderTwoUnitsInAnImportIsReported) {
  Stage("i-1",
        {MakeDossier("A", "u1", kDay), MakeDossier("B", "u1", kDay), MakeDossier("A", "u2", kDay),
         MakeDossier("B", "u1", kDay), MakeDossier("A", "u1", kDay)});
  const CommitResult result = Commit(Application("i-1"));
  EXPECT_EQ(result.code_in_two_units, 2);
  EXPECT_EQ(result.code_in_two_units_first_row, 4);
  EXPECT_EQ(Total(), 2);
}

TEST_P(ImportContractTest, DroppedStagedRowsTakeNoEffect) {
  Stage("i-1", {MakeDossier("A", "u1", kDay)});
  ASSERT_OK(imports().DropStagedRows("i-1"));
  Stage("i-1", {MakeDossier("B", "u1", kDay)});
  EXPECT_EQ(Commit(Application("i-1")).counted, 1);
  EXPECT_THAT(ledger().FindDossier("A", head()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
}

TEST_P(ImportContractTest, EverythingIsThereAfterOpeningAgain) {
  Commit(UnitsPut{{MakeUnit("u1", v1::Level::DISTRICT)}});
  Push({MakeDossier("A", "u1", kDay), MakeDossier("B", "u1", kDay)},
       MakeCoverage("2023-11-01", "2023-11-20", Extent::PARTIAL));
  Stage("i-1", {WithChannel(MakeDossier("A", "u1", kDay), v1::Channel::COUNTER)});
  Stage("i-2", {MakeDossier("C", "u1", kDay)});
  clock_.Advance(absl::Minutes(1));
  Commit(Application("i-1", MakeCoverage("2023-11-15", "2023-11-15", Extent::COMPLETE),
                     std::nullopt, true));
  Commit(Application("i-2"));
  Commit(ImportLiveness{"i-2", false});
  Stage("i-3", {MakeDossier("E", "u1", kDay)});
  const v1::Position position = ledger().Head();
  const CellMap cells = Cells();
  const CellMap cells_then = CellsAt(4);
  const std::string history = Find("A").SerializeAsString();
  Reopen();
  EXPECT_EQ(ledger().Head().SerializeAsString(), position.SerializeAsString());
  EXPECT_EQ(Cells(), cells);
  EXPECT_EQ(CellsAt(4), cells_then);
  EXPECT_EQ(Find("A").SerializeAsString(), history);
  EXPECT_NE(ledger().CurrentDirectory()->Find("u1"), nullptr);
  EXPECT_EQ(ledger().FindImportEffect("i-1")->result.withdrawn, 1);
  EXPECT_FALSE(ledger().FindImportEffect("i-2")->live);
  EXPECT_FALSE(Push({}, MakeCoverage("2023-11-01", "2023-11-20", Extent::PARTIAL)).changed);
  EXPECT_EQ(Commit(Application("i-3")).counted, 1);
  auto events = Events(ledger(), 0);
  ASSERT_OK(events);
  EXPECT_EQ(SumOfEvents(*events, head()), Cells());
}

TEST_P(ImportContractTest, ImportsAreKeptAndListedNewestFirst) {
  for (const char* import_id : {"b", "a", "c"}) {
    v1::Import import;
    import.set_import_id(import_id);
    ASSERT_OK(imports().CreateImport(import));
  }
  v1::Import update;
  update.set_import_id("a");
  EXPECT_THAT(imports().CreateImport(update),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'a'")));
  update.set_rows(7);
  EXPECT_OK(imports().UpdateImport(update));
  update.set_import_id("none");
  EXPECT_THAT(imports().UpdateImport(update),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  EXPECT_THAT(imports().FindImport("none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  Reopen();
  auto newest = imports().ListImports("", 2);
  ASSERT_OK(newest);
  ASSERT_THAT(*newest, SizeIs(2));
  EXPECT_EQ((*newest)[0].import_id(), "c");
  EXPECT_EQ((*newest)[1].import_id(), "a");
  EXPECT_EQ((*newest)[1].rows(), 7);
  auto rest = imports().ListImports("a", 10);
  ASSERT_OK(rest);
  ASSERT_THAT(*rest, SizeIs(1));
  EXPECT_EQ((*rest)[0].import_id(), "b");
  EXPECT_THAT(imports().ListImports("none", 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
}

TEST_P(ImportContractTest, ARemovedImportLeavesNothingAndItsIdIsFree) {
  v1::Import import;
  import.set_import_id("i-1");
  ASSERT_OK(imports().CreateImport(import));
  v1::Import other = import;
  other.set_import_id("i-10");
  ASSERT_OK(imports().CreateImport(other));
  v1::Reject reject;
  reject.set_row_number(3);
  ASSERT_OK(imports().AddRejects("i-1", {reject}));
  ASSERT_OK(imports().AddRejects("i-10", {reject}));
  Row row;
  row.dossier = MakeDossier("A", "u1", kDay);
  ASSERT_OK(imports().StageRows("i-1", {row}));
  ASSERT_OK(imports().RemoveImport("i-1"));
  EXPECT_THAT(imports().RemoveImport("i-1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'i-1'")));
  Reopen();
  EXPECT_THAT(imports().FindImport("i-1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'i-1'")));
  EXPECT_THAT(*imports().ListRejects("i-1", 0, 10), SizeIs(0));
  EXPECT_THAT(*imports().ListRejects("i-10", 0, 10), SizeIs(1));
  EXPECT_THAT(*imports().ListImports("", 10), SizeIs(1));
  ASSERT_OK(imports().CreateImport(import));
  const auto applied = ledger().Commit(Application("i-1"));
  ASSERT_OK(applied);
  EXPECT_EQ(applied->counted, 0) << "staged rows of the one before";
}

TEST_P(ImportContractTest, RejectsAreKeptInRowOrder) {
  const auto reject = [](int64_t row_number, const std::string& message) {
    v1::Reject made;
    made.set_row_number(row_number);
    made.set_message(message);
    return made;
  };
  const std::vector<v1::Reject> some = {reject(300, "a"), reject(2, "b"), reject(70, "c")};
  ASSERT_OK(imports().AddRejects("i-1", some));
  ASSERT_OK(imports().AddRejects("i-10", {reject(1, "other")}));
  ASSERT_OK(imports().AddRejects("i-1", {reject(70, "d")}));
  ASSERT_OK(imports().RemoveRejects("i-1", {2}));
  Reopen();
  auto found = imports().ListRejects("i-1", 0, 10);
  ASSERT_OK(found);
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_EQ((*found)[0].message(), "d");
  EXPECT_EQ((*found)[1].row_number(), 300);
  found = imports().ListRejects("i-1", 70, 1);
  ASSERT_OK(found);
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ((*found)[0].row_number(), 300);
}

INSTANTIATE_TEST_SUITE_P(, ImportContractTest, Implementations(), NameOf);

}  // namespace
}  // namespace dondoc::ingestion::testing
