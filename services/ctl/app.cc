#include "services/ctl/app.h"

#include <cerrno>

#include "absl/strings/str_join.h"
#include "services/ctl/api_client.h"
#include "services/ctl/arguments.h"
#include "services/ctl/commands.h"
#include "services/ctl/help.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

// "help", "help COMMAND", "--help" alone and "--version": answered before anything is checked.
bool AnswerHelp(const std::vector<CommandSpec>& commands, const std::vector<std::string>& words,
                const Surroundings& surroundings, int& exit_code) {
  exit_code = kExitOk;
  if (words.size() == 1 && words[0] == "--version") {
    surroundings.out << "dondocctl " << DONDOC_VERSION << "\n";
    return true;
  }
  const bool asked =
      words.empty() || words[0] == "help" || words == std::vector<std::string>{"--help"};
  if (!asked) return false;
  if (words.size() <= 1) {
    (words.empty() ? surroundings.err : surroundings.out) << HelpText(commands);
    exit_code = words.empty() ? kExitUsage : kExitOk;
    return true;
  }
  const std::string name = absl::StrJoin(words.begin() + 1, words.end(), " ");
  bool found = false;
  for (const CommandSpec& command : commands) {
    // `help units` explains every units command.
    if (command.name != name && command.name.rfind(name + " ", 0) != 0) continue;
    surroundings.out << (found ? "\n" : "") << CommandHelpText(command);
    found = true;
  }
  if (!found) {
    surroundings.err << "dondocctl: không có lệnh '" << Printable(name)
                     << "' (xem: dondocctl help)\n";
    exit_code = kExitUsage;
  }
  return true;
}

}  // namespace

int RunApp(const std::vector<std::string>& words, const Surroundings& surroundings) {
  const std::vector<CommandSpec> commands = AllCommands();
  int exit_code = kExitOk;
  if (AnswerHelp(commands, words, surroundings, exit_code)) return exit_code;

  const absl::StatusOr<Arguments> arguments = ParseArguments(commands, words, surroundings.server);
  if (!arguments.ok()) {
    surroundings.err << "dondocctl: " << arguments.status().message() << "\n";
    return kExitUsage;
  }
  if (arguments->Bool("help")) {
    surroundings.out << CommandHelpText(*arguments->command);
    return kExitOk;
  }
  const absl::Duration timeout = absl::Seconds(arguments->Integer("timeout"));
  HttpClient http(arguments->Text("server"), timeout);
  // Who names a sequence wants to wait for it.
  ApiClient api(http, arguments->Has("min_sequence") ? timeout : absl::ZeroDuration());
  Context context{*arguments, api, surroundings.out, surroundings.err, surroundings.terminal_width};
  const absl::StatusOr<int> result = arguments->command->run(context);
  if (!result.ok()) {
    surroundings.err << "dondocctl: " << arguments->command->name << ": "
                     << Printable(result.status().message()) << "\n";
    return kExitFailed;
  }
  surroundings.out.flush();
  if (!surroundings.out) {
    // A reader that has seen enough (| head) needs no message.
    if (errno != EPIPE) surroundings.err << "dondocctl: không ghi được kết quả\n";
    return kExitFailed;
  }
  return *result;
}

}  // namespace dondoc::ctl
