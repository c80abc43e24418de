#include "services/common/rpc/server.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "dondoc/v1/definitions.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/common/log/log.h"
#include "services/common/mutex/mutex.h"
#include "services/common/rpc/channel.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc {
namespace {

using ::dondoc::testing::TempDir;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kServing = 1;  // grpc.health.v1.HealthCheckResponse.ServingStatus
constexpr int kNotServing = 2;

auto Deadline() { return std::chrono::system_clock::now() + absl::ToChronoSeconds(kPatience); }

// A moment that one thread waits for and another brings.
class Moment {
 public:
  void Come() {
    MutexLock lock(mutex_);
    come_ = true;
    changed_.SignalAll();
  }
  bool Wait() {
    const absl::Time deadline = absl::Now() + kPatience;
    MutexLock lock(mutex_);
    while (!come_ && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return come_;
  }
  bool come() {
    MutexLock lock(mutex_);
    return come_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool come_ ABSL_GUARDED_BY(mutex_) = false;
};

// Answers one definition whose name has `name_bytes`; when `hold` is set, not before `release`.
class TinyService : public v1::DefinitionService::Service {
 public:
  grpc::Status ListDefinitions(grpc::ServerContext* context, const v1::ListDefinitionsRequest*,
                               v1::ListDefinitionsResponse* response) override {
    entered.Come();
    if (hold) {
      while (!release.come() && !context->IsCancelled()) std::this_thread::yield();
    }
    if (context->IsCancelled()) cancelled.Come();
    response->add_definitions()->set_name(std::string(name_bytes, 'x'));
    left.Come();
    return grpc::Status::OK;
  }

  std::atomic<size_t> name_bytes = 1;
  std::atomic<bool> hold = false;
  Moment entered, release, cancelled, left;
};

// RunServer in a thread of its own, as main would call it.
class RunningServer {
 public:
  explicit RunningServer(ServerConfig config = {}, bool ready_at_once = true)
      : config_(std::move(config)) {
    signals_ = BlockShutdownSignals();
    if (config_.listen_address.empty()) config_.listen_address = "127.0.0.1:0";
    config_.port_file = dir_.File("ports");
    if (ready_at_once) ready.Come();
    hooks_.ready = [this] {
      asked.Come();
      return ready.come();
    };
    hooks_.drain = [this] { draining.Come(); };
    hooks_.stop = [this] {
      EXPECT_TRUE(!service.entered.come() || service.left.come());
      stopped.Come();
    };
    thread_ = std::thread([this] {
      auto metrics = MetricsServer::Start("127.0.0.1:0", "test");
      ASSERT_OK(metrics);
      metrics_port_ = (*metrics)->port();
      exit_code_ = RunServer(config_, {&service}, **metrics, signals_, hooks_);
    });
    EXPECT_TRUE(asked.Wait());
    std::ifstream file(config_.port_file);
    std::string grpc_word, metrics_word, rest;
    int metrics_port = 0;
    file >> grpc_word >> port_ >> metrics_word >> metrics_port;
    EXPECT_EQ(grpc_word, "grpc");
    EXPECT_EQ(metrics_word, "metrics");
    EXPECT_EQ(metrics_port, metrics_port_);
    EXPECT_FALSE(file >> rest);
  }
  ~RunningServer() {
    if (thread_.joinable()) Stop(SIGTERM);
  }

  void Signal(int signal) { pthread_kill(thread_.native_handle(), signal); }
  int Join() {
    thread_.join();
    return exit_code_;
  }
  int Stop(int signal) {
    Signal(signal);
    return Join();
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  std::string port_file() const { return config_.port_file; }

  TinyService service;
  Moment asked, ready, draining, stopped;

 private:
  TempDir dir_;
  ServerConfig config_;
  ServerHooks hooks_;
  sigset_t signals_;
  std::thread thread_;
  int port_ = 0;
  int metrics_port_ = 0;
  int exit_code_ = -1;
};

// Watches the health of one service. The messages of grpc.health.v1 are one field each, so they
// are written here by hand.
class HealthWatch {
 public:
  HealthWatch(const std::string& address, const std::string& service)
      : stub_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {
    context_.set_deadline(Deadline());
    stream_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
    stream_->StartCall(nullptr);
    EXPECT_TRUE(Done());
    std::string request;
    if (!service.empty())
      request = absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
    const grpc::Slice slice(request);
    stream_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    EXPECT_TRUE(Done());
  }
  ~HealthWatch() {
    context_.TryCancel();
    grpc::Status status;
    stream_->Finish(&status, nullptr);
    Done();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // The next status that the server tells; nullopt when the stream has ended.
  std::optional<int> Next() {
    grpc::ByteBuffer answer;
    stream_->Read(&answer, nullptr);
    if (!Done()) return std::nullopt;
    grpc::Slice slice;
    EXPECT_TRUE(answer.DumpToSingleSlice(&slice).ok());
    const std::string bytes(reinterpret_cast<const char*>(slice.begin()), slice.size());
    if (bytes.empty()) return 0;
    EXPECT_EQ(bytes.size(), 2u);
    EXPECT_EQ(bytes[0], '\x08');
    return bytes[1];
  }

 private:
  bool Done() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

grpc::Status Call(const std::string& address, v1::ListDefinitionsResponse* response) {
  const auto stub = v1::DefinitionService::NewStub(DialService(address));
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  return stub->ListDefinitions(&context, {}, response);
}

TEST(RunServerTest, IsNotServingUntilReadyAndServingAfterOverallAndByService) {
  ServerConfig config;
  config.drain_time = absl::Milliseconds(100);  // a health watch lasts as long as it may
  RunningServer server(config, /*ready_at_once=*/false);
  HealthWatch overall(server.address(), "");
  HealthWatch by_service(server.address(), "dondoc.v1.DefinitionService");
  EXPECT_EQ(overall.Next(), kNotServing);
  EXPECT_EQ(by_service.Next(), kNotServing);
  server.ready.Come();
  EXPECT_EQ(overall.Next(), kServing);
  EXPECT_EQ(by_service.Next(), kServing);
  EXPECT_EQ(server.Stop(SIGTERM), 0);
}

TEST(RunServerTest, AnswersCallsAndReflection) {
  RunningServer server;
  v1::ListDefinitionsResponse response;
  EXPECT_TRUE(Call(server.address(), &response).ok());
  EXPECT_EQ(response.definitions_size(), 1);
  HealthWatch reflection(server.address(), "grpc.reflection.v1alpha.ServerReflection");
  EXPECT_EQ(reflection.Next(), kServing);
}

TEST(RunServerTest, StopsWithZeroAfterEitherSignalAndCallsStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    RunningServer server;
    EXPECT_FALSE(server.stopped.come());
    EXPECT_EQ(server.Stop(signal), 0);
    EXPECT_TRUE(server.draining.come());
    EXPECT_TRUE(server.stopped.come());
  }
}

TEST(RunServerTest, TellsWatchersThatItIsNotServingWhileDraining) {
  ServerConfig config;
  config.drain_time = absl::Milliseconds(100);
  RunningServer server(config);
  HealthWatch health(server.address(), "");
  int status = 0;
  while ((status = health.Next().value_or(kServing + 100)) == kNotServing) {
  }
  EXPECT_EQ(status, kServing);
  server.Signal(SIGTERM);
  EXPECT_EQ(health.Next(), kNotServing);
  EXPECT_EQ(server.Join(), 0);
}

TEST(RunServerTest, LetsACallUnderWayEndBeforeItStops) {
  RunningServer server;
  server.service.hold = true;
  v1::ListDefinitionsResponse response;
  grpc::Status status;
  std::thread caller([&] { status = Call(server.address(), &response); });
  ASSERT_TRUE(server.service.entered.Wait());
  server.Signal(SIGTERM);
  ASSERT_TRUE(server.draining.Wait());
  EXPECT_FALSE(server.stopped.come());
  server.service.release.Come();
  caller.join();
  EXPECT_EQ(server.Join(), 0);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(server.service.cancelled.come());
}

TEST(RunServerTest, CancelsACallThatOutlivesTheDrainTime) {
  ServerConfig config;
  config.drain_time = absl::Milliseconds(50);
  RunningServer server(config);
  server.service.hold = true;
  v1::ListDefinitionsResponse response;
  grpc::Status status;
  std::thread caller([&] { status = Call(server.address(), &response); });
  ASSERT_TRUE(server.service.entered.Wait());
  EXPECT_EQ(server.Stop(SIGTERM), 0);
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::UNAVAILABLE);
  EXPECT_TRUE(server.service.cancelled.come());
}

TEST(RunServerTest, TakesAnswersBeyondGrpcsOwnLimitAndRefusesRequestsBeyondOurs) {
  ServerConfig config;
  config.message_bytes_max = 1000;
  RunningServer server(config);
  server.service.name_bytes = 20 << 20;
  v1::ListDefinitionsResponse response;
  EXPECT_TRUE(Call(server.address(), &response).ok());
  EXPECT_EQ(response.definitions(0).name().size(), server.service.name_bytes);

  v1::ListDefinitionsRequest request;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(
      99, std::string(static_cast<size_t>(config.message_bytes_max) + 1, 'x'));
  const auto stub = v1::DefinitionService::NewStub(DialService(server.address()));
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  const grpc::Status status = stub->ListDefinitions(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
}

TEST(RunServerTest, ReturnsOneAndNamesAPortThatIsTaken) {
  const RunningServer first;
  log::Start("test", log::Level::kInfo);
  auto metrics = MetricsServer::Start("127.0.0.1:0", "test");
  ASSERT_OK(metrics);
  ServerConfig config;
  config.listen_address = first.address();
  TinyService service;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunServer(config, {&service}, **metrics, BlockShutdownSignals(), {}), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr(absl::StrCat("\"address\":\"", first.address(), "\"")));
}

TEST(RunServerTest, ReturnsOneAndNamesAPortFileItCannotWrite) {
  const TempDir dir;
  log::Start("test", log::Level::kInfo);
  auto metrics = MetricsServer::Start("127.0.0.1:0", "test");
  ASSERT_OK(metrics);
  ServerConfig config;
  config.listen_address = "127.0.0.1:0";
  config.port_file = dir.File("missing/ports");
  TinyService service;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunServer(config, {&service}, **metrics, BlockShutdownSignals(), {}), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(config.port_file));
}

TEST(RunServerTest, LeavesNothingBesideThePortFile) {
  const RunningServer server;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(server.port_file()).parent_path())) {
    EXPECT_EQ(entry.path(), server.port_file());
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST(ServerHooksTest, AreReadyByDefault) { EXPECT_TRUE(ServerHooks().ready()); }

}  // namespace
}  // namespace dondoc
