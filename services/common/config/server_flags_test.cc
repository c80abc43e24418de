#include "services/common/config/server_flags.h"

#include <limits>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(CheckAddressTest, TakesHostsAndAddressesWithAPort) {
  for (const char* const address :
       {"127.0.0.1:9101", "localhost:0", "0.0.0.0:65535", "[::1]:9101", "[::]:0",
        "[::ffff:10.0.0.1]:80", "ingestion.dondoc.svc.cluster.local:9101", "my_host-1:1"}) {
    EXPECT_OK(CheckAddress("listen", address)) << address;
  }
}

TEST(CheckAddressTest, RefusesEverythingElseAndNamesTheFlagAndTheValue) {
  for (const char* const address : {"",
                                    ":",
                                    "localhost",
                                    "localhost:",
                                    ":9101",
                                    "localhost:65536",
                                    "localhost:999999",
                                    "localhost:-1",
                                    "localhost:+1",
                                    "localhost: 1",
                                    "localhost:1 ",
                                    "localhost:http",
                                    "http://localhost:80",
                                    "::1:9101",
                                    "[::1]",
                                    "[]:1",
                                    "[::1:1",
                                    "[:1",
                                    "[host]:1",
                                    "a b:1",
                                    "a/b:1",
                                    "a\n:1",
                                    "host:１",
                                    "unix:/tmp/x"}) {
    EXPECT_THAT(CheckAddress("redis_address", address),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("--redis_address='")))
        << address;
  }
  EXPECT_THAT(CheckAddress("listen", std::string(254, 'a') + ":1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host")));
  EXPECT_THAT(CheckAddress("listen", "localhost:99999"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "--listen='localhost:99999': the port is not a number from 0 to 65535"));
}

TEST(ServerConfigTest, TakesTheFlags) {
  const absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_drain_seconds, 0.25);
  absl::SetFlag(&FLAGS_port_file, "/run/ports");
  absl::SetFlag(&FLAGS_log_level, "error");
  const absl::StatusOr<ServerConfig> config = ServerConfigFromFlags("ingestion", "127.0.0.1:0");
  ASSERT_OK(config);
  EXPECT_EQ(config->service, "ingestion");
  EXPECT_EQ(config->listen_address, "127.0.0.1:0");
  EXPECT_EQ(config->drain_time, absl::Milliseconds(250));
  EXPECT_EQ(config->port_file, "/run/ports");
}

TEST(ServerConfigTest, NamesABadFlag) {
  const absl::FlagSaver saver;
  EXPECT_THAT(ServerConfigFromFlags("x", "nowhere"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--listen='nowhere'")));
  absl::SetFlag(&FLAGS_log_level, "loud");
  EXPECT_THAT(ServerConfigFromFlags("x", "127.0.0.1:0"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--log_level='loud'"), HasSubstr("debug, info"))));
  absl::SetFlag(&FLAGS_log_level, "info");
  for (const double bad : {-1.0, 601.0, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    absl::SetFlag(&FLAGS_drain_seconds, bad);
    EXPECT_THAT(ServerConfigFromFlags("x", "127.0.0.1:0"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--drain_seconds=")))
        << bad;
  }
}

TEST(ClockFromFlagsTest, TakesTheFlags) {
  const absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_now, "2023-11-21T09:00:00+07:00");
  const absl::StatusOr<std::unique_ptr<Clock>> clock = ClockFromFlags();
  ASSERT_OK(clock);
  EXPECT_EQ(DayOf((*clock)->Now()), absl::CivilDay(2023, 11, 21));
  absl::SetFlag(&FLAGS_now, "21/11/2023");
  EXPECT_THAT(ClockFromFlags(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--now: '21/11/2023'")));
}

}  // namespace
}  // namespace dondoc
