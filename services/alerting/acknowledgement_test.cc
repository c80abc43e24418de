#include "services/alerting/acknowledgement.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"

namespace dondoc::alerting {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AcknowledgementTest, SignsAsRfc4231Does) {
  EXPECT_EQ(absl::BytesToHexString(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(AcknowledgementTest, ATokenIsForOneReminderUnderOneKey) {
  const std::string token = AcknowledgementToken("key", "r1");
  EXPECT_TRUE(IsAcknowledgementToken("key", "r1", token));
  EXPECT_FALSE(IsAcknowledgementToken("key", "r2", token));
  EXPECT_FALSE(IsAcknowledgementToken("other", "r1", token));
  EXPECT_FALSE(IsAcknowledgementToken("key", "r1", ""));
  EXPECT_FALSE(IsAcknowledgementToken("key", "r1", token.substr(1)));
  EXPECT_FALSE(IsAcknowledgementToken("", "r1", AcknowledgementToken("", "r1")));
}

TEST(AcknowledgementTest, ThePageAsksAndThenThanks) {
  const std::string asks = AcknowledgementPage("<b>Sở</b>", "abc", /*done=*/false);
  EXPECT_THAT(asks, HasSubstr("&lt;b&gt;Sở&lt;/b&gt;"));
  EXPECT_THAT(asks, HasSubstr("method=\"post\" action=\"?token=abc\""));
  const std::string thanks = AcknowledgementPage("Sở", "", /*done=*/true);
  EXPECT_THAT(thanks, HasSubstr("Đã ghi nhận"));
  EXPECT_THAT(thanks, Not(HasSubstr("<form")));
}

}  // namespace
}  // namespace dondoc::alerting
