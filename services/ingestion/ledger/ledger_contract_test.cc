// The contract of ledger.h for pushes, units and the feed, run unchanged on every implementation.

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

TEST_P(LedgerContractTest, ANewLedgerHasAnIdentityAndTheDefaultDefinition) {
  EXPECT_EQ(head(), 1);
  EXPECT_THAT(ledger().Head().ledger_id(), SizeIs(32));
  auto snapshot = Snapshot(ledger(), 1);
  ASSERT_OK(snapshot);
  ASSERT_THAT(snapshot->definitions, SizeIs(1));
  EXPECT_EQ(snapshot->definitions[0].definition_id(), kDefaultDefinitionId);
  auto events = Events(ledger(), 0);
  ASSERT_OK(events);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(events->front().definitions_size(), 1);
}

TEST_P(LedgerContractTest, APushCountsEachDossierInItsCell) {
  const CommitResult result =
      Push({MakeDossier("A", "u1", kDay), MakeDossier("B", "u1", kDay),
            WithChannel(MakeDossier("C", "u2", kDay), v1::Channel::POSTAL)});
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(result.position.sequence(), 2);
  EXPECT_THAT(result.outcomes, ElementsAre(Outcome::CREATED, Outcome::CREATED, Outcome::CREATED));
  EXPECT_THAT(Cells(),
              ElementsAre(Cell("u1", v1::Channel::ONLINE, 2), Cell("u2", v1::Channel::POSTAL, 1)));
}

TEST_P(LedgerContractTest, TheSamePushAgainChangesNothing) {
  const std::vector<v1::Dossier> batch = {MakeDossier("A", "u1", kDay),
                                          WithUpdate(MakeDossier("B", "u1", kDay), TestNow())};
  Push(batch, MakeCoverage("2023-11-01", "2023-11-15", Extent::PARTIAL));
  clock_.Advance(absl::Hours(1));
  const CommitResult again = Push(batch, MakeCoverage("2023-11-01", "2023-11-15", Extent::PARTIAL));
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.position.sequence(), 2);
  EXPECT_THAT(again.outcomes, ElementsAre(Outcome::UNCHANGED, Outcome::UNCHANGED));
  EXPECT_EQ(head(), 2);
}

TEST_P(LedgerContractTest, ACorrectionMovesTheDossierAndThePastStaysAsItWas) {
  Push({MakeDossier("A", "u1", kDay)});
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Push({MakeDossier("A", "u2", kDay)}).outcomes, ElementsAre(Outcome::UPDATED));
  EXPECT_THAT(Cells(), ElementsAre(Cell("u2", v1::Channel::ONLINE, 1)));
  EXPECT_THAT(CellsAt(2), ElementsAre(Cell("u1", v1::Channel::ONLINE, 1)));
  auto before = ledger().FindDossier("A", 2);
  ASSERT_OK(before);
  EXPECT_EQ(before->dossier().unit_id(), "u1");
  EXPECT_EQ(before->revisions_size(), 1);
}

TEST_P(LedgerContractTest, AnOlderUpdateTimeIsStaleAndKeptOnce) {
  Push({WithUpdate(MakeDossier("A", "u1", kDay), TestNow())});
  const v1::Dossier older = WithUpdate(MakeDossier("A", "u2", kDay), TestNow() - absl::Hours(5));
  EXPECT_THAT(Push({older}).outcomes, ElementsAre(Outcome::STALE));
  EXPECT_THAT(Cells(), ElementsAre(Cell("u1", v1::Channel::ONLINE, 1)));
  EXPECT_EQ(Find("A").revisions_size(), 2);
  const CommitResult again = Push({older});
  EXPECT_THAT(again.outcomes, ElementsAre(Outcome::UNCHANGED));
  EXPECT_FALSE(again.changed);
}

TEST_P(LedgerContractTest, ANewerUpdateTimeWithTheSameFactsIsKeptAndMovesTheOrder) {
  Push({WithUpdate(MakeDossier("A", "u1", kDay), TestNow() - absl::Hours(3))});
  const CommitResult newer =
      Push({WithUpdate(MakeDossier("A", "u1", kDay), TestNow() - absl::Hours(1))});
  EXPECT_THAT(newer.outcomes, ElementsAre(Outcome::UNCHANGED));
  EXPECT_TRUE(newer.changed);
  EXPECT_THAT(Push({WithUpdate(MakeDossier("A", "u2", kDay), TestNow() - absl::Hours(2))}).outcomes,
              ElementsAre(Outcome::STALE));
}

TEST_P(LedgerContractTest, TwoEntriesForOneCodeInABatchAreTakenInOrder) {
  const CommitResult result = Push(
      {MakeDossier("A", "u1", kDay), MakeDossier("A", "u2", kDay), MakeDossier("A", "u2", kDay),
       WithUpdate(MakeDossier("A", "u3", kDay), TestNow() - absl::Hours(1))});
  EXPECT_THAT(result.outcomes,
              ElementsAre(Outcome::CREATED, Outcome::UPDATED, Outcome::UNCHANGED, Outcome::STALE));
  EXPECT_THAT(Cells(), ElementsAre(Cell("u2", v1::Channel::ONLINE, 1)));
  EXPECT_EQ(Find("A").revisions_size(), 3);
}

TEST_P(LedgerContractTest, APendingDossierIsStoredAndNotCountedUntilReceived) {
  v1::Dossier pending = MakeDossier("A", "u1", kDay);
  pending.clear_received_time();
  EXPECT_THAT(Push({pending}).outcomes, ElementsAre(Outcome::CREATED));
  EXPECT_THAT(Cells(), IsEmpty());
  EXPECT_EQ(Find("A").dossier().unit_id(), "u1");
  EXPECT_THAT(Push({MakeDossier("A", "u1", kDay)}).outcomes, ElementsAre(Outcome::UPDATED));
  EXPECT_THAT(Cells(), ElementsAre(Cell("u1", v1::Channel::ONLINE, 1)));
}

TEST_P(LedgerContractTest, AWithdrawnDossierIsNotCountedAndMayComeBack) {
  Push({MakeDossier("A", "u1", kDay)});
  EXPECT_THAT(Push({Withdrawal("A"), Withdrawal("B")}).outcomes,
              ElementsAre(Outcome::UPDATED, Outcome::UNCHANGED));
  EXPECT_THAT(Cells(), IsEmpty());
  EXPECT_TRUE(Find("A").dossier().withdrawn());
  EXPECT_THAT(Push({MakeDossier("A", "u1", kDay)}).outcomes, ElementsAre(Outcome::CREATED));
  EXPECT_EQ(Total(), 1);
}

TEST_P(LedgerContractTest, APushThatOnlyClaimsCoverageTakesOneSequence) {
  const CommitResult claim =
      Push({}, MakeCoverage("2023-11-01", "2023-11-02", Extent::COMPLETE, {"u2", "u1", "u1"}));
  EXPECT_TRUE(claim.changed);
  EXPECT_FALSE(
      Push({}, MakeCoverage("2023-11-01", "2023-11-02", Extent::COMPLETE, {"u1", "u2"})).changed);
  EXPECT_TRUE(
      Push({}, MakeCoverage("2023-11-01", "2023-11-03", Extent::COMPLETE, {"u1", "u2"})).changed);
  auto snapshot = Snapshot(ledger(), 2);
  ASSERT_OK(snapshot);
  ASSERT_THAT(snapshot->coverage, SizeIs(1));
  EXPECT_EQ(snapshot->coverage[0].claim_sequence(), 2);
  EXPECT_TRUE(snapshot->coverage[0].live());
  EXPECT_EQ(FromProto(snapshot->coverage[0].commit_time()), TestNow());
  EXPECT_THAT(snapshot->coverage[0].coverage().unit_ids(), ElementsAre("u1", "u2"));
}

TEST_P(LedgerContractTest, ADossierWithoutACodeIsRefused) {
  const std::vector<v1::Dossier> batch = {MakeDossier("A", "u1", kDay),
                                          MakeDossier("", "u1", kDay)};
  EXPECT_THAT(ledger().Commit(DossierBatch{batch, std::nullopt}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dossiers[1].code: ")));
  EXPECT_THAT(imports().StageRows("i-1", ToRows(batch)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row 3")));
  EXPECT_EQ(head(), 1);
}

TEST_P(LedgerContractTest, ABadCoverageIsRefusedWithItsField) {
  EXPECT_THAT(
      ledger().Commit(DossierBatch{{}, MakeCoverage("2023-11-31", "2023-11-02", Extent::PARTIAL)}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("covers.from: ")));
  EXPECT_THAT(
      ledger().Commit(DossierBatch{{}, MakeCoverage("2023-11-03", "2023-11-02", Extent::PARTIAL)}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("covers.to: ")));
  EXPECT_THAT(ledger().Commit(
                  DossierBatch{{}, MakeCoverage("2023-11-01", "2023-11-02", Extent::UNSPECIFIED)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("covers.extent: ")));
}

TEST_P(LedgerContractTest, UnitsAreVersionedBySequence) {
  const CommitResult put =
      Commit(UnitsPut{{MakeUnit("u1", v1::Level::DISTRICT), MakeUnit("u2", v1::Level::DISTRICT)}});
  EXPECT_EQ(put.entries_created, 2);
  v1::Unit renamed = MakeUnit("u1", v1::Level::DISTRICT);
  renamed.set_name("Tên mới");
  const CommitResult second = Commit(UnitsPut{{renamed, MakeUnit("u2", v1::Level::DISTRICT)}});
  EXPECT_EQ(second.entries_updated, 1);
  EXPECT_EQ(second.entries_unchanged, 1);
  EXPECT_FALSE(Commit(UnitsPut{{renamed}}).changed);
  EXPECT_EQ(ledger().CurrentDirectory()->Find("u1")->name(), "Tên mới");
  auto before = Snapshot(ledger(), 2);
  ASSERT_OK(before);
  ASSERT_THAT(before->units, SizeIs(2));
  EXPECT_EQ(before->units[0].name(), "Đơn vị u1");
  auto events = Events(ledger(), 2);
  ASSERT_OK(events);
  ASSERT_EQ(events->front().units_size(), 1);
  EXPECT_EQ(events->front().units(0).name(), "Tên mới");
}

TEST_P(LedgerContractTest, EventsAreReadFromAnywhereAndStopWhereAsked) {
  for (int i = 0; i < 5; ++i) Push({MakeDossier(absl::StrCat("D", i), "u1", kDay)});
  EXPECT_THAT(Events(ledger(), 7), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("7")));
  EXPECT_THAT(Events(ledger(), -1), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("-1")));
  int events = 0;
  EXPECT_OK(ledger().ReadEvents(2, 2, [&](v1::FeedEvent) {
    ++events;
    return absl::OkStatus();
  }));
  EXPECT_EQ(events, 2);
  EXPECT_THAT(ledger().ReadEvents(0, 100, [](v1::FeedEvent) { return absl::CancelledError("x"); }),
              StatusIs(absl::StatusCode::kCancelled, "x"));
  EXPECT_THAT(Snapshot(ledger(), 7), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("7")));
}

TEST_P(LedgerContractTest, ALargeSequenceIsCutIntoEventsAndASnapshotIntoChunks) {
  std::vector<v1::Dossier> many;
  for (int i = 0; i < 35'000; ++i) {
    v1::Dossier dossier =
        MakeDossier(absl::StrCat("D", i), absl::StrCat("u", i % 50), kDay - i % 300);
    dossier.set_procedure_code(absl::StrCat("1.", i));
    many.push_back(std::move(dossier));
  }
  Stage("i-1", many);
  Commit(Application("i-1"));
  auto events = Events(ledger(), 1);  // checks the sizes
  ASSERT_OK(events);
  EXPECT_GT(events->size(), 1U);
  auto snapshot = Snapshot(ledger(), head());
  ASSERT_OK(snapshot);
  EXPECT_GT(snapshot->chunks, 1);
  EXPECT_THAT(snapshot->cells, SizeIs(35'000));
  EXPECT_EQ(SumOfEvents(*events, head()), snapshot->cells);
  Reopen();
  EXPECT_EQ(Cells(), snapshot->cells);
}

TEST_P(LedgerContractTest, TheDossiersBehindAFigureComeInPages) {
  std::vector<v1::Dossier> batch;
  for (const char* code : {"D", "B", "C", "A", "E"}) batch.push_back(MakeDossier(code, "u1", kDay));
  batch.push_back(WithChannel(MakeDossier("F", "u1", kDay), v1::Channel::COUNTER));
  batch.push_back(MakeDossier("G", "u2", kDay));
  batch.push_back(MakeDossier("H", "u1", kDay + 1));
  v1::Dossier refused = MakeDossier("I", "u1", kDay);
  refused.set_status(v1::Status::REFUSED);
  batch.push_back(refused);
  Push(batch);
  Push({Withdrawal("E")});
  DossierQuery query{"u1", kDay, kDay, v1::Channel::ONLINE, DefaultDefinition(), head(), "", 3};
  auto page = ledger().ListDossiers(query);
  ASSERT_OK(page);
  const auto codes = [](const DossierPage& of) {
    std::vector<std::string> found;
    for (const v1::Dossier& dossier : of.dossiers) found.push_back(dossier.code());
    return found;
  };
  EXPECT_THAT(codes(*page), ElementsAre("A", "B", "C"));
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->total_size, 4);
  query.after_code = "C";
  page = ledger().ListDossiers(query);
  ASSERT_OK(page);
  EXPECT_THAT(codes(*page), ElementsAre("D"));
  EXPECT_FALSE(page->more);
  query.as_of_sequence = 2;
  page = ledger().ListDossiers(query);
  ASSERT_OK(page);
  EXPECT_THAT(codes(*page), ElementsAre("D", "E"));
  query.as_of_sequence = head() + 1;
  EXPECT_THAT(ledger().ListDossiers(query),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("head")));
}

TEST_P(LedgerContractTest, ADossierIsNotFoundBeforeItsFirstRevision) {
  Push({MakeDossier("A", "u1", kDay)});
  EXPECT_OK(ledger().FindDossier("A", 2));
  EXPECT_THAT(ledger().FindDossier("A", 1), StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
  EXPECT_THAT(ledger().FindDossier("B", 2), StatusIs(absl::StatusCode::kNotFound, HasSubstr("")));
  EXPECT_THAT(ledger().FindDossier("A", 3),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("3")));
}

TEST_P(LedgerContractTest, CommitTimesNeverGoBackAndAreFound) {
  Push({MakeDossier("A", "u1", kDay)});
  clock_.Set(TestNow() - absl::Hours(1));
  const CommitResult result = Push({MakeDossier("B", "u1", kDay)});
  EXPECT_EQ(FromProto(result.position.commit_time()), TestNow());
  clock_.Set(TestNow() + absl::Hours(1));
  Push({MakeDossier("C", "u1", kDay)});
  EXPECT_EQ(ledger().SequenceAt(TestNow() - absl::Seconds(1)), 0);
  EXPECT_EQ(ledger().SequenceAt(TestNow()), 3);
  EXPECT_EQ(ledger().SequenceAt(TestNow() + absl::Hours(2)), 4);
}

TEST_P(LedgerContractTest, AWaiterWakesWhenTheHeadMoves) {
  EXPECT_EQ(ledger().WaitBeyond(0, absl::Hours(1)).sequence(), 1);
  EXPECT_EQ(ledger().WaitBeyond(1, absl::ZeroDuration()).sequence(), 1);
  v1::Position seen;
  std::thread waiter([&] { seen = ledger().WaitBeyond(1, absl::InfiniteDuration()); });
  Push({MakeDossier("A", "u1", kDay)});
  waiter.join();
  EXPECT_EQ(seen.sequence(), 2);
}

TEST_P(LedgerContractTest, ReadersNeverSeeHalfASequence) {
  std::vector<v1::Dossier> batch;
  for (int i = 0; i < 50; ++i) batch.push_back(MakeDossier(absl::StrCat("D", i), "u0", kDay));
  Push(batch);
  std::thread writer([&] {
    for (int n = 1; n <= 20; ++n) {
      std::vector<v1::Dossier> moved;
      for (int i = 0; i < 50; ++i) {
        moved.push_back(MakeDossier(absl::StrCat("D", i), absl::StrCat("u", n), kDay));
      }
      EXPECT_OK(ledger().Commit(DossierBatch{moved, std::nullopt}));
    }
  });
  int64_t sequence = 0;
  while (sequence < 22) {
    sequence = ledger().Head().sequence();
    EXPECT_THAT(CellsAt(sequence),
                ElementsAre(Cell(absl::StrCat("u", sequence - 2), v1::Channel::ONLINE, 50)));
  }
  writer.join();
}

INSTANTIATE_TEST_SUITE_P(, LedgerContractTest, Implementations(), NameOf);

}  // namespace
}  // namespace dondoc::ingestion::testing
