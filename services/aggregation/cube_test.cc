#include "services/aggregation/cube.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using testing::Day;
using ::testing::HasSubstr;
using testing::LoadCube;
using testing::MakeClaim;
using testing::MakeUnit;
using testing::ModelCell;
using testing::ModelChange;
using testing::ModelLedger;

constexpr int kUnits = 7;

std::string UnitId(int unit) { return absl::StrCat("u", unit); }

v1::MetricDefinition OnlineServicesOnly() {
  v1::MetricDefinition definition = DefaultDefinition();
  definition.set_definition_id("online-services");
  definition.set_only_online_services(true);
  definition.add_numerator_channels(v1::Channel::POSTAL);
  definition.clear_denominator_channels();
  definition.add_denominator_channels(v1::Channel::ONLINE);
  definition.add_denominator_channels(v1::Channel::COUNTER);
  definition.add_denominator_channels(v1::Channel::POSTAL);
  return definition;
}

// Changes as a ledger makes them: dossiers come, change, move and are withdrawn; claims come, are
// reverted and come back; units and definitions change. Counts never go below zero.
class RandomLedger {
 public:
  explicit RandomLedger(uint32_t seed) : random_(seed), ledger_("random") {}

  ModelLedger& ledger() { return ledger_; }

  void Step() {
    ModelChange change;
    if (ledger_.head() == 0) {
      for (int unit = 0; unit < kUnits; ++unit) change.units.push_back(UnitOf(unit));
      change.definitions = {DefaultDefinition(), OnlineServicesOnly()};
    }
    if (Pick(8) == 0) change.units.push_back(UnitOf(Pick(kUnits)));
    if (Pick(15) == 0) {
      v1::MetricDefinition definition = OnlineServicesOnly();
      definition.set_version(static_cast<int32_t>(ledger_.head()) + 2);
      if (Pick(2) == 0) definition.add_excluded_statuses(v1::Status::WITHDRAWN);
      change.definitions.push_back(definition);
    }
    for (int i = Pick(40); i > 0; --i) AddDossier(change);
    for (int i = Pick(20); i > 0 && !alive_.empty(); --i) Withdraw(change);
    if (Pick(3) == 0) AddClaim(change);
    if (Pick(6) == 0 && !claims_.empty()) {
      v1::CoverageClaim& claim =
          claims_[static_cast<size_t>(Pick(static_cast<int>(claims_.size())))];
      claim.set_live(!claim.live());
      change.claims.push_back(claim);
    }
    ledger_.Commit(std::move(change));
  }

  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  DayRange Window() {
    const int32_t first = Day("2022-12-20") + Pick(420);
    return {first, first + Pick(400)};
  }

 private:
  v1::Unit UnitOf(int unit) {
    return MakeUnit(UnitId(unit), absl::StrCat("Xã ", unit), v1::Level::COMMUNE, "",
                    Pick(3) == 0 ? "2023-03-01" : "", Pick(3) == 0 ? "2023-09-30" : "");
  }
  void AddDossier(ModelChange& change) {
    static constexpr v1::ServiceLevel::Value kLevels[] = {
        v1::ServiceLevel::UNKNOWN, v1::ServiceLevel::INFORMATION, v1::ServiceLevel::PARTIAL,
        v1::ServiceLevel::FULL};
    ModelCell cell;
    cell.unit_id = UnitId(Pick(kUnits));
    cell.procedure = absl::StrCat("1.0", Pick(5));
    // A few dates are far out: a bad one must cost nothing but its own place.
    cell.day = Pick(100) == 0 ? Day("1899-01-01") : Day("2023-01-01") + Pick(365);
    cell.channel = static_cast<v1::Channel::Value>(Pick(4));
    cell.level = kLevels[Pick(4)];
    cell.status = static_cast<v1::Status::Value>(Pick(11));
    change.cells.push_back(cell);
    alive_.push_back(cell);
  }
  void Withdraw(ModelChange& change) {
    const size_t at = static_cast<size_t>(Pick(static_cast<int>(alive_.size())));
    ModelCell cell = alive_[at];
    alive_.erase(alive_.begin() + static_cast<std::ptrdiff_t>(at));
    cell.count = -1;
    change.cells.push_back(cell);
  }
  void AddClaim(ModelChange& change) {
    std::vector<std::string> ids;
    for (int unit = 0; unit < kUnits; ++unit) {
      if (Pick(3) == 0) ids.push_back(UnitId(unit));
    }
    const int32_t first = Day("2023-01-01") + Pick(300);
    v1::CoverageClaim claim =
        MakeClaim(ids, FormatDay(DayFromNumber(first)), FormatDay(DayFromNumber(first + Pick(250))),
                  Pick(4) == 0 ? v1::Coverage::Extent::PARTIAL : v1::Coverage::Extent::COMPLETE,
                  ledger_.head() + 1);
    claims_.push_back(claim);
    change.claims.push_back(claim);
  }

  std::mt19937 random_;
  ModelLedger ledger_;
  std::vector<ModelCell> alive_;
  std::vector<v1::CoverageClaim> claims_;
};

void ExpectAllTogetherAsOneByOne(const CubeView& view, const DefinitionPlane& plane,
                                 const DayRange& window) {
  int next = 0;
  const auto expect_no_part = [&](int end) {
    for (; next < end; ++next) EXPECT_FALSE(view.Concerns(plane, next, window)) << next;
  };
  view.ForEachConcerned(plane, window, [&](int unit, const UnitFacts& facts, const Figure& figure) {
    expect_no_part(unit);
    ++next;
    EXPECT_TRUE(view.Concerns(plane, unit, window)) << unit;
    EXPECT_EQ(facts.level, view.units()[unit].level);
    const Figure alone = view.UnitFigure(plane, unit, window);
    EXPECT_EQ(figure.counts, alone.counts) << unit;
    EXPECT_EQ(figure.basis, alone.basis) << unit;
  });
  expect_no_part(view.units().size());
}

void ExpectAsRecounted(const CubeView& view, RandomLedger& random, int windows) {
  const int64_t at = view.position().sequence();
  for (const std::string id : {"received", "online-services"}) {
    const DefinitionPlane* plane = view.FindPlane(id);
    ASSERT_NE(plane, nullptr) << id;
    for (int i = 0; i < windows; ++i) {
      const DayRange window = random.Window();
      ExpectAllTogetherAsOneByOne(view, *plane, window);
      for (int unit = 0; unit < kUnits; ++unit) {
        const std::string unit_id = UnitId(unit);
        const std::optional<int> index = view.units().Find(unit_id);
        ASSERT_TRUE(index.has_value());
        const Figure figure = view.UnitFigure(*plane, *index, window);
        const ModelLedger& ledger = random.ledger();
        EXPECT_EQ(figure.counts, ledger.Recount(unit_id, window, plane->definition, at))
            << id << " " << unit_id << " " << window.first << " " << window.last << " at " << at;
        EXPECT_EQ(figure.basis, ledger.BasisOf(unit_id, window, plane->definition, at))
            << id << " " << unit_id << " " << window.first << " " << window.last << " at " << at;
      }
    }
  }
}

TEST(CubeTest, AgreesWithARecountWhetherFollowedOrLoadedAndHoweverEventsAreCut) {
  const uint32_t first_seed = std::random_device()();
  for (uint32_t seed = first_seed; seed < first_seed + 8; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    RandomLedger random(seed);
    Cube followed("random");
    for (int step = 0; step < 40; ++step) {
      random.Step();
      ASSERT_OK(followed.Apply(random.ledger().Events(random.ledger().head(), 1 + random.Pick(9))));
      if (step == random.Pick(40) || step == 39) {
        ASSERT_OK(followed.Use("online-services"));
        ExpectAsRecounted(*followed.View(), random, 4);
      }
    }
    const int64_t past = 1 + random.Pick(39);
    Cube loaded = LoadCube(random.ledger(), past, 1 + random.Pick(9));
    ASSERT_OK(loaded.Use("online-services"));
    ExpectAsRecounted(*loaded.View(), random, 6);
    while (loaded.position().sequence() < random.ledger().head()) {
      ASSERT_OK(loaded.Apply(random.ledger().Events(loaded.position().sequence() + 1)));
    }
    ExpectAsRecounted(*loaded.View(), random, 6);
  }
}

TEST(CubeTest, KeepsAViewAsItWasWhenLaterSequencesCome) {
  RandomLedger random(20231121);
  Cube cube("random");
  std::vector<std::shared_ptr<const CubeView>> views;
  for (int step = 0; step < 10; ++step) {
    random.Step();
    ASSERT_OK(cube.Apply(random.ledger().Events(step + 1)));
    ASSERT_OK(cube.Use("online-services"));
    views.push_back(cube.View());
  }
  for (const auto& view : views) ExpectAsRecounted(*view, random, 3);
}

// One unit "a", covered COMPLETE for January 2023, with the count of dossiers given.
ModelLedger OneUnit(int dossiers, const std::string& valid_from = "") {
  ModelLedger ledger("one");
  ModelChange change;
  change.units = {MakeUnit("a", "Xã A", v1::Level::COMMUNE, "", valid_from)};
  change.claims = {MakeClaim({}, "2023-01-01", "2023-01-31")};
  if (dossiers > 0) {
    change.cells = {
        ModelCell{.unit_id = "a", .procedure = "p", .day = Day("2023-01-10"), .count = dossiers}};
  }
  ledger.Commit(change);
  return ledger;
}

Figure FigureOfA(const ModelLedger& ledger, const std::string& from, const std::string& to) {
  Cube cube = LoadCube(ledger, ledger.head());
  const auto view = cube.View();
  return view->UnitFigure(*view->FindPlane("received"), *view->units().Find("a"),
                          {Day(from), Day(to)});
}

TEST(CubeTest, TellsCoveredAndEmptyFromNotCovered) {
  const Figure covered = FigureOfA(OneUnit(0), "2023-01-01", "2023-01-31");
  EXPECT_TRUE(covered.no_dossiers());
  EXPECT_FALSE(covered.no_data());
  const Figure uncovered = FigureOfA(OneUnit(0), "2023-01-01", "2023-02-01");
  EXPECT_TRUE(uncovered.no_data());
  EXPECT_FALSE(uncovered.no_dossiers());
}

TEST(CubeTest, MarksDossiersPartialWhenADayIsNotCovered) {
  EXPECT_EQ(FigureOfA(OneUnit(3), "2023-01-01", "2023-01-31").basis, v1::Basis::DOSSIERS);
  EXPECT_EQ(FigureOfA(OneUnit(3), "2022-12-31", "2023-01-31").basis, v1::Basis::PARTIAL_DOSSIERS);
}

TEST(CubeTest, NeedsNoCoverageOfDaysBeforeTheUnitExisted) {
  EXPECT_EQ(FigureOfA(OneUnit(3, "2023-01-01"), "2022-01-01", "2023-01-31").basis,
            v1::Basis::DOSSIERS);
}

TEST(CubeTest, CountsByTheNewVersionOfADefinitionInUse) {
  ModelLedger ledger = OneUnit(3);
  Cube cube = LoadCube(ledger, 1);
  v1::MetricDefinition definition = DefaultDefinition();
  definition.set_version(2);
  definition.add_excluded_statuses(v1::Status::RECEIVED);
  ModelChange change;
  change.definitions = {definition};
  ledger.Commit(change);
  ASSERT_OK(cube.Apply(ledger.Events(2)));
  const auto view = cube.View();
  const DefinitionPlane& plane = *view->FindPlane("received");
  EXPECT_EQ(plane.definition.version(), 2);
  EXPECT_EQ(view->UnitCounts(plane, 0, {Day("2023-01-01"), Day("2023-01-31")}).total(), 0);
}

TEST(CubeTest, AChangeBackAndForthTakesNoMemoryAndIsCountedRight) {
  ModelLedger ledger = OneUnit(1);
  ModelChange definition;
  definition.definitions = {OnlineServicesOnly()};
  ledger.Commit(definition);
  ModelCell cell{.unit_id = "a", .procedure = "q", .day = Day("2023-01-20")};
  for (int i = 0; i < 6000; ++i) {
    cell.count = i % 2 == 0 ? 1 : -1;
    ModelChange change;
    change.cells = {cell};
    ledger.Commit(change);
  }
  Cube cube = LoadCube(ledger, 1);
  for (int64_t sequence = 2; sequence <= ledger.head(); ++sequence) {
    ASSERT_OK(cube.Apply(ledger.Events(sequence)));
    ASSERT_LE(cube.cell_entries(), 1030);
  }
  ASSERT_OK(cube.Use("online-services"));
  const auto view = cube.View();
  const DayRange january = {Day("2023-01-01"), Day("2023-01-31")};
  EXPECT_EQ(view->UnitCounts(*view->FindPlane("online-services"), 0, january).total(), 1);
  EXPECT_EQ(view->UnitCounts(*view->FindPlane("received"), 0, january).total(), 1);
}

TEST(CubeTest, RefusesADefinitionItDoesNotHave) {
  Cube cube("x");
  EXPECT_THAT(cube.Use("nope"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'nope'")));
}

TEST(CubeTest, RefusesASequenceThatIsNotTheNext) {
  ModelLedger ledger = OneUnit(1);
  ledger.Commit({});
  ledger.Commit({});
  Cube cube = LoadCube(ledger, 1);
  EXPECT_THAT(cube.Apply(ledger.Events(3)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("sequence 3 after 1")));
  Cube again = LoadCube(ledger, 1);
  EXPECT_THAT(again.Apply(ledger.Events(1)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("sequence 1 after 1")));
}

TEST(CubeTest, RefusesASequenceWithoutItsEnd) {
  ModelLedger ledger = OneUnit(1);
  std::vector<v1::FeedEvent> events = ledger.Events(1);
  events.back().set_complete(false);
  Cube cube("one");
  EXPECT_THAT(cube.Apply(events), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("incomplete")));
}

TEST(CubeTest, RefusesCountsBelowZero) {
  ModelLedger ledger = OneUnit(1);
  ModelChange change;
  change.cells = {
      ModelCell{.unit_id = "a", .procedure = "p", .day = Day("2023-01-10"), .count = -2}};
  ledger.Commit(change);
  Cube cube = LoadCube(ledger, 1);
  EXPECT_THAT(cube.Apply(ledger.Events(2)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("below zero")));
}

TEST(CubeTest, RefusesCellsThatMakeNoSense) {
  struct Case {
    const char* what;
    void (*spoil)(v1::CellBlock&);
    const char* message;
  };
  const Case cases[] = {
      {"column lengths", [](v1::CellBlock& b) { b.add_day(1); }, "different lengths"},
      {"unit index", [](v1::CellBlock& b) { b.set_unit_index(0, 9); }, "index out of range"},
      {"procedure index", [](v1::CellBlock& b) { b.set_procedure_index(0, 9); },
       "index out of range"},
      {"unit", [](v1::CellBlock& b) { b.set_unit_ids(0, "zz"); }, "which no directory has"},
      {"day", [](v1::CellBlock& b) { b.set_day(0, 2'000'000'000); }, "day 2000000000"},
      {"channel", [](v1::CellBlock& b) { b.set_channel(0, 4); }, "channel 4"},
      {"level", [](v1::CellBlock& b) { b.set_service_level(0, 1); }, "service level 1"},
      {"status", [](v1::CellBlock& b) { b.set_status(0, 11); }, "status 11"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    ModelLedger ledger = OneUnit(1);
    std::vector<v1::FeedEvent> events = ledger.Events(1);
    c.spoil(*events[0].mutable_deltas());
    Cube cube("one");
    EXPECT_THAT(cube.Apply(events), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(c.message)));
  }
}

TEST(CubeTest, RefusesASnapshotWithoutItsPosition) {
  Cube cube("one");
  EXPECT_THAT(cube.LoadChunk({}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("position")));
  EXPECT_THAT(cube.FinishLoad(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("empty")));
}

TEST(RollUpTest, IsDossiersOnlyWhenAllAre) {
  const Figure complete{{.online = 1}, v1::Basis::DOSSIERS};
  const Figure partial{{.online = 1}, v1::Basis::PARTIAL_DOSSIERS};
  const Figure none{{}, v1::Basis::NONE};
  struct Case {
    std::vector<Figure> figures;
    v1::Basis::Value basis;
  };
  const Case cases[] = {
      {{}, v1::Basis::NONE},
      {{none, none}, v1::Basis::NONE},
      {{complete, complete}, v1::Basis::DOSSIERS},
      {{complete, none}, v1::Basis::PARTIAL_DOSSIERS},
      {{complete, partial}, v1::Basis::PARTIAL_DOSSIERS},
      {{partial, none}, v1::Basis::PARTIAL_DOSSIERS},
  };
  for (const Case& c : cases) {
    RollUp roll_up;
    for (const Figure& figure : c.figures) roll_up.Add(figure);
    EXPECT_EQ(roll_up.Result().basis, c.basis);
  }
}

TEST(UnitTableTest, OrdersNamesAsVietnameseDoes) {
  std::vector<UnitEntry> entries;
  // đ after d, tones after the plain letter, ơ after o: bytes would order them otherwise.
  for (const char* name : {"Xã Đắk Hà", "Xã Dục Nông", "Xã Ia Chim", "Xã Đắk Cấm", "Phường Ơ",
                           "Phường Ô", "Phường O", "Xã Dak"}) {
    UnitEntry entry;
    entry.unit_id = absl::StrCat("id", entries.size());
    entry.name = name;
    entry.known = true;
    entries.push_back(entry);
  }
  const UnitTable table(entries);
  std::vector<std::string> names;
  for (const int unit : table.by_name()) names.push_back(table[unit].name);
  EXPECT_THAT(names,
              ::testing::ElementsAre("Phường O", "Phường Ô", "Phường Ơ", "Xã Dak", "Xã Dục Nông",
                                     "Xã Đắk Cấm", "Xã Đắk Hà", "Xã Ia Chim"));
}

}  // namespace
}  // namespace dondoc::aggregation
