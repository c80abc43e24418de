#include "services/alerting/message_writer.h"

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/alerting/testing/python.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::alerting::testing::ParseMail;
using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = StartOf(absl::CivilDay(2023, 12, 13)) + absl::Hours(8);

v1::Flag FlagOf(const std::string& name, v1::Level::Value level, int64_t online, int64_t total,
                const std::string& percent, bool flagged) {
  v1::Flag flag;
  flag.set_unit_id(name);
  flag.set_name(name);
  flag.set_level(level);
  flag.mutable_ratio()->set_online(online);
  flag.mutable_ratio()->set_total(total);
  flag.mutable_ratio()->set_counter(total - online);
  flag.mutable_ratio()->set_percent(percent);
  flag.set_target_percent("50");
  flag.set_flagged(flagged);
  flag.set_outlook(flagged ? v1::Outlook::HARD : v1::Outlook::REACHED);
  if (flagged) flag.set_missing(total - 2 * online);
  flag.set_expected(240);
  return flag;
}

MailSettings Settings() {
  MailSettings mail;
  mail.from = {.name = "Đôn đốc", .address = "dondoc@kontum.invalid"};
  mail.subject_prefix = "Kon Tum DVCTT";
  mail.office_name = "Văn phòng UBND tỉnh Kon Tum";
  mail.public_url = "https://dondoc.kontum.invalid/";
  mail.acknowledge_key = "0123456789abcdef";
  return mail;
}

MessageRequest Request(MessageKind kind) {
  MessageRequest request;
  request.kind = kind;
  request.unit_id = "u";
  request.slot = "2023-12-13T08:00:00+07:00";
  request.recipient = "u@x.invalid";
  request.recipient_name = "Sở Tư pháp";
  ReminderFacts& facts = request.facts;
  facts.campaign.set_campaign_id("dvctt-2023");
  facts.campaign.set_title("Đôn đốc hoàn thành chỉ tiêu sử dụng DVCTT năm 2023");
  facts.campaign.set_deadline_day("2023-12-25");
  facts.campaign.set_legal_basis("Công văn 4067/UBND-TTHCC ngày 21/11/2023");
  facts.target.set_percent("50");
  facts.flag = FlagOf("Sở Tư pháp", v1::Level::PROVINCE, 2851, 6920, "41.20", true);
  facts.window.set_from("2023-01-01");
  facts.window.set_to("2023-12-12");
  facts.definition_name = "Hồ sơ tiếp nhận trong kỳ";
  facts.definition_id = "received";
  facts.definition_version = 1;
  facts.ledger_id = "ledger-1";
  facts.sequence = 42;
  facts.today = absl::CivilDay(2023, 12, 13);
  facts.unit_last_day = absl::CivilDay(2023, 12, 12);
  facts.days_left = 12;
  facts.working_days_left = 8;
  facts.week_change_points = "+1.25";
  facts.procedures = {{.procedure_code = "2.000635",
                       .name = "Cấp bản sao Trích lục hộ tịch",
                       .counter = 1204,
                       .total = 1530}};
  facts.overall = FlagOf("", v1::Level::PROVINCE, 26770, 100000, "26.77", false).ratio();
  v1::LevelSummary& level = facts.levels.emplace_back();
  level.set_level(v1::Level::COMMUNE);
  level.set_units(102);
  level.set_reached(6);
  level.set_below(94);
  level.set_no_data(2);
  facts.rows.push_back({.flag = facts.flag, .week_change_points = "+1.25", .note = ""});
  facts.rows.push_back(
      {.flag = FlagOf("=HYPERLINK(\"x\")", v1::Level::DISTRICT, 80, 100, "80.00", false),
       .week_change_points = std::nullopt,
       .note = "@SUM(1)"});
  for (int i = 1; i <= 60; ++i) {
    facts.rows.push_back(
        {.flag = FlagOf(absl::StrCat("Xã Đăk Số ", i), v1::Level::COMMUNE, 10, 100, "10.00", true),
         .week_change_points = "-0.50",
         .note = ""});
  }
  return request;
}

NewReminder Write(const MessageRequest& request) {
  const auto written = WriteMessage(Settings(), request, kNow);
  EXPECT_OK(written);
  if (!written.ok()) return {};
  // To be looked at in a browser.
  if (const char* folder = std::getenv("DONDOC_MAIL_FOLDER"); folder != nullptr) {
    std::ofstream(absl::StrCat(folder, "/", written->kind, ".eml")) << written->message;
  }
  return *written;
}

TEST(MessageWriterTest, EveryKindIsAMailWithBothTextsInItsThread) {
  for (int i = 0; i <= static_cast<int>(MessageKind::kOfficeDigest); ++i) {
    const NewReminder written = Write(Request(static_cast<MessageKind>(i)));
    SCOPED_TRACE(written.kind);
    auto mail = ParseMail(written.message);
    EXPECT_EQ(mail["defects"], "");
    EXPECT_THAT(mail["plain"], AllOf(HasSubstr("Sở Tư pháp"), Not(HasSubstr("{{"))));
    EXPECT_THAT(mail["html"], AllOf(HasSubstr("Sở Tư pháp"), Not(HasSubstr("{{"))));
    EXPECT_THAT(mail["in-reply-to"], HasSubstr("@kontum.invalid>"));
    EXPECT_EQ(mail["in-reply-to"], mail["references"]);
    EXPECT_THAT(written.event, HasSubstr("\"specversion\":\"1.0\""));
  }
}

TEST(MessageWriterTest, OnlyWhatAsksForAnAnswerOffersALink) {
  EXPECT_THAT(ParseMail(Write(Request(MessageKind::kReminder)).message)["plain"],
              HasSubstr("https://dondoc.kontum.invalid/v1/reminders/"));
  EXPECT_THAT(ParseMail(Write(Request(MessageKind::kOfficeDigest)).message)["plain"],
              Not(HasSubstr(":acknowledge")));
}

TEST(MessageWriterTest, TheOfficeGetsAWorkbookAndTheSameBytesEachTime) {
  const NewReminder written = Write(Request(MessageKind::kOfficeDigest));
  EXPECT_THAT(ParseMail(written.message)["structure"], HasSubstr("spreadsheetml.sheet"));
  EXPECT_EQ(Write(Request(MessageKind::kOfficeDigest)).message, written.message);
}

TEST(MessageWriterTest, ARecipientThatIsNoAddressIsRefused) {
  MessageRequest request = Request(MessageKind::kReminder);
  request.recipient = "a@x.invalid\r\nBcc: b@x.invalid";
  EXPECT_THAT(WriteMessage(Settings(), request, kNow),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not a mail address")));
}

}  // namespace
}  // namespace dondoc::alerting
