#include "services/aggregation/live_cube.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using testing::Day;
using ::testing::HasSubstr;
using testing::LoadCube;
using testing::MakeUnit;
using testing::ModelCell;
using testing::ModelChange;
using testing::ModelLedger;

// Every sequence gives unit "a" one dossier and takes one from "b", so that at any position the two
// hold 1000 together; half a sequence would hold another number.
ModelLedger Seesaw(int sequences) {
  ModelLedger ledger("seesaw");
  ModelChange start;
  start.units = {MakeUnit("a", "A", v1::Level::COMMUNE), MakeUnit("b", "B", v1::Level::COMMUNE)};
  start.cells = {{.unit_id = "b", .procedure = "p", .day = Day("2023-01-10"), .count = 1000}};
  v1::MetricDefinition other = DefaultDefinition();
  other.set_definition_id("other");
  start.definitions = {other};
  ledger.Commit(start);
  for (int i = 0; i < sequences; ++i) {
    ModelChange change;
    change.cells = {{.unit_id = "a", .procedure = "p", .day = Day("2023-01-10"), .count = 1},
                    {.unit_id = "b", .procedure = "p", .day = Day("2023-01-10"), .count = -1}};
    ledger.Commit(change);
  }
  return ledger;
}

int64_t Total(const CubeView& view, const std::string& definition_id) {
  const DefinitionPlane& plane = *view.FindPlane(definition_id);
  int64_t total = 0;
  for (int unit = 0; unit < view.units().size(); ++unit) {
    total += view.UnitCounts(plane, unit, {Day("2023-01-01"), Day("2023-12-31")}).total();
  }
  return total;
}

TEST(LiveCubeTest, ReadersSeeWholeSequencesWhileTheWriterWrites) {
  const ModelLedger ledger = Seesaw(300);
  LiveCube cube;
  cube.Replace(LoadCube(ledger, 1));
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&cube, &done, reader] {
      int64_t last = 0;
      while (!done) {
        const std::string definition_id = reader == 0 ? "other" : "received";
        const auto view = cube.ViewFor(definition_id);
        ASSERT_OK(view);
        EXPECT_EQ(Total(**view, definition_id), 1000);
        EXPECT_GE((*view)->position().sequence(), last);
        last = (*view)->position().sequence();
      }
    });
  }
  for (int64_t sequence = 2; sequence <= ledger.head(); ++sequence) {
    ASSERT_OK(cube.Apply(ledger.Events(sequence, 1), sequence % 3 == 0));
  }
  cube.Show();
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(cube.View()->position().sequence(), ledger.head());
}

TEST(LiveCubeTest, ShowsNothingOfASequenceUntilTold) {
  const ModelLedger ledger = Seesaw(2);
  LiveCube cube;
  cube.Replace(LoadCube(ledger, 1));
  ASSERT_OK(cube.Apply(ledger.Events(2), /*show=*/false));
  EXPECT_EQ(cube.View()->position().sequence(), 1);
  cube.Show();
  EXPECT_EQ(cube.View()->position().sequence(), 2);
}

TEST(LiveCubeTest, WaitingEndsWithTheSequence) {
  const ModelLedger ledger = Seesaw(1);
  LiveCube cube;
  cube.Replace(LoadCube(ledger, 1));
  std::thread writer([&] { ASSERT_OK(cube.Apply(ledger.Events(2), true)); });
  EXPECT_EQ(cube.WaitForSequence(2, absl::Seconds(10))->position().sequence(), 2);
  writer.join();
  EXPECT_EQ(cube.WaitForSequence(3, absl::Milliseconds(1))->position().sequence(), 2);
}

TEST(LiveCubeTest, AnswersNothingBeforeItIsLoadedAndAfterItIsCleared) {
  LiveCube cube;
  EXPECT_EQ(cube.View(), nullptr);
  EXPECT_THAT(cube.ViewFor("received"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("retry")));
  cube.Replace(Cube("x"));
  ASSERT_OK(cube.ViewFor("received"));
  EXPECT_THAT(cube.ViewFor("nope"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'nope'")));
  cube.Clear();
  EXPECT_EQ(cube.View(), nullptr);
}

}  // namespace
}  // namespace dondoc::aggregation
