#include "services/common/config/flags.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/temp_dir.h"

ABSL_FLAG(std::string, test_text, "default", "A text.\nWith a second line.");
ABSL_FLAG(int, test_number, 7, "A number.");
ABSL_FLAG(bool, test_switch, false, "A switch.");
ABSL_FLAG(std::string, test_api_key, "", "A secret.");

namespace dondoc {
namespace {

using ::dondoc::testing::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kAbout[] = "Counts dossiers.\nThis text is for the reader of --help.";

// Sets environment variables for one test.
class Environment {
 public:
  Environment() {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string name = std::string(*entry).substr(0, std::string(*entry).find('='));
      if (absl::StartsWith(name, "DONDOC_")) foreign_.emplace_back(name, getenv(name.c_str()));
    }
    for (const auto& [name, value] : foreign_) unsetenv(name.c_str());
  }
  ~Environment() {
    for (const std::string& name : set_) unsetenv(name.c_str());
    for (const auto& [name, value] : foreign_) setenv(name.c_str(), value.c_str(), 1);
  }
  void Set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

 private:
  std::vector<std::pair<std::string, std::string>> foreign_;
  std::vector<std::string> set_;
};

class ParseFlagsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Parse(std::vector<std::string> words) {
    words.insert(words.begin(), "/somewhere/dondoc_test");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return ParseFlags(static_cast<int>(words.size()), argv.data(), kAbout);
  }
  std::string Flagfile(const std::string& text) {
    const std::string path = dir_.File("flags");
    std::ofstream(path) << text;
    return path;
  }

  Environment environment_;
  TempDir dir_;
  absl::FlagSaver saver_;
};

using ParseFlagsDeathTest = ParseFlagsTest;

TEST_F(ParseFlagsTest, LeavesDefaultsWhenNothingIsSaid) {
  EXPECT_THAT(Parse({}), IsEmpty());
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "default");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 7);
}

TEST_F(ParseFlagsTest, ReadsEveryFormOfTheCommandLine) {
  EXPECT_THAT(Parse({"--test_text=a=b", "import", "--test_number", "-5", "-test_switch", "file.csv",
                     "-", "--", "--test_text=word"}),
              ElementsAre("import", "file.csv", "-", "--test_text=word"));
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "a=b");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), -5);
  EXPECT_TRUE(absl::GetFlag(FLAGS_test_switch));
  Parse({"--notest_switch", "--test_text="});
  EXPECT_FALSE(absl::GetFlag(FLAGS_test_switch));
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "");
  Parse({"--test_switch=true"});
  EXPECT_TRUE(absl::GetFlag(FLAGS_test_switch));
}

TEST_F(ParseFlagsTest, TheLastOfTwoOnTheCommandLineCounts) {
  Parse({"--test_number=1", "--test_number=2"});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 2);
}

TEST_F(ParseFlagsTest, TheFlagfileOverridesTheDefault) {
  Parse({"--flagfile=" + Flagfile("# a comment\n\n  --test_text=from file  \r\n--test_switch\n"
                                  "--test_number=8")});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "from file");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 8);
  EXPECT_TRUE(absl::GetFlag(FLAGS_test_switch));
}

TEST_F(ParseFlagsTest, TheEnvironmentOverridesTheFlagfile) {
  environment_.Set("DONDOC_TEST_TEXT", "from environment");
  Parse({"--flagfile", Flagfile("--test_text=from file\n--test_number=8\n")});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "from environment");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 8);
}

TEST_F(ParseFlagsTest, TheCommandLineOverridesTheEnvironment) {
  environment_.Set("DONDOC_TEST_TEXT", "from environment");
  environment_.Set("DONDOC_TEST_NUMBER", "9");
  Parse({"--test_text=from command line", "--flagfile=" + Flagfile("--test_text=from file")});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "from command line");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 9);
}

TEST_F(ParseFlagsTest, TheEnvironmentCanNameTheFlagfile) {
  environment_.Set("DONDOC_FLAGFILE", Flagfile("--test_number=8"));
  Parse({});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 8);
}

TEST_F(ParseFlagsTest, AFlagfileOnTheCommandLineReplacesTheOneOfTheEnvironment) {
  environment_.Set("DONDOC_FLAGFILE", "/nonexistent");
  Parse({"--flagfile", Flagfile("--test_number=8")});
  EXPECT_EQ(absl::GetFlag(FLAGS_test_number), 8);
}

TEST_F(ParseFlagsTest, LeavesTheVariablesOfQuickstartAndOfOthersAlone) {
  environment_.Set("DONDOC_QUICKSTART_HTTP_PORT", "8080");
  environment_.Set("DONDOC_SERVER", "http://127.0.0.1:8080");
  environment_.Set("DONDOCX", "8080");
  Parse({});
}

MATCHER_P(IsOneLineThatSays, text, "is one line of this binary that says " + std::string(text)) {
  return absl::StartsWith(arg, "dondoc_common_test: ") && absl::StrContains(arg, text) &&
         arg.find('\n') == arg.size() - 1;
}

#define EXPECT_REFUSED(statement, text) \
  EXPECT_EXIT(statement, ExitedWithCode(kExitBadConfig), IsOneLineThatSays(std::string(text)))

TEST_F(ParseFlagsDeathTest, RefusesAFlagThatDoesNotExist) {
  EXPECT_REFUSED(Parse({"--lisen=127.0.0.1:1"}),
                 "command line: there is no flag '--lisen'; --help lists them");
  EXPECT_REFUSED(Parse({"--no_such"}), "'--no_such'");
  EXPECT_REFUSED(Parse({"--notest_number"}), "'--notest_number'");
  EXPECT_REFUSED(Parse({"--=3"}), "'--'");
  EXPECT_REFUSED(Parse({"--bad\nname"}), "'--bad\\nname'");
}

TEST_F(ParseFlagsDeathTest, RefusesAVariableThatIsNoFlag) {
  environment_.Set("DONDOC_LISEN", "127.0.0.1:1");
  EXPECT_REFUSED(Parse({}), "environment variable 'DONDOC_LISEN': there is no such flag");
}

TEST_F(ParseFlagsDeathTest, RefusesAVariableInLowerCase) {
  environment_.Set("DONDOC_test_text", "x");
  EXPECT_REFUSED(Parse({}), "'DONDOC_test_text'");
}

TEST_F(ParseFlagsDeathTest, RefusesAValueThatCannotBeReadEvenWhenOverridden) {
  environment_.Set("DONDOC_TEST_NUMBER", "many");
  EXPECT_REFUSED(
      Parse({"--test_number=1"}),
      "environment variable DONDOC_TEST_NUMBER: 'many' is not a value that --test_number can take");
}

TEST_F(ParseFlagsDeathTest, RefusesABadValueOnTheCommandLine) {
  EXPECT_REFUSED(Parse({"--test_number=1x"}), "command line: '1x' is not a value");
  EXPECT_REFUSED(Parse({"--test_number=99999999999"}), "'99999999999'");
  EXPECT_REFUSED(Parse({"--test_number="}), "command line: '' is not a value");
  EXPECT_REFUSED(Parse({"--test_number"}), "command line: --test_number needs a value");
  EXPECT_REFUSED(Parse({"--test_switch=perhaps"}), "'perhaps'");
}

TEST_F(ParseFlagsDeathTest, RefusesABadFlagfileAndNamesTheLine) {
  const std::string path = Flagfile("--test_number=1\n\n--test_number=two\n");
  EXPECT_REFUSED(Parse({"--flagfile=" + path}),
                 absl::StrCat(path, ":3: 'two' is not a value that --test_number can take"));
  EXPECT_REFUSED(Parse({"--flagfile=" + Flagfile("test_number=1")}),
                 "flags:1: 'test_number=1' is not --name=value");
  EXPECT_REFUSED(Parse({"--flagfile=" + Flagfile("# x\n--lisen=1")}),
                 "flags:2: there is no flag '--lisen'");
  EXPECT_REFUSED(Parse({"--flagfile=" + Flagfile("--test_number 1")}), "flags:1: there is no flag");
}

TEST_F(ParseFlagsDeathTest, RefusesAFlagfileThatNamesAnother) {
  EXPECT_REFUSED(Parse({"--flagfile=" + Flagfile("--flagfile=" + dir_.File("flags"))}),
                 "flags:1: a flag file cannot name another --flagfile");
}

TEST_F(ParseFlagsDeathTest, RefusesAFlagfileThatCannotBeRead) {
  EXPECT_REFUSED(Parse({"--flagfile=" + dir_.File("missing")}),
                 "command line: --flagfile '" + dir_.File("missing") + "' cannot be read");
  EXPECT_REFUSED(Parse({"--flagfile=" + dir_.path()}), "cannot be read");
  EXPECT_REFUSED(Parse({"--flagfile="}), "command line: --flagfile needs a file name");
  EXPECT_REFUSED(Parse({"--flagfile"}), "command line: --flagfile needs a file name");
  EXPECT_REFUSED(Parse({"--flagfile=" + Flagfile(std::string((1 << 20) + 1, '#'))}),
                 "more than 1048576 bytes");
  environment_.Set("DONDOC_FLAGFILE", dir_.File("missing"));
  EXPECT_REFUSED(Parse({}),
                 "environment variable DONDOC_FLAGFILE: --flagfile '" + dir_.File("missing"));
}

// --help goes to stdout, which EXPECT_EXIT does not look at.
TEST_F(ParseFlagsDeathTest, HelpTeachesAndExitsWithZero) {
  const std::string path = dir_.File("help");
  EXPECT_EXIT(
      {
        if (freopen(path.c_str(), "w", stdout) == nullptr) std::abort();
        Parse({"--lisen=ignored beside --help", "--help"});
      },
      ExitedWithCode(kExitOk), "^$");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, AllOf(HasSubstr(kAbout), HasSubstr("Usage: dondoc_test [--flag=value …]"),
                          HasSubstr("  --test_number=7\n      A number.\n"),
                          HasSubstr("      A text.\n      With a second line.\n"),
                          HasSubstr("  --test_api_key=\"\"\n"), HasSubstr("--flagfile=")));
  EXPECT_THAT(text, AllOf(HasSubstr("1. the command line         --log_level=debug"),
                          HasSubstr("2. the environment          DONDOC_LOG_LEVEL=debug"),
                          HasSubstr("3. the file of --flagfile"), HasSubstr("4. the default"),
                          HasSubstr("refused (exit code 2)")));
  EXPECT_THAT(text, Not(HasSubstr("fromenv")));
}

TEST_F(ParseFlagsDeathTest, VersionIsOneLine) {
  const std::string path = dir_.File("version");
  EXPECT_EXIT(
      {
        if (freopen(path.c_str(), "w", stdout) == nullptr) std::abort();
        Parse({"--version"});
      },
      ExitedWithCode(kExitOk), "^$");
  std::ifstream file(path);
  std::string name, version, rest;
  file >> name >> version;
  EXPECT_EQ(name, "dondoc_test");
  EXPECT_THAT(version, ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_FALSE(file >> rest);
}

TEST_F(ParseFlagsDeathTest, NeverShowsASecret) {
  Parse({"--test_api_key=hunter2", "--test_number=3"});
  EXPECT_THAT(DescribeFlags(), AllOf(Contains("test_api_key=********"), Contains("test_number=3"),
                                     Contains("test_text=default")));
  Parse({"--test_api_key="});
  EXPECT_THAT(DescribeFlags(), Contains("test_api_key="));
}

TEST(ExitWithTest, PrintsOneLineWhateverTheMessage) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ExitWith(kExitFailed, absl::InternalError("one\ntwo\r\nthree")), kExitFailed);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "dondoc_common_test: one two  three\n");
}

}  // namespace
}  // namespace dondoc
