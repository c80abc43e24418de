#include "services/common/redis/redis_client.h"

#include <hiredis/hiredis.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/status/macros.h"

namespace dondoc {
namespace {

// hiredis reads at most this much at once (hiredis 0.14, redisBufferRead).
constexpr size_t kReadBytes = 16 * 1024;

// Waits until `fd` allows `events`. kDeadlineExceeded when `deadline` passes first.
absl::Status WaitFor(int fd, short events, absl::Time deadline) {
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("no answer in time");
    const int64_t left_ms = std::min<int64_t>(
        absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))), 60'000);
    pollfd waiting = {fd, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left_ms));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) {
      return absl::UnavailableError(absl::StrCat("poll: ", strerror(errno)));
    }
  }
}

RedisReply Convert(const redisReply& reply) {
  RedisReply converted;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      converted.kind = RedisReply::Kind::kInteger;
      converted.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      converted.kind = RedisReply::Kind::kText;
      converted.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ERROR:
      converted.kind = RedisReply::Kind::kError;
      converted.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ARRAY:
      converted.kind = RedisReply::Kind::kArray;
      converted.elements.reserve(reply.elements);
      for (size_t i = 0; i < reply.elements; ++i) {
        converted.elements.push_back(Convert(*reply.element[i]));
      }
      break;
    default:
      break;
  }
  return converted;
}

// An error answer says in its first word what kind it is.
absl::Status StatusOfError(const std::string& text) {
  for (const char* word : {"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY",
                           "MISCONF", "NOREPLICAS"}) {
    if (absl::StartsWith(text, word)) return absl::UnavailableError(absl::StrCat("redis: ", text));
  }
  if (absl::StartsWith(text, "OOM")) {
    return absl::ResourceExhaustedError(absl::StrCat("redis: ", text));
  }
  return absl::InternalError(absl::StrCat("redis: ", text));
}

std::string Sha1Hex(const std::string& text) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace

RedisScript::RedisScript(std::string lua_text) : lua(std::move(lua_text)), sha1(Sha1Hex(lua)) {}

void RedisClient::ContextDeleter::operator()(redisContext* context) const { redisFree(context); }

RedisClient::RedisClient(RedisClientOptions options)
    : options_(std::move(options)), random_(options_.seed), backoff_(options_.backoff_min) {}

RedisClient::~RedisClient() = default;

absl::Status RedisClient::Broken(absl::StatusCode code, const std::string& what) {
  // After any error a hiredis context is dead until it is reconnected; a late answer of this call
  // must never be taken for the answer of the next one. So it goes.
  context_.reset();
  return absl::Status(code, absl::StrCat("redis ", options_.host, ":", options_.port, ": ", what));
}

absl::Status RedisClient::Connect(absl::Time deadline) {
  if (context_ != nullptr) return absl::OkStatus();
  const absl::Time now = absl::Now();
  if (now < next_attempt_) {
    return absl::UnavailableError(absl::StrCat("redis ", options_.host, ":", options_.port,
                                               ": not connected, next attempt in ",
                                               absl::FormatDuration(next_attempt_ - now)));
  }
  // Until proven otherwise this attempt fails, on every way out of this function.
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  next_attempt_ = now + backoff_ * jitter(random_);
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);

  context_.reset(redisConnectNonBlock(options_.host.c_str(), options_.port));
  if (context_ == nullptr) return Broken(absl::StatusCode::kUnavailable, "no memory");
  if (context_->err != 0) return Broken(absl::StatusCode::kUnavailable, context_->errstr);
  if (absl::Status status = WaitFor(context_->fd, POLLOUT, deadline); !status.ok()) {
    return Broken(status.code(), "connecting: no answer in time");
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return Broken(absl::StatusCode::kUnavailable, strerror(error));
  backoff_ = options_.backoff_min;
  next_attempt_ = absl::InfinitePast();
  return absl::OkStatus();
}

absl::Status RedisClient::WriteAll(absl::Time deadline) {
  int done = 0;
  while (true) {
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
      return Broken(absl::StatusCode::kUnavailable, context_->errstr);
    }
    if (done != 0) return absl::OkStatus();
    if (absl::Status status = WaitFor(context_->fd, POLLOUT, deadline); !status.ok()) {
      return Broken(status.code(), std::string(status.message()));
    }
  }
}

absl::StatusOr<RedisReply> RedisClient::ReadOne(absl::Time deadline, size_t& bytes_left) {
  while (true) {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) {
      return Broken(absl::StatusCode::kUnavailable, context_->errstr);
    }
    if (raw != nullptr) {
      const std::unique_ptr<void, void (*)(void*)> owner(raw, freeReplyObject);
      return Convert(*static_cast<redisReply*>(raw));
    }
    if (bytes_left < kReadBytes) {
      return Broken(absl::StatusCode::kResourceExhausted,
                    absl::StrCat("answer larger than ", kRedisReplyBytesMax, " bytes"));
    }
    if (absl::Status status = WaitFor(context_->fd, POLLIN, deadline); !status.ok()) {
      return Broken(status.code(), std::string(status.message()));
    }
    if (redisBufferRead(context_.get()) != REDIS_OK) {
      return Broken(absl::StatusCode::kUnavailable, context_->errstr);
    }
    bytes_left -= kReadBytes;
  }
}

absl::StatusOr<std::vector<RedisReply>> RedisClient::Pipeline(
    absl::Span<const RedisCommand> commands, absl::Time deadline) {
  if (commands.size() > kRedisPipelineCommandsMax) {
    return absl::InvalidArgumentError(absl::StrCat("pipeline: ", commands.size(),
                                                   " commands, limit ", kRedisPipelineCommandsMax));
  }
  RETURN_IF_ERROR(Connect(deadline));
  for (const RedisCommand& command : commands) {
    std::vector<const char*> words;
    std::vector<size_t> sizes;
    words.reserve(command.size());
    sizes.reserve(command.size());
    for (const std::string& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(),
                               sizes.data()) != REDIS_OK) {
      return Broken(absl::StatusCode::kUnavailable, context_->errstr);
    }
  }
  RETURN_IF_ERROR(WriteAll(deadline));
  size_t bytes_left = kRedisReplyBytesMax;
  std::vector<RedisReply> replies;
  replies.reserve(commands.size());
  for (size_t i = 0; i < commands.size(); ++i) {
    ASSIGN_OR_RETURN(RedisReply reply, ReadOne(deadline, bytes_left));
    replies.push_back(std::move(reply));
  }
  return replies;
}

absl::StatusOr<RedisReply> RedisClient::Call(const RedisCommand& command, absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<RedisReply> replies,
                   Pipeline(absl::MakeConstSpan(&command, 1), deadline));
  if (replies[0].kind == RedisReply::Kind::kError) return StatusOfError(replies[0].text);
  return std::move(replies[0]);
}

absl::StatusOr<RedisReply> RedisClient::Eval(const RedisScript& script,
                                             const std::vector<std::string>& keys,
                                             const std::vector<std::string>& arguments,
                                             absl::Time deadline) {
  RedisCommand command = {"EVALSHA", script.sha1, absl::StrCat(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  ASSIGN_OR_RETURN(std::vector<RedisReply> replies,
                   Pipeline(absl::MakeConstSpan(&command, 1), deadline));
  if (replies[0].kind != RedisReply::Kind::kError) return std::move(replies[0]);
  if (!absl::StartsWith(replies[0].text, "NOSCRIPT")) return StatusOfError(replies[0].text);
  command[0] = "EVAL";
  command[1] = script.lua;
  return Call(command, deadline);
}

absl::StatusOr<RedisClientOptions> ParseRedisAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  RedisClientOptions options;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &options.port) || options.port < 1 ||
      options.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not host:port"));
  }
  options.host = address.substr(0, colon);
  if (options.host.size() > 2 && options.host.front() == '[' && options.host.back() == ']') {
    options.host = options.host.substr(1, options.host.size() - 2);
  }
  return options;
}

}  // namespace dondoc
