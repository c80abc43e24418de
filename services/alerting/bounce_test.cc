#include "services/alerting/bounce.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

// As Postfix writes it.
constexpr char kPostfix[] = R"mail(From: MAILER-DAEMON@mx.invalid (Mail Delivery System)
To: dondoc@kontum.invalid
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B/mx"

--B/mx
Content-Type: text/plain

I'm sorry to have to inform you ...

--B/mx
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.invalid
X-Postfix-Queue-ID: 4F1
Arrival-Date: Tue, 21 Nov 2023 09:00:00 +0700 (+07)

Final-Recipient: rfc822; so-tu-phap@x.invalid
Original-Recipient: rfc822;stp@x.invalid
Action: failed
Status: 5.1.1 (bad destination mailbox)
Remote-MTA: dns; mail.x.invalid
Diagnostic-Code: smtp; 550 5.1.1 <so-tu-phap@x.invalid>: Recipient address
    rejected: User unknown

--B/mx
Content-Description: Undelivered Message Headers
Content-Type: RETURNED

Return-Path: <dondoc@kontum.invalid>
Message-ID: <abc123@kontum.invalid>
Subject: x

--B/mx--
)mail";

std::string Postfix(absl::string_view returned) {
  return absl::StrReplaceAll(kPostfix, {{"RETURNED", returned}, {"\n", "\r\n"}});
}

TEST(BounceTest, ReadsWhatPostfixSaysWhateverItReturnsOfTheMessage) {
  for (const char* returned : {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}) {
    SCOPED_TRACE(returned);
    const auto notification = ParseNotification(Postfix(returned));
    ASSERT_OK(notification);
    EXPECT_EQ(notification->message_id, "abc123@kontum.invalid");
    ASSERT_EQ(notification->reports.size(), 1u);
    const DeliveryReport& report = notification->reports[0];
    EXPECT_EQ(report.recipient, "stp@x.invalid");
    EXPECT_EQ(report.final_recipient, "so-tu-phap@x.invalid");
    EXPECT_EQ(report.action, "failed");
    EXPECT_EQ(report.status, "5.1.1");
    EXPECT_EQ(report.diagnostic,
              "550 5.1.1 <so-tu-phap@x.invalid>: Recipient address rejected: User unknown");
  }
}

TEST(BounceTest, ReadsEveryRecipientUpToTheLimit) {
  std::string groups;
  for (int i = 0; i < 300; ++i) {
    absl::StrAppend(&groups, "Final-Recipient: rfc822; u", i,
                    "@x.invalid\nAction: delayed\nStatus: 4.4.1\n\n");
  }
  const std::string message =
      absl::StrReplaceAll(kPostfix, {{"Reporting-MTA: dns; mx.invalid\n", groups}});
  const auto notification = ParseNotification(message);
  ASSERT_OK(notification);
  EXPECT_EQ(notification->reports.size(), static_cast<size_t>(kNotificationRecipientsMax));
  EXPECT_EQ(notification->reports[7].recipient, "u7@x.invalid");
}

TEST(BounceTest, WhatIsNoNotificationIsRefused) {
  for (const std::string message :
       {"", "\r\n", "Subject: vắng mặt\r\n\r\nTôi đi vắng.\r\n",
        "From: a\r\nContent-Type: "
        "multipart/report; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n"}) {
    EXPECT_THAT(ParseNotification(message),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("delivery-status")));
  }
}

TEST(BounceTest, HostileInputIsBounded) {
  EXPECT_THAT(ParseNotification(std::string(kNotificationBytesMax + 1, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("limit 1048576")));
  std::string nested;
  for (int i = 0; i < 5000; ++i) {
    absl::StrAppend(&nested, "Content-Type: multipart/mixed; boundary=b", i, "\r\n\r\n--b", i,
                    "\r\n");
  }
  EXPECT_THAT(ParseNotification(nested),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than 50 parts")));
}

TEST(BounceTest, ValuesThatAreNotWhatTheyShouldBeAreLeftEmptyAndControlsAreShown) {
  const std::string message =
      absl::StrReplaceAll(kPostfix, {{"rfc822;stp@x.invalid", "rfc822;not an address"},
                                     {"rfc822; so-tu-phap@x.invalid", "local; root"},
                                     {"Status: 5.1.1 (bad destination mailbox)", "Status: 5.one.1"},
                                     {"550 5.1.1", "550\x01\xff"}});
  const auto notification = ParseNotification(message);
  ASSERT_OK(notification);
  const DeliveryReport& report = notification->reports.at(0);
  EXPECT_EQ(report.recipient, "");
  EXPECT_EQ(report.status, "");
  EXPECT_THAT(report.diagnostic, ::testing::StartsWith("550??"));
}

TEST(BounceTest, OnlyAMailboxThatIsNotThereStopsMail) {
  for (const char* dead : {"5.1.1", "5.1.2", "5.1.10", "5.1.6", "5.2.1"}) {
    EXPECT_TRUE(MeansNoMailbox(dead)) << dead;
  }
  for (const char* alive :
       {"5.2.2", "5.7.1", "4.1.1", "5.1.8", "5.1.7", "5.0.0", "", "5.1", "5.1.x"}) {
    EXPECT_FALSE(MeansNoMailbox(alive)) << alive;
  }
}

}  // namespace
}  // namespace dondoc::alerting
