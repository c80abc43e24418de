#include "services/ingestion/config.h"

#include <limits>
#include <string>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "gmock/gmock.h"
#include "services/common/config/server_flags.h"
#include "services/common/testing/status_matchers.h"

ABSL_DECLARE_FLAG(std::string, listen);
ABSL_DECLARE_FLAG(std::string, metrics_listen);
ABSL_DECLARE_FLAG(std::string, data_dir);
ABSL_DECLARE_FLAG(std::string, province);
ABSL_DECLARE_FLAG(int64_t, import_bytes_max);
ABSL_DECLARE_FLAG(double, feed_stall_seconds);

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ConfigTest, TheDefaultsNeedOnlyAFolder) {
  const absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_data_dir, "/somewhere");
  const absl::StatusOr<Config> config = ConfigFromFlags();
  ASSERT_OK(config);
  EXPECT_EQ(config->server.listen_address, "127.0.0.1:9101");
  EXPECT_EQ(config->metrics_address, "127.0.0.1:9201");
  EXPECT_EQ(config->data_dir, "/somewhere");
  EXPECT_EQ(config->imports.province, "Kon Tum");
  EXPECT_NE(config->clock, nullptr);
}

TEST(ConfigTest, BadFlagsAreRefusedWithTheirName) {
  const struct {
    void (*set)();
    const char* message;
  } kCases[] = {
      {[] { absl::SetFlag(&FLAGS_data_dir, ""); }, "--data_dir"},
      {[] { absl::SetFlag(&FLAGS_listen, "9101"); }, "--listen='9101'"},
      {[] { absl::SetFlag(&FLAGS_listen, "127.0.0.1:70000"); }, "--listen="},
      {[] { absl::SetFlag(&FLAGS_metrics_listen, ":9201"); }, "--metrics_listen=':9201'"},
      {[] { absl::SetFlag(&FLAGS_import_bytes_max, 0); }, "--import_bytes_max=0"},
      {[] { absl::SetFlag(&FLAGS_feed_stall_seconds, 0); }, "--feed_stall_seconds=0"},
      {[] { absl::SetFlag(&FLAGS_feed_stall_seconds, std::numeric_limits<double>::quiet_NaN()); },
       "--feed_stall_seconds=nan"},
      {[] { absl::SetFlag(&FLAGS_province, "\xFF"); }, "--province="},
      {[] { absl::SetFlag(&FLAGS_log_level, "loud"); }, "--log_level='loud'"},
      {[] { absl::SetFlag(&FLAGS_now, "hôm nay"); }, "now"},
      {[] { absl::SetFlag(&FLAGS_now_file, "/no/such/file"); }, "now_file"},
      {[] { absl::SetFlag(&FLAGS_drain_seconds, -1); }, "--drain_seconds=-1"},
  };
  for (const auto& each : kCases) {
    const absl::FlagSaver saver;
    absl::SetFlag(&FLAGS_data_dir, "/somewhere");
    each.set();
    EXPECT_THAT(ConfigFromFlags(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.message)));
  }
}

}  // namespace
}  // namespace dondoc::ingestion
