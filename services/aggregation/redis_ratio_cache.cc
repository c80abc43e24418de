#include "services/aggregation/redis_ratio_cache.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

// KEYS: the hash. ARGV: ledger_id, sequence, life in ms, channel, fields × 2, then field, value, ….
// Answers 2 = written, 1 = the same position was there, 0 = a newer one is.
//
// Sequences are compared as decimal texts, first by length: Lua's numbers are doubles. "The same
// position" is believed only with as many fields as ours has, so that a hash somebody pruned by
// hand is written again. The rest is cut into pieces because unpack() is limited by Lua's C stack.
constexpr char kPublishScript[] = R"lua(
local held = redis.call('HMGET', KEYS[1], 'ledger_id', 'sequence')
local ledger, sequence = ARGV[1], ARGV[2]
if held[1] == ledger and held[2] then
  local a, b = held[2], sequence
  if string.match(a, '^%d+$') then
    if #a > #b or (#a == #b and a > b) then return 0 end
    if a == b and redis.call('HLEN', KEYS[1]) * 2 == tonumber(ARGV[5]) then
      redis.call('PEXPIRE', KEYS[1], ARGV[3])
      return 1
    end
  end
end
redis.call('DEL', KEYS[1])
for first = 6, #ARGV, 2000 do
  redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + 1999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], KEYS[1] .. ' ' .. ledger .. ' ' .. sequence)
return 2
)lua";

}  // namespace

RedisRatioCache::RedisRatioCache(RedisClientOptions options, std::string prefix,
                                 absl::Duration call_timeout)
    : client_(std::move(options)),
      prefix_(std::move(prefix)),
      call_timeout_(call_timeout),
      script_(kPublishScript) {}

absl::StatusOr<RatioCache::Outcome> RedisRatioCache::Publish(const PublishedWindow& window,
                                                             absl::Duration ttl) {
  std::vector<std::string> arguments = {
      window.ledger_id, absl::StrCat(window.sequence), absl::StrCat(absl::ToInt64Milliseconds(ttl)),
      absl::StrCat(prefix_, ":ratio:changed"), absl::StrCat(window.fields.size() * 2)};
  arguments.reserve(arguments.size() + window.fields.size() * 2);
  for (const auto& [field, value] : window.fields) {
    arguments.push_back(field);
    arguments.push_back(value);
  }
  ASSIGN_OR_RETURN(const RedisReply reply,
                   client_.Eval(script_, {absl::StrCat(prefix_, ":ratio:{", window.key, "}")},
                                arguments, absl::Now() + call_timeout_));
  if (reply.kind == RedisReply::Kind::kInteger) {
    if (reply.integer == 2) return Outcome::kWritten;
    if (reply.integer == 1) return Outcome::kSame;
    if (reply.integer == 0) return Outcome::kHeldNewer;
  }
  return absl::InternalError("redis: the script answered something else");
}

}  // namespace dondoc::aggregation
