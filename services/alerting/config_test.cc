#include "services/alerting/config.h"

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

ABSL_DECLARE_FLAG(std::string, mail_domains_allowed);
ABSL_DECLARE_FLAG(std::string, mail_from);
ABSL_DECLARE_FLAG(std::string, mail_redirect_to);

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(ConfigTest, DefaultsAreValid) {
  const absl::FlagSaver saver;
  const auto config = ConfigFromFlags();
  ASSERT_OK(config);
  EXPECT_EQ(config->server.listen_address, "127.0.0.1:9103");
  EXPECT_EQ(config->delivery.mail_from, config->mail.from.address);
  EXPECT_EQ(config->smtp.ehlo_name, "dondoc.invalid");
}

TEST(ConfigTest, NamesTheBadFlagAndItsValue) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"listen", "nowhere"},
      {"metrics_listen", "127.0.0.1:99999"},
      {"ingestion_address", ""},
      {"aggregation_address", "host"},
      {"database", ""},
      {"smtp_address", "127.0.0.1"},
      {"mail_from", "nobody"},
      {"mail_from", "a@b.invalid, c@d.invalid"},
      {"mail_subject_prefix", ""},
      {"mail_subject_prefix", "a\r\nBcc: b@c.invalid"},
      {"office_name", std::string(101, 'x')},
      {"public_url", "javascript:alert(1)"},
      {"mail_redirect_to", "me"},
      {"mail_domains_allowed", "kontum.invalid,b c"},
      {"mail_attempts_max", "0"},
      {"mail_retry_seconds", "0"},
      {"mail_retry_seconds", "nan"},
      {"mail_retry_seconds_max", "1"},
      {"smtp_timeout_seconds", "-1"},
  };
  for (const auto& [name, value] : cases) {
    const absl::FlagSaver saver;
    std::string error;
    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    ASSERT_NE(flag, nullptr) << name;
    ASSERT_TRUE(flag->ParseFrom(value, &error)) << error;
    EXPECT_THAT(ConfigFromFlags(),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("--" + name + "=")))
        << value;
  }
}

TEST(ConfigTest, ReadsMailSettings) {
  const absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_mail_from, "Văn phòng, UBND <dondoc@kontum.invalid>");
  absl::SetFlag(&FLAGS_mail_redirect_to, "trial@office.invalid");
  absl::SetFlag(&FLAGS_mail_domains_allowed, " Office.invalid , kontum.invalid,");
  const auto config = ConfigFromFlags();
  ASSERT_OK(config);
  EXPECT_EQ(config->mail.from.address, "dondoc@kontum.invalid");
  EXPECT_EQ(config->mail.guard.redirect_to, "trial@office.invalid");
  EXPECT_THAT(config->mail.guard.domains, ElementsAre("office.invalid", "kontum.invalid"));
}

TEST(ConfigTest, ARedirectMustBeAllowedItself) {
  const absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_mail_redirect_to, "trial@office.invalid");
  absl::SetFlag(&FLAGS_mail_domains_allowed, "kontum.invalid");
  EXPECT_THAT(ConfigFromFlags(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          StartsWith("--mail_redirect_to='trial@office.invalid'")));
}

}  // namespace
}  // namespace dondoc::alerting
