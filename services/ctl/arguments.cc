#include "services/ctl/arguments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::ctl {
namespace {

constexpr size_t kValueBytesMax = 4096;
constexpr size_t kListValuesMax = 20'000;

absl::Status Usage(absl::string_view message) { return absl::InvalidArgumentError(message); }

// How many single-letter changes make one word of the other; for "did you mean".
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

// "; ý bạn là 'x'?" when one of `known` is close.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& known,
                       absl::string_view prefix) {
  if (word.size() > 64) return "";
  const std::string* best = nullptr;
  size_t best_distance = 3;
  for (const std::string& candidate : known) {
    const size_t distance = Distance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : absl::StrCat("; ý bạn là '", prefix, *best, "'?");
}

bool IsFlag(absl::string_view word) { return absl::StartsWith(word, "--") && word.size() > 2; }

const FlagSpec* FindFlag(const std::vector<FlagSpec>& flags, absl::string_view name) {
  for (const FlagSpec& flag : flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

absl::Status CheckInteger(const FlagSpec& spec, const std::string& value) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < spec.minimum || number > spec.maximum) {
    return Usage(absl::StrCat("phải là số nguyên từ ", spec.minimum, " đến ", spec.maximum));
  }
  return absl::OkStatus();
}

absl::Status CheckOneOf(const FlagSpec& spec, std::string& value) {
  for (const std::string& choice : spec.choices) {
    if (absl::EqualsIgnoreCase(choice, value)) {
      value = choice;
      return absl::OkStatus();
    }
  }
  return Usage(absl::StrCat("phải là một trong: ", absl::StrJoin(spec.choices, ", ")));
}

}  // namespace

absl::Status CheckFlagValue(const FlagSpec& spec, std::string& value) {
  if (value.size() > kValueBytesMax) return Usage("giá trị quá dài");
  switch (spec.type) {
    case FlagType::kText:
      return absl::OkStatus();
    case FlagType::kBool:
      if (value == "true" || value == "false") return absl::OkStatus();
      return Usage("chỉ nhận true hoặc false");
    case FlagType::kInteger:
      return CheckInteger(spec, value);
    case FlagType::kDay:
      if (ParseDay(value).ok()) return absl::OkStatus();
      return Usage("phải là ngày dạng 2023-11-15");
    case FlagType::kInstant:
      if (ParseInstant(value).ok()) return absl::OkStatus();
      return Usage("phải là thời điểm dạng 2023-11-20T08:00:00+07:00");
    case FlagType::kPercent:
      if (value.empty() || ParseTarget(value, v1::Operator::GE).ok()) return absl::OkStatus();
      return Usage("phải là số từ 0 đến 100, dấu chấm thập phân, nhiều nhất 6 chữ số lẻ");
    case FlagType::kOneOf:
      return CheckOneOf(spec, value);
  }
  return absl::OkStatus();
}

std::string Arguments::Text(const std::string& flag) const {
  if (const auto given = values_.find(flag); given != values_.end()) return given->second.back();
  const auto fallback = defaults_.find(flag);
  return fallback == defaults_.end() ? "" : fallback->second;
}

std::vector<std::string> Arguments::List(const std::string& flag) const {
  const auto given = values_.find(flag);
  return given == values_.end() ? std::vector<std::string>() : given->second;
}

int64_t Arguments::Integer(const std::string& flag) const {
  int64_t number = 0;
  // Checked when it was read; a default is a number by construction.
  (void)absl::SimpleAtoi(Text(flag), &number);
  return number;
}

const std::vector<FlagSpec>& CommonFlags() {
  static const auto* const flags = new std::vector<FlagSpec>{
      {.name = "server",
       .help = "địa chỉ gateway (hoặc biến môi trường DONDOC_SERVER)",
       .default_value = "http://127.0.0.1:8080"},
      {.name = "json",
       .type = FlagType::kBool,
       .help = "in nguyên JSON của máy chủ, dùng cho script",
       .default_value = "false"},
      {.name = "timeout",
       .type = FlagType::kInteger,
       .help = "giây chờ một câu trả lời (riêng import: một giờ)",
       .default_value = "60",
       .minimum = 1,
       .maximum = 3600},
      {.name = "help", .type = FlagType::kBool, .help = "cách dùng", .default_value = "false"},
  };
  return *flags;
}

// One pass to find the command, one to read its flags and words.
class ArgumentParser {
 public:
  ArgumentParser(const std::vector<CommandSpec>& commands, const std::vector<std::string>& words)
      : commands_(commands), words_(words) {}

  absl::StatusOr<Arguments> Parse(const std::string& server_from_environment) {
    RETURN_IF_ERROR(FindCommand());
    flags_ = arguments_.command->flags;
    for (const FlagSpec& flag : CommonFlags()) flags_.push_back(flag);
    for (const FlagSpec& flag : flags_) arguments_.defaults_[flag.name] = flag.default_value;
    if (!server_from_environment.empty()) arguments_.defaults_["server"] = server_from_environment;

    RETURN_IF_ERROR(ReadWords());
    if (arguments_.Bool("help")) return std::move(arguments_);
    RETURN_IF_ERROR(CheckServer());
    RETURN_IF_ERROR(CheckCounts());
    if (arguments_.command->check != nullptr) {
      const absl::Status status = arguments_.command->check(arguments_);
      if (!status.ok()) return Error(status.message());
    }
    return std::move(arguments_);
  }

 private:
  absl::Status Error(absl::string_view what) const {
    const std::string& name = arguments_.command->name;
    return Usage(absl::StrCat(name, ": ", what, " (xem: dondocctl help ", name, ")"));
  }

  // The first word that is no flag names the command, alone or with the next. Flags before it can
  // only be common ones, so it is known which of them take the next word as their value.
  absl::Status FindCommand() {
    size_t at = 0;
    while (at < words_.size() && IsFlag(words_[at])) {
      const FlagSpec* flag = FindFlag(CommonFlags(), absl::string_view(words_[at]).substr(2));
      at += flag != nullptr && flag->type != FlagType::kBool ? 2 : 1;
    }
    if (at >= words_.size()) return Usage("thiếu lệnh (xem: dondocctl help)");
    command_at_ = at;
    for (const size_t count : {size_t{2}, size_t{1}}) {
      if (at + count > words_.size()) continue;
      const std::string name = absl::StrJoin(words_.begin() + static_cast<long>(at),
                                             words_.begin() + static_cast<long>(at + count), " ");
      for (const CommandSpec& command : commands_) {
        if (command.name != name) continue;
        arguments_.command = &command;
        command_words_ = count;
        return absl::OkStatus();
      }
    }
    return UnknownCommand(words_[at]);
  }

  absl::Status UnknownCommand(const std::string& word) const {
    std::vector<std::string> names;
    std::vector<std::string> second_words;
    for (const CommandSpec& command : commands_) {
      names.push_back(command.name);
      const std::vector<std::string> parts = absl::StrSplit(command.name, ' ');
      if (parts.size() == 2 && parts[0] == word) second_words.push_back(command.name);
    }
    if (!second_words.empty()) {
      return Usage(absl::StrCat("'", word, "' cần thêm một từ: ", absl::StrJoin(second_words, ", "),
                                " (xem: dondocctl help)"));
    }
    return Usage(absl::StrCat("không có lệnh ", Quoted(word), DidYouMean(word, names, ""),
                              " (xem: dondocctl help)"));
  }

  absl::Status ReadWords() {
    bool only_words = false;
    for (size_t at = 0; at < words_.size(); ++at) {
      if (at >= command_at_ && at < command_at_ + command_words_) continue;
      if (!only_words && words_[at] == "--") {
        only_words = true;
      } else if (only_words || !IsFlag(words_[at])) {
        if (!only_words && words_[at].size() > 1 && words_[at][0] == '-') {
          return Error(absl::StrCat("cờ ", Quoted(words_[at]), " phải bắt đầu bằng hai dấu gạch"));
        }
        arguments_.words.push_back(words_[at]);
      } else {
        RETURN_IF_ERROR(ReadFlag(at));
      }
    }
    return absl::OkStatus();
  }

  // Reads the flag at words_[at]; moves `at` on when its value is the next word.
  absl::Status ReadFlag(size_t& at) {
    const std::string text = words_[at].substr(2);
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const FlagSpec* spec = FindFlag(flags_, name);
    if (spec == nullptr) {
      std::vector<std::string> known;
      for (const FlagSpec& flag : flags_) known.push_back(flag.name);
      return Error(
          absl::StrCat("không có cờ ", Quoted("--" + name), DidYouMean(name, known, "--")));
    }
    std::string value;
    if (equals != std::string::npos) {
      value = text.substr(equals + 1);
    } else if (spec->type == FlagType::kBool) {
      value = "true";
    } else if (at + 1 < words_.size() && !IsFlag(words_[at + 1])) {
      value = words_[++at];
    } else {
      return Error(absl::StrCat("--", name, " cần một giá trị"));
    }
    return StoreFlag(*spec, value);
  }

  absl::Status StoreFlag(const FlagSpec& spec, const std::string& text) {
    std::vector<std::string> parts = {text};
    if (spec.repeated) parts = absl::StrSplit(text, ',', absl::SkipEmpty());
    std::vector<std::string>& values = arguments_.values_[spec.name];
    if (!spec.repeated && !values.empty()) {
      return Error(absl::StrCat("--", spec.name, " được cho hai lần"));
    }
    for (std::string& part : parts) {
      const absl::Status status = CheckFlagValue(spec, part);
      if (!status.ok()) {
        return Error(absl::StrCat("--", spec.name, "=", Quoted(part), ": ", status.message()));
      }
      values.push_back(std::move(part));
    }
    if (values.size() > kListValuesMax) {
      return Error(absl::StrCat("--", spec.name, " có hơn ", kListValuesMax, " giá trị"));
    }
    if (values.empty()) return Error(absl::StrCat("--", spec.name, " trống"));
    return absl::OkStatus();
  }

  absl::Status CheckServer() const {
    const std::string server = arguments_.Text("server");
    if (absl::StartsWith(server, "http://") || absl::StartsWith(server, "https://")) {
      const absl::string_view rest = absl::string_view(server).substr(server.find("://") + 3);
      if (!rest.empty() && rest[0] != '/' && !absl::StrContains(rest, '?') &&
          !absl::StrContains(rest, '@') && !absl::StrContains(rest, ' ')) {
        return absl::OkStatus();
      }
    }
    return Error(absl::StrCat("--server=", Quoted(server),
                              ": phải dạng http://máy:cổng hoặc https://máy:cổng"));
  }

  absl::Status CheckCounts() const {
    const CommandSpec& command = *arguments_.command;
    const size_t words = arguments_.words.size();
    if (words < command.words_min) return Error(absl::StrCat("thiếu ", command.words));
    if (words > command.words_max) {
      return Error(absl::StrCat("thừa ", Quoted(arguments_.words[command.words_max])));
    }
    for (const FlagSpec& flag : command.flags) {
      if (flag.required && !arguments_.Has(flag.name)) {
        return Error(absl::StrCat("thiếu --", flag.name, " (", flag.help, ")"));
      }
    }
    return absl::OkStatus();
  }

  const std::vector<CommandSpec>& commands_;
  const std::vector<std::string>& words_;
  std::vector<FlagSpec> flags_;
  size_t command_at_ = 0;
  size_t command_words_ = 0;
  Arguments arguments_;
};

absl::StatusOr<Arguments> ParseArguments(const std::vector<CommandSpec>& commands,
                                         const std::vector<std::string>& words,
                                         const std::string& server_from_environment) {
  return ArgumentParser(commands, words).Parse(server_from_environment);
}

}  // namespace dondoc::ctl
