#include "services/common/redis/testing/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace dondoc::testing {
namespace {

// Below Linux's range for port 0 (32768 and up): while our server is down, between Kill and
// Restart, nobody who asks for any free port is given ours.
constexpr int kPortFirst = 12000;
constexpr int kPortLast = 32000;
constexpr int kPortAttempts = 20;
constexpr absl::Duration kStartTime = absl::Seconds(20);

pid_t Spawn(const std::vector<std::string>& words, const std::string& log_path) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process != 0) return process;
  // In the child only calls that are safe after fork. It never outlives the test.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

int FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> any(kPortFirst, kPortLast);
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    const int port = any(random);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    close(fd);
    if (free) return port;
  }
  ADD_FAILURE() << "no free port";
  return 0;
}

RedisServer::RedisServer() {
  // Between FreePort and redis-server somebody else may take the port: then another one.
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    port_ = FreePort();
    if (Start()) return;
  }
  ADD_FAILURE() << "redis-server does not start";
}

RedisServer::~RedisServer() { Kill(); }

RedisClientOptions RedisServer::options() const {
  RedisClientOptions options;
  options.host = "127.0.0.1";
  options.port = port_;
  options.backoff_min = absl::Milliseconds(5);
  options.backoff_max = absl::Milliseconds(50);
  return options;
}

bool RedisServer::Start() {
  process_ = Spawn({"redis-server", "--port", absl::StrCat(port_), "--bind", "127.0.0.1", "--dir",
                    folder_.path(), "--save", "", "--appendonly", "no"},
                   folder_.File("redis.log"));
  RedisClient client(options());
  const absl::Time deadline = absl::Now() + kStartTime;
  while (absl::Now() < deadline) {
    const auto pong = client.Call({"PING"}, absl::Now() + absl::Seconds(1));
    // Another server on the port would answer as well: ours is the one with our process id.
    if (pong.ok()) {
      const auto info = client.Call({"INFO", "server"}, absl::Now() + absl::Seconds(1));
      if (info.ok() &&
          info->text.find(absl::StrCat("process_id:", process_, "\r")) != std::string::npos) {
        return true;
      }
    }
    int status = 0;
    if (waitpid(process_, &status, WNOHANG) == process_) {
      process_ = -1;
      return false;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  Kill();
  return false;
}

void RedisServer::Kill() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
}

void RedisServer::Restart() {
  Kill();
  ASSERT_TRUE(Start()) << "redis-server does not start again on port " << port_;
}

void RedisServer::Stop() { kill(process_, SIGSTOP); }
void RedisServer::Continue() { kill(process_, SIGCONT); }

RedisReply RedisServer::Command(const RedisCommand& command) {
  RedisClient client(options());
  absl::StatusOr<RedisReply> reply = client.Call(command, absl::Now() + absl::Seconds(10));
  EXPECT_TRUE(reply.ok()) << reply.status();
  return reply.ok() ? *std::move(reply) : RedisReply();
}

}  // namespace dondoc::testing
