// The small parts that the views are made of.

#include "services/ingestion/ledger/views.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/ledger/cells.h"
#include "services/ingestion/ledger/revision_block.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(RevisionTest, ItsReceivedDayIsTheDayInVietNam) {
  for (const char* instant :
       {"2023-11-15T00:00:00+07:00", "2023-11-15T23:59:59.999999+07:00", "1970-01-01T06:59:59Z",
        "1969-12-31T16:59:59Z", "1969-12-31T17:00:00Z", "2000-02-29T12:00:00Z",
        "0001-01-02T00:00:00Z", "9999-12-30T23:59:59Z"}) {
    const absl::Time time = *ParseInstant(instant);
    EXPECT_EQ(ReceivedDay(ToUs(time)), DayNumber(DayOf(time))) << instant;
  }
}

TEST(RevisionTest, OrderIsByEffectiveTimeThenSequenceThenRow) {
  const auto revision = [](int64_t effective_us, int64_t sequence, int64_t row) {
    Revision made;
    made.effective_us = effective_us;
    made.sequence = sequence;
    made.row_number = row;
    return made;
  };
  EXPECT_TRUE(Before(revision(1, 9, 9), revision(2, 1, 1)));
  EXPECT_TRUE(Before(revision(2, 1, 9), revision(2, 2, 1)));
  EXPECT_TRUE(Before(revision(2, 2, 1), revision(2, 2, 2)));
  EXPECT_FALSE(Before(revision(2, 2, 2), revision(2, 2, 2)));
}

TEST(RevisionBlockTest, WhatIsWrittenIsRead) {
  TextTable texts;
  const auto number = [&](absl::string_view text) { return texts.Add(text); };
  RevisionBlockWriter writer([&](uint32_t n) -> absl::string_view { return texts.Text(n); });
  v1::Dossier full = testing::MakeDossier("A", "u1", absl::CivilDay(2023, 11, 15));
  full.set_handling_unit_id("u2");
  full.set_field("Đất đai");
  full = testing::WithUpdate(full, testing::TestNow());
  const std::vector<v1::Dossier> dossiers = {full, testing::Withdrawal("BB"), v1::Dossier()};
  for (const v1::Dossier& dossier : dossiers) {
    writer.Add({dossier.code(), FactsOf(dossier, number), UpdateUsOf(dossier), writer.rows() + 5});
  }
  const ledger::RevisionBlock block = writer.Take();
  EXPECT_EQ(writer.rows(), 0);
  size_t i = 0;
  ASSERT_OK(ForEachRow(block, number, [&](const BlockRow& row) {
    EXPECT_EQ(row.code, absl::string_view(dossiers[i].code()));
    EXPECT_EQ(row.facts, FactsOf(dossiers[i], number));
    EXPECT_EQ(row.update_us, UpdateUsOf(dossiers[i]));
    EXPECT_EQ(row.row_number, static_cast<int64_t>(i) + 5);
    ++i;
  }));
  EXPECT_EQ(i, 3U);
}

TEST(RevisionBlockTest, ABlockThatDoesNotFitTogetherIsDataLoss) {
  TextTable texts;
  const auto number = [&](absl::string_view text) { return texts.Add(text); };
  const auto read = [&](const ledger::RevisionBlock& block) {
    return ForEachRow(block, number, [](const BlockRow&) { ADD_FAILURE() << "visited"; });
  };
  RevisionBlockWriter writer([&](uint32_t n) -> absl::string_view { return texts.Text(n); });
  writer.Add({"A", Facts(), kNoTime, 1});
  const ledger::RevisionBlock good = writer.Take();
  ledger::RevisionBlock bad = good;
  bad.add_unit(0);
  EXPECT_THAT(read(bad), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("lengths")));
  bad = good;
  bad.set_unit(0, 7);
  EXPECT_THAT(read(bad), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("text")));
  bad = good;
  bad.set_code_bytes(0, 2);
  EXPECT_THAT(read(bad), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("codes")));
}

TEST(RevisionBlockTest, TimesOutsideWhatATimestampMayHoldDoNotOverflow) {
  v1::Dossier dossier;
  dossier.mutable_update_time()->set_seconds(std::numeric_limits<int64_t>::max());
  dossier.mutable_update_time()->set_nanos(-5);
  EXPECT_EQ(UpdateUsOf(dossier), int64_t{253402300799} * 1'000'000);
}

TEST(CellsTest, ACellThatComesToZeroIsGone) {
  CellCounts cells;
  const CellKey key{1, 2, 3, 1, 2, 3};
  AddToCell(cells, key, 2);
  AddToCell(cells, key, -2);
  AddToCell(cells, key, 0);
  EXPECT_TRUE(cells.empty());
}

TEST(CellsTest, BlocksHoldTheCellsAndNoZeros) {
  TextTable texts;
  std::vector<std::pair<CellKey, int64_t>> cells;
  for (int i = 0; i < 50'000; ++i) {
    cells.emplace_back(CellKey{texts.Add("u1"), texts.Add("p"), i, 1, 3, 4}, i % 2);
  }
  SortAndAddUp(cells);
  CellBlockWriter writer;
  writer.Add(cells, texts);
  std::vector<v1::CellBlock> blocks;
  while (auto block = writer.TakeFull()) blocks.push_back(*block);
  if (auto block = writer.TakeRest()) blocks.push_back(*block);
  EXPECT_THAT(blocks, SizeIs(1));
  CellCounts read;
  for (const v1::CellBlock& block : blocks) {
    EXPECT_LE(block.ByteSizeLong(), kFeedBytesMax);
    ASSERT_OK(ForEachCell(
        block, [&](const std::string& text) { return texts.Add(text); },
        [&](const CellKey& key, int64_t count) { AddToCell(read, key, count); }));
  }
  EXPECT_THAT(read, SizeIs(25'000));
  v1::CellBlock bad = blocks[0];
  bad.add_count(1);
  EXPECT_THAT(ForEachCell(
                  bad, [](const std::string&) { return 0U; }, [](const CellKey&, int64_t) {}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("lengths")));
}

TEST(ImportViewTest, LivenessIsKnownAsOfAnySequence) {
  ImportView import;
  import.liveness = {{3, true}, {5, false}, { 9, true }};
  const std::vector<bool> expected = {false, false, false, true, true, false,
                                      false, false, false, true, true};
  for (size_t sequence = 0; sequence < expected.size(); ++sequence) {
    EXPECT_EQ(import.LiveAt(static_cast<int64_t>(sequence)), expected[sequence]) << sequence;
  }
}

TEST(ViewsTest, ARecordOutOfOrderIsDataLoss) {
  Views views;
  ledger::LogRecord record;
  record.set_sequence(2);
  EXPECT_THAT(views.Read(record), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("2")));
}

TEST(ViewsTest, ARecordAboutAnImportNeverAppliedIsDataLoss) {
  Views views;
  ledger::LogRecord record;
  record.set_sequence(1);
  record.set_kind(ledger::RecordKind::IMPORT_LIVENESS);
  record.set_import_id("x");
  EXPECT_THAT(views.Read(record), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("import")));
}

}  // namespace
}  // namespace dondoc::ingestion
