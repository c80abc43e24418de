// Random damage to good input: whatever comes in, the parsers answer, never crash, and what they
// take is what strict JSON allows. The seed is printed; TEST_SEED gives one back.

#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "gateway/json_reader.h"
#include "gateway/json_text.h"
#include "gateway/json_writer.h"
#include "gateway/path_template.h"
#include "gateway/query.h"
#include "gateway/routes.h"
#include "gateway/testing/kitchen_sink.h"
#include "gateway/transcoder.h"
#include "gateway/upstream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;

constexpr int kRounds = 20000;

std::uint64_t Seed() {
  std::uint64_t seed = std::random_device{}();
  if (const char* given = std::getenv("TEST_SEED")) {
    EXPECT_TRUE(absl::SimpleAtoi(given, &seed)) << given;
  }
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  std::printf("seed %s (TEST_SEED)\n", std::to_string(seed).c_str());
  return seed;
}

// Some bytes of `text` removed, doubled, changed or swapped for a telling one.
std::string Damaged(std::string text, std::mt19937_64& random) {
  static constexpr char kTellingBytes[] = "{}[]\",:\\'/%&=+.0-eEu \n\0\xff\xed\xa0\xe1\xbb";
  static const std::string kTelling(kTellingBytes, sizeof kTellingBytes - 1);
  const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  for (std::size_t damages = pick(4); damages > 0 && !text.empty(); --damages) {
    const std::size_t at = pick(text.size());
    switch (pick(5)) {
      case 0:
        text.erase(at, 1 + pick(4));
        break;
      case 1:
        text.insert(at, 1, kTelling[pick(kTelling.size())]);
        break;
      case 2:
        text[at] = kTelling[pick(kTelling.size())];
        break;
      case 3:
        text[at] = static_cast<char>(random());
        break;
      default:
        text.insert(at, text.substr(pick(text.size()), pick(12)));
    }
  }
  return text;
}

TEST(MutationTest, JsonThatIsTakenIsStrictAndKeepsItsMeaning) {
  testing::KitchenSink sink;
  std::mt19937_64 random(Seed());
  const std::vector<std::string> bodies = {
      R"({"name":"Thủ tục","count":-5,"big_count":"12","yes":true,"share":0.5,"colour":"red"})",
      R"({"inner":{"inner":{"names":["a","b"]}},"inners":[{},{"time":"2023-11-21T09:00:00Z"}]})",
      R"({"cells":{"a":"1"},"boxes":{"7":{"maybe":0}},"wrapped":null,"took":"3.5s","left":"\u00e9"})",
  };
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string body =
        Damaged(bodies[static_cast<std::size_t>(round) % bodies.size()], random);
    auto message = sink.New();
    const absl::Status status = ReadJson(body, nullptr, *message);
    if (!status.ok()) {
      ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << body;
      continue;
    }
    ++taken;
    boost::system::error_code error;
    boost::json::parse(body, error);
    ASSERT_FALSE(error) << body;
    std::string written;
    WriteJson(*message, written);
    auto again = sink.New();
    ASSERT_THAT(ReadJson(written, nullptr, *again), IsOk()) << body << "\n" << written;
    ASSERT_EQ(again->DebugString(), message->DebugString()) << body;
  }
  // A quarter or so is not damaged at all.
  EXPECT_GT(taken, kRounds / 10);
}

TEST(MutationTest, PathsAndQueriesAreAlwaysAnswered) {
  auto table = RouteTable::Build(LinkedServices(), UpstreamOf,
                                 *google::protobuf::MessageFactory::generated_factory());
  ASSERT_THAT(table, IsOk());
  std::mt19937_64 random(Seed());
  const std::vector<std::string> targets = {
      "/v1/units/kontum.so-y-te/ratio?from=2023-01-01&to=2023-11-15&target_percent=50",
      "/v1/imports/i-1:apply?confirm_withdrawals=true",
      "/v1/dossiers?unit_id=a&known_at=2023-11-21T09:00:00%2B07:00&channel=online&page_size=10",
      "/v1/imports?filename=b%C3%A1o.csv&covers_unit_ids=a&covers_unit_ids=b",
  };
  for (int round = 0; round < kRounds; ++round) {
    const std::string target =
        Damaged(targets[static_cast<std::size_t>(round) % targets.size()], random);
    const std::size_t question = target.find('?');
    const std::string path = target.substr(0, question);
    const std::string query = question == std::string::npos ? "" : target.substr(question + 1);
    const RouteMatch match = table->Match(round % 2 == 0 ? "GET" : "POST", path);
    if (match.route == nullptr) continue;
    ASSERT_EQ(match.values.size(), match.route->path.variables.size()) << target;
    const auto request = BindUrl(*match.route, match.values, query);
    if (request.ok()) {
      ASSERT_TRUE(IsUtf8((*request)->DebugString()));
    } else {
      ASSERT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument) << target;
    }
  }
}

TEST(MutationTest, TemplatesAreTakenOrRefused) {
  std::mt19937_64 random(Seed());
  for (int round = 0; round < kRounds; ++round) {
    const auto parsed = PathTemplate::Parse(Damaged("/v1/{name=a/*/**}/b/{x.y}:verb", random));
    if (!parsed.ok()) {
      ASSERT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    ASSERT_FALSE(parsed->segments.empty());
    for (const auto& variable : parsed->variables) {
      ASSERT_LT(variable.first, variable.last);
      ASSERT_LE(variable.last, parsed->segments.size());
    }
  }
}

}  // namespace
}  // namespace dondoc::gateway
