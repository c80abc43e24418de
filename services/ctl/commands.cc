#include "services/ctl/commands.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "services/common/status/macros.h"

namespace dondoc::ctl {

std::vector<CommandSpec> AllCommands() {
  std::vector<CommandSpec> commands;
  AddImportCommands(commands);
  AddWatchCommand(commands);
  AddUnitCommands(commands);
  AddAliasCommand(commands);
  AddDirectoryCommands(commands);
  AddRatioCommands(commands);
  AddDossierCommands(commands);
  AddCampaignCommands(commands);
  AddEvaluationCommands(commands);
  AddSampleCommand(commands);
  return commands;
}

void AddQuery(const Arguments& arguments, const std::vector<std::string>& flags, Query& query) {
  for (const std::string& flag : flags) {
    const std::string value = arguments.Text(flag);
    if (!value.empty()) query.emplace_back(flag, value);
  }
}

FlagSpec LimitFlag(const std::string& default_value) {
  return {.name = "limit",
          .type = FlagType::kInteger,
          .help = "nhiều nhất bao nhiêu dòng",
          .default_value = default_value,
          .minimum = 1,
          .maximum = 1'000'000};
}

FlagSpec PageTokenFlag() {
  return {.name = "page_token", .help = "với --json: next_page_token của trang trước"};
}

absl::StatusOr<int> PrintPage(Context& context, const std::string& path, Query query,
                              int64_t page_size_max) {
  query.emplace_back("page_size",
                     std::to_string(std::min(context.arguments.Integer("limit"), page_size_max)));
  AddQuery(context.arguments, {"page_token"}, query);
  HttpRequest request;
  request.path = path;
  request.query = std::move(query);
  ASSIGN_OR_RETURN(const std::string json, context.api.Call(request));
  return PrintJson(context, json);
}

int PrintJson(Context& context, const std::string& json) {
  context.out << json;
  if (!absl::EndsWith(json, "\n")) context.out << "\n";
  return kExitOk;
}

}  // namespace dondoc::ctl
