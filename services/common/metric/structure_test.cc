#include "services/common/metric/structure.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using testing::StatusIs;

std::vector<int> CountsFor(const std::vector<StructureUnit>& units, std::optional<int32_t> day) {
  const UnitStructure structure(units, day);
  std::vector<int> counts_for;
  for (int unit = 0; unit < structure.size(); ++unit) {
    counts_for.push_back(structure.CountsFor(unit));
  }
  return counts_for;
}

TEST(UnitStructureTest, AnEndedUnitCountsForItsOnlySuccessorAndFurther) {
  const std::vector<StructureUnit> units = {{"a", "", 0, 9, {"b"}},
                                            {"b", "", 10, 19, {"c"}},
                                            {"c", "", 20, 99, {}},
                                            {"d", "", 0, 9, {"c"}}};
  EXPECT_THAT(CountsFor(units, std::nullopt), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(CountsFor(units, 9), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(CountsFor(units, 10), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(CountsFor(units, 19), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(CountsFor(units, 20), ElementsAre(2, 2, 2, 2));
}

TEST(UnitStructureTest, ASplitIsNeverApportioned) {
  // What came into b stays with b, whose own split nobody can undo.
  EXPECT_THAT(CountsFor({{"a", "", 0, 9, {"b"}},
                         {"b", "", 10, 19, {"c", "d"}},
                         {"c", "", 20, 99, {}},
                         {"d", "", 20, 99, {}}},
                        50),
              ElementsAre(1, 1, 2, 3));
}

TEST(UnitStructureTest, SuccessorsThatAreUnknownOrLeadInACircleChangeNothing) {
  EXPECT_THAT(CountsFor({{"a", "", 0, 9, {"nobody"}},
                         {"b", "", 0, 9, {"c"}},
                         {"c", "", 0, 9, {"b"}},
                         {"e", "", 0, 9, {"a"}}},
                        50),
              ElementsAre(0, 1, 2, 3));
}

TEST(UnitStructureTest, ARollUpHasEachUnitBelowOnceAndItsPredecessors) {
  const std::vector<StructureUnit> units = {{"district", "", 0, 99, {}},
                                            {"commune", "district", 10, 99, {}},
                                            {"old-1", "district", 0, 9, {"commune"}},
                                            {"old-2", "elsewhere", 0, 9, {"commune"}},
                                            {"elsewhere", "", 0, 99, {}}};
  const UnitStructure at_receipt(units, std::nullopt);
  EXPECT_THAT(at_receipt.Members(0, false), ElementsAre(0));
  EXPECT_THAT(at_receipt.Members(0, true), ElementsAre(0, 1, 2));
  EXPECT_THAT(at_receipt.Members(4, true), ElementsAre(3, 4));
  const UnitStructure today(units, 50);
  EXPECT_THAT(today.Members(1, false), ElementsAre(1, 2, 3));
  EXPECT_THAT(today.Members(0, true), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(today.Members(4, true), ElementsAre(4));
  EXPECT_THAT(today.Members(2, true), ElementsAre());
}

TEST(UnitStructureTest, ParentsInACircleEnd) {
  const UnitStructure structure({{"a", "b", 0, 9, {}}, {"b", "a", 0, 9, {}}}, std::nullopt);
  EXPECT_THAT(structure.Members(0, true), ElementsAre(0, 1));
}

TEST(ParseStructureTest, ReadsBothFormsAndRefusesTheRest) {
  EXPECT_EQ(*ParseStructure(""), std::nullopt);
  EXPECT_EQ(*ParseStructure("at_receipt"), std::nullopt);
  EXPECT_EQ(*ParseStructure("as_of:1970-01-11"), std::optional<int32_t>(10));
  for (const char* bad : {"as_of:", "as_of:2025-02-30", "AS_OF:2025-07-01", "now", "as_of"}) {
    EXPECT_THAT(ParseStructure(bad),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("structure: ")))
        << bad;
  }
  EXPECT_EQ(StructureText(std::nullopt), "at_receipt");
  EXPECT_EQ(StructureText(10), "as_of:1970-01-11");
}

}  // namespace
}  // namespace dondoc
