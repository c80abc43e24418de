// How dossiers are kept: packed codes, the index, packed revisions, and taking back.

#include "services/ingestion/ledger/dossier_states.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(DossierCodesTest, EveryCodeComesBackAsItWas) {
  DossierCodes codes;
  for (const std::string& code : std::vector<std::string>{"H34.14-231115-0001",
                                                          "000.00.14.H34-231115-0001",
                                                          "H34-231115-1",
                                                          "H34-231115-99999999",
                                                          "H34-231115-00000000",
                                                          "-000101-0",
                                                          "H34-231115-000000000",  // nine digits
                                                          "H34-231315-0001",
                                                          "H34-230015-0001",
                                                          "H34-231132-0001",
                                                          "H34-231100-0001",
                                                          "H34-23111a-0001",
                                                          "H34-231115-",
                                                          "H34-231115-00a1",
                                                          "231115-0001",
                                                          "A",
                                                          "đơn 1",
                                                          std::string(70, 'x') + "-231115-0001",
                                                          std::string(3 << 20, 'y'),
                                                          "after a long one",
                                                          std::string(1 << 20, 'z'),
                                                          std::string("a\0b", 3)}) {
    const LocatedCode located = codes.Locate(code);
    const uint64_t number = codes.Add(located);
    EXPECT_EQ(codes.Code(number), code);
    EXPECT_TRUE(codes.Is(number, located));
    EXPECT_EQ(codes.Hash(number), located.hash);
    const auto found = codes.Find(code);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(codes.Is(number, *found));
  }
}

TEST(DossierCodesTest, CodesThatDifferHaveOtherNumbers) {
  DossierCodes codes;
  const std::vector<std::string> all = {"H34-231115-1",  "H34-231115-01", "H34-231115-001",
                                        "H34-231116-1",  "H35-231115-1",  "H34-231215-1",
                                        "H34--231115-1", "H34-241115-1",  "h34-231115-1"};
  std::vector<uint64_t> numbers;
  for (const std::string& code : all) numbers.push_back(codes.Add(codes.Locate(code)));
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) {
      EXPECT_EQ(codes.Is(numbers[i], codes.Locate(all[j])), i == j) << all[i] << " " << all[j];
    }
  }
  EXPECT_FALSE(codes.Find("H99-231115-1").has_value());
}

TEST(DossierCodesTest, PrefixesBeyondTheLimitAreKeptAsText) {
  DossierCodes codes;
  for (uint32_t i = 0; i < kCodePrefixesMax; ++i) codes.Locate(absl::StrCat(i, "-231115-1"));
  const LocatedCode more = codes.Locate("more-231115-1");
  EXPECT_EQ(more.packed, DossierCodes::kNotPacked);
  EXPECT_EQ(codes.prefix_count(), kCodePrefixesMax);
  const uint64_t number = codes.Add(more);
  EXPECT_EQ(codes.Code(number), "more-231115-1");
  EXPECT_TRUE(codes.Is(number, *codes.Find("more-231115-1")));
  EXPECT_NE(codes.Locate("7-231115-2").packed, DossierCodes::kNotPacked);
}

// Against a std::multimap; hashes of few kinds, so that they meet.
TEST(DossierIndexTest, KeepsWhatIsInsertedAndForgetsWhatIsErased) {
  std::mt19937_64 random(testing::TestSeed());
  for (const int tags : {3, 300, 65'536}) {
    DossierIndex index;
    std::multimap<uint64_t, uint32_t> expected;
    const auto hash = [&] {
      const uint64_t table = random() % 2;
      const uint64_t tag = random() % static_cast<uint64_t>(tags);
      return (table << 52) | (tag << 36);
    };
    for (uint32_t i = 0; i < 20'000; ++i) {
      if (tags < 300 && expected.size() > 60) break;
      if (random() % 4 == 0 && !expected.empty()) {
        auto gone = expected.lower_bound(hash());
        if (gone == expected.end()) gone = expected.begin();
        index.Erase(gone->first, gone->second);
        expected.erase(gone);
      } else {
        const uint64_t h = hash();
        index.Insert(h, i);
        expected.emplace(h, i);
      }
    }
    for (const auto& [h, number] : expected) {
      EXPECT_EQ(index.Find(h, [&, n = number](uint32_t found) { return found == n; }), number);
    }
    for (int i = 0; i < 100; ++i) {
      const uint64_t h = hash();
      std::multiset<uint32_t> seen;
      index.Find(h, [&](uint32_t found) {
        seen.insert(found);
        return false;
      });
      std::multiset<uint32_t> wanted;
      for (auto [at, end] = expected.equal_range(h); at != end; ++at) wanted.insert(at->second);
      EXPECT_EQ(seen, wanted);
    }
  }
}

class DossierStatesTest : public ::testing::Test {
 protected:
  DossierStatesTest() : states_(imports_, commit_us_) {}

  void Begin() {
    commit_us_.push_back(1'000'000 * static_cast<int64_t>(commit_us_.size() + 1));
    states_.Begin(sequence());
  }
  int64_t sequence() const { return static_cast<int64_t>(commit_us_.size()); }
  void UndoTo(int64_t kept, int at_a_time = 2) {
    while (states_.UndoSome(kept, at_a_time)) continue;
    commit_us_.resize(static_cast<size_t>(kept));
  }
  void Insert(const std::string& code, uint32_t unit, int64_t received_us = 0,
              int64_t update_us = kNoTime) {
    Revision revision;
    revision.facts.unit = unit;
    revision.facts.received_us = received_us;
    revision.update_us = update_us;
    revision.effective_us = update_us != kNoTime ? update_us : commit_us_.back();
    revision.sequence = sequence();
    const LocatedCode located = states_.Locate(code);
    const auto known = states_.Find(located);
    states_.Insert(known ? *known : states_.Add(located), revision);
  }
  std::vector<std::string> OfUnit(uint32_t unit) const {
    std::vector<std::string> codes;
    states_.ForEachOfUnit(unit, [&](DossierId id) { codes.push_back(states_.Code(id)); });
    return codes;
  }
  uint32_t UnitAt(const std::string& code, int64_t sequence) const {
    Revision state;
    const auto id = states_.Find(code);
    return id && states_.StateAt(*id, sequence, state) ? state.facts.unit : 0;
  }

  std::vector<ImportView> imports_{1};
  std::vector<int64_t> commit_us_;
  DossierStates states_;
};

TEST_F(DossierStatesTest, WhatIsPlannedIsNotSeenBefore) {
  Begin();
  Insert("A", 1);
  Begin();
  Insert("A", 2);
  Insert("H34-231115-1", 3);
  EXPECT_EQ(UnitAt("A", 1), 1U);
  EXPECT_EQ(UnitAt("A", 2), 2U);
  EXPECT_EQ(UnitAt("H34-231115-1", 1), 0U);
  EXPECT_EQ(UnitAt("H34-231115-1", 2), 3U);
}

TEST_F(DossierStatesTest, WhatIsTakenBackLeavesNothing) {
  Begin();
  Insert("A", 1);
  Insert("B", 1);
  Insert("B", 2);
  Insert("H34-231115-1", 2);
  states_.Keep(1);
  Begin();
  Insert("A", 3);
  Insert("A", 3);
  Insert("C", 1);
  Begin();
  Insert("A", 4);
  Insert("B", 1, 1);  // a part of a millisecond
  Insert("H34-231115-1", 1);
  Insert("H34-231115-2", 4);
  UndoTo(1, 1);
  EXPECT_EQ(states_.count(), 3U);
  EXPECT_EQ(states_.revision_count(), 4);
  EXPECT_THAT(OfUnit(1), ElementsAre("A", "B"));
  EXPECT_THAT(OfUnit(2), ElementsAre("B", "H34-231115-1"));
  EXPECT_THAT(OfUnit(3), IsEmpty());
  EXPECT_THAT(OfUnit(4), IsEmpty());
  EXPECT_FALSE(states_.Find("C").has_value());
  EXPECT_FALSE(states_.Find("H34-231115-2").has_value());
  EXPECT_EQ(UnitAt("A", 9), 1U);
  EXPECT_EQ(UnitAt("B", 9), 2U);
  Begin();
  Insert("C", 5);
  EXPECT_EQ(UnitAt("C", 2), 5U);
  EXPECT_THAT(OfUnit(5), ElementsAre("C"));
}

TEST_F(DossierStatesTest, RevisionsOfEveryShapeComeBackAsTheyWere) {
  Begin();
  const int64_t ms = 1000;
  std::vector<Revision> revisions(8);
  revisions[1].facts.received_us = 1'700'000'000'123 * ms;
  revisions[2].facts.received_us = -62'135'596'800'000 * ms;
  revisions[3].facts.received_us = 253'402'300'799'999 * ms;
  revisions[4].facts.received_us = 1'700'000'000'123'456;
  revisions[5].facts.status = 255;
  revisions[5].facts.channel = 3;
  revisions[6].row_number = int64_t{1} << 40;
  revisions[7].facts = {5 * ms, 1, 2, 3, 4, 3, 4, 10, false};
  revisions[7].row_number = ~uint32_t{0};
  for (size_t i = 0; i < revisions.size(); ++i) {
    for (const int64_t update_us : {kNoTime, int64_t{0}, int64_t{-5}, 1'700'000'000'000'000}) {
      Revision revision = revisions[i];
      revision.sequence = 1;
      revision.update_us = update_us;
      revision.effective_us = update_us != kNoTime ? update_us : commit_us_.back();
      const DossierId id = states_.Add(states_.Locate(absl::StrCat("D", states_.count())));
      states_.Insert(id, revision);
      Revision state;
      ASSERT_TRUE(states_.StateAt(id, 1, state));
      EXPECT_EQ(state.facts, revision.facts) << i;
      EXPECT_EQ(state.update_us, revision.update_us);
      EXPECT_EQ(state.effective_us, revision.effective_us);
      EXPECT_EQ(state.row_number, revision.row_number);
      EXPECT_EQ(state.sequence, revision.sequence);
    }
  }
}

}  // namespace
}  // namespace dondoc::ingestion
