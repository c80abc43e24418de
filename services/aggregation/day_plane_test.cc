#include "services/aggregation/day_plane.h"

#include <map>
#include <random>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/aggregation/unit_cells.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

std::string Name(int unit) { return absl::StrCat("u", unit); }

constexpr int kUnits = 40;  // two whole chunks and a part

// Cells one by one, as the plane should add them up.
using Model = std::map<std::tuple<int, int32_t, int>, int64_t>;

Counts ModelIn(const Model& model, int unit, const DayRange& window) {
  Counts sum;
  for (const auto& [cell, count] : model) {
    const auto& [of_unit, day, column] = cell;
    if (of_unit != unit || day < window.first || day > window.last) continue;
    int64_t* const columns[] = {&sum.online, &sum.counter, &sum.postal, &sum.unknown};
    *columns[column] += count;
  }
  return sum;
}

void ExpectSame(const DayPlane& plane, const Model& model, const DayRange& window) {
  for (int chunk = 0; chunk * kChunkUnits < kUnits; ++chunk) {
    PlaneRow row;
    plane.InChunk(chunk, window, row);
    for (int slot = 0; slot < kChunkUnits; ++slot) {
      const int unit = chunk * kChunkUnits + slot;
      const Counts expected = ModelIn(model, unit, window);
      EXPECT_EQ(DayPlane::CountsAt(row, slot), expected) << unit;
      EXPECT_EQ(plane.In(unit, window), expected) << unit;
    }
  }
}

class RandomDays {
 public:
  explicit RandomDays(uint32_t seed) : random_(seed) {}
  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  // Days near both ends of the blocks, in the middle, and far out.
  int32_t Day() {
    static constexpr int32_t kPlaces[] = {kFirstPlaneDay, 19600, kLastPlaneDay};
    if (Pick(20) == 0) return Pick(2) == 0 ? -4'000'000 : 4'000'000;
    return kPlaces[Pick(3)] + Pick(101) - 50;
  }
  DayRange Window() {
    const int32_t a = Day();
    const int32_t b = Day();
    return {std::min(a, b) + Pick(3), std::max(a, b)};
  }

 private:
  std::mt19937 random_;
};

TEST(DayPlaneTest, AgreesWithARecountAndFrozenPlanesStayAsTheyWere) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  RandomDays random(seed);
  DayPlane plane;
  Model model;
  std::vector<std::pair<DayPlane, Model>> frozen;
  for (int step = 0; step < 60; ++step) {
    std::vector<PlaneChange> changes;
    for (int i = random.Pick(60); i > 0; --i) {
      const int unit = random.Pick(kUnits);
      const int32_t day = random.Day();
      const int column = random.Pick(4);
      int64_t& held = model[{unit, day, column}];
      const int64_t change = random.Pick(4) == 0 ? -held : random.Pick(9);
      held += change;
      changes.push_back(PlaneChange::Of(unit, day, static_cast<Column>(column), change));
    }
    ASSERT_OK(plane.Add(changes, Name));
    if (step % 6 == 0) frozen.emplace_back(plane.Freeze(), model);
  }
  frozen.emplace_back(plane.Freeze(), model);
  for (const auto& [then, model_then] : frozen) {
    for (int i = 0; i < 6; ++i) ExpectSame(then, model_then, random.Window());
    ExpectSame(then, model_then, {kOpenFirstDay, kOpenLastDay});
    ExpectSame(then, model_then, {19600, 19599});
  }
}

TEST(DayPlaneTest, BuiltAtOnceItIsTheSame) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  RandomDays random(seed);
  PlaneBuilder builder;
  Model model;
  for (int chunk = 0; chunk * kChunkUnits < kUnits; ++chunk) {
    for (int i = chunk == 1 ? 0 : 500; i > 0; --i) {
      const int slot = random.Pick(kChunkUnits);
      const int32_t day = random.Day();
      const int column = random.Pick(4);
      const int64_t count = random.Pick(9);
      model[{chunk * kChunkUnits + slot, day, column}] += count;
      builder.Add(slot, day, static_cast<Column>(column), count);
    }
    ASSERT_OK(builder.FinishChunk(chunk, Name));
  }
  DayPlane plane = builder.Finish();
  ExpectSame(plane, model, {kOpenFirstDay, kOpenLastDay});
  for (int i = 0; i < 20; ++i) ExpectSame(plane, model, random.Window());
  // And it can be changed from there.
  ASSERT_OK(plane.Add({PlaneChange::Of(3, 19600, Column::kPostal, 5)}, Name));
  model[{3, 19600, 2}] += 5;
  ExpectSame(plane, model, {19590, 19610});
}

TEST(DayPlaneTest, RefusesCountsBelowZeroAndBeyondTheLimitWhereverTheDayIs) {
  for (const int32_t day : {19600, -900'000}) {
    for (const int64_t count : {int64_t{-1}, kUnitColumnMax + 1}) {
      SCOPED_TRACE(absl::StrCat(day, " ", count));
      const char* const what = count < 0 ? "unit u17: day" : "unit u17: 2147483648 dossiers";
      DayPlane plane;
      EXPECT_THAT(plane.Add({PlaneChange::Of(17, day, Column::kPostal, count)}, Name),
                  StatusIs(absl::StatusCode::kDataLoss, HasSubstr(what)));
      PlaneBuilder builder;
      builder.Add(1, day, Column::kPostal, count);
      EXPECT_THAT(builder.FinishChunk(1, Name),
                  StatusIs(absl::StatusCode::kDataLoss, HasSubstr(what)));
    }
  }
}

TEST(UnitCellsTest, AddsUpWhatComesAndKeepsEveryBit) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  UnitCells cells;
  std::map<uint64_t, int64_t> model;
  const int64_t counts[] = {1, -1, 255, -256, 65536, kCellCountMax, -kCellCountMax};
  for (int i = 0; i < 5000; ++i) {
    // Keys of both ends of the 56 bits.
    const uint64_t key = random() % 40 + (random() % 2 == 0 ? 0 : (uint64_t{1} << 56) - 40);
    const int64_t count = counts[random() % 7];
    model[key] += count;
    if (i < 100) {
      cells.Load(key, count);
    } else {
      cells.Append(key, count);
    }
    if (i == 99) cells.FinishLoad();
  }
  std::map<uint64_t, int64_t> sums;
  cells.ForEach([&sums](uint64_t key, int64_t count) { sums[key] += count; });
  std::erase_if(model, [](const auto& cell) { return cell.second == 0; });
  std::erase_if(sums, [](const auto& cell) { return cell.second == 0; });
  EXPECT_EQ(sums, model);
  EXPECT_LT(cells.entries(), 2000u);
}

}  // namespace
}  // namespace dondoc::aggregation
