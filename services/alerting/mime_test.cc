#include "services/alerting/mime.h"

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "services/alerting/testing/python.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::alerting::testing::ParseMail;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSubject[] = "[Kon Tum DVCTT] Sở Tư pháp: 41,20 % (chỉ tiêu 50 %), còn 12 ngày";
constexpr char kCommaName[] = "Sở Văn hóa, Thể thao và Du lịch";

MailParts Parts() {
  return {.from = {.name = "Văn phòng UBND tỉnh", .address = "dondoc@kontum.invalid"},
          .to = {.name = kCommaName, .address = "sovhttdl@kontum.invalid"},
          .subject = kSubject,
          .message_id = "0123456789abcdef0123456789abcdef@kontum.invalid",
          .list_id = "dot-2023.dondoc.kontum.invalid",
          .date = StartOf(absl::CivilDay(2023, 11, 21)) + absl::Hours(9),
          .text = "Kính gửi: Sở Tư pháp\n.một dòng bắt đầu bằng dấu chấm\n",
          .html = "<p>Kính gửi: <b>Sở Tư pháp</b></p>\n"};
}

std::string Build(const MailParts& parts) {
  const auto message = BuildMail(parts);
  EXPECT_OK(message);
  return message.value_or("");
}

// Rules of RFC 5322 and RFC 2047 that a parser forgives.
void ExpectWellFormed(const std::string& message) {
  const std::vector<std::string> lines = absl::StrSplit(message, "\r\n");
  bool header = true;
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 998u) << line;
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\r")));
    for (const char c : line) EXPECT_TRUE(c == '\t' || (c >= ' ' && c <= '~')) << line;
    if (line.empty()) header = false;
    EXPECT_LE(line.size(), header ? 100u : 80u) << line;
    for (const absl::string_view word : absl::StrSplit(line, ' ')) {
      if (header && absl::StartsWith(word, "=?")) {
        EXPECT_LE(word.size(), 75u) << word;
      }
    }
  }
}

TEST(MimeTest, PythonReadsWhatWeWrote) {
  const std::string message = Build(Parts());
  ExpectWellFormed(message);
  auto facts = ParseMail(message);
  EXPECT_EQ(facts["defects"], "");
  EXPECT_EQ(facts["subject"], kSubject);
  EXPECT_EQ(facts["from.name"], "Văn phòng UBND tỉnh");
  EXPECT_EQ(facts["from.address"], "dondoc@kontum.invalid");
  EXPECT_EQ(facts["to.name"], kCommaName);
  EXPECT_EQ(facts["to.address"], "sovhttdl@kontum.invalid");
  EXPECT_EQ(facts["to.count"], "1");
  EXPECT_EQ(facts["date"], "Tue, 21 Nov 2023 09:00:00 +0700");
  EXPECT_EQ(facts["date.iso"], "2023-11-21T09:00:00+07:00");
  EXPECT_EQ(facts["message-id"], "<0123456789abcdef0123456789abcdef@kontum.invalid>");
  EXPECT_EQ(facts["auto-submitted"], "auto-generated");
  EXPECT_EQ(facts["list-id"], "<dot-2023.dondoc.kontum.invalid>");
  EXPECT_EQ(facts["structure"], "multipart/alternative text/plain text/html");
  EXPECT_EQ(absl::StrReplaceAll(facts["plain"], {{"\r\n", "\n"}}), Parts().text);
  EXPECT_EQ(absl::StrReplaceAll(facts["html"], {{"\r\n", "\n"}}), Parts().html);
}

TEST(MimeTest, TheSamePartsGiveTheSameBytes) { EXPECT_EQ(Build(Parts()), Build(Parts())); }

TEST(MimeTest, KeepsALongNameWithoutSpacesInWordsOfAtMost75Characters) {
  MailParts parts = Parts();
  parts.to.name = "";
  for (int i = 0; i < 66; ++i) parts.to.name += "ộ";
  parts.subject = parts.to.name;
  const std::string message = Build(parts);
  ExpectWellFormed(message);
  auto facts = ParseMail(message);
  EXPECT_EQ(facts["defects"], "");
  EXPECT_EQ(facts["to.name"], parts.to.name);
  EXPECT_EQ(facts["subject"], parts.subject);
}

TEST(MimeTest, KeepsLinesShortWhateverTheBody) {
  MailParts parts = Parts();
  parts.text = std::string(5000, 'x') + " " + std::string(5000, ' ') + "\n\n.\n..\nFrom me\n";
  for (int i = 0; i < 3000; ++i) parts.html += "ữ";
  const std::string message = Build(parts);
  ExpectWellFormed(message);
  auto facts = ParseMail(message);
  EXPECT_EQ(facts["defects"], "");
  EXPECT_EQ(absl::StrReplaceAll(facts["plain"], {{"\r\n", "\n"}}), parts.text);
  EXPECT_EQ(absl::StrReplaceAll(facts["html"], {{"\r\n", "\n"}}), parts.html);
}

TEST(MimeTest, ABodyThatHoldsABoundaryIsOneBody) {
  MailParts parts = Parts();
  const std::string first = Build(parts);
  const size_t at = first.find("boundary=\"") + 10;
  parts.text = "--" + first.substr(at, first.find('"', at) - at) + "\nContent-Type: text/x\n\nx\n";
  auto facts = ParseMail(Build(parts));
  EXPECT_EQ(facts["structure"], "multipart/alternative text/plain text/html");
  EXPECT_EQ(absl::StrReplaceAll(facts["plain"], {{"\r\n", "\n"}}), parts.text);
}

TEST(MimeTest, NoHeaderEscapesFromANameOrSubject) {
  for (const std::string attack :
       {"x\r\nBcc: victim@example.invalid", "x\nBcc: victim@example.invalid", "x\rBcc: v@e",
        "Sở\r\n\r\nbody", "=?UTF-8?Q?x=0D=0ABcc:_v=40e?=", "a\" <victim@e.invalid>, \"b"}) {
    MailParts parts = Parts();
    parts.subject = attack;
    parts.to.name = attack;
    parts.from.name = attack;
    const std::string message = Build(parts);
    auto facts = ParseMail(message);
    EXPECT_EQ(facts.count("bcc"), 0u) << message;
    EXPECT_EQ(facts["to.count"], "1") << message;
    EXPECT_EQ(facts["to.address"], "sovhttdl@kontum.invalid") << message;
    EXPECT_EQ(facts["structure"], "multipart/alternative text/plain text/html");
    EXPECT_EQ(facts["subject"], absl::StrReplaceAll(attack, {{"\r", " "}, {"\n", " "}}));
  }
}

TEST(MimeTest, KeepsPlainNamesPlain) {
  EXPECT_EQ(EncodeHeaderText("So Tu phap", true), "\"So Tu phap\"");
  EXPECT_EQ(EncodeHeaderText("a \"b\" \\c", true), "\"a \\\"b\\\" \\\\c\"");
  EXPECT_EQ(EncodeHeaderText("plain", false), "plain");
  MailParts parts = Parts();
  parts.to.name = "Smith, J. (office)";
  EXPECT_EQ(ParseMail(Build(parts))["to.name"], "Smith, J. (office)");
}

TEST(MimeTest, SurvivesBytesThatAreNotUtf8) {
  MailParts parts = Parts();
  parts.subject = "\xff\xfe tai \xc6";
  ExpectWellFormed(Build(parts));
}

TEST(MimeTest, RefusesAddressesAndIdsThatAreNotPlain) {
  MailParts parts = Parts();
  parts.to.address = "a@b.invalid>\r\nBcc: <c@d.invalid";
  EXPECT_THAT(BuildMail(parts),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a mail address")));
  parts = Parts();
  parts.list_id = "a b";
  EXPECT_THAT(BuildMail(parts),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a message or list id")));
}

TEST(MimeTest, KnowsAnAddress) {
  for (const std::string good :
       {"sotuphap-kontum@chinhphu.vn", "a@b", "x.y+z@kon-tum.invalid", "A1@EXAMPLE.invalid"}) {
    EXPECT_TRUE(IsMailAddress(good)) << good;
  }
  for (const std::string bad : {"",
                                "a",
                                "@b",
                                "a@",
                                "a@@b",
                                "a b@c",
                                "a@b c",
                                "a@b\r\n",
                                "a@b,c@d",
                                "<a@b>",
                                "a@-b",
                                "a@b-",
                                "a@b..c",
                                ".a@b",
                                "a.@b",
                                "a..b@c",
                                "sở@tu.invalid",
                                "a@đ.invalid",
                                "\"a\"@b",
                                "a@[127.0.0.1]"}) {
    EXPECT_FALSE(IsMailAddress(bad)) << bad;
  }
  EXPECT_FALSE(IsMailAddress(std::string(65, 'a') + "@b.invalid"));
  EXPECT_FALSE(IsMailAddress("a@" + std::string(64, 'b')));
  EXPECT_EQ(DomainOf("A@Chinhphu.VN"), "chinhphu.vn");
}

TEST(MimeTest, ReadsASenderWithAName) {
  const auto named = ParseMailbox("Văn phòng UBND tỉnh <dondoc@kontum.invalid>");
  ASSERT_OK(named);
  EXPECT_EQ(named->name, "Văn phòng UBND tỉnh");
  EXPECT_EQ(named->address, "dondoc@kontum.invalid");
  const auto quoted = ParseMailbox("\"A, B\" <a@b.invalid>");
  ASSERT_OK(quoted);
  EXPECT_EQ(quoted->name, "A, B");
  EXPECT_THAT(ParseMailbox("a@b.invalid, c@d.invalid"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not one mail address")));
  EXPECT_THAT(ParseMailbox("nobody"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'nobody'")));
}

TEST(MimeTest, AHeaderMoreComesFirstAndStaysOneLine) {
  const std::string message = WithHeader("X-A", "b\r\nX-C: d", Build(Parts()));
  auto facts = ParseMail(message);
  EXPECT_EQ(facts["x-a"], "b  X-C: d");
  EXPECT_EQ(facts.count("x-c"), 0u);
  EXPECT_EQ(facts["subject"], kSubject);
}

}  // namespace
}  // namespace dondoc::alerting
