#include "services/alerting/reminder_text.h"

#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ReminderFacts Facts() {
  ReminderFacts facts;
  facts.subject_prefix = "Kon Tum DVCTT";
  facts.office_name = "Văn phòng UBND tỉnh Kon Tum";
  facts.public_url = "http://localhost:8080/";
  facts.campaign.set_title("Đôn đốc hoàn thành chỉ tiêu sử dụng DVCTT năm 2023");
  facts.campaign.set_deadline_day("2023-12-25");
  facts.campaign.set_legal_basis("Công văn 4067/UBND-TTHCC ngày 21/11/2023");
  facts.target.set_percent("50");
  facts.target.set_legal_basis("Quyết định 17/QĐ-UBCĐSQG ngày 04/04/2023");
  facts.flag.set_name("Sở Tư pháp");
  facts.flag.set_target_percent("50");
  facts.flag.set_outlook(v1::Outlook::HARD);
  facts.flag.set_missing(1218);
  facts.flag.set_expected(2400);
  facts.flag.set_required_percent("75.38");
  facts.flag.set_recent_percent("60.10");
  v1::Ratio& ratio = *facts.flag.mutable_ratio();
  ratio.set_total(6920);
  ratio.set_online(2851);
  ratio.set_counter(4000);
  ratio.set_postal(60);
  ratio.set_unknown(9);
  ratio.set_percent("41.20");
  ratio.set_basis(v1::Basis::DOSSIERS);
  facts.window.set_from("2023-01-01");
  facts.window.set_to("2023-12-12");
  facts.definition_name = "Hồ sơ tiếp nhận trong kỳ, mọi kênh";
  facts.definition_id = "received";
  facts.definition_version = 1;
  facts.ledger_id = "ledger-1";
  facts.sequence = 42;
  facts.today = absl::CivilDay(2023, 12, 13);
  facts.unit_last_day = absl::CivilDay(2023, 12, 12);
  facts.days_left = 12;
  facts.working_days_left = 8;
  return facts;
}

ReminderText Render(const ReminderFacts& facts) {
  const auto text = RenderReminder(facts);
  EXPECT_OK(text);
  return text.value_or(ReminderText());
}

TEST(ReminderTextTest, SubjectIsAsTheOfficeWantsIt) {
  EXPECT_EQ(Render(Facts()).subject,
            "[Kon Tum DVCTT] Sở Tư pháp: 41,20 % (chỉ tiêu 50 %), còn 12 ngày");
}

TEST(ReminderTextTest, TextStandsAlone) {
  EXPECT_THAT(Render(Facts()).text,
              AllOf(HasSubstr("Kính gửi: Sở Tư pháp\n"), HasSubstr("Tính đến hết ngày 12/12/2023"),
                    HasSubstr("từ ngày 01/01/2023 đến hết ngày 12/12/2023"),
                    HasSubstr("Tổng số hồ sơ:       6.920\n"),
                    HasSubstr("Trực tuyến:          2.851 (41,20 %)"),
                    HasSubstr("Trực tiếp:           4.000"), HasSubstr("Bưu chính công ích:  60"),
                    HasSubstr("Chưa rõ kênh nộp:    9"), HasSubstr("từ 50 % trở lên"),
                    HasSubstr("Quyết định 17/QĐ-UBCĐSQG"), HasSubstr("Công văn 4067/UBND-TTHCC"),
                    HasSubstr("trước ngày 25/12/2023 – còn 12 ngày, trong đó 8 ngày làm việc"),
                    HasSubstr("Còn thiếu: 1.218 hồ sơ"), HasSubstr("khoảng 2.400 hồ sơ"),
                    HasSubstr("75,38 %"), HasSubstr("60,10 %"), HasSubstr("Đánh giá: Khó."),
                    HasSubstr("Hồ sơ tiếp nhận trong kỳ, mọi kênh (received, phiên bản 1)"),
                    HasSubstr("42 (ledger-1)"), HasSubstr("trả lời thư này"),
                    HasSubstr("http://localhost:8080/"),
                    HasSubstr("Đây là thư nhắc tự động, không phải văn bản hành chính."),
                    Not(HasSubstr("{{")), Not(HasSubstr("Lưu ý")), Not(HasSubstr("&"))));
}

TEST(ReminderTextTest, HtmlSaysTheSame) {
  EXPECT_THAT(Render(Facts()).html,
              AllOf(HasSubstr("<strong>Sở Tư pháp</strong>"), HasSubstr("41,20&nbsp;%"),
                    HasSubstr("width=\"41%\""), HasSubstr("width=\"50%\""), HasSubstr("6.920"),
                    HasSubstr("2.851"), HasSubstr("4.000"), HasSubstr("1.218 hồ sơ"),
                    HasSubstr("75,38&nbsp;%"), HasSubstr("60,10&nbsp;%"),
                    HasSubstr("Quyết định 17/QĐ-UBCĐSQG"), HasSubstr("Công văn 4067/UBND-TTHCC"),
                    HasSubstr("Còn 12 ngày, trong đó 8 ngày làm việc."),
                    HasSubstr("href=\"http://localhost:8080/\""),
                    HasSubstr("không phải văn bản hành chính"), Not(HasSubstr("{{"))));
}

TEST(ReminderTextTest, LeavesOutWhatItDoesNotKnow) {
  ReminderFacts facts = Facts();
  facts.flag.mutable_ratio()->set_unknown(0);
  facts.flag.clear_required_percent();
  facts.flag.clear_recent_percent();
  facts.flag.clear_missing();
  facts.campaign.clear_legal_basis();
  facts.target.clear_legal_basis();
  facts.public_url = "javascript:alert(1)";
  const ReminderText text = Render(facts);
  EXPECT_THAT(text.text, AllOf(Not(HasSubstr("Chưa rõ kênh")), Not(HasSubstr("Căn cứ:")),
                               Not(HasSubstr("Văn bản:")), Not(HasSubstr("20 ngày làm việc")),
                               HasSubstr("không số hồ sơ nào đủ"), Not(HasSubstr("javascript"))));
  EXPECT_THAT(text.html, AllOf(Not(HasSubstr("Chưa rõ kênh")), Not(HasSubstr("href"))));
}

TEST(ReminderTextTest, SaysWhenDataIsNotAllThere) {
  ReminderFacts facts = Facts();
  facts.flag.mutable_ratio()->set_basis(v1::Basis::PARTIAL_DOSSIERS);
  facts.unit_last_day = absl::CivilDay(2023, 11, 30);
  const ReminderText text = Render(facts);
  for (const std::string& body : {text.text, text.html}) {
    EXPECT_THAT(body, AllOf(HasSubstr("chưa đầy đủ"), HasSubstr("đến hết ngày 30/11/2023")));
  }
}

TEST(ReminderTextTest, SaysThatTheTimeIsUp) {
  ReminderFacts facts = Facts();
  facts.days_left = 0;
  facts.working_days_left = 0;
  facts.campaign.set_deadline_inclusive(true);
  const ReminderText text = Render(facts);
  EXPECT_THAT(text.subject, HasSubstr("đã hết thời hạn"));
  EXPECT_THAT(text.text, HasSubstr("đến hết ngày 25/12/2023 – đã hết thời hạn"));
  EXPECT_THAT(text.html, HasSubstr("Đã hết thời hạn."));
}

TEST(ReminderTextTest, ATargetAboveIsWordedSo) {
  ReminderFacts facts = Facts();
  facts.target.set_operator_(v1::Operator::GT);
  EXPECT_THAT(Render(facts).text, HasSubstr("trên 50 %"));
}

TEST(ReminderTextTest, HostileNamesStayText) {
  ReminderFacts facts = Facts();
  facts.flag.set_name("<script>alert('x')</script> & \"Sở\" {{total}}");
  facts.campaign.set_title("<img src=x onerror=alert(1)>");
  facts.definition_name = "<b>";
  facts.office_name = "\"><i>";
  const ReminderText text = Render(facts);
  EXPECT_THAT(text.html, AllOf(HasSubstr("&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt; &amp; "
                                         "&quot;Sở&quot; {{total}}"),
                               Not(HasSubstr("<script")), Not(HasSubstr("<img")),
                               Not(HasSubstr("<b>")), Not(HasSubstr("<i>"))));
  EXPECT_THAT(text.text, HasSubstr("<script>alert('x')</script> & \"Sở\" {{total}}"));
}

TEST(ReminderTextTest, TextHasNoHolesWhereSectionsAreLeftOut) {
  ReminderFacts facts = Facts();
  facts.flag.mutable_ratio()->set_unknown(0);
  facts.flag.clear_required_percent();
  facts.public_url = "";
  EXPECT_THAT(Render(Facts()).text, AllOf(Not(HasSubstr("\n\n\n")), HasSubstr("/\n\n--\n")));
  EXPECT_THAT(Render(facts).text, AllOf(Not(HasSubstr("\n\n\n")), HasSubstr(".\n\n--\n")));
}

TEST(ReminderTextTest, ALowTargetsMarkHasItsLabelOnTheRight) {
  ReminderFacts facts = Facts();
  facts.flag.set_target_percent("5");
  EXPECT_THAT(Render(facts).html, HasSubstr("&nbsp;</td>\n<td style=\"padding:2px 0 0 4px;"
                                            "font-size:12px;color:#4a5868;white-space:nowrap;\">"
                                            "chỉ tiêu 5 %"));
}

TEST(ReminderTextTest, EveryOutlookHasWords) {
  for (const auto outlook : {v1::Outlook::ON_TRACK, v1::Outlook::HARD, v1::Outlook::OUT_OF_REACH}) {
    ReminderFacts facts = Facts();
    facts.flag.set_outlook(outlook);
    EXPECT_THAT(Render(facts).text, Not(HasSubstr("Chưa có số liệu")));
  }
}

}  // namespace
}  // namespace dondoc::alerting
