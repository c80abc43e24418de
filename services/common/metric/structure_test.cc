#include "services/common/metric/structure.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dondoc {
namespace {

using ::testing::ElementsAre;

TEST(CountsForTest, AnEndedUnitCountsForItsOnlySuccessorAndFurther) {
  const std::vector<StructureUnit> units = {
      {"a", 0, 9, {"b"}}, {"b", 10, 19, {"c"}}, {"c", 20, 99, {}}, {"d", 0, 9, {"c"}}};
  EXPECT_THAT(CountsFor(units, 9), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(CountsFor(units, 10), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(CountsFor(units, 19), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(CountsFor(units, 20), ElementsAre(2, 2, 2, 2));
}

TEST(CountsForTest, ASplitIsNeverApportioned) {
  const std::vector<StructureUnit> units = {
      {"a", 0, 9, {"b"}}, {"b", 10, 19, {"c", "d"}}, {"c", 20, 99, {}}, {"d", 20, 99, {}}};
  // What came into b stays with b, whose own split nobody can undo.
  EXPECT_THAT(CountsFor(units, 50), ElementsAre(1, 1, 2, 3));
}

TEST(CountsForTest, SuccessorsThatAreUnknownOrLeadInACircleChangeNothing) {
  const std::vector<StructureUnit> units = {
      {"a", 0, 9, {"nobody"}}, {"b", 0, 9, {"c"}}, {"c", 0, 9, {"b"}}, {"e", 0, 9, {"a"}}};
  EXPECT_THAT(CountsFor(units, 50), ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace dondoc
