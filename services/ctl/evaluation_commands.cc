#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

std::string EvaluationPath(Context& context, const std::string& more) {
  return absl::StrCat("/v1/evaluations/", EscapeSegment(context.arguments.words[0]), more);
}

std::string ReminderCountsText(const v1::ReminderCounts& counts) {
  std::vector<std::string> parts;
  const auto add = [&](int64_t count, v1::ReminderState::Value state) {
    if (count > 0) parts.push_back(absl::StrCat(CountText(count), " ", ReminderStateWord(state)));
  };
  add(counts.drafted(), v1::ReminderState::DRAFTED);
  add(counts.queued(), v1::ReminderState::QUEUED);
  add(counts.sending(), v1::ReminderState::SENDING);
  add(counts.sent(), v1::ReminderState::SENT);
  add(counts.deferred(), v1::ReminderState::DEFERRED);
  add(counts.failed(), v1::ReminderState::FAILED);
  add(counts.unknown(), v1::ReminderState::UNKNOWN);
  return parts.empty() ? "chưa có" : absl::StrJoin(parts, ", ");
}

void PrintEvaluation(Context& context, const v1::Evaluation& evaluation) {
  std::ostream& out = context.out;
  out << "Lần đánh giá "
      << (evaluation.evaluation_id().empty() ? "(tính thử)" : evaluation.evaluation_id())
      << " của đợt " << evaluation.campaign_id() << ", phiên " << Printable(evaluation.slot())
      << (evaluation.late() ? " (chạy muộn)" : "") << ": "
      << EvaluationStateWord(evaluation.state()) << "\n"
      << WindowText(evaluation.window()) << ", sequence " << evaluation.sequence() << ", toàn tỉnh "
      << RatioText(evaluation.overall()) << "\n";
  Table table({{"Cấp"},
               {"Đạt", Align::kRight},
               {"Chưa đạt", Align::kRight},
               {"Không phát sinh", Align::kRight},
               {"Chưa có số liệu", Align::kRight},
               {"Tỷ lệ", Align::kRight}});
  for (const v1::LevelSummary& level : evaluation.levels()) {
    table.AddRow({LevelWord(level.level()), absl::StrCat(level.reached(), "/", level.units()),
                  CountText(level.below()), CountText(level.no_dossiers()),
                  CountText(level.no_data()), RatioText(level.ratio())});
  }
  out << "\n"
      << table.Render() << "\n"
      << CountText(evaluation.flagged())
      << " đơn vị bị cắm cờ; thư: " << ReminderCountsText(evaluation.reminders()) << "\n";
  if (evaluation.state() == v1::EvaluationState::AWAITING_RELEASE) {
    out << "Để gửi thư: dondocctl release " << evaluation.evaluation_id() << "\n";
  }
}

absl::StatusOr<int> RunEvaluate(Context& context) {
  v1::EvaluateCampaignRequest request;
  request.set_slot(context.arguments.Text("slot"));
  request.set_request_id(context.arguments.Text("request_id"));
  request.set_dry_run(context.arguments.Bool("dry_run"));
  const std::string path =
      absl::StrCat("/v1/campaigns/", EscapeSegment(context.arguments.words[0]), ":evaluate");
  ASSIGN_OR_RETURN(const auto answer, context.api.Post<v1::Evaluation>(path, request));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  PrintEvaluation(context, answer.message);
  return kExitOk;
}

absl::Status CheckEvaluate(const Arguments& arguments) {
  const bool slot = arguments.Has("slot");
  const bool request_id = arguments.Has("request_id");
  if (slot && request_id) {
    return absl::InvalidArgumentError("chỉ một trong --slot và --request_id");
  }
  if (!slot && !request_id) {
    return absl::InvalidArgumentError(
        "cần --slot (một phiên của lịch) hoặc --request_id (đánh giá ngay, ví dụ "
        "--request_id=bao-cao-2111)");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunRelease(Context& context) {
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Post<v1::Evaluation>(EvaluationPath(context, ":release"),
                                                    v1::ReleaseEvaluationRequest()));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  PrintEvaluation(context, answer.message);
  return kExitOk;
}

absl::StatusOr<int> RunShow(Context& context) {
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::Evaluation>(EvaluationPath(context, "")));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  PrintEvaluation(context, answer.message);
  return kExitOk;
}

absl::StatusOr<int> RunFlags(Context& context) {
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Get<v1::ListFlagsResponse>(EvaluationPath(context, "/flags")));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  Table table({{"Đơn vị"},
               {"Cấp"},
               {"Hồ sơ", Align::kRight},
               {"Trực tuyến", Align::kRight},
               {"Tỷ lệ", Align::kRight},
               {"Chỉ tiêu", Align::kRight},
               {"Còn thiếu", Align::kRight},
               {"Dự kiến thêm", Align::kRight},
               {"Cần đạt", Align::kRight},
               {"Gần đây", Align::kRight},
               {"Khả năng"},
               {"Thư"}});
  int64_t flagged = 0;
  for (const v1::Flag& flag : answer.message.flags()) {
    flagged += flag.flagged() ? 1 : 0;
    if (!flag.flagged() && !context.arguments.Bool("all")) continue;
    table.AddRow({flag.name(), LevelWord(flag.level()), CountText(flag.ratio().total()),
                  CountText(flag.ratio().online()), RatioText(flag.ratio()),
                  PercentText(flag.target_percent()),
                  flag.has_missing() ? CountText(flag.missing()) : "–", CountText(flag.expected()),
                  PercentText(flag.required_percent()), PercentText(flag.recent_percent()),
                  OutlookWord(flag.outlook()), WritingWord(flag.writing())});
  }
  context.out << CountText(flagged) << "/" << CountText(answer.message.flags_size())
              << " đơn vị bị cắm cờ\n";
  if (!table.empty()) context.out << "\n" << table.Render();
  return kExitOk;
}

absl::StatusOr<int> RunReminders(Context& context) {
  const std::string path = EvaluationPath(context, "/reminders");
  if (context.arguments.Bool("json")) return PrintPage(context, path, {}, 1000);
  Table table({{"Mã thư"},
               {"Đơn vị"},
               {"Gửi tới"},
               {"Trạng thái"},
               {"Lần", Align::kRight},
               {"Gửi lúc"},
               {"Máy chủ thư trả lời"}});
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListRemindersResponse>(
          context.api, path, {}, context.arguments.Integer("limit"), 1000,
          [&](const v1::ListRemindersResponse& page) {
            for (const v1::Reminder& reminder : page.reminders()) {
              table.AddRow({reminder.reminder_id(), reminder.unit_id(), reminder.recipient(),
                            ReminderStateWord(reminder.state()), absl::StrCat(reminder.attempts()),
                            InstantText(reminder.has_sent_time(), reminder.sent_time()),
                            CutTo(reminder.last_reply(), 60)});
            }
            return page.reminders_size();
          }));
  context.out << (table.empty() ? "Không có thư nào.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

CommandSpec OneEvaluationCommand(const std::string& name, const std::string& summary,
                                 std::function<absl::StatusOr<int>(Context&)> run) {
  CommandSpec command;
  command.name = name;
  command.words = "MÃ_LẦN_ĐÁNH_GIÁ";
  command.words_min = command.words_max = 1;
  command.summary = summary;
  command.details = "Mã do lệnh evaluate in ra.";
  command.run = std::move(run);
  return command;
}

}  // namespace

void AddEvaluationCommands(std::vector<CommandSpec>& commands) {
  CommandSpec evaluate;
  evaluate.name = "evaluate";
  evaluate.words = "MÃ_ĐỢT";
  evaluate.words_min = evaluate.words_max = 1;
  evaluate.summary = "đánh giá một đợt: đơn vị nào chưa đạt, thiếu bao nhiêu";
  evaluate.details =
      "Gọi lại với cùng --slot hoặc --request_id thì nhận lại đúng lần đánh giá ấy, không viết "
      "thư\n"
      "lần nữa. --dry_run chỉ tính, không lưu gì.";
  evaluate.examples = {"dondocctl evaluate dvctt-2023 --request_id=bao-cao-2111",
                       "dondocctl evaluate dvctt-2023 --slot=2023-11-20T08:00:00+07:00",
                       "dondocctl evaluate dvctt-2023 --request_id=thu --dry_run"};
  evaluate.flags = {
      {.name = "slot", .type = FlagType::kInstant, .help = "một phiên của lịch"},
      {.name = "request_id", .help = "đánh giá ngay dưới mã này [A-Za-z0-9._-]{1,64}"},
      {.name = "dry_run",
       .type = FlagType::kBool,
       .help = "tính thử, không lưu",
       .default_value = "false"}};
  evaluate.check = &CheckEvaluate;
  evaluate.run = &RunEvaluate;
  commands.push_back(std::move(evaluate));

  commands.push_back(OneEvaluationCommand("evaluation", "xem lại một lần đánh giá", &RunShow));
  commands.push_back(
      OneEvaluationCommand("release", "cho gửi thư của một lần đánh giá", &RunRelease));

  CommandSpec flags =
      OneEvaluationCommand("flags", "các đơn vị chưa đạt của một lần đánh giá", &RunFlags);
  flags.flags = {{.name = "all",
                  .type = FlagType::kBool,
                  .help = "mọi đơn vị, cả đơn vị đạt",
                  .default_value = "false"}};
  commands.push_back(std::move(flags));

  CommandSpec reminders = OneEvaluationCommand(
      "reminders", "thư của một lần đánh giá và số phận của chúng", &RunReminders);
  reminders.flags = {LimitFlag("1000"), PageTokenFlag()};
  commands.push_back(std::move(reminders));
}

}  // namespace dondoc::ctl
