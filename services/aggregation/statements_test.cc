#include "services/aggregation/statements.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/questions.h"
#include "services/aggregation/reconciliation.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using testing::Day;
using ::testing::HasSubstr;
using testing::MakeUnit;

constexpr int kUnits = 3;
constexpr int kDays = 10;
const absl::CivilDay kFirst(2023, 1, 1);

std::string UnitId(int unit) { return absl::StrCat("u", unit); }
std::string DayText(int day) { return FormatDay(kFirst + day); }

v1::StatementRecord MakeRecord(const std::string& unit_id, const std::string& from,
                               const std::string& to, int64_t total, int64_t online,
                               int64_t effective_seconds = 1) {
  v1::StatementRecord record;
  record.mutable_statement()->set_unit_id(unit_id);
  record.mutable_statement()->set_from(from);
  record.mutable_statement()->set_to(to);
  record.mutable_statement()->set_total(total);
  record.mutable_statement()->set_online(online);
  record.mutable_effective_time()->set_seconds(effective_seconds);
  return record;
}
v1::StatementRecord Nothing(const std::string& unit_id, const std::string& from,
                            const std::string& to) {
  v1::StatementRecord record = MakeRecord(unit_id, from, to, 0, 0);
  record.mutable_statement()->set_withdrawn(true);
  return record;
}

// Feed events of single sequences onto a cube.
class Feed {
 public:
  explicit Feed(Cube& cube) : cube_(cube) {}
  void Send(v1::FeedEvent event) {
    event.set_sequence(++sequence_);
    *event.mutable_commit_time() = ToProto(testing::CommitTimeOf(sequence_));
    event.set_complete(true);
    ASSERT_OK(cube_.Apply({event}));
  }
  int64_t next() const { return sequence_ + 1; }

 private:
  Cube& cube_;
  int64_t sequence_ = 0;
};

void AddCell(v1::FeedEvent& event, int unit, int day, v1::Channel::Value channel) {
  v1::CellBlock& block = *event.mutable_deltas();
  if (block.procedure_codes().empty()) block.add_procedure_codes("p");
  block.add_unit_ids(UnitId(unit));
  block.add_unit_index(static_cast<uint32_t>(block.unit_ids_size() - 1));
  block.add_procedure_index(0);
  block.add_day(DayNumber(kFirst + day));
  block.add_channel(channel);
  block.add_service_level(v1::ServiceLevel::FULL);
  block.add_status(v1::Status::RECEIVED);
  block.add_count(1);
}

// Everything day by day, with every way to tile tried.
struct Model {
  struct Statement {
    int from, to;
    int64_t total, online, effective;
  };
  std::vector<std::vector<int>> total, online;  // [unit][day]
  std::vector<std::vector<bool>> covered;
  std::vector<std::map<std::pair<int, int>, Statement>> statements;
  std::vector<std::pair<int, int>> validity;

  // Every list of disjoint statements that fills from..to, by brute force.
  void Fill(int unit, int from, int to, std::vector<Statement>& list,
            std::vector<std::vector<Statement>>& found) const {
    if (from > to) return found.push_back(list);
    for (const auto& [days, statement] : statements[static_cast<size_t>(unit)]) {
      Statement cut = statement;
      cut.from = std::max(cut.from, validity[static_cast<size_t>(unit)].first);
      cut.to = std::min(cut.to, validity[static_cast<size_t>(unit)].second);
      if (cut.from != from || cut.to < from || cut.to > to) continue;
      list.push_back(cut);
      Fill(unit, cut.to + 1, to, list, found);
      list.pop_back();
    }
  }
  Figure FigureOf(int unit, int from, int to) const {
    const auto u = static_cast<size_t>(unit);
    Figure dossiers;
    bool complete = true;
    for (int day = from; day <= to; ++day) {
      const auto d = static_cast<size_t>(day);
      dossiers.counts.online += online[u][d];
      dossiers.counts.counter += total[u][d] - online[u][d];
      const bool exists = validity[u].first <= day && day <= validity[u].second;
      complete = complete && (covered[u][d] || !exists);
    }
    if (complete) {
      dossiers.basis = v1::Basis::DOSSIERS;
      return dossiers;
    }
    std::vector<Statement> list;
    std::vector<std::vector<Statement>> ways;
    Fill(unit, std::max(from, validity[u].first), std::min(to, validity[u].second), list, ways);
    const auto better = [](const std::vector<Statement>& a, const std::vector<Statement>& b) {
      if (a.size() != b.size()) return a.size() < b.size();
      for (size_t i = 0; i < a.size(); ++i) {
        if (a[i].to != b[i].to) return a[i].to > b[i].to;
        if (a[i].effective != b[i].effective) return a[i].effective > b[i].effective;
      }
      return false;
    };
    if (!ways.empty()) {
      Figure declared;
      declared.basis = v1::Basis::STATEMENT;
      for (const Statement& s : *std::min_element(ways.begin(), ways.end(), better)) {
        declared.counts.online += s.online;
        declared.counts.unknown += s.total - s.online;
      }
      return declared;
    }
    if (dossiers.counts.total() > 0) dossiers.basis = v1::Basis::PARTIAL_DOSSIERS;
    return dossiers;
  }
};

void RunRandom(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  Model model;
  model.total.assign(kUnits, std::vector<int>(kDays));
  model.online = model.total;
  model.covered.assign(kUnits, std::vector<bool>(kDays));
  model.statements.resize(kUnits);
  Cube cube("random");
  Feed feed(cube);
  v1::FeedEvent units;
  *units.add_definitions() = DefaultDefinition();
  for (int unit = 0; unit < kUnits; ++unit) {
    const int from = below(3) == 0 ? below(4) : 0;
    const int to = below(3) == 0 ? 6 + below(4) : kDays - 1;
    model.validity.emplace_back(from, to);
    *units.add_units() =
        MakeUnit(UnitId(unit), absl::StrCat("Xã ", unit), v1::Level::COMMUNE, "",
                 from == 0 ? "" : DayText(from), to == kDays - 1 ? "" : DayText(to));
  }
  feed.Send(units);
  for (int step = 0; step < 25; ++step) {
    v1::FeedEvent event;
    const int unit = below(kUnits);
    const auto u = static_cast<size_t>(unit);
    const int from = below(kDays);
    const int to = from + below(std::min(5, kDays - from));
    switch (below(4)) {
      case 0: {
        const bool online = below(2) == 0;
        AddCell(event, unit, from, online ? v1::Channel::ONLINE : v1::Channel::COUNTER);
        ++model.total[u][static_cast<size_t>(from)];
        model.online[u][static_cast<size_t>(from)] += online;
        break;
      }
      case 1:
        *event.add_coverage() = testing::MakeClaim({UnitId(unit)}, DayText(from), DayText(to),
                                                   v1::Coverage::Extent::COMPLETE, feed.next());
        for (int day = from; day <= to; ++day) model.covered[u][static_cast<size_t>(day)] = true;
        break;
      default: {
        auto& statements = model.statements[u];
        if (below(5) == 0) {
          *event.add_statements() = Nothing(UnitId(unit), DayText(from), DayText(to));
          statements.erase({from, to});
          break;
        }
        const int64_t total = 10 + below(9), online = below(9);
        *event.add_statements() =
            MakeRecord(UnitId(unit), DayText(from), DayText(to), total, online, 100 + step);
        statements[{from, to}] = {from, to, total, online, 100 + step};
      }
    }
    feed.Send(event);
    const auto view = cube.View();
    const DefinitionPlane& plane = *view->FindPlane("received");
    for (int asked = 0; asked < 8; ++asked) {
      const int first = below(kDays);
      const int last = first + below(kDays - first);
      const DayRange window = {DayNumber(kFirst + first), DayNumber(kFirst + last)};
      RollUp sum;
      for (int i = 0; i < kUnits; ++i) {
        const Figure figure = view->UnitFigure(plane, *view->units().Find(UnitId(i)), window);
        const Figure expected = model.FigureOf(i, first, last);
        EXPECT_EQ(figure.basis, expected.basis) << i << " " << first << " " << last;
        EXPECT_EQ(figure.counts, expected.counts) << i << " " << first << " " << last;
        sum.Add(figure);
      }
      const v1::BasisCounts by = sum.ByBasis();
      EXPECT_EQ(by.dossiers_units() + by.partial_dossiers_units() + by.statement_units() +
                    by.none_units(),
                kUnits);
      EXPECT_EQ(by.dossiers_total() + by.partial_dossiers_total() + by.statement_total(),
                sum.Result().counts.total());
    }
  }
}

TEST(StatementsTest, BasisAndCountsAreThoseOfABruteForceModelDayByDay) {
  uint64_t seed = std::random_device()();
  if (const char* given = std::getenv("TEST_SEED")) {
    ASSERT_TRUE(absl::SimpleAtoi(given, &seed));
  }
  std::cout << "seed: " << seed << " (again: TEST_SEED=" << seed << ")" << std::endl;
  for (uint64_t i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", seed + i));
    RunRandom(seed + i);
  }
}

// Units "a" (uncovered, some dossiers), "b" (covered) and "c" (nothing).
class DeclaredTest : public ::testing::Test {
 protected:
  DeclaredTest() : feed_(cube_) {
    v1::FeedEvent event;
    *event.add_definitions() = DefaultDefinition();
    v1::MetricDefinition other = DefaultDefinition();
    other.set_definition_id("other");
    *event.add_definitions() = other;
    for (int unit = 0; unit < kUnits; ++unit) {
      *event.add_units() = MakeUnit(UnitId(unit), absl::StrCat("Xã ", unit), v1::Level::COMMUNE);
    }
    AddCell(event, 0, 3, v1::Channel::ONLINE);
    AddCell(event, 1, 3, v1::Channel::COUNTER);
    *event.add_coverage() =
        testing::MakeClaim({"u1"}, "2023-01-01", "2023-01-31", v1::Coverage::Extent::COMPLETE, 1);
    feed_.Send(event);
  }
  void Declare(const std::vector<v1::StatementRecord>& records) {
    v1::FeedEvent event;
    for (const v1::StatementRecord& record : records) *event.add_statements() = record;
    feed_.Send(event);
  }
  Figure FigureOf(int unit, const std::string& definition = "received") {
    EXPECT_OK(cube_.Use(definition));
    const auto view = cube_.View();
    return view->UnitFigure(*view->FindPlane(definition), *view->units().Find(UnitId(unit)),
                            January());
  }
  static DayRange January() { return {Day("2023-01-01"), Day("2023-01-31")}; }
  v1::GetReconciliationResponse Reconcile(v1::GetReconciliationRequest request = {}) {
    request.set_from("2023-01-01");
    request.set_to("2023-01-31");
    const auto question = DecodeRequest(request);
    EXPECT_OK(question);
    const auto view = cube_.View();
    auto page = AnswerReconciliation(*view, *view->FindPlane("received"), *question, 0);
    EXPECT_OK(page);
    return page->response;
  }

  Cube cube_{"one"};
  Feed feed_;
};

TEST_F(DeclaredTest, AStatementCountsOnlyWhereDossiersAreNotComplete) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-31", 100, 40),
           MakeRecord("u1", "2023-01-01", "2023-01-31", 200, 90)});
  EXPECT_EQ(FigureOf(0).basis, v1::Basis::STATEMENT);
  EXPECT_EQ(FigureOf(0).counts.total(), 100);
  EXPECT_EQ(FigureOf(1).basis, v1::Basis::DOSSIERS);
  EXPECT_EQ(FigureOf(1).counts.total(), 1);
}

TEST_F(DeclaredTest, NoOtherDefinitionTakesStatements) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-31", 100, 40)});
  EXPECT_EQ(FigureOf(0, "other").basis, v1::Basis::PARTIAL_DOSSIERS);
  EXPECT_EQ(FigureOf(0, "other").counts.total(), 1);
}

TEST_F(DeclaredTest, ADeclaredZeroIsNoDossiersAndNotNoData) {
  Declare({MakeRecord("u2", "2023-01-01", "2023-01-31", 0, 0)});
  EXPECT_TRUE(FigureOf(2).no_dossiers());
  EXPECT_FALSE(FigureOf(2).no_data());
}

TEST_F(DeclaredTest, OneDayTooManyOrTooFewTilesNothing) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-30", 100, 40),
           MakeRecord("u2", "2023-01-01", "2023-02-01", 100, 40)});
  EXPECT_EQ(FigureOf(0).basis, v1::Basis::PARTIAL_DOSSIERS);
  EXPECT_TRUE(FigureOf(2).no_data());
  Declare({MakeRecord("u0", "2023-01-31", "2023-01-31", 5, 1)});
  EXPECT_EQ(FigureOf(0).counts.total(), 105);
  Declare({Nothing("u0", "2023-01-01", "2023-01-30")});
  EXPECT_EQ(FigureOf(0).basis, v1::Basis::PARTIAL_DOSSIERS);
}

TEST_F(DeclaredTest, ASummarySaysHowMuchRestsOnWhat) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-31", 100, 40)});
  Question question;
  question.window = January();
  question.definition_id = "received";
  const auto view = cube_.View();
  const auto summary = AnswerSummary(*view, *view->FindPlane("received"), question);
  EXPECT_EQ(summary.overall().total(), 101);
  EXPECT_EQ(summary.overall().basis(), v1::Basis::PARTIAL_DOSSIERS);
  const v1::BasisCounts& by = summary.levels(0).ratio().by_basis();
  EXPECT_EQ(by.statement_units(), 1);
  EXPECT_EQ(by.statement_total(), 100);
  EXPECT_EQ(by.dossiers_units(), 1);
  EXPECT_EQ(by.dossiers_total(), 1);
  EXPECT_EQ(by.none_units(), 1);
}

TEST_F(DeclaredTest, ATrendStepIsAStatementOnlyWhereOneTilesThatStep) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-31", 100, 40),
           MakeRecord("u0", "2023-02-01", "2023-02-28", 50, 10)});
  Question question;
  question.window = {Day("2023-01-01"), Day("2023-02-28")};
  question.definition_id = "received";
  const auto view = cube_.View();
  EXPECT_EQ(
      view->UnitFigure(*view->FindPlane("received"), *view->units().Find("u0"), question.window)
          .counts.total(),
      150);
  const DayRange week = {Day("2023-02-06"), Day("2023-02-12")};
  EXPECT_TRUE(
      view->UnitFigure(*view->FindPlane("received"), *view->units().Find("u0"), week).no_data());
}

TEST_F(DeclaredTest, AReconciliationShowsBothWhatCountsAndWhy) {
  Declare({MakeRecord("u0", "2023-01-01", "2023-01-31", 100, 40),
           MakeRecord("u1", "2023-01-01", "2023-01-31", 1, 1),
           MakeRecord("u2", "2023-01-10", "2023-01-12", 7, 2)});
  const v1::GetReconciliationResponse all = Reconcile();
  ASSERT_EQ(all.units_size(), 3);
  EXPECT_EQ(all.sequence(), 2);
  EXPECT_EQ(all.definition_id(), "received");
  const v1::UnitReconciliation& a = all.units(0);
  EXPECT_EQ(a.dossiers().total(), 1);
  EXPECT_EQ(a.dossiers().basis(), v1::Basis::PARTIAL_DOSSIERS);
  EXPECT_EQ(a.declared().total(), 100);
  EXPECT_EQ(a.total_difference(), 99);
  EXPECT_EQ(a.online_difference(), 39);
  EXPECT_EQ(a.basis(), v1::Basis::STATEMENT);
  EXPECT_EQ(a.reason(), v1::BasisReason::DECLARED);
  const v1::UnitReconciliation& b = all.units(1);
  EXPECT_EQ(b.basis(), v1::Basis::DOSSIERS);
  EXPECT_EQ(b.reason(), v1::BasisReason::COVERED);
  EXPECT_EQ(b.total_difference(), 0);
  EXPECT_EQ(b.online_difference(), 1);
  const v1::UnitReconciliation& c = all.units(2);
  EXPECT_FALSE(c.has_declared());
  EXPECT_FALSE(c.has_total_difference());
  EXPECT_EQ(c.statement_count(), 1);
  EXPECT_EQ(c.statements(0).statement().total(), 7);
  EXPECT_EQ(c.reason(), v1::BasisReason::NOT_TILED);
  EXPECT_EQ(c.basis(), v1::Basis::NONE);

  v1::GetReconciliationRequest request;
  request.set_only_different(true);
  request.set_order_by("difference");
  const v1::GetReconciliationResponse different = Reconcile(request);
  ASSERT_EQ(different.units_size(), 2);
  EXPECT_EQ(different.units(0).unit_id(), "u1");
  request.set_order_by("difference desc");
  EXPECT_EQ(Reconcile(request).units(0).unit_id(), "u0");
}

TEST_F(DeclaredTest, AReconciliationRefusesWhatItDoesNotKnow) {
  v1::GetReconciliationRequest request;
  request.set_from("2023-01-01");
  request.set_to("2023-01-31");
  request.set_order_by("total");
  EXPECT_THAT(DecodeRequest(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("order_by")));
  request.clear_order_by();
  request.set_page_size(1001);
  EXPECT_THAT(DecodeRequest(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_size")));
}

TEST_F(DeclaredTest, AStatementThatCannotBeIsDataLoss) {
  v1::FeedEvent event;
  event.set_sequence(2);
  event.set_complete(true);
  *event.add_statements() = MakeRecord("u0", "2023-01-31", "2023-01-01", 1, 1);
  EXPECT_THAT(cube_.Apply({event}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("u0")));
}

}  // namespace
}  // namespace dondoc::aggregation
