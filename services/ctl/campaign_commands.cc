#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/files.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr size_t kCampaignBytesMax = 1 << 20;

std::string TargetsText(const v1::Campaign& campaign) {
  std::vector<std::string> targets;
  for (const v1::Target& target : campaign.targets()) {
    targets.push_back(absl::StrCat(LevelWord(target.level()),
                                   target.operator_() == v1::Operator::GT ? " > " : " ≥ ",
                                   PercentText(target.percent())));
  }
  return absl::StrJoin(targets, "; ");
}

std::string DeadlineText(const v1::Campaign& campaign) {
  return absl::StrCat(campaign.deadline_inclusive() ? "đến hết " : "trước ",
                      DayText(campaign.deadline_day()));
}

void PrintCampaign(Context& context, const v1::Campaign& campaign) {
  context.out << "Đợt đôn đốc " << campaign.campaign_id() << ": " << Printable(campaign.title())
              << "\n"
              << "Tính từ " << DayText(campaign.window_from()) << ", phải đạt "
              << DeadlineText(campaign) << "; " << TargetsText(campaign) << "\n"
              << "Thư: " << SendModeWord(campaign.send_mode()) << "; "
              << (campaign.has_activate_time()
                      ? absl::StrCat("chạy theo lịch từ ",
                                     InstantText(true, campaign.activate_time()))
                      : absl::StrCat("chưa chạy theo lịch (dondocctl campaigns activate ",
                                     campaign.campaign_id(), ")"))
              << "\n";
}

absl::StatusOr<int> RunCreate(Context& context) {
  const std::string& path = context.arguments.words[0];
  ASSIGN_OR_RETURN(const std::string json, ReadFile(path, kCampaignBytesMax));
  v1::Campaign campaign;
  RETURN_IF_ERROR(FromJson(json, path, true, campaign));
  ASSIGN_OR_RETURN(const auto answer, context.api.Post<v1::Campaign>("/v1/campaigns", campaign));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  PrintCampaign(context, answer.message);
  return kExitOk;
}

absl::StatusOr<int> RunActivate(Context& context) {
  const std::string path =
      absl::StrCat("/v1/campaigns/", EscapeSegment(context.arguments.words[0]), ":activate");
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Post<v1::Campaign>(path, v1::ActivateCampaignRequest()));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  PrintCampaign(context, answer.message);
  return kExitOk;
}

absl::StatusOr<int> RunList(Context& context) {
  if (context.arguments.Bool("json")) return PrintPage(context, "/v1/campaigns", {}, 1000);
  Table table({{"Mã đợt"}, {"Tên"}, {"Tính từ"}, {"Hạn"}, {"Chỉ tiêu"}, {"Thư"}, {"Chạy từ"}});
  ASSIGN_OR_RETURN(const bool more,
                   ForEachPage<v1::ListCampaignsResponse>(
                       context.api, "/v1/campaigns", {}, context.arguments.Integer("limit"), 1000,
                       [&](const v1::ListCampaignsResponse& page) {
                         for (const v1::Campaign& campaign : page.campaigns()) {
                           table.AddRow({campaign.campaign_id(), campaign.title(),
                                         DayText(campaign.window_from()), DeadlineText(campaign),
                                         TargetsText(campaign), SendModeWord(campaign.send_mode()),
                                         campaign.has_activate_time()
                                             ? InstantText(true, campaign.activate_time())
                                             : "chưa chạy"});
                         }
                         return page.campaigns_size();
                       }));
  context.out << (table.empty() ? "Chưa có đợt đôn đốc nào.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> RunSlots(Context& context) {
  const std::string path =
      absl::StrCat("/v1/campaigns/", EscapeSegment(context.arguments.words[0]), "/slots");
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::ListSlotsResponse>(path));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  Table table({{"Phiên"}, {"Dời từ ngày"}});
  for (const v1::Slot& slot : answer.message.slots()) {
    table.AddRow({slot.slot(), DayText(slot.moved_from())});
  }
  context.out << (table.empty() ? "Không còn phiên nào.\n" : table.Render());
  return kExitOk;
}

CommandSpec OneCampaignCommand(const std::string& name, const std::string& summary,
                               std::function<absl::StatusOr<int>(Context&)> run) {
  CommandSpec command;
  command.name = name;
  command.words = "MÃ_ĐỢT";
  command.words_min = command.words_max = 1;
  command.summary = summary;
  command.examples = {absl::StrCat("dondocctl ", name, " dvctt-2023")};
  command.run = std::move(run);
  return command;
}

}  // namespace

void AddCampaignCommands(std::vector<CommandSpec>& commands) {
  CommandSpec create;
  create.name = "campaigns create";
  create.words = "TỆP.json";
  create.words_min = create.words_max = 1;
  create.summary = "tạo một đợt đôn đốc";
  create.details =
      "Tệp là một Campaign của API (xem /docs, deploy/data/kontum/campaign-2023.json). Tạo lại "
      "đúng\n"
      "đợt ấy không thay đổi gì; cùng mã mà khác nội dung thì bị từ chối.";
  create.examples = {"dondocctl campaigns create deploy/data/kontum/campaign-2023.json"};
  create.run = &RunCreate;
  commands.push_back(std::move(create));

  commands.push_back(OneCampaignCommand("campaigns activate",
                                        "cho một đợt chạy theo lịch từ bây giờ", &RunActivate));

  CommandSpec list;
  list.name = "campaigns list";
  list.summary = "các đợt đôn đốc";
  list.examples = {"dondocctl campaigns list"};
  list.flags = {LimitFlag("100"), PageTokenFlag()};
  list.run = &RunList;
  commands.push_back(std::move(list));

  commands.push_back(
      OneCampaignCommand("campaigns slots", "các phiên còn lại theo lịch của một đợt", &RunSlots));
}

}  // namespace dondoc::ctl
