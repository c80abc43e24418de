#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "dondoc/v1/units.pb.h"
#include "services/ctl/api_client.h"
#include "services/ctl/arguments.h"
#include "services/ctl/http_client.h"

namespace dondoc::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
// An import took effect but rejected rows, or waits for a person.
inline constexpr int kExitAttention = 3;

// What a running command has at hand.
struct Context {
  const Arguments& arguments;
  ApiClient& api;
  std::ostream& out;  // results
  std::ostream& err;  // progress and errors
  // Columns of the terminal that `err` is; 0 = it is none.
  size_t terminal_width = 0;
};

// Every command, in the order help lists them.
std::vector<CommandSpec> AllCommands();

void AddImportCommands(std::vector<CommandSpec>& commands);
// After the import commands: it takes the flags of `import`.
void AddWatchCommand(std::vector<CommandSpec>& commands);
void AddUnitCommands(std::vector<CommandSpec>& commands);
void AddAliasCommand(std::vector<CommandSpec>& commands);
void AddDirectoryCommands(std::vector<CommandSpec>& commands);
void AddRatioCommands(std::vector<CommandSpec>& commands);
void AddDossierCommands(std::vector<CommandSpec>& commands);
void AddCampaignCommands(std::vector<CommandSpec>& commands);
void AddEvaluationCommands(std::vector<CommandSpec>& commands);
void AddSampleCommand(std::vector<CommandSpec>& commands);

using Query = std::vector<std::pair<std::string, std::string>>;

// Adds the flags that were given, or have a default, as query fields of the same name.
void AddQuery(const Arguments& arguments, const std::vector<std::string>& flags, Query& query);

// --limit of a command that lists.
FlagSpec LimitFlag(const std::string& default_value);
FlagSpec PageTokenFlag();

// Reads pages of `path` until `limit` entries were shown or there are no more. `show` is given each
// page and returns how many entries it had. Returns whether more were left.
template <typename Response, typename Show>
absl::StatusOr<bool> ForEachPage(ApiClient& api, const std::string& path, Query query,
                                 int64_t limit, int64_t page_size_max, const Show& show) {
  std::string token;
  for (int64_t left = limit; left > 0;) {
    Query page_query = query;
    page_query.emplace_back("page_size", std::to_string(std::min(left, page_size_max)));
    if (!token.empty()) page_query.emplace_back("page_token", token);
    absl::StatusOr<Answer<Response>> page = api.Get<Response>(path, std::move(page_query));
    if (!page.ok()) return page.status();
    left -= show(page->message);
    token = page->message.next_page_token();
    if (token.empty()) return false;
  }
  return true;
}

// For --json of a command that lists: the first page, or that of --page_token, as the server wrote
// it.
absl::StatusOr<int> PrintPage(Context& context, const std::string& path, Query query,
                              int64_t page_size_max);

// What each column of a file was taken for.
void PrintColumns(Context& context,
                  const google::protobuf::RepeatedPtrField<v1::FileColumn>& columns);

// Writes the server's JSON and a line end.
int PrintJson(Context& context, const std::string& json);

}  // namespace dondoc::ctl
