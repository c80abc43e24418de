// The binary itself: its wiring, its health, its signals and its refusals. The feed is the fake
// one, Redis is real.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "dondoc/v1/ratios.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "services/aggregation/testing/fake_feed_service.h"
#include "services/common/redis/testing/redis_server.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::aggregation {
namespace {

using ::dondoc::testing::RedisServer;
using ::dondoc::testing::TempDir;
using testing::Day;
using testing::FakeFeedService;
using ::testing::HasSubstr;
using testing::LocalServer;
using testing::MakeUnit;
using testing::ModelChange;

constexpr absl::Duration kPatience = absl::Seconds(30);

// A run of the binary; killed with the test.
class Process {
 public:
  Process(const std::vector<std::string>& flags, const std::string& error_file) {
    std::vector<std::string> words = {DONDOC_AGGREGATION_BINARY};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int file = open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Process() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int number) { kill(pid_, number); }
  // The exit code, or -1 when it was killed or does not end in time.
  int Wait() {
    const absl::Time deadline = absl::Now() + kPatience;
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (absl::Now() > deadline) return -1;
      absl::SleepFor(absl::Milliseconds(5));
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class ProcessTest : public ::testing::Test {
 protected:
  std::vector<std::string> Flags(const std::string& ingestion, int redis_port) const {
    return {"--listen=127.0.0.1:0",
            "--metrics_listen=127.0.0.1:0",
            absl::StrCat("--port_file=", folder_.File("ports")),
            absl::StrCat("--ingestion_address=", ingestion),
            absl::StrCat("--redis_address=127.0.0.1:", redis_port),
            "--drain_seconds=2"};
  }
  std::unique_ptr<v1::RatioService::Stub> Connect() {
    const absl::Time deadline = absl::Now() + kPatience;
    std::string name;
    int port = 0;
    while (port == 0 && absl::Now() < deadline) {
      std::ifstream file(folder_.File("ports"));
      if (!(file >> name >> port)) absl::SleepFor(absl::Milliseconds(5));
    }
    return v1::RatioService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  // Asks until the answer has that sequence.
  v1::GetSummaryResponse Ask(v1::RatioService::Stub& stub, int64_t sequence) {
    const absl::Time deadline = absl::Now() + kPatience;
    v1::GetSummaryResponse response;
    while (absl::Now() < deadline) {
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      context.set_deadline(absl::ToChronoTime(deadline));
      v1::GetSummaryRequest request;
      request.set_from("2023-01-01");
      request.set_to("2023-12-31");
      request.set_min_sequence(sequence);
      if (stub.GetSummary(&context, request, &response).ok()) return response;
      absl::SleepFor(absl::Milliseconds(5));
    }
    ADD_FAILURE() << "no answer at sequence " << sequence;
    return response;
  }

  TempDir folder_;
};

ModelChange OneDossier() {
  ModelChange change;
  change.units = {MakeUnit("a", "A", v1::Level::COMMUNE)};
  change.cells = {{.unit_id = "a", .procedure = "p", .day = Day("2023-05-05"), .count = 1}};
  return change;
}

TEST_F(ProcessTest, FollowsAnswersSurvivesAKillPublishesAndDrains) {
  FakeFeedService feed("ledger-1");
  feed.Commit(OneDossier());
  const LocalServer server(feed);
  RedisServer redis;
  const std::string log = folder_.File("log");
  {
    Process killed(Flags(server.address(), redis.port()), log);
    EXPECT_EQ(Ask(*Connect(), 1).overall().total(), 1);
    killed.Signal(SIGKILL);
    EXPECT_EQ(killed.Wait(), -1);
  }
  std::remove(folder_.File("ports").c_str());
  feed.Commit(OneDossier());
  Process process(Flags(server.address(), redis.port()), log);
  const auto stub = Connect();
  EXPECT_EQ(Ask(*stub, 2).overall().total(), 2);
  feed.Commit(OneDossier());
  EXPECT_EQ(Ask(*stub, 3).overall().total(), 3);

  grpc::ClientContext context;
  v1::RegisterWindowRequest request;
  request.set_from("2023-01-01");
  request.set_to("2023-12-31");
  request.set_lease_seconds(100);
  v1::RegisterWindowResponse response;
  ASSERT_TRUE(stub->RegisterWindow(&context, request, &response).ok());
  const absl::Time deadline = absl::Now() + kPatience;
  std::string published;
  while (published.empty() && absl::Now() < deadline) {
    published =
        redis.Command({"HGET", "dondoc:ratio:{received:2023-01-01:2023-12-31}", "unit:a"}).text;
  }
  EXPECT_EQ(published, "3,3,0,0,0,PARTIAL_DOSSIERS");

  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << ReadFile(log);
}

TEST_F(ProcessTest, EndsAtOnceWhenIngestionIsNotThere) {
  Process process(Flags("127.0.0.1:1", 1), folder_.File("log"));
  Connect();
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << ReadFile(folder_.File("log"));
}

TEST_F(ProcessTest, RefusesABadConfigurationInOneLine) {
  struct Case {
    std::string flag;
    const char* message;
  };
  const Case cases[] = {
      {"--past_cubes=0", "--past_cubes=0: 1 to 64"},
      {"--past_cubes=many", "past_cubes"},
      {"--redis_address=localhost", "--redis_address"},
      {"--redis_address=localhost:0", "--redis_address"},
      {"--ingestion_address=", "--ingestion_address"},
      {"--listen=nowhere", "--listen"},
      {"--metrics_listen=1", "--metrics_listen"},
      {"--redis_prefix=a b", "--redis_prefix='a b'"},
      {"--no_such_flag=1", "no_such_flag"},
      {"word", "takes flags only: word"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.flag);
    const std::string log = folder_.File("refused");
    Process process({"--port_file=" + folder_.File("none"), c.flag}, log);
    EXPECT_EQ(process.Wait(), 2);
    const std::string text = ReadFile(log);
    EXPECT_THAT(text, HasSubstr(c.message));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    std::remove(log.c_str());
  }
}

}  // namespace
}  // namespace dondoc::aggregation
