#include "services/common/config/flags.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc {
namespace {

constexpr absl::string_view kEnvironmentPrefix = "DONDOC_";
// Settings of deploy/quickstart, which starts our binaries with its own environment.
constexpr absl::string_view kQuickstartPrefix = "DONDOC_QUICKSTART_";
// Where dondocctl finds the gateway: people export it in shells that start servers, too.
constexpr absl::string_view kClientVariable = "DONDOC_SERVER";
constexpr absl::string_view kFlagfile = "flagfile";
constexpr absl::string_view kMasked = "********";
constexpr size_t kFlagfileBytesMax = 1 << 20;

// One "set this flag to that" and where it was said.
struct Setting {
  std::string name;
  std::optional<std::string> value;  // absent for a bare --name
  std::string place;
};

using Flags = std::map<std::string, absl::CommandLineFlag*>;

// The flags that our sources define: Abseil's own, should its parser be linked, follow other rules.
Flags OwnFlags() {
  Flags flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (absl::StrContains(flag->Filename(), "absl/flags/")) continue;
    flags.emplace(std::string(name), flag);
  }
  return flags;
}

bool IsSecret(absl::string_view name) {
  const std::vector<absl::string_view> words = {"password", "secret", "key", "token"};
  return std::any_of(words.begin(), words.end(),
                     [&](absl::string_view word) { return absl::StrContains(name, word); });
}

std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat(kEnvironmentPrefix, absl::AsciiStrToUpper(flag));
}

// A boolean flag stands alone (--x, --nox); every other one takes a value.
bool IsBool(const Flags& flags, const std::string& name) {
  const auto found = flags.find(name);
  return found != flags.end() && found->second->IsOfType<bool>();
}

// Splits "--name=value" or "--name"; nullopt when `word` is not a flag.
std::optional<Setting> ReadWord(absl::string_view word, const std::string& place) {
  if (!absl::ConsumePrefix(&word, "--") && !absl::ConsumePrefix(&word, "-")) return std::nullopt;
  const size_t equals = word.find('=');
  Setting setting{.name = std::string(word.substr(0, equals)), .value = {}, .place = place};
  if (equals != absl::string_view::npos) setting.value = std::string(word.substr(equals + 1));
  return setting;
}

absl::Status Unknown(const Setting& setting) {
  return absl::InvalidArgumentError(absl::StrCat(setting.place, ": there is no flag ",
                                                 Quoted(absl::StrCat("--", setting.name)),
                                                 "; --help lists them"));
}

absl::Status Apply(const Flags& flags, const Setting& setting) {
  std::string name = setting.name;
  std::optional<std::string> value = setting.value;
  auto found = flags.find(name);
  if (found == flags.end() && !value.has_value() && absl::StartsWith(name, "no") &&
      IsBool(flags, name.substr(2))) {
    found = flags.find(name.substr(2));
    value = "false";
  }
  if (found == flags.end()) return Unknown(setting);
  if (!value.has_value()) {
    if (!IsBool(flags, name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting.place, ": --", name, " needs a value: --", name, "=…"));
    }
    value = "true";
  }
  std::string error;
  if (found->second->ParseFrom(*value, &error)) return absl::OkStatus();
  const std::string shown = IsSecret(name) ? std::string(kMasked) : Quoted(*value);
  // Abseil's reason repeats the value, which may be secret or hold anything.
  return absl::InvalidArgumentError(
      absl::StrCat(setting.place, ": ", shown, " is not a value that --", name, " can take"));
}

struct CommandLine {
  std::vector<Setting> settings;
  std::vector<std::string> words;
  bool help = false;
  bool version = false;
};

absl::StatusOr<CommandLine> ReadCommandLine(const Flags& flags, int argc, char** argv) {
  CommandLine line;
  bool only_words = false;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (only_words || word == "-") {
      line.words.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    std::optional<Setting> setting = ReadWord(word, "command line");
    if (!setting.has_value()) {
      line.words.emplace_back(word);
      continue;
    }
    if (setting->name == "help" && !setting->value.has_value()) {
      line.help = true;
      continue;
    }
    if (setting->name == "version" && !setting->value.has_value()) {
      line.version = true;
      continue;
    }
    const bool takes_value = setting->name == kFlagfile ||
                             (flags.count(setting->name) > 0 && !IsBool(flags, setting->name));
    if (takes_value && !setting->value.has_value() && i + 1 < argc) setting->value = argv[++i];
    line.settings.push_back(*std::move(setting));
  }
  return line;
}

absl::StatusOr<std::vector<Setting>> ReadEnvironment(const Flags& flags) {
  std::map<std::string, std::string> flag_of;
  for (const auto& [name, flag] : flags) flag_of[EnvironmentName(name)] = name;
  flag_of[EnvironmentName(kFlagfile)] = std::string(kFlagfile);
  std::map<std::string, Setting> settings;  // by variable, so that errors come in a fixed order
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    if (!absl::StartsWith(text, kEnvironmentPrefix) || absl::StartsWith(text, kQuickstartPrefix)) {
      continue;
    }
    const size_t equals = text.find('=');
    const std::string variable(text.substr(0, equals));
    const auto found = flag_of.find(variable);
    if (found == flag_of.end() && variable == kClientVariable) continue;
    if (found == flag_of.end()) {
      return absl::InvalidArgumentError(absl::StrCat("environment variable ", Quoted(variable),
                                                     ": there is no such flag; --help lists them"));
    }
    settings[variable] = {.name = found->second,
                          .value = std::string(text.substr(equals + 1)),
                          .place = absl::StrCat("environment variable ", variable)};
  }
  std::vector<Setting> in_order;
  for (auto& [variable, setting] : settings) in_order.push_back(std::move(setting));
  return in_order;
}

absl::StatusOr<std::vector<Setting>> ReadFlagfile(const Setting& named) {
  const std::string path = named.value.value_or("");
  if (path.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(named.place, ": --flagfile needs a file name"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kFlagfileBytesMax + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  // A missing file fails without being at its end; so does a folder.
  if (!file.eof() && file.fail()) {
    return absl::InvalidArgumentError(
        absl::StrCat(named.place, ": --flagfile ", Quoted(path), " cannot be read"));
  }
  if (static_cast<size_t>(file.gcount()) > kFlagfileBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(named.place, ": --flagfile ", Quoted(path),
                                                   ": more than ", kFlagfileBytesMax, " bytes"));
  }
  bytes.resize(static_cast<size_t>(file.gcount()));
  std::vector<Setting> settings;
  int64_t line_number = 0;
  for (absl::string_view line : absl::StrSplit(bytes, '\n')) {
    const std::string place = absl::StrCat(path, ":", ++line_number);
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    std::optional<Setting> setting = ReadWord(line, place);
    if (!setting.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": ", Quoted(line), " is not --name=value"));
    }
    if (setting->name == kFlagfile) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": a flag file cannot name another --flagfile"));
    }
    settings.push_back(*std::move(setting));
  }
  return settings;
}

// Takes the settings that name a flag file out of `settings`; the last one counts.
std::optional<Setting> TakeFlagfile(std::vector<Setting>& settings) {
  std::optional<Setting> flagfile;
  for (const Setting& setting : settings) {
    if (setting.name == kFlagfile) flagfile = setting;
  }
  settings.erase(std::remove_if(settings.begin(), settings.end(),
                                [](const Setting& setting) { return setting.name == kFlagfile; }),
                 settings.end());
  return flagfile;
}

// Applies the weakest place first, so that each stronger one overwrites it.
absl::Status ApplyAll(const Flags& flags, std::vector<Setting> command_line) {
  ASSIGN_OR_RETURN(std::vector<Setting> environment, ReadEnvironment(flags));
  const std::optional<Setting> by_environment = TakeFlagfile(environment);
  const std::optional<Setting> by_command_line = TakeFlagfile(command_line);
  const std::optional<Setting>& flagfile =
      by_command_line.has_value() ? by_command_line : by_environment;
  if (flagfile.has_value()) {
    ASSIGN_OR_RETURN(const std::vector<Setting> from_file, ReadFlagfile(*flagfile));
    for (const Setting& setting : from_file) RETURN_IF_ERROR(Apply(flags, setting));
  }
  for (const Setting& setting : environment) RETURN_IF_ERROR(Apply(flags, setting));
  for (const Setting& setting : command_line) RETURN_IF_ERROR(Apply(flags, setting));
  return absl::OkStatus();
}

std::string HelpText(const Flags& flags, absl::string_view binary, absl::string_view about) {
  std::string text = absl::StrCat(absl::StripAsciiWhitespace(about), "\n\nUsage: ", binary,
                                  " [--flag=value …]\n\nFlags, each with its default:\n");
  for (const auto& [name, flag] : flags) {
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, "=", value.empty() ? "\"\"" : value, "\n      ",
                    absl::StrReplaceAll(flag->Help(), {{"\n", "\n      "}}), "\n");
  }
  absl::StrAppend(
      &text,
      "  --flagfile=\"\"\n      File with one --name=value a line; # begins a comment "
      "line.\n"
      "  --help, --version\n      Print this text, or the version, and exit.\n\n"
      "Where a flag is set in several places, the first of these counts:\n"
      "  1. the command line         --log_level=debug\n"
      "  2. the environment          DONDOC_LOG_LEVEL=debug\n"
      "  3. the file of --flagfile   --log_level=debug\n"
      "  4. the default above\n"
      "A flag or DONDOC_ variable that does not exist is refused (exit code 2), so that "
      "a typing error is\nnot overlooked; DONDOC_SERVER and variables that start with "
      "DONDOC_QUICKSTART_ are left alone.\n");
  return text;
}

std::string BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace

std::vector<std::string> ParseFlags(int argc, char** argv, absl::string_view about) {
  const Flags flags = OwnFlags();
  const std::string binary = BaseName(argc > 0 ? argv[0] : "dondoc");
  absl::StatusOr<CommandLine> line = ReadCommandLine(flags, argc, argv);
  if (line.ok() && line->help) {
    std::cout << HelpText(flags, binary, about) << std::flush;
    std::exit(kExitOk);
  }
  if (line.ok() && line->version) {
    std::cout << binary << " " << DONDOC_VERSION << std::endl;
    std::exit(kExitOk);
  }
  const absl::Status applied = line.ok() ? ApplyAll(flags, line->settings) : line.status();
  if (!applied.ok()) std::exit(ExitWith(kExitBadConfig, applied));
  return std::move(line->words);
}

std::vector<std::string> DescribeFlags() {
  std::vector<std::string> lines;
  for (const auto& [name, flag] : OwnFlags()) {
    const std::string value = flag->CurrentValue();
    const bool mask = IsSecret(name) && !value.empty();
    lines.push_back(absl::StrCat(name, "=", mask ? std::string(kMasked) : value));
  }
  return lines;
}

int ExitWith(int exit_code, const absl::Status& status) {
  // One line, whatever a library put into the message.
  std::cerr << program_invocation_short_name << ": "
            << absl::StrReplaceAll(status.message(), {{"\r", " "}, {"\n", " "}}) << std::endl;
  return exit_code;
}

}  // namespace dondoc
