#include "services/aggregation/coverage.h"

#include "gtest/gtest.h"

namespace dondoc::aggregation {
namespace {

Claim Complete(int64_t sequence, std::vector<int> units, DayRange days) {
  Claim claim;
  claim.sequence = sequence;
  claim.every_unit = units.empty();
  claim.units = std::move(units);
  claim.days = days;
  claim.complete = true;
  claim.live = true;
  claim.commit_time = absl::FromUnixSeconds(sequence);
  return claim;
}

TEST(CoverageTest, AddsClaimsOfTheUnitAndOfEveryUnitUp) {
  CoverageBook book;
  book.Put(Complete(1, {0}, {10, 19}));
  book.Put(Complete(2, {}, {20, 29}));
  book.Put(Complete(3, {0}, {30, 39}));
  const CoverageTable table = book.Table();
  EXPECT_TRUE(table.Complete(0, {10, 39}));
  EXPECT_FALSE(table.Complete(0, {9, 39}));
  EXPECT_FALSE(table.Complete(0, {10, 40}));
  EXPECT_FALSE(table.Complete(1, {10, 39}));
  EXPECT_TRUE(table.Complete(1, {20, 29}));
  EXPECT_TRUE(table.Complete(1, {5, 4}));
}

TEST(CoverageTest, LeavesAHoleWhereAClaimIsReverted) {
  CoverageBook book;
  book.Put(Complete(1, {0}, {10, 19}));
  Claim middle = Complete(2, {0}, {15, 25});
  book.Put(middle);
  book.Put(Complete(3, {0}, {24, 30}));
  EXPECT_TRUE(book.Table().Complete(0, {10, 30}));
  middle.live = false;
  book.Put(middle);
  EXPECT_FALSE(book.Table().Complete(0, {10, 30}));
  EXPECT_TRUE(book.Table().Complete(0, {10, 19}));
  EXPECT_TRUE(book.Table().Complete(0, {24, 30}));
  middle.live = true;
  book.Put(middle);
  EXPECT_TRUE(book.Table().Complete(0, {10, 30}));
}

TEST(CoverageTest, CountsAPartialClaimAsFreshButNotAsCovered) {
  CoverageBook book;
  Claim claim = Complete(7, {0}, {10, 19});
  claim.complete = false;
  book.Put(claim);
  const CoverageTable table = book.Table();
  EXPECT_FALSE(table.Complete(0, {10, 10}));
  EXPECT_EQ(table.LastDay(0), 19);
  EXPECT_EQ(table.NewestClaim(0), absl::FromUnixSeconds(7));
}

TEST(CoverageTest, KnowsTheNewestClaimWhetherItNamesTheUnitOrAll) {
  CoverageBook book;
  book.Put(Complete(5, {0}, {10, 19}));
  book.Put(Complete(6, {}, {1, 2}));
  EXPECT_EQ(book.Table().NewestClaim(0), absl::FromUnixSeconds(6));
  EXPECT_EQ(book.Table().LastDay(0), 19);
  EXPECT_EQ(book.Table().LastDay(1), 2);
  EXPECT_EQ(CoverageBook().Table().LastDay(0), std::nullopt);
}

TEST(CoverageTest, KeepsAnEarlierTableAsItWas) {
  CoverageBook book;
  book.Put(Complete(1, {0}, {10, 19}));
  const CoverageTable before = book.Table();
  book.Put(Complete(2, {0}, {20, 29}));
  EXPECT_FALSE(before.Complete(0, {10, 29}));
  EXPECT_TRUE(book.Table().Complete(0, {10, 29}));
}

}  // namespace
}  // namespace dondoc::aggregation
