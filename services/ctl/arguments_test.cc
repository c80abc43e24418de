#include "services/ctl/arguments.h"

#include <set>

#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/ctl/commands.h"
#include "services/ctl/help.h"

namespace dondoc::ctl {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

absl::StatusOr<Arguments> Parse(const Words& words, const std::string& environment = "") {
  static const auto* const commands = new std::vector<CommandSpec>(AllCommands());
  return ParseArguments(*commands, words, environment);
}

TEST(ArgumentsTest, ReadsFlagsBeforeBetweenAndAfterWords) {
  const auto arguments = Parse({"--server", "http://a:1", "import", "x.csv", "--covers_from",
                                "2023-01-01", "--covers_to=2023-11-15", "--complete", "y.csv"});
  ASSERT_OK(arguments);
  EXPECT_EQ(arguments->command->name, "import");
  EXPECT_THAT(arguments->words, ElementsAre("x.csv", "y.csv"));
  EXPECT_EQ(arguments->Text("server"), "http://a:1");
  EXPECT_EQ(arguments->Text("covers_from"), "2023-01-01");
  EXPECT_TRUE(arguments->Bool("complete"));
  EXPECT_FALSE(arguments->Bool("preview"));
  EXPECT_FALSE(arguments->Has("preview"));
}

TEST(ArgumentsTest, CommandLineBeatsEnvironmentBeatsDefault) {
  EXPECT_EQ(Parse({"freshness"})->Text("server"), "http://127.0.0.1:8080");
  EXPECT_EQ(Parse({"freshness"}, "http://e:2")->Text("server"), "http://e:2");
  EXPECT_EQ(Parse({"freshness", "--server=http://c:3"}, "http://e:2")->Text("server"),
            "http://c:3");
}

TEST(ArgumentsTest, ReadsTwoWordCommandsListsChoicesAndLiteralWords) {
  EXPECT_EQ(Parse({"units", "list", "--level=commune"})->Text("level"), "COMMUNE");
  EXPECT_THAT(Parse({"import", "f", "--covers_from=2023-01-01", "--covers_to=2023-01-02",
                     "--covers_units=a,b", "--covers_units=c"})
                  ->List("covers_units"),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Parse({"import", "--", "--odd.csv"})->words, ElementsAre("--odd.csv"));
  EXPECT_EQ(Parse({"ratios", "--from=2023-01-01", "--to=2023-01-02", "--order_by", "percent desc"})
                ->Text("order_by"),
            "percent desc");
  EXPECT_EQ(Parse({"summary", "--from=2023-01-01", "--to=2023-01-02", "--target_percent="})
                ->Text("target_percent"),
            "");
}

TEST(ArgumentsTest, RefusesWhatItCannotReadWithOneClearLine) {
  const struct {
    Words words;
    const char* message;
  } kCases[] = {
      {{"--json"}, "thiếu lệnh"},
      {{"sumary"}, "không có lệnh 'sumary'; ý bạn là 'summary'?"},
      {{"x\ny"}, "không có lệnh 'x\\ny'"},
      {{"units"}, "'units' cần thêm một từ: units import, units list, units patch"},
      {{"campaigns", "delete"}, "'campaigns' cần thêm một từ"},
      {{"import"}, "import: thiếu TỆP…"},
      {{"unit", "a", "b", "--from=2023-01-01", "--to=2023-01-02"}, "unit: thừa 'b'"},
      {{"summary"}, "summary: thiếu --from"},
      {{"summary", "--from=2023-01-01"}, "summary: thiếu --to"},
      {{"summary", "--from=01/01/2023", "--to=2023-11-15"},
       "--from='01/01/2023': phải là ngày dạng 2023-11-15"},
      {{"summary", "--from=2023-02-30", "--to=2023-11-15"}, "--from='2023-02-30': phải là ngày"},
      {{"summary", "--from=2023-11-16", "--to=2023-11-15"}, "--from sau --to"},
      {{"summary", "--from", "--to=2023-11-15"}, "--from cần một giá trị"},
      {{"summary", "--from=2023-01-01", "--from=2023-01-02"}, "--from được cho hai lần"},
      {{"summary", "--form=2023-01-01"}, "không có cờ '--form'; ý bạn là '--from'?"},
      {{"summary", "-from=2023-01-01"}, "phải bắt đầu bằng hai dấu gạch"},
      {{"freshness", "--order_by=name"}, "freshness: không có cờ '--order_by'"},
      {{"summary", "--from=2023-01-01", "--to=2023-01-02", "--target_percent=50%"},
       "--target_percent='50%': phải là số từ 0 đến 100"},
      {{"summary", "--from=2023-01-01", "--to=2023-01-02", "--target_percent=100.5"},
       "--target_percent='100.5'"},
      {{"summary", "--from=2023-01-01", "--to=2023-01-02", "--as_of_sequence=-1"},
       "--as_of_sequence='-1': phải là số nguyên"},
      {{"summary", "--from=2023-01-01", "--to=2023-01-02", "--as_of_sequence=1",
        "--known_at=2023-11-20T08:00:00+07:00"},
       "chỉ một trong --as_of_sequence và --known_at"},
      {{"summary", "--from=2023-01-01", "--to=2023-01-02", "--known_at=2023-11-20"},
       "--known_at='2023-11-20': phải là thời điểm"},
      {{"ratios", "--from=2023-01-01", "--to=2023-01-02", "--level=ward"},
       "--level='ward': phải là một trong: PROVINCE, DISTRICT, COMMUNE"},
      {{"import", "f", "--complete"}, "--complete cần --covers_from và --covers_to"},
      {{"import", "f", "--covers_to=2023-01-01"}, "--covers_from và --covers_to phải đi cùng nhau"},
      {{"import", "f", "--covers_units=a"}, "--covers_units cần"},
      {{"import", "f", "--complete=yes"}, "--complete='yes': chỉ nhận true hoặc false"},
      {{"import", "f", "--channel=email"}, "--channel='email': phải là một trong: COUNTER"},
      {{"import", "f", "g", "--import_id=x"}, "--import_id chỉ dùng với một tệp"},
      {{"evaluate", "dvctt-2023"}, "cần --slot"},
      {{"evaluate", "dvctt-2023", "--slot=2023-11-20T08:00:00+07:00", "--request_id=x"},
       "chỉ một trong --slot và --request_id"},
      {{"freshness", "--server=localhost:8080"}, "phải dạng http://máy:cổng"},
      {{"freshness", "--server=ftp://a"}, "phải dạng http://máy:cổng"},
      {{"freshness", "--server=http://user@host"}, "phải dạng http://máy:cổng"},
      {{"freshness", "--timeout=0"}, "--timeout='0': phải là số nguyên từ 1 đến 3600"},
      {{"sample"}, "sample: thiếu --out"},
      {{"sample", "--out=x", "--seed=1.5"}, "--seed='1.5'"},
      {{"sample", "--out=x", "--seed=99999999999999999999"}, "--seed="},
      {{"imports", "--limit=all"}, "--limit='all'"},
      {{"freshness", "--server=" + std::string(5000, 'x')}, "giá trị quá dài"},
  };
  for (const auto& test : kCases) {
    const auto arguments = Parse(test.words);
    EXPECT_THAT(arguments, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(test.message)));
    EXPECT_THAT(std::string(arguments.status().message()), Not(HasSubstr("\n")));
    EXPECT_THAT(std::string(arguments.status().message()), HasSubstr("xem: dondocctl help"));
  }
}

TEST(ArgumentsTest, AsksForHelpWithoutTheRest) {
  const auto arguments = Parse({"summary", "--help"});
  ASSERT_OK(arguments);
  EXPECT_TRUE(arguments->Bool("help"));
}

TEST(HelpTest, TeachesEveryCommandWithAnExampleThatParses) {
  const std::vector<CommandSpec> commands = AllCommands();
  const std::string all = HelpText(commands);
  std::set<std::string> names;
  for (const CommandSpec& command : commands) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_THAT(all, HasSubstr("  " + command.name));
    const std::string text = CommandHelpText(command);
    EXPECT_THAT(text, HasSubstr("Cách dùng: dondocctl " + command.name));
    for (const FlagSpec& flag : command.flags) {
      EXPECT_THAT(text, HasSubstr("--" + flag.name));
      EXPECT_NE(flag.help, "") << command.name << " --" << flag.name;
    }
  }
}

}  // namespace
}  // namespace dondoc::ctl
