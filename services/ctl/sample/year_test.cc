#include "services/ctl/sample/year.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "gmock/gmock.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"
#include "services/common/testing/status_matchers.h"
#include "services/ctl/sample/export.h"
#include "services/ctl/sample/random.h"
#include "services/ctl/unit_registry.h"

namespace dondoc::sample {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

constexpr uint64_t kSeeds = 20;

std::vector<v1::Unit> KonTum() {
  const absl::StatusOr<std::vector<v1::Unit>> units =
      ctl::ReadRegistry(DONDOC_KONTUM_UNITS, std::nullopt);
  EXPECT_OK(units);
  EXPECT_EQ(units->size(), 129u);
  return *units;
}

Year YearOf(uint64_t seed) {
  absl::StatusOr<Year> year = MakeYear(KonTum(), seed);
  EXPECT_OK(year);
  return *std::move(year);
}

// Counts the rows as the default definition says, without looking at the plan.
std::vector<Counts> Recount(const Year& year) {
  std::unordered_map<std::string, const Row*> newest;
  for (const Row& row : year.rows) {
    if (row.defect != Defect::kNone) continue;
    const Row*& known = newest[row.code];
    if (known == nullptr || row.updated >= known->updated) known = &row;
  }
  const DefinitionPredicate definition(DefaultDefinition());
  std::vector<Counts> counts(year.units.size());
  for (const auto& [code, row] : newest) {
    const v1::ServiceLevel::Value level = year.catalogue.procedures[row->procedure].service_level;
    if (!row->received.has_value() || absl::CivilDay(*row->received) < kFirstDay ||
        absl::CivilDay(*row->received) > kLastDay ||
        !definition.Counts(row->channel, level, row->status)) {
      continue;
    }
    counts[row->unit].Add(row->channel, 1);
  }
  return counts;
}

TEST(SampleYearTest, CountsToTheArticlesFourFiguresForEverySeed) {
  std::set<std::string> different_years;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    const Year year = YearOf(seed);
    const std::vector<Counts> counts = Recount(year);
    const Target half = *ParseTarget("50", v1::Operator::GE);
    Counts all;
    std::map<v1::Level::Value, int> reached;
    std::string fingerprint;
    for (size_t unit = 0; unit < counts.size(); ++unit) {
      EXPECT_EQ(counts[unit].total(), year.plan[unit].total) << year.units[unit].name();
      EXPECT_EQ(counts[unit].online, year.plan[unit].online) << year.units[unit].name();
      EXPECT_GE(counts[unit].total(), 5) << year.units[unit].name();
      EXPECT_NE(2 * counts[unit].online, counts[unit].total()) << year.units[unit].name();
      if (Reached(counts[unit].online, counts[unit].total(), half)) {
        ++reached[year.units[unit].level()];
        fingerprint += std::to_string(unit) + " ";
      }
      all += counts[unit];
    }
    EXPECT_EQ(PercentText(all.online, all.total(), std::nullopt), "26.77");
    EXPECT_GE(all.online * 100'000, all.total() * 26'765);
    EXPECT_LT(all.online * 100'000, all.total() * 26'775);
    EXPECT_EQ(reached[v1::Level::PROVINCE], 10);
    EXPECT_EQ(reached[v1::Level::DISTRICT], 4);
    EXPECT_EQ(reached[v1::Level::COMMUNE], 6);
    EXPECT_GT(all.total(), 115'000);
    EXPECT_LT(all.total(), 125'000);
    different_years.insert(fingerprint + std::to_string(all.total()));
  }
  EXPECT_EQ(different_years.size(), kSeeds);
}

TEST(SamplePlanTest, FitsTheArticleForManySeeds) {
  std::vector<UnitShape> shapes;
  for (const v1::Unit& unit : KonTum()) shapes.push_back({unit.level(), 1000});
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const auto plan = MakePlan(shapes, random);
    ASSERT_OK(plan) << "seed " << seed;
    int64_t total = 0;
    int64_t online = 0;
    int reached = 0;
    for (const UnitPlan& unit : *plan) {
      total += unit.total;
      online += unit.online;
      reached += 2 * unit.online > unit.total ? 1 : 0;
      ASSERT_GE(unit.total, kUnitDossiersMin) << "seed " << seed;
      ASSERT_NE(2 * unit.online, unit.total) << "seed " << seed;
    }
    ASSERT_EQ(reached, 20) << "seed " << seed;
    ASSERT_TRUE(online * 100'000 >= total * 26'765 && online * 100'000 < total * 26'775)
        << "seed " << seed;
  }
}

TEST(SampleYearTest, LooksLikeAYearOfAOneStopDesk) {
  const Year year = YearOf(7);
  std::map<v1::Channel::Value, int> channels;
  std::map<v1::Status::Value, int> statuses;
  std::map<Defect, int> defects;
  std::map<std::string, int> lines;
  int weekend = 0;
  for (const Row& row : year.rows) {
    ++channels[row.channel];
    ++statuses[row.status];
    ++defects[row.defect];
    if (!row.code.empty()) ++lines[row.code];
    if (!row.received.has_value()) continue;
    const absl::CivilDay day(*row.received);
    EXPECT_GE(day, kFirstDay);
    EXPECT_LE(day, kLastDay);
    EXPECT_LT(row.updated, kExtracted);
    EXPECT_LE(row.submitted, *row.received);
    EXPECT_FALSE(day >= absl::CivilDay(2023, 1, 20) && day <= absl::CivilDay(2023, 1, 26)) << day;
    EXPECT_NE(day, absl::CivilDay(2023, 4, 30));
    EXPECT_NE(day, absl::CivilDay(2023, 5, 1));
    EXPECT_NE(day, absl::CivilDay(2023, 9, 2));
    if (IsDayOff(day)) ++weekend;
  }
  const int rows = static_cast<int>(year.rows.size());
  EXPECT_GT(weekend, 0);
  EXPECT_LT(weekend, rows / 50);
  EXPECT_GT(channels[v1::Channel::POSTAL], rows / 100);
  EXPECT_GT(channels[v1::Channel::UNKNOWN], rows / 1000);
  EXPECT_EQ(statuses.size(), 10u);
  EXPECT_EQ(defects.size(), 6u);
  EXPECT_EQ(rows - defects[Defect::kNone], 30);
  int repeated = 0;
  for (const auto& [code, count] : lines) repeated += count > 1 ? 1 : 0;
  EXPECT_GT(repeated, rows / 100);
  EXPECT_GE(year.catalogue.procedures.size(), 60u);
  EXPECT_LE(year.catalogue.procedures.size(), 200u);
  const auto [smallest, largest] =
      std::minmax_element(year.plan.begin(), year.plan.end(),
                          [](const UnitPlan& a, const UnitPlan& b) { return a.total < b.total; });
  EXPECT_LT(smallest->total, 300);
  EXPECT_GT(largest->total, 3000);
}

TEST(SampleYearTest, NeitherTheFirstNorTheLastLineOfARepeatedDossierIsAlwaysTheNewest) {
  const Year year = YearOf(7);
  std::map<std::string, std::vector<const Row*>> lines;
  for (const Row& row : year.rows) {
    if (!row.code.empty()) lines[row.code].push_back(&row);
  }
  int newest_first = 0;
  int newest_last = 0;
  int in_two_units = 0;
  for (const auto& [code, rows] : lines) {
    if (rows.size() < 2) continue;
    newest_first += rows.front()->updated > rows.back()->updated ? 1 : 0;
    newest_last += rows.front()->updated < rows.back()->updated ? 1 : 0;
    in_two_units += rows.front()->unit != rows.back()->unit ? 1 : 0;
  }
  EXPECT_GT(newest_first, 100);
  EXPECT_GT(newest_last, 100);
  EXPECT_GT(in_two_units, 5);
}

TEST(SampleYearTest, IsTheSameOnEveryMachine) {
  // Drawn once and written down: a change here changes every demonstration and its documents.
  const Year year = YearOf(1);
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  std::ostringstream csv;
  WriteExport(year, 1, csv);
  for (const char c : csv.str()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  EXPECT_EQ(year.rows.size(), 125'787u);
  EXPECT_EQ(hash, 16525496167888980033u);
}

TEST(SampleYearTest, RefusesARegistryTooSmallForTheArticle) {
  std::vector<v1::Unit> units = KonTum();
  units.resize(9);
  EXPECT_THAT(MakeYear(units, 1), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("units: 9 of level province")));
}

}  // namespace
}  // namespace dondoc::sample
