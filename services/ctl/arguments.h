#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Words and flags of a command line: `dondocctl COMMAND [WORDS] [--flag=value | --flag value]`.
// Every command declares its own flags, so that a flag that means nothing to it is refused.

namespace dondoc::ctl {

enum class FlagType {
  kText,
  kBool,     // --flag, --flag=true, --flag=false
  kInteger,  // within [minimum, maximum]
  kDay,      // 2023-11-15
  kInstant,  // 2023-11-20T08:00:00+07:00
  kPercent,  // a decimal 0–100, at most 6 decimals; may be empty
  kOneOf,    // one of `choices`, read in any case
};

struct FlagSpec {
  std::string name = {};
  FlagType type = FlagType::kText;
  // Vietnamese, one line.
  std::string help = {};
  std::string default_value = {};
  bool required = false;
  // May be given several times, or once with commas.
  bool repeated = false;
  std::vector<std::string> choices = {};
  int64_t minimum = 0;
  int64_t maximum = 0;
};

class Arguments;
struct Context;

struct CommandSpec {
  // "units import": at most two words.
  std::string name;
  // How the words after the name are called in help, "FILE…"; and how many there must be.
  std::string words;
  size_t words_min = 0;
  size_t words_max = 0;
  // Vietnamese: one line for the list, sentences for help, whole command lines as examples.
  std::string summary;
  std::string details;
  std::vector<std::string> examples;
  std::vector<FlagSpec> flags;
  // What no single flag can say, "covers_from needs covers_to". Vietnamese.
  std::function<absl::Status(const Arguments&)> check;
  // Returns the exit code; an error is printed as one line and exits 1.
  std::function<absl::StatusOr<int>(Context&)> run;
};

// A command line that has been checked: every flag is known, readable and within its bounds.
class Arguments {
 public:
  const CommandSpec* command = nullptr;
  std::vector<std::string> words;

  // Whether the flag was given.
  bool Has(const std::string& flag) const { return values_.count(flag) != 0; }
  // The value given, else the default; "" without either.
  std::string Text(const std::string& flag) const;
  std::vector<std::string> List(const std::string& flag) const;
  bool Bool(const std::string& flag) const { return Text(flag) == "true"; }
  int64_t Integer(const std::string& flag) const;

 private:
  friend class ArgumentParser;
  std::map<std::string, std::vector<std::string>> values_;
  std::map<std::string, std::string> defaults_;
};

// Flags that every command has: server, json, timeout, help.
const std::vector<FlagSpec>& CommonFlags();

// Reads `words` (argv without argv[0]) against `commands`. `server_from_environment` is the default
// of --server when not empty. With --help, or `help COMMAND`, answers the command without checking
// anything else. kInvalidArgument, in Vietnamese, one line: what is wrong and where to read on.
absl::StatusOr<Arguments> ParseArguments(const std::vector<CommandSpec>& commands,
                                         const std::vector<std::string>& words,
                                         const std::string& server_from_environment);

// "--flag=value" text for the flag of `spec`, empty when it cannot be read.
absl::Status CheckFlagValue(const FlagSpec& spec, std::string& value);

}  // namespace dondoc::ctl
