// Units, procedures and definitions: what every Ledger does with them.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/ingestion/ledger/testing/ledger_contract.h"

namespace dondoc::ingestion::testing {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Procedure MakeProcedure(const std::string& code, v1::ServiceLevel::Value level,
                            const std::string& from = "", const std::string& to = "") {
  v1::Procedure procedure;
  procedure.set_procedure_code(code);
  procedure.set_name(absl::StrCat("Thủ tục ", code));
  procedure.set_field("Hộ tịch");
  v1::ProcedureOffer& offer = *procedure.add_offers();
  offer.set_service_level(level);
  offer.set_valid_from(from);
  offer.set_valid_to(to);
  return procedure;
}

v1::MetricDefinition MakeDefinition(const std::string& definition_id) {
  v1::MetricDefinition definition;
  definition.set_definition_id(definition_id);
  definition.set_name("Định nghĩa thử");
  definition.add_numerator_channels(v1::Channel::ONLINE);
  definition.add_denominator_channels(v1::Channel::ONLINE);
  definition.add_denominator_channels(v1::Channel::COUNTER);
  return definition;
}

class DirectoryContractTest : public LedgerContractTest {
 protected:
  // All that a snapshot says of the directory, in one text.
  std::string SnapshotText(int64_t sequence) {
    std::string text;
    EXPECT_OK(ledger().ReadSnapshot(sequence, [&](v1::SnapshotChunk chunk) {
      for (const auto& unit : chunk.units()) absl::StrAppend(&text, unit.name(), ";");
      for (const auto& procedure : chunk.procedures()) {
        absl::StrAppend(&text, procedure.procedure_code(), "=", procedure.name(), ";");
      }
      for (const auto& definition : chunk.definitions()) {
        absl::StrAppend(&text, definition.definition_id(), " v", definition.version(), ";");
      }
      return absl::OkStatus();
    }));
    return text;
  }
  DirectoryChangePage Changes(DirectoryChangeQuery query = {}) {
    query.to_sequence = head();
    return ledger().ListDirectoryChanges(query);
  }
};

TEST_P(DirectoryContractTest, ProceduresAreVersionedBySequence) {
  const CommitResult first =
      Commit(ProceduresPut{{MakeProcedure("1.000002", v1::ServiceLevel::FULL),
                            MakeProcedure("1.000001", v1::ServiceLevel::FULL)}});
  EXPECT_EQ(first.entries_created, 2);
  v1::Procedure renamed = MakeProcedure("1.000001", v1::ServiceLevel::PARTIAL);
  renamed.set_name("Tên mới");
  const CommitResult second =
      Commit(ProceduresPut{{renamed, MakeProcedure("1.000002", v1::ServiceLevel::FULL)}});
  EXPECT_EQ(second.entries_updated, 1);
  EXPECT_EQ(second.entries_unchanged, 1);
  EXPECT_FALSE(Commit(ProceduresPut{{renamed}}).changed);
  EXPECT_EQ(ledger().CurrentCatalogue()->procedures.at("1.000001").name(), "Tên mới");
  EXPECT_EQ(SnapshotText(2), "1.000001=Thủ tục 1.000001;1.000002=Thủ tục 1.000002;received v1;");
  EXPECT_EQ(SnapshotText(3), "1.000001=Tên mới;1.000002=Thủ tục 1.000002;received v1;");
  const auto events = Events(ledger(), 2);
  ASSERT_OK(events);
  ASSERT_THAT(*events, SizeIs(1));
  ASSERT_THAT(events->front().procedures(), SizeIs(1));
  EXPECT_EQ(events->front().procedures(0).name(), "Tên mới");
}

TEST_P(DirectoryContractTest, ADefinitionThatDiffersGetsTheNextVersion) {
  v1::MetricDefinition definition = MakeDefinition("rieng");
  definition.set_version(77);
  EXPECT_EQ(Commit(DefinitionsPut{{definition}}).entries_created, 1);
  EXPECT_FALSE(Commit(DefinitionsPut{{definition}}).changed);
  definition.add_excluded_statuses(v1::Status::NEW);
  EXPECT_EQ(Commit(DefinitionsPut{{definition}}).entries_updated, 1);
  EXPECT_FALSE(Commit(DefinitionsPut{{definition}}).changed);
  EXPECT_EQ(SnapshotText(1), "received v1;");
  EXPECT_EQ(SnapshotText(2), "received v1;rieng v1;");
  EXPECT_EQ(SnapshotText(3), "received v1;rieng v2;");
  EXPECT_THAT(ledger().DefinitionsAt(3, true), SizeIs(3));
  EXPECT_THAT(ledger().DefinitionsAt(2, true), SizeIs(2));
  const auto events = Events(ledger(), 2);
  ASSERT_OK(events);
  ASSERT_THAT(events->front().definitions(), SizeIs(1));
  EXPECT_EQ(events->front().definitions(0).version(), 2);
}

TEST_P(DirectoryContractTest, WhatWasPutIsThereAfterOpeningAgain) {
  Commit(UnitsPut{{MakeUnit("u1", v1::Level::DISTRICT)}, false, std::nullopt, "can-bo-1"});
  Commit(
      ProceduresPut{{MakeProcedure("1.000001", v1::ServiceLevel::FULL)}, std::nullopt, "can-bo-2"});
  Commit(DefinitionsPut{{MakeDefinition("rieng")}, "can-bo-3"});
  const std::string before = SnapshotText(head());
  const DirectoryChangePage changes = Changes();
  Reopen();
  EXPECT_EQ(SnapshotText(head()), before);
  EXPECT_EQ(ledger().CurrentCatalogue()->sequence, 3);
  EXPECT_EQ(ledger().CurrentDirectory()->sequence(), 2);
  const DirectoryChangePage again = Changes();
  ASSERT_EQ(again.changes.size(), changes.changes.size());
  for (size_t i = 0; i < again.changes.size(); ++i) {
    EXPECT_EQ(again.changes[i].SerializeAsString(), changes.changes[i].SerializeAsString());
  }
}

TEST_P(DirectoryContractTest, WhatIsWrongIsRefusedAndNothingTakesEffect) {
  const int64_t before = head();
  EXPECT_THAT(ledger().Commit(ProceduresPut{{MakeProcedure("1.000001", v1::ServiceLevel::FULL),
                                             MakeProcedure("1.000001", v1::ServiceLevel::FULL)}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("procedures[1].procedure_code: '1.000001' is given twice")));
  v1::MetricDefinition definition = MakeDefinition("x");
  definition.add_numerator_channels(v1::Channel::POSTAL);
  EXPECT_THAT(ledger().Commit(DefinitionsPut{{definition}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("definition.numerator_channels[1]: POSTAL")));
  v1::Unit unit = MakeUnit("u1", v1::Level::COMMUNE);
  unit.set_parent_id("khong-co");
  EXPECT_THAT(ledger().Commit(UnitsPut{{unit}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[0].parent_id")));
  EXPECT_EQ(head(), before);
}

TEST_P(DirectoryContractTest, APutMadeFromAnOlderDirectoryIsAborted) {
  Commit(UnitsPut{{MakeUnit("u1", v1::Level::DISTRICT)}});
  const int64_t made_from = ledger().CurrentDirectory()->sequence();
  EXPECT_OK(ledger().Commit(UnitsPut{{MakeUnit("u2", v1::Level::DISTRICT)}, false, made_from}));
  EXPECT_THAT(ledger().Commit(UnitsPut{{MakeUnit("u3", v1::Level::DISTRICT)}, false, made_from}),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("sequence 3")));
  EXPECT_EQ(ledger().CurrentDirectory()->Find("u3"), nullptr);
}

TEST_P(DirectoryContractTest, EveryChangeSaysWhoAndWhatWasBefore) {
  Commit(UnitsPut{{MakeUnit("u1", v1::Level::DISTRICT)}, false, std::nullopt, "can-bo-1"});
  v1::Unit renamed = MakeUnit("u1", v1::Level::DISTRICT);
  renamed.set_name("Tên mới");
  Commit(UnitsPut{{renamed, MakeUnit("u2", v1::Level::DISTRICT)}});
  Commit(ProceduresPut{{MakeProcedure("1.000001", v1::ServiceLevel::FULL)}});
  DirectoryChangeQuery query;
  query.kind = v1::DirectoryKind::UNIT;
  query.id = "u1";
  const DirectoryChangePage of_one = Changes(query);
  ASSERT_THAT(of_one.changes, SizeIs(2));
  EXPECT_EQ(of_one.changes[0].author(), "can-bo-1");
  EXPECT_FALSE(of_one.changes[0].has_before());
  EXPECT_EQ(of_one.changes[1].sequence(), 3);
  EXPECT_EQ(of_one.changes[1].author(), "");
  EXPECT_EQ(of_one.changes[1].before().unit().name(), "Đơn vị u1");
  EXPECT_EQ(of_one.changes[1].after().unit().name(), "Tên mới");
  EXPECT_TRUE(of_one.changes[1].has_commit_time());
  // Page by page, the definition that every ledger starts with first.
  std::vector<std::string> ids;
  query = {};
  query.page_size = 2;
  for (bool more = true; more;) {
    const DirectoryChangePage page = Changes(query);
    for (const auto& change : page.changes) ids.push_back(change.id());
    query.after_place = page.next_place;
    more = page.more;
  }
  EXPECT_THAT(ids, ElementsAre("received", "u1", "u1", "u2", "1.000001"));
  query = {};
  query.from_sequence = 4;
  EXPECT_THAT(Changes(query).changes, SizeIs(1));
  query.from_sequence = 5;
  EXPECT_THAT(Changes(query).changes, IsEmpty());
}

TEST_P(DirectoryContractTest, ALargeDirectoryComesInChunks) {
  std::vector<v1::Unit> units;
  for (int i = 0; i < 8'000; ++i) {
    units.push_back(MakeUnit(absl::StrCat("u", i), v1::Level::DISTRICT));
    units.back().add_aliases(std::string(200, 'a'));
  }
  Commit(UnitsPut{units});
  int chunks = 0;
  int known = 0;
  EXPECT_OK(ledger().ReadSnapshot(head(), [&](v1::SnapshotChunk chunk) {
    EXPECT_LE(chunk.ByteSizeLong(), kFeedBytesMax);
    ++chunks;
    known += chunk.units_size();
    return absl::OkStatus();
  }));
  EXPECT_EQ(known, 8'000);
  EXPECT_GT(chunks, 1);
}

TEST_P(DirectoryContractTest, DrillDownSeesTheCatalogueOfItsPosition) {
  // Stated as FULL; the catalogue takes the online service away up to the day before.
  Push({MakeDossier("D1", "u1", kDay), MakeDossier("D2", "u1", kDay - 1)});
  DossierQuery query;
  query.from = kDay - 1;
  query.to = kDay;
  query.definition = MakeDefinition("rieng");
  query.definition.set_only_online_services(true);
  query.as_of_sequence = head();
  const auto count = [&] {
    const auto page = ledger().ListDossiers(query);
    EXPECT_OK(page);
    return page.ok() ? page->total_size : -1;
  };
  EXPECT_EQ(count(), 2);
  Commit(
      ProceduresPut{{MakeProcedure("1.000001", v1::ServiceLevel::INFORMATION, "", "2023-11-14")}});
  EXPECT_EQ(count(), 2);
  query.as_of_sequence = head();
  EXPECT_EQ(count(), 1);
}

INSTANTIATE_TEST_SUITE_P(, DirectoryContractTest, Implementations(), NameOf);

}  // namespace
}  // namespace dondoc::ingestion::testing
