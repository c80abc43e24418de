#include "gateway/config.h"

#include <string>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "gateway/connection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

ABSL_DECLARE_FLAG(std::string, listen);
ABSL_DECLARE_FLAG(bool, allow_insecure_listen);
ABSL_DECLARE_FLAG(double, header_seconds);
ABSL_DECLARE_FLAG(int64_t, json_body_bytes_max);
ABSL_DECLARE_FLAG(std::string, alerting_address);

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ConfigTest, TakesItsDefaults) {
  const auto config = ConfigFromFlags();
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->options.listen_address, "127.0.0.1:8080");
  EXPECT_GE(config->options.threads, 1);
  EXPECT_EQ(config->limits.header_time, absl::Seconds(30));
}

TEST(ConfigTest, RefusesToListenWhereOthersReachUnlessTold) {
  absl::FlagSaver saver;
  for (const char* address : {"0.0.0.0:8080", "192.168.1.4:80", "[::]:80", "example.vn:80"}) {
    absl::SetFlag(&FLAGS_listen, address);
    absl::SetFlag(&FLAGS_allow_insecure_listen, false);
    EXPECT_THAT(ConfigFromFlags(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--allow_insecure_listen")));
    absl::SetFlag(&FLAGS_allow_insecure_listen, true);
    EXPECT_THAT(ConfigFromFlags(), IsOk());
  }
}

TEST(ConfigTest, KnowsLoopback) {
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.evil:1", ":1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(ConfigTest, RefusesValuesOutOfRangeAndNamesTheFlag) {
  absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_header_seconds, 31);
  EXPECT_THAT(ConfigFromFlags(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--header_seconds=31")));
  absl::SetFlag(&FLAGS_header_seconds, 30);
  absl::SetFlag(&FLAGS_json_body_bytes_max, 0);
  EXPECT_THAT(ConfigFromFlags(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--json_body_bytes_max=0")));
  absl::SetFlag(&FLAGS_json_body_bytes_max, 4096);
  absl::SetFlag(&FLAGS_alerting_address, "nowhere");
  EXPECT_THAT(ConfigFromFlags(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--alerting_address")));
}

TEST(RequestIdTest, TakesOnlyWhatIsSafeEverywhere) {
  for (const char* good : {"a", "abc-123", "A.b_C", "0123456789abcdef0123456789abcdef"}) {
    EXPECT_TRUE(IsRequestId(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\n"),
                                 std::string("é"), std::string("a:b"), std::string(65, 'a')}) {
    EXPECT_FALSE(IsRequestId(bad)) << bad;
  }
}

TEST(SplitTargetTest, TakesOriginAndAbsoluteForms) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const Case& each :
       {Case{"/a/b?c=d", "/a/b", "c=d"}, Case{"/a?", "/a", ""}, Case{"/a?b?c", "/a", "b?c"},
        Case{"http://h/a?b", "/a", "b"}, Case{"HTTPS://h", "/", ""}, Case{"/", "/", ""}}) {
    absl::string_view path;
    absl::string_view query;
    ASSERT_TRUE(SplitTarget(each.target, path, query)) << each.target;
    EXPECT_EQ(path, each.path);
    EXPECT_EQ(query, each.query);
  }
  for (const char* bad : {"", "*", "a", "h:80", "ftp://h/a", "http://h?a"}) {
    absl::string_view path;
    absl::string_view query;
    EXPECT_FALSE(SplitTarget(bad, path, query)) << bad;
  }
}

}  // namespace
}  // namespace dondoc::gateway
