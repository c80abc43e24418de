#include "services/ctl/folder_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/files.h"

namespace dondoc::ctl {
namespace {

namespace fs = std::filesystem;
using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Outcome = FolderWatch::Outcome;

class FolderWatchTest : public ::testing::Test {
 protected:
  FolderWatchTest() {
    fs::create_directory(folder_.File("in"));
    options_.folder = folder_.File("in");
    options_.state_file = folder_.File("state");
    options_.settle = absl::Seconds(2);
    options_.retry_after = absl::Seconds(30);
  }
  std::unique_ptr<FolderWatch> Open() {
    auto watch = FolderWatch::Open(
        options_,
        [this](const std::string& path, std::string& import_id) {
          taken_.push_back(fs::path(path).filename());
          import_id = "i-1";
          return outcome_;
        },
        err_);
    EXPECT_TRUE(watch.ok()) << watch.status();
    return *std::move(watch);
  }
  std::string In(const std::string& name) const { return options_.folder + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(In(name), std::ios::app) << text;
  }
  // Looks at second `seconds` of the test's own time.
  bool Look(FolderWatch& watch, int seconds) {
    const auto awaited = watch.Look(absl::UnixEpoch() + absl::Seconds(seconds));
    EXPECT_TRUE(awaited.ok()) << awaited.status();
    return awaited.ok() && *awaited;
  }
  std::vector<std::string> Taken() { return std::exchange(taken_, {}); }

  const dondoc::testing::TempDir folder_;
  FolderWatch::Options options_;
  Outcome outcome_ = Outcome::kTaken;
  std::vector<std::string> taken_;
  std::ostringstream err_;
};

TEST_F(FolderWatchTest, WaitsUntilAFileNoLongerGrows) {
  const auto watch = Open();
  EXPECT_FALSE(Look(*watch, 0));
  Write("a.csv", "mot");
  EXPECT_TRUE(Look(*watch, 10));
  Write("a.csv", "hai");
  EXPECT_TRUE(Look(*watch, 12));  // it grew: the wait begins anew
  EXPECT_TRUE(Look(*watch, 13));
  EXPECT_THAT(Taken(), IsEmpty());
  EXPECT_FALSE(Look(*watch, 14));
  EXPECT_THAT(Taken(), ElementsAre("a.csv"));
  EXPECT_FALSE(Look(*watch, 100));
  EXPECT_THAT(Taken(), IsEmpty());
}

TEST_F(FolderWatchTest, TakesAContentOnceUnderWhateverNameAndAfterARestart) {
  {
    const auto watch = Open();
    Write("a.csv", "mot");
    Look(*watch, 0);
    Look(*watch, 2);
    EXPECT_THAT(Taken(), ElementsAre("a.csv"));
    fs::rename(In("a.csv"), In("b.csv"));
    Look(*watch, 10);
    Look(*watch, 12);
    EXPECT_THAT(Taken(), IsEmpty());
  }
  const auto watch = Open();
  Write("c.csv", "hai");
  Look(*watch, 20);
  Look(*watch, 22);
  EXPECT_THAT(Taken(), ElementsAre("c.csv"));
  // What is changed is another file.
  Write("b.csv", "!");
  Look(*watch, 30);
  Look(*watch, 32);
  EXPECT_THAT(Taken(), ElementsAre("b.csv"));
}

TEST_F(FolderWatchTest, AStateFileThatACrashCutShortStillHolds) {
  {
    const auto watch = Open();
    Write("a.csv", "mot");
    Look(*watch, 0);
    Look(*watch, 2);
    Taken();
  }
  std::ofstream(options_.state_file, std::ios::app) << "0123456789";
  const auto watch = Open();
  Write("b.csv", "hai");
  Look(*watch, 10);
  Look(*watch, 12);
  EXPECT_THAT(Taken(), ElementsAre("b.csv"));
  const auto state = ReadFile(options_.state_file, 1 << 20);
  ASSERT_OK(state);
  EXPECT_EQ(std::count(state->begin(), state->end(), '\n'), 2);
  EXPECT_THAT(*state, ::testing::Not(HasSubstr("0123456789\n")));
}

TEST_F(FolderWatchTest, AFileThatCannotBeReadIsNotTriedAgainButAServerThatIsDownIs) {
  const auto watch = Open();
  Write("a.csv", "mot");
  Look(*watch, 0);
  outcome_ = Outcome::kLater;
  EXPECT_TRUE(Look(*watch, 2));
  EXPECT_TRUE(Look(*watch, 31));
  EXPECT_THAT(Taken(), ElementsAre("a.csv"));
  outcome_ = Outcome::kFailed;
  EXPECT_FALSE(Look(*watch, 32));
  EXPECT_THAT(Taken(), ElementsAre("a.csv"));
  EXPECT_FALSE(Look(*watch, 1000));
  EXPECT_THAT(Taken(), IsEmpty());
}

TEST_F(FolderWatchTest, ARefusalIsForgottenByARestart) {
  outcome_ = Outcome::kRefused;
  Write("a.csv", "mot");
  {
    const auto watch = Open();
    Look(*watch, 0);
    EXPECT_FALSE(Look(*watch, 2));
    EXPECT_FALSE(Look(*watch, 100));
    EXPECT_THAT(Taken(), ElementsAre("a.csv"));
  }
  outcome_ = Outcome::kTaken;
  const auto watch = Open();
  Look(*watch, 200);
  Look(*watch, 202);
  EXPECT_THAT(Taken(), ElementsAre("a.csv"));
}

TEST_F(FolderWatchTest, MovesNothingUnlessToldAndThenNeverOverAnother) {
  Write("a.csv", "mot");
  {
    const auto watch = Open();
    Look(*watch, 0);
    Look(*watch, 2);
    EXPECT_TRUE(fs::exists(In("a.csv")));
  }
  fs::create_directory(folder_.File("done"));
  fs::create_directory(folder_.File("failed"));
  options_.done_folder = folder_.File("done");
  options_.failed_folder = folder_.File("failed");
  const auto watch = Open();
  Look(*watch, 10);
  Look(*watch, 12);  // taken before: done
  EXPECT_FALSE(fs::exists(In("a.csv")));
  Write("a.csv", "hai");
  Look(*watch, 20);
  Look(*watch, 22);
  EXPECT_TRUE(fs::exists(folder_.File("done") + "/a.csv"));
  EXPECT_TRUE(fs::exists(folder_.File("done") + "/a-2.csv"));
  outcome_ = Outcome::kFailed;
  Write("hong.csv", "ba");
  Look(*watch, 30);
  Look(*watch, 32);
  EXPECT_TRUE(fs::exists(folder_.File("failed") + "/hong.csv"));
}

TEST_F(FolderWatchTest, LeavesWhatIsNoFinishedFileAlone) {
  fs::create_directory(In("folder"));
  fs::create_symlink("/etc/passwd", In("link.csv"));
  for (const char* name : {".hidden", "~$a.xlsx", "a.csv.part", "b.TMP", "c.crdownload"}) {
    Write(name, name);
  }
  const auto watch = Open();
  EXPECT_FALSE(Look(*watch, 0));
  EXPECT_FALSE(Look(*watch, 10));
  EXPECT_THAT(Taken(), IsEmpty());
}

TEST_F(FolderWatchTest, SaysWhatItCannotOpen) {
  const auto watch = Open();
  const auto take = [](const std::string&, std::string&) { return Outcome::kTaken; };
  EXPECT_THAT(FolderWatch::Open(options_, take, err_).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("state")));
  FolderWatch::Options other = options_;
  other.folder = folder_.File("none");
  EXPECT_THAT(FolderWatch::Open(other, take, err_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  std::ofstream(folder_.File("other")) << "khong phai\n";
  other = options_;
  other.state_file = folder_.File("other");
  EXPECT_THAT(FolderWatch::Open(other, take, err_).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("other")));
}

TEST_F(FolderWatchTest, RunsUntilToldToStop) {
  options_.settle = absl::ZeroDuration();
  options_.look_every = absl::Milliseconds(20);
  std::atomic<int> taken{0};
  auto watch = FolderWatch::Open(
      options_,
      [&](const std::string&, std::string&) {
        ++taken;
        return Outcome::kTaken;
      },
      err_);
  ASSERT_OK(watch);
  const int stop = eventfd(0, 0);
  absl::Status ran = absl::UnknownError("");
  std::thread thread([&] { ran = (*watch)->Run(stop); });
  Write("a.csv", "mot");
  const absl::Time until = absl::Now() + absl::Seconds(30);
  while (taken == 0 && absl::Now() < until) absl::SleepFor(absl::Milliseconds(1));
  const uint64_t one = 1;
  ASSERT_EQ(write(stop, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  thread.join();
  close(stop);
  EXPECT_OK(ran);
  EXPECT_EQ(taken, 1);
}

TEST(HashFileTest, IsTheHashThatTheServerNames) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x"), "abc"));
  const auto hash = HashFile(folder.File("x"));
  ASSERT_OK(hash);
  EXPECT_EQ(*hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THAT(HashFile(folder.File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

}  // namespace
}  // namespace dondoc::ctl
