#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

struct redisContext;

namespace dondoc {

// What Redis answered. An error answer is a status, never a RedisReply, except inside an array.
struct RedisReply {
  enum class Kind { kNil, kInteger, kText, kArray, kError };
  Kind kind = Kind::kNil;
  int64_t integer = 0;
  std::string text;  // of kText (bulk and status strings) and kError
  std::vector<RedisReply> elements;
};

// A Lua script with the SHA-1 that EVALSHA names it by.
struct RedisScript {
  explicit RedisScript(std::string lua);
  std::string lua;
  std::string sha1;  // lower-case hex
};

using RedisCommand = std::vector<std::string>;

struct RedisClientOptions {
  std::string host;
  int port = 0;
  // Waits between attempts to connect: doubling from the first to the second, each with jitter.
  absl::Duration backoff_min = absl::Milliseconds(50);
  absl::Duration backoff_max = absl::Seconds(2);
  uint64_t seed = 0;  // of the jitter
};

// One connection to one Redis. Not thread-safe: one client for each thread that talks to Redis, so
// no lock is ever held while waiting for the network.
//
// Every call ends by its deadline, whatever the server does (the socket is non-blocking; host names
// are the exception: they are resolved by getaddrinfo). The connection is made by the first call
// that needs it and, after it broke, by the first call after the backoff.
//   kUnavailable       cannot connect, the connection broke, or Redis cannot serve now (LOADING,
//                      READONLY, MASTERDOWN, …). Before the backoff is over, at once.
//   kDeadlineExceeded  no answer by the deadline; the command may have run.
//   kResourceExhausted Redis is out of memory, or the answer is larger than kRedisReplyBytesMax.
//   kInternal          Redis refused the command; the connection stays usable.
class RedisClient {
 public:
  explicit RedisClient(RedisClientOptions options);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  absl::StatusOr<RedisReply> Call(const RedisCommand& command, absl::Time deadline);

  // Sends all commands, then reads all answers: one round trip. An error answer of one command is a
  // kError reply in its place and does not hide the others.
  absl::StatusOr<std::vector<RedisReply>> Pipeline(absl::Span<const RedisCommand> commands,
                                                   absl::Time deadline);

  // EVALSHA, and EVAL when the server does not know the script (a fresh or flushed one).
  absl::StatusOr<RedisReply> Eval(const RedisScript& script, const std::vector<std::string>& keys,
                                  const std::vector<std::string>& arguments, absl::Time deadline);

 private:
  struct ContextDeleter {
    void operator()(redisContext* context) const;
  };

  absl::Status Connect(absl::Time deadline);
  absl::Status WriteAll(absl::Time deadline);
  absl::StatusOr<RedisReply> ReadOne(absl::Time deadline, size_t& bytes_left);
  // Drops the connection and names why.
  absl::Status Broken(absl::StatusCode code, const std::string& what);

  const RedisClientOptions options_;
  std::mt19937_64 random_;
  std::unique_ptr<redisContext, ContextDeleter> context_;
  absl::Duration backoff_;
  absl::Time next_attempt_ = absl::InfinitePast();
};

inline constexpr size_t kRedisReplyBytesMax = 64 << 20;
inline constexpr size_t kRedisPipelineCommandsMax = 10000;

// "host:port" or "[::1]:port". kInvalidArgument names the text.
absl::StatusOr<RedisClientOptions> ParseRedisAddress(const std::string& address);

}  // namespace dondoc
