#include "services/alerting/template_check.h"

#include "gmock/gmock.h"
#include "services/alerting/templates/templates.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::alerting {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(TemplateCheckTest, EveryBuiltInTemplatePasses) {
  EXPECT_EQ(BuiltInTemplates().size(), 9u);
  for (const BuiltInTemplate& built_in : BuiltInTemplates()) {
    EXPECT_OK(CheckTemplate(built_in.name, built_in.source)) << built_in.name;
  }
}

TEST(TemplateCheckTest, SaysWhatIsWrong) {
  struct Case {
    const char* name;
    std::string source;
    const char* why;
  };
  const Case cases[] = {
      {"reminder.text", "", "source: empty"},
      {"reminder.text", std::string(kTemplateBytesMax + 1, 'x'), "limit 65536"},
      {"reminder.text", "\xff", "not UTF-8"},
      {"reminder.text", "{{unit", "byte 0: a tag that does not end"},
      {"reminder.text", "ab {{recipient}}", "byte 3: 'recipient' is not one of"},
      {"reminder.text", "{{> other}}", "partials"},
      {"reminder.text", "{{=<% %>=}}", "delimiters"},
      {"reminder.text", "{{#link}}x", "section 'link' does not end"},
      {"reminder.text", "{{/link}}", "is not open"},
      {"reminder.text", "{{#link}}{{/bar}}", "ends but is not open"},
      {"digest.text", "{{#rows}}{{#rows}}x{{/rows}}{{/rows}}", "inside itself"},
      {"reminder.html", "{{{unit}}}", "unescaped"},
      {"reminder.html", "{{& unit}}", "unescaped"},
  };
  for (const Case& one : cases) {
    EXPECT_THAT(CheckTemplate(one.name, one.source),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(one.why)))
        << one.source.substr(0, 40);
  }
  EXPECT_THAT(CheckTemplate("letter.text", "x"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

}  // namespace
}  // namespace dondoc::alerting
