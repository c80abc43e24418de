// Random questions mixing position, definition, structure, roll-up, level and catalogue. The oracle
// knows units and cells as they were committed, one by one; no cube, no plane, no structure.

#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/aggregation/breakdown.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/questions.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/aggregation/trend.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using testing::Day;
using testing::LoadCube;
using testing::MakeUnit;
using testing::ModelCell;
using testing::ModelChange;
using testing::ModelLedger;

constexpr int kQuestions = 1500;
constexpr char kOther[] = "post-counts";
const char* const kProcedures[] = {"", "1.000001", "1.000002.000.00.00.H34", "2.000003",
                                   "1.000002"};
const char* const kDays[] = {"2023-11-30", "2023-12-31", "2024-02-29", "2024-07-01", "2025-01-01"};

uint64_t Seed() {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("TEST_SEED")) (void)absl::SimpleAtoi(given, &seed);
  std::cout << "TEST_SEED=" << seed << "\n";
  return seed;
}

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    ModelChange first;
    first.units = Units();
    v1::MetricDefinition other = DefaultDefinition();
    other.set_definition_id(kOther);
    other.set_version(3);
    other.add_numerator_channels(v1::Channel::POSTAL);
    first.definitions = {other};
    ledger_.Commit(first);
    for (int i = 0; i < 12; ++i) {
      ModelChange change;
      for (int cell = 0; cell < 60; ++cell) change.cells.push_back(Cell());
      if (i % 3 == 1) change.procedures = {Procedure()};
      if (i == 6) change.units = {Renamed()};
      ledger_.Commit(change);
    }
  }

  const ModelLedger& ledger() const { return ledger_; }
  int Any(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  const v1::Unit& AnyUnit(int64_t at) {
    units_ = UnitsAt(at);
    return std::next(units_.begin(), Any(static_cast<int>(units_.size())))->second;
  }
  std::map<std::string, v1::Unit> UnitsAt(int64_t at) const {
    std::map<std::string, v1::Unit> units;
    for (int64_t i = 0; i < at; ++i) {
      for (const v1::Unit& unit : ledger_.changes()[static_cast<size_t>(i)].units) {
        units[unit.unit_id()] = unit;
      }
    }
    return units;
  }

 private:
  // Two districts with communes; in 2024 a merger of two, a split, and a chain of two reforms.
  static std::vector<v1::Unit> Units() {
    const auto ends = [](v1::Unit unit, const std::vector<std::string>& successors) {
      for (const std::string& id : successors) unit.add_successor_ids(id);
      return unit;
    };
    const auto commune = v1::Level::COMMUNE;
    return {MakeUnit("so", "Sở", v1::Level::PROVINCE),
            MakeUnit("d1", "Huyện Một", v1::Level::DISTRICT),
            MakeUnit("d2", "Huyện Hai", v1::Level::DISTRICT, "", "", "2024-06-30"),
            ends(MakeUnit("a", "Xã A", commune, "d1", "", "2023-12-31"), {"ab"}),
            ends(MakeUnit("b", "Xã B", commune, "d2", "", "2023-12-31"), {"ab"}),
            ends(MakeUnit("ab", "Xã AB", commune, "d1", "2024-01-01", "2024-06-30"), {"abc"}),
            ends(MakeUnit("c", "Xã C", commune, "d2", "", "2024-06-30"), {"abc"}),
            MakeUnit("abc", "Phường ABC", commune, "", "2024-07-01"),
            ends(MakeUnit("s", "Xã S", commune, "d2", "", "2024-06-30"), {"s1", "s2"}),
            MakeUnit("s1", "Xã Đông S", commune, "", "2024-07-01"),
            MakeUnit("s2", "Xã Tây S", commune, "", "2024-07-01")};
  }
  static v1::Unit Renamed() { return MakeUnit("so", "Sở Mới", v1::Level::PROVINCE); }

  v1::Procedure Procedure() {
    v1::Procedure procedure;
    procedure.set_procedure_code(absl::StrCat("1.00000", 1 + Any(3)));
    procedure.set_field(Any(2) == 0 ? "Hộ tịch" : "Đất đai");
    v1::ProcedureOffer& offer = *procedure.add_offers();
    offer.set_service_level(Any(2) == 0 ? v1::ServiceLevel::FULL : v1::ServiceLevel::INFORMATION);
    offer.set_valid_from(kDays[Any(2)]);
    return procedure;
  }
  ModelCell Cell() {
    const std::vector<v1::Unit> units = Units();
    ModelCell cell;
    cell.unit_id = units[static_cast<size_t>(Any(static_cast<int>(units.size())))].unit_id();
    cell.procedure = kProcedures[Any(5)];
    cell.day = Day("2023-06-01") + Any(600);
    cell.channel = static_cast<v1::Channel::Value>(Any(4));
    cell.level = Any(2) == 0 ? v1::ServiceLevel::FULL : v1::ServiceLevel::UNKNOWN;
    cell.status = Any(4) == 0 ? v1::Status::REFUSED : v1::Status::RECEIVED;
    cell.count = 1 + Any(5);
    return cell;
  }

  std::mt19937_64 random_;
  ModelLedger ledger_{"ledger-1"};
  std::map<std::string, v1::Unit> units_;
};

// What a question means, read off the raw changes.
struct Oracle {
  const ModelLedger& ledger;
  std::map<std::string, v1::Unit> units;
  int64_t at;
  Question question;
  bool online_services = false;

  std::string CountsFor(std::string id) const {
    const std::string start = id;
    while (question.structure_day.has_value()) {
      const v1::Unit& unit = units.at(id);
      const bool ended = !unit.valid_to().empty() && Day(unit.valid_to()) < *question.structure_day;
      if (!ended || unit.successor_ids_size() != 1) break;
      id = unit.successor_ids(0);
    }
    return id;
  }
  bool In(const std::string& of_cell, const std::string& asked) const {
    for (std::string id = CountsFor(of_cell); !id.empty(); id = units.at(id).parent_id()) {
      if (id == asked) return true;
      if (!question.roll_up) break;
    }
    return false;
  }
  const v1::Procedure* InCatalogue(const std::string& code) const {
    const v1::Procedure* found = nullptr;
    for (int64_t i = 0; i < at; ++i) {
      for (const v1::Procedure& p : ledger.changes()[static_cast<size_t>(i)].procedures) {
        if (code == p.procedure_code() || code.rfind(p.procedure_code() + ".", 0) == 0) found = &p;
      }
    }
    return found;
  }
  bool HasService(const ModelCell& cell) const {
    if (const v1::Procedure* procedure = InCatalogue(cell.procedure)) {
      const v1::ProcedureOffer& offer = procedure->offers(0);
      if (Day(offer.valid_from()) <= cell.day) {
        return offer.service_level() == v1::ServiceLevel::FULL;
      }
    }
    return cell.level == v1::ServiceLevel::FULL;
  }
  // Sums the cells that `wanted` says yes to.
  template <typename Wanted>
  Counts Sum(Wanted wanted) const {
    Counts counts;
    for (int64_t i = 0; i < at; ++i) {
      for (const ModelCell& cell : ledger.changes()[static_cast<size_t>(i)].cells) {
        if (cell.day < question.window.first || cell.day > question.window.last) continue;
        if (cell.status == v1::Status::REFUSED || !wanted(cell)) continue;
        if (online_services && !HasService(cell)) continue;
        v1::Channel::Value channel = cell.channel;
        if (question.definition_id == kOther && channel == v1::Channel::POSTAL) {
          channel = v1::Channel::ONLINE;
        }
        counts.Add(channel, cell.count);
      }
    }
    return counts;
  }
};

Counts CountsOf(const v1::Ratio& ratio) {
  return {ratio.online(), ratio.counter(), ratio.postal(), ratio.unknown()};
}

class RandomQuestionsTest : public ::testing::Test {
 protected:
  Question Ask() {
    Question question;
    question.window.first = Day("2023-06-01") + world_.Any(500);
    question.window.last = question.window.first + world_.Any(300);
    question.definition_id = world_.Any(2) == 0 ? kDefaultDefinitionId : kOther;
    question.with_online_services = true;
    if (world_.Any(3) != 0) question.structure_day = Day(kDays[world_.Any(5)]);
    question.roll_up = world_.Any(2) == 0;
    return question;
  }
  void CheckUnit(const CubeView& view, const Oracle& oracle, const std::string& unit_id);
  void CheckPooled(const CubeView& view, Oracle oracle);
  void CheckParts(const CubeView& view, const Oracle& oracle, const std::string& unit_id);

  World world_{Seed()};
};

void RandomQuestionsTest::CheckUnit(const CubeView& view, const Oracle& oracle,
                                    const std::string& unit_id) {
  const DefinitionPlane& plane = *view.FindPlane(oracle.question.definition_id);
  const auto answer = AnswerUnitRatio(view, plane, oracle.question, unit_id);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto mine = [&](const ModelCell& cell) { return oracle.In(cell.unit_id, unit_id); };
  EXPECT_EQ(CountsOf(answer->ratio()), oracle.Sum(mine));
  Oracle online = oracle;
  online.online_services = true;
  EXPECT_EQ(CountsOf(answer->online_services()), online.Sum(mine));
  // The steps of a trend are the window cut up: they add up to it.
  v1::ListTrendRequest request;
  request.set_unit_id(unit_id);
  request.set_step(static_cast<v1::TrendStep::Value>(1 + world_.Any(7)));
  const auto trend = AnswerTrend(view, plane, oracle.question, request);
  ASSERT_TRUE(trend.ok()) << trend.status();
  Counts sum;
  for (const v1::TrendPoint& point : trend->points()) sum += CountsOf(point.ratio());
  EXPECT_EQ(sum, CountsOf(answer->ratio()));
  EXPECT_EQ(CountsOf(trend->points(trend->points_size() - 1).cumulative()), sum);
}

void RandomQuestionsTest::CheckPooled(const CubeView& view, Oracle oracle) {
  oracle.question.roll_up = false;
  const DefinitionPlane& plane = *view.FindPlane(oracle.question.definition_id);
  const v1::GetSummaryResponse summary = AnswerSummary(view, plane, oracle.question);
  EXPECT_EQ(CountsOf(summary.overall()), oracle.Sum([](const ModelCell&) { return true; }));
  for (const v1::LevelSummary& level : summary.levels()) {
    EXPECT_EQ(CountsOf(level.ratio()), oracle.Sum([&](const ModelCell& cell) {
      return oracle.units.at(oracle.CountsFor(cell.unit_id)).level() == level.level();
    }));
  }
  if (!oracle.question.structure_day.has_value()) return;
  RatiosQuestion list;
  list.common = oracle.question;
  const auto page = AnswerRatios(view, plane, list, 0);
  ASSERT_TRUE(page.ok()) << page.status();
  Counts rows;
  for (const v1::UnitRatio& row : page->response.ratios()) rows += CountsOf(row.ratio());
  EXPECT_EQ(rows, CountsOf(summary.overall())) << "under a structure every dossier is in one row";
}

void RandomQuestionsTest::CheckParts(const CubeView& view, const Oracle& oracle,
                                     const std::string& unit_id) {
  BreakdownQuestion question;
  question.common = oracle.question;
  question.unit_id = unit_id;
  question.dimension = static_cast<v1::Dimension::Value>(1 + world_.Any(4));
  const auto answer =
      AnswerBreakdown(view, *view.FindPlane(oracle.question.definition_id), question);
  ASSERT_TRUE(answer.ok()) << answer.status();
  Counts sum;
  for (const v1::BreakdownPart& part : answer->parts()) {
    sum += CountsOf(part.ratio());
    if (question.dimension == v1::Dimension::SERVICE_LEVEL) continue;
    EXPECT_EQ(CountsOf(part.ratio()), oracle.Sum([&](const ModelCell& cell) {
      if (!oracle.In(cell.unit_id, unit_id)) return false;
      if (question.dimension == v1::Dimension::CHANNEL) {
        return v1::Channel::Value_Name(cell.channel) == part.key();
      }
      if (question.dimension == v1::Dimension::FIELD) {
        const v1::Procedure* procedure = oracle.InCatalogue(cell.procedure);
        return (procedure == nullptr ? "" : procedure->field()) == part.key();
      }
      return cell.procedure == part.key() || cell.procedure.rfind(part.key() + ".0", 0) == 0;
    })) << part.key();
  }
  EXPECT_EQ(sum, oracle.Sum([&](const ModelCell& c) { return oracle.In(c.unit_id, unit_id); }));
}

TEST_F(RandomQuestionsTest, AreAnsweredAsARecountOfTheRawChangesSays) {
  // One cube follows the feed, the others are loaded at their position: both must say the same.
  LiveCube live;
  live.Replace(LoadCube(world_.ledger(), 1));
  const std::vector<std::string> planes = {kDefaultDefinitionId, kOther,
                                           OnlineServicesPlane(kDefaultDefinitionId),
                                           OnlineServicesPlane(kOther)};
  int asked = 0;
  for (int64_t at = 1; at <= world_.ledger().head(); ++at) {
    ASSERT_OK(live.ViewFor(planes));
    if (at > 1) {
      ASSERT_OK(live.Apply(world_.ledger().Events(at, 7), true));
    }
    LiveCube loaded;
    loaded.Replace(LoadCube(world_.ledger(), at, 7));
    const auto past = loaded.ViewFor(planes);
    ASSERT_OK(past);
    for (int i = 0; i * world_.ledger().head() < kQuestions && !HasFailure(); ++i, ++asked) {
      const CubeView& view = world_.Any(2) == 0 ? **past : *live.View();
      const Oracle oracle{world_.ledger(), world_.UnitsAt(at), at, Ask()};
      const std::string unit_id = world_.AnyUnit(at).unit_id();
      SCOPED_TRACE(absl::StrCat("sequence ", at, " unit ", unit_id));
      CheckPooled(view, oracle);
      if (oracle.CountsFor(unit_id) != unit_id) continue;
      CheckUnit(view, oracle, unit_id);
      CheckParts(view, oracle, unit_id);
    }
  }
  std::cout << asked << " questions\n";
}

}  // namespace
}  // namespace dondoc::aggregation
