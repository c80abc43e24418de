#include "services/ctl/help.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

constexpr char kExitCodes[] =
    "Mã thoát: 0 xong · 1 lỗi · 2 sai cách dùng · 3 (import) có dòng bị loại, hoặc còn chờ duyệt\n";

// How a value of the flag is written in help.
std::string ValueName(const FlagSpec& flag) {
  switch (flag.type) {
    case FlagType::kBool:
      return "";
    case FlagType::kInteger:
      return "=SỐ";
    case FlagType::kDay:
      return "=NGÀY";
    case FlagType::kInstant:
      return "=THỜI_ĐIỂM";
    case FlagType::kPercent:
      return "=SỐ";
    case FlagType::kOneOf:
      return absl::StrCat("=", absl::StrJoin(flag.choices, "|"));
    case FlagType::kText:
      break;
  }
  return "=…";
}

std::string FlagLines(const std::vector<FlagSpec>& flags) {
  size_t width = 0;
  for (const FlagSpec& flag : flags) {
    width = std::max(width, DisplayWidth(absl::StrCat("--", flag.name, ValueName(flag))));
  }
  width = std::min<size_t>(width, 34);
  std::string lines;
  for (const FlagSpec& flag : flags) {
    const std::string left = absl::StrCat("--", flag.name, ValueName(flag));
    absl::StrAppend(&lines, "  ", PadRight(left, width), "  ", flag.help);
    if (flag.required) {
      lines += " (bắt buộc)";
    } else if (!flag.default_value.empty() && flag.type != FlagType::kBool) {
      absl::StrAppend(&lines, " (mặc định ", flag.default_value, ")");
    }
    lines += "\n";
  }
  return lines;
}

}  // namespace

std::string HelpText(const std::vector<CommandSpec>& commands) {
  std::string text =
      "dondocctl: nạp hồ sơ, xem tỷ lệ hồ sơ trực tuyến, đôn đốc các đơn vị\n\n"
      "Cách dùng: dondocctl LỆNH [THAM SỐ] [--cờ=giá_trị]\n\nLệnh:\n";
  size_t width = 0;
  const auto left = [](const CommandSpec& command) {
    return command.words.empty() ? command.name : absl::StrCat(command.name, " ", command.words);
  };
  for (const CommandSpec& command : commands) width = std::max(width, DisplayWidth(left(command)));
  for (const CommandSpec& command : commands) {
    absl::StrAppend(&text, "  ", PadRight(left(command), width), "  ", command.summary, "\n");
  }
  absl::StrAppend(&text, "\nCờ chung:\n", FlagLines(CommonFlags()),
                  "\nBắt đầu nhanh:\n"
                  "  dondocctl sample --seed=1 --out=mau\n"
                  "  dondocctl units import mau/units.csv\n"
                  "  dondocctl import mau/mot-cua-2023.csv --covers_from=2023-01-01 "
                  "--covers_to=2023-11-15 --complete\n"
                  "  dondocctl summary --from=2023-01-01 --to=2023-11-15\n\n"
                  "Xem từng lệnh: dondocctl help LỆNH\n",
                  kExitCodes);
  return text;
}

std::string CommandHelpText(const CommandSpec& command) {
  std::string text = absl::StrCat("dondocctl ", command.name, ": ", command.summary,
                                  "\n\nCách dùng: dondocctl ", command.name);
  if (!command.words.empty()) absl::StrAppend(&text, " ", command.words);
  for (const FlagSpec& flag : command.flags) {
    if (flag.required) absl::StrAppend(&text, " --", flag.name, ValueName(flag));
  }
  text += " [--cờ=giá_trị]\n";
  if (!command.details.empty()) absl::StrAppend(&text, "\n", command.details, "\n");
  if (!command.flags.empty()) absl::StrAppend(&text, "\nCờ:\n", FlagLines(command.flags));
  absl::StrAppend(&text, "\nCờ chung:\n", FlagLines(CommonFlags()));
  if (!command.examples.empty()) {
    absl::StrAppend(&text, "\nVí dụ:\n  ", absl::StrJoin(command.examples, "\n  "), "\n");
  }
  return absl::StrCat(text, "\n", kExitCodes);
}

}  // namespace dondoc::ctl
