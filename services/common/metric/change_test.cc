#include "services/common/metric/change.h"

#include "gtest/gtest.h"

namespace dondoc {
namespace {

TEST(ChangeTextTest, IsOfExactSharesHalfAwayFromZero) {
  EXPECT_EQ(ChangeText(1, 2, 1, 4), "+25.00");
  EXPECT_EQ(ChangeText(1, 4, 1, 2), "-25.00");
  EXPECT_EQ(ChangeText(1, 3, 1, 3), "0.00");
  EXPECT_EQ(ChangeText(2, 2, 0, 5), "+100.00");
  // 0.005 points: rounded away from zero on either side; less than that is nothing.
  EXPECT_EQ(ChangeText(1, 20'000, 0, 1), "+0.01");
  EXPECT_EQ(ChangeText(0, 1, 1, 20'000), "-0.01");
  EXPECT_EQ(ChangeText(0, 1, 1, 20'001), "0.00");
  // 1/3 - 1/6 = 16.666… points: the difference of the rounded ones would be 16.66.
  EXPECT_EQ(ChangeText(1, 3, 1, 6), "+16.67");
}

TEST(ChangeTextTest, ThereIsNoneWithoutDossiers) {
  EXPECT_EQ(ChangeText(0, 0, 1, 2), std::nullopt);
  EXPECT_EQ(ChangeText(1, 2, 0, 0), std::nullopt);
}

TEST(ChangeTextTest, LargeCountsDoNotOverflow) {
  const int64_t large = (int64_t{1} << 46) - 1;
  EXPECT_EQ(ChangeText(large, large, 0, large), "+100.00");
  EXPECT_EQ(ChangeText(0, large, large, large), "-100.00");
}

}  // namespace
}  // namespace dondoc
