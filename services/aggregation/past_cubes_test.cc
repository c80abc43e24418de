#include "services/aggregation/past_cubes.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "services/aggregation/testing/model_ledger.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using testing::ModelLedger;

class PastCubesTest : public ::testing::Test {
 protected:
  PastCubesTest() {
    for (int i = 0; i < 20; ++i) ledger_.Commit({});
  }
  PastCubes::Loader Loader() {
    return [this](const std::string&, int64_t sequence, absl::Time) -> absl::StatusOr<Cube> {
      ++loads_;
      return testing::LoadCube(ledger_, sequence);
    };
  }
  absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  ModelLedger ledger_{"past"};
  std::atomic<int> loads_ = 0;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
};

TEST_F(PastCubesTest, LoadsAPositionOnceAndKeepsTheMostRecentlyAsked) {
  PastCubes past(Loader(), metrics_, /*cubes_max=*/2);
  for (const int64_t sequence : {1, 2, 1, 3, 1}) {
    const auto cube = past.Get("past", sequence, Soon());
    ASSERT_OK(cube);
    EXPECT_EQ((*cube)->View()->position().sequence(), sequence);
  }
  EXPECT_EQ(loads_, 3);
  // 3 pushed out 2, which was asked longest ago.
  ASSERT_OK(past.Get("past", 2, Soon()));
  EXPECT_EQ(loads_, 4);
}

TEST_F(PastCubesTest, LoadsOnceForManyWhoAskAtTheSameTime) {
  Mutex mutex;
  CondVar opened;
  bool open = false;
  PastCubes past(
      [&](const std::string&, int64_t sequence, absl::Time) -> absl::StatusOr<Cube> {
        ++loads_;
        MutexLock lock(mutex);
        while (!open) opened.Wait(mutex);
        return testing::LoadCube(ledger_, sequence);
      },
      metrics_);
  // The first is loading when the others come.
  std::vector<std::thread> askers;
  askers.emplace_back([&] { EXPECT_OK(past.Get("past", 5, Soon())); });
  while (loads_ == 0) std::this_thread::yield();
  EXPECT_THAT(past.Get("past", 5, absl::Now()),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("sequence 5")));
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] { EXPECT_OK(past.Get("past", 5, Soon())); });
  }
  {
    MutexLock lock(mutex);
    open = true;
  }
  opened.SignalAll();
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(loads_, 1);
}

TEST_F(PastCubesTest, TellsAFailureAndTriesAgainForTheNext) {
  bool fail = true;
  PastCubes past(
      [&](const std::string&, int64_t sequence, absl::Time) -> absl::StatusOr<Cube> {
        if (std::exchange(fail, false)) return absl::UnavailableError("away");
        return testing::LoadCube(ledger_, sequence);
      },
      metrics_);
  EXPECT_THAT(past.Get("past", 5, Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("away")));
  EXPECT_OK(past.Get("past", 5, Soon()));
}

TEST_F(PastCubesTest, KeepsTheSameSequenceOfTwoLedgersApart) {
  PastCubes past(Loader(), metrics_);
  ASSERT_OK(past.Get("past", 5, Soon()));
  ASSERT_OK(past.Get("other", 5, Soon()));
  EXPECT_EQ(loads_, 2);
}

}  // namespace
}  // namespace dondoc::aggregation
