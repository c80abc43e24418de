#include "services/common/redis/redis_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/redis/testing/redis_server.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::RedisServer;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

// Calls until the connection is there again.
absl::StatusOr<RedisReply> CallPatiently(RedisClient& client, const RedisCommand& command) {
  const absl::Time deadline = Soon();
  absl::StatusOr<RedisReply> reply = client.Call(command, deadline);
  while (!reply.ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
    reply = client.Call(command, deadline);
  }
  return reply;
}

TEST(RedisClientTest, KeepsBytesAsTheyAre) {
  RedisServer server;
  RedisClient client(server.options());
  const std::string bytes("a\0b\r\n\xff %s", 9);
  ASSERT_OK(client.Call({"SET", bytes, bytes}, Soon()));
  const auto reply = client.Call({"GET", bytes}, Soon());
  ASSERT_OK(reply);
  EXPECT_EQ(reply->kind, RedisReply::Kind::kText);
  EXPECT_EQ(reply->text, bytes);
  EXPECT_EQ(client.Call({"GET", "nothing"}, Soon())->kind, RedisReply::Kind::kNil);
  EXPECT_EQ(client.Call({"EXISTS", bytes}, Soon())->integer, 1);
}

TEST(RedisClientTest, GoesOnAfterAnErrorAnswer) {
  RedisServer server;
  RedisClient client(server.options());
  ASSERT_OK(client.Call({"SET", "key", "text"}, Soon()));
  EXPECT_THAT(client.Call({"HGET", "key", "field"}, Soon()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("WRONGTYPE")));
  EXPECT_EQ(client.Call({"GET", "key"}, Soon())->text, "text");
}

TEST(RedisClientTest, APipelineAnswersEachCommandInItsPlace) {
  RedisServer server;
  RedisClient client(server.options());
  const std::vector<RedisCommand> commands = {
      {"SET", "key", "1"}, {"HGET", "key", "field"}, {"INCR", "key"}, {"LRANGE", "no", "0", "1"}};
  const auto replies = client.Pipeline(commands, Soon());
  ASSERT_OK(replies);
  ASSERT_EQ(replies->size(), 4u);
  EXPECT_EQ((*replies)[0].text, "OK");
  EXPECT_EQ((*replies)[1].kind, RedisReply::Kind::kError);
  EXPECT_EQ((*replies)[2].integer, 2);
  EXPECT_EQ((*replies)[3].kind, RedisReply::Kind::kArray);
  EXPECT_THAT(client.Pipeline(std::vector<RedisCommand>(kRedisPipelineCommandsMax + 1), Soon()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("limit 10000")));
}

TEST(RedisClientTest, SendsAScriptAgainWhenTheServerForgotIt) {
  RedisServer server;
  RedisClient client(server.options());
  const RedisScript script("return {KEYS[1], ARGV[1], 7}");
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.Eval(script, {"k"}, {"a"}, Soon());
    ASSERT_OK(reply);
    ASSERT_EQ(reply->elements.size(), 3u);
    EXPECT_EQ(reply->elements[0].text, "k");
    EXPECT_EQ(reply->elements[1].text, "a");
    EXPECT_EQ(reply->elements[2].integer, 7);
    ASSERT_OK(client.Call({"SCRIPT", "FLUSH"}, Soon()));
  }
  EXPECT_THAT(client.Eval(RedisScript("return redis.call('NOPE')"), {}, {}, Soon()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("redis: ")));
}

TEST(RedisClientTest, AStoppedServerCostsTheDeadlineAndItsLateAnswerIsNeverTaken) {
  RedisServer server;
  RedisClient client(server.options());
  ASSERT_OK(client.Call({"SET", "first", "1"}, Soon()));
  ASSERT_OK(client.Call({"SET", "second", "2"}, Soon()));
  server.Stop();
  const absl::Time start = absl::Now();
  EXPECT_THAT(client.Call({"GET", "first"}, start + absl::Milliseconds(200)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("in time")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  server.Continue();
  const auto reply = CallPatiently(client, {"GET", "second"});
  ASSERT_OK(reply);
  EXPECT_EQ(reply->text, "2");
}

TEST(RedisClientTest, APausedServerCostsTheDeadline) {
  RedisServer server;
  RedisClient client(server.options());
  ASSERT_OK(client.Call({"CLIENT", "PAUSE", "60000"}, Soon()));
  EXPECT_THAT(client.Call({"GET", "x"}, absl::Now() + absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("in time")));
}

TEST(RedisClientTest, ComesBackAfterTheServerWasKilled) {
  RedisServer server;
  RedisClient client(server.options());
  ASSERT_OK(client.Call({"PING"}, Soon()));
  server.Kill();
  EXPECT_THAT(client.Call({"PING"}, Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(absl::StrCat(server.port()))));
  server.Restart();
  EXPECT_OK(CallPatiently(client, {"PING"}));
}

TEST(RedisClientTest, DoesNotTryToConnectAgainBeforeTheBackoffIsOver) {
  RedisClientOptions options;
  options.host = "127.0.0.1";
  options.port = dondoc::testing::FreePort();
  options.backoff_min = absl::Hours(1);
  options.backoff_max = absl::Hours(1);
  RedisClient client(options);
  EXPECT_THAT(client.Call({"PING"}, Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("refused")));
  EXPECT_THAT(client.Call({"PING"}, Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("next attempt in")));
}

// A server that takes the connection and then says one byte now and then must not stretch a call.
TEST(RedisClientTest, ATricklingServerCannotStretchTheDeadline) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  RedisClientOptions options;
  options.host = "127.0.0.1";
  options.port = ntohs(address.sin_port);
  RedisClient client(options);
  std::thread trickle([listener] {
    const int fd = accept(listener, nullptr, nullptr);
    if (send(fd, "$1000\r\n", 7, MSG_NOSIGNAL) > 0) {
      while (send(fd, "x", 1, MSG_NOSIGNAL) > 0) absl::SleepFor(absl::Milliseconds(10));
    }
    close(fd);
  });
  const absl::Time start = absl::Now();
  EXPECT_THAT(client.Call({"GET", "x"}, start + absl::Milliseconds(150)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("in time")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  trickle.join();
  close(listener);
}

TEST(RedisClientTest, RefusesAnAnswerThatIsTooLarge) {
  RedisServer server;
  RedisClient client(server.options());
  ASSERT_OK(client.Call({"SETRANGE", "big", absl::StrCat(kRedisReplyBytesMax), "x"}, Soon()));
  EXPECT_THAT(client.Call({"GET", "big"}, Soon() + absl::Seconds(50)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("larger than")));
}

TEST(RedisAddressTest, ReadsHostAndPort) {
  EXPECT_EQ(ParseRedisAddress("localhost:6379")->port, 6379);
  EXPECT_EQ(ParseRedisAddress("[::1]:6379")->host, "::1");
  for (const std::string bad :
       {"", "localhost", ":6379", "localhost:", "localhost:0", "h:65536", "h:x"}) {
    EXPECT_THAT(ParseRedisAddress(bad), StatusIs(absl::StatusCode::kInvalidArgument,
                                                 absl::StrCat("'", bad, "' is not host:port")));
  }
}

}  // namespace
}  // namespace dondoc
