#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kRatioPageMax = 20'000;

// The fields every question about ratios has.
std::vector<FlagSpec> QuestionFlags() {
  return {
      {.name = "from",
       .type = FlagType::kDay,
       .help = "ngày tiếp nhận đầu, ví dụ 2023-01-01",
       .required = true},
      {.name = "to",
       .type = FlagType::kDay,
       .help = "ngày tiếp nhận cuối, ví dụ 2023-11-15",
       .required = true},
      {.name = "target_percent",
       .type = FlagType::kPercent,
       .help = "chỉ tiêu; --target_percent= là không so chỉ tiêu",
       .default_value = "50"},
      {.name = "target_operator",
       .type = FlagType::kOneOf,
       .help = "GE: từ chỉ tiêu trở lên là đạt; GT: phải trên",
       .default_value = "GE",
       .choices = {"GE", "GT"}},
      {.name = "definition_id", .help = "cách tính; không có = mặc định"},
      {.name = "structure",
       .help = "at_receipt: đơn vị lúc tiếp nhận; as_of:2025-07-01: đơn vị của ngày ấy"},
      {.name = "as_of_sequence",
       .type = FlagType::kInteger,
       .help = "số liệu tại sequence ấy",
       .maximum = INT64_MAX},
      {.name = "known_at", .type = FlagType::kInstant, .help = "số liệu như đã biết vào lúc ấy"},
      {.name = "min_sequence",
       .type = FlagType::kInteger,
       .help = "chờ (tới --timeout) đến khi số liệu đã có sequence ấy",
       .maximum = INT64_MAX}};
}

Query QuestionQuery(const Arguments& arguments) {
  Query query;
  AddQuery(arguments,
           {"from", "to", "target_percent", "definition_id", "structure", "as_of_sequence",
            "known_at", "min_sequence"},
           query);
  if (!arguments.Text("target_percent").empty()) AddQuery(arguments, {"target_operator"}, query);
  return query;
}

absl::Status CheckQuestion(const Arguments& arguments) {
  if (arguments.Text("from") > arguments.Text("to")) {
    return absl::InvalidArgumentError("--from sau --to");
  }
  if (arguments.Has("as_of_sequence") && arguments.Has("known_at")) {
    return absl::InvalidArgumentError("chỉ một trong --as_of_sequence và --known_at");
  }
  return absl::OkStatus();
}

std::string TargetText(const Arguments& arguments) {
  const std::string percent = arguments.Text("target_percent");
  if (percent.empty()) return "không so chỉ tiêu";
  return absl::StrCat("chỉ tiêu ", arguments.Text("target_operator") == "GT" ? "trên " : "từ ",
                      PercentText(percent),
                      arguments.Text("target_operator") == "GT" ? "" : " trở lên");
}

// Where the figures come from, so that they can be asked for again.
template <typename Response>
std::string SourceText(const Response& response) {
  std::string text = absl::StrCat("Số liệu tại sequence ", response.sequence());
  if (response.has_commit_time()) {
    absl::StrAppend(&text, " (", InstantText(true, response.commit_time()), ")");
  }
  absl::StrAppend(&text, ", cách tính ", Printable(response.definition_id()), " phiên bản ",
                  response.definition_version(), "\n");
  return text;
}

absl::StatusOr<int> RunSummary(Context& context) {
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::GetSummaryResponse>(
                                          "/v1/summary", QuestionQuery(context.arguments)));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::GetSummaryResponse& summary = answer.message;
  const bool with_target = !context.arguments.Text("target_percent").empty();
  context.out << "Tỷ lệ hồ sơ trực tuyến " << WindowText(summary.window()) << ", "
              << TargetText(context.arguments) << "\n\n";

  Table table({{"Cấp"},
               {"Đạt", Align::kRight},
               {"Chưa đạt", Align::kRight},
               {"Không phát sinh", Align::kRight},
               {"Chưa có số liệu", Align::kRight},
               {"Hồ sơ", Align::kRight},
               {"Trực tuyến", Align::kRight},
               {"Tỷ lệ", Align::kRight}});
  v1::LevelSummary all;
  for (const v1::LevelSummary& level : summary.levels()) {
    table.AddRow({LevelWord(level.level()),
                  with_target ? absl::StrCat(level.reached(), "/", level.units())
                              : absl::StrCat("–/", level.units()),
                  with_target ? CountText(level.below()) : "–", CountText(level.no_dossiers()),
                  CountText(level.no_data()), CountText(level.ratio().total()),
                  CountText(level.ratio().online()), RatioText(level.ratio())});
    all.set_units(all.units() + level.units());
    all.set_reached(all.reached() + level.reached());
    all.set_below(all.below() + level.below());
    all.set_no_dossiers(all.no_dossiers() + level.no_dossiers());
    all.set_no_data(all.no_data() + level.no_data());
  }
  table.AddRule();
  table.AddRow({"Toàn tỉnh",
                with_target ? absl::StrCat(all.reached(), "/", all.units())
                            : absl::StrCat("–/", all.units()),
                with_target ? CountText(all.below()) : "–", CountText(all.no_dossiers()),
                CountText(all.no_data()), CountText(summary.overall().total()),
                CountText(summary.overall().online()), RatioText(summary.overall())});
  context.out << table.Render() << "\n" << SourceText(summary);
  return kExitOk;
}

void AddRatioRow(const v1::UnitRatio& unit, Table& table) {
  const v1::Ratio& ratio = unit.ratio();
  table.AddRow({unit.unit_id(), unit.name(), LevelWord(unit.level()), CountText(ratio.total()),
                CountText(ratio.online()), CountText(ratio.counter()), CountText(ratio.postal()),
                CountText(ratio.unknown()), RatioText(ratio), VerdictText(ratio)});
}

absl::StatusOr<int> RunRatios(Context& context) {
  Query query = QuestionQuery(context.arguments);
  AddQuery(context.arguments, {"level", "parent_id", "order_by"}, query);
  if (context.arguments.Bool("json")) {
    return PrintPage(context, "/v1/ratios", query, kRatioPageMax);
  }
  Table table({{"Mã đơn vị"},
               {"Đơn vị"},
               {"Cấp"},
               {"Hồ sơ", Align::kRight},
               {"Trực tuyến", Align::kRight},
               {"Trực tiếp", Align::kRight},
               {"BCCI", Align::kRight},
               {"Không rõ", Align::kRight},
               {"Tỷ lệ", Align::kRight},
               {"Đánh giá"}});
  v1::ListRatiosResponse last;
  ASSIGN_OR_RETURN(const bool more,
                   ForEachPage<v1::ListRatiosResponse>(
                       context.api, "/v1/ratios", query, context.arguments.Integer("limit"),
                       kRatioPageMax, [&](const v1::ListRatiosResponse& page) {
                         for (const v1::UnitRatio& unit : page.ratios()) AddRatioRow(unit, table);
                         last = page;
                         return page.ratios_size();
                       }));
  context.out << "Tỷ lệ hồ sơ trực tuyến " << WindowText(last.window()) << ", "
              << TargetText(context.arguments) << "\n\n"
              << table.Render() << "\n"
              << SourceText(last);
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> RunUnit(Context& context) {
  const std::string path =
      absl::StrCat("/v1/units/", EscapeSegment(context.arguments.words[0]), "/ratio");
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::GetUnitRatioResponse>(
                                          path, QuestionQuery(context.arguments)));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::GetUnitRatioResponse& unit = answer.message;
  const v1::Ratio& ratio = unit.ratio();
  const std::string verdict = VerdictText(ratio);
  context.out << Printable(unit.name()) << " (" << unit.unit_id() << ", " << LevelWord(unit.level())
              << ")\n"
              << WindowText(unit.window()) << ", " << TargetText(context.arguments) << "\n\n"
              << "Tỷ lệ:      " << RatioText(ratio) << (verdict.empty() ? "" : "  ") << verdict
              << "\n"
              << "Hồ sơ:      " << CountText(ratio.total()) << " = " << CountText(ratio.online())
              << " trực tuyến + " << CountText(ratio.counter()) << " trực tiếp + "
              << CountText(ratio.postal()) << " BCCI + " << CountText(ratio.unknown())
              << " không rõ\n"
              << "Theo:       " << BasisWord(ratio.basis()) << "\n\n"
              << SourceText(unit);
  return kExitOk;
}

absl::StatusOr<int> RunTrend(Context& context) {
  const std::string path =
      absl::StrCat("/v1/units/", EscapeSegment(context.arguments.words[0]), "/trend");
  Query query = QuestionQuery(context.arguments);
  AddQuery(context.arguments, {"step"}, query);
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::ListTrendResponse>(path, query));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  Table table({{"Kỳ"},
               {"Hồ sơ", Align::kRight},
               {"Trực tuyến", Align::kRight},
               {"Tỷ lệ", Align::kRight},
               {"Lũy kế hồ sơ", Align::kRight},
               {"Lũy kế trực tuyến", Align::kRight},
               {"Lũy kế", Align::kRight},
               {"Đánh giá lũy kế"}});
  for (const v1::TrendPoint& point : answer.message.points()) {
    table.AddRow({WindowText(point.window()), CountText(point.ratio().total()),
                  CountText(point.ratio().online()), RatioText(point.ratio()),
                  CountText(point.cumulative().total()), CountText(point.cumulative().online()),
                  RatioText(point.cumulative()), VerdictText(point.cumulative())});
  }
  context.out << Printable(answer.message.name()) << ", " << TargetText(context.arguments) << "\n\n"
              << table.Render() << "\n"
              << SourceText(answer.message);
  return kExitOk;
}

absl::StatusOr<int> RunFreshness(Context& context) {
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::GetFreshnessResponse>("/v1/freshness"));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::GetFreshnessResponse& freshness = answer.message;
  Table table({{"Mã đơn vị"}, {"Đơn vị"}, {"Cấp"}, {"Số liệu đến"}, {"Nạp lúc"}});
  int64_t behind = 0;
  for (const v1::UnitFreshness& unit : freshness.units()) {
    const bool late =
        unit.last_covered_day() != freshness.last_covered_day() || unit.last_covered_day().empty();
    behind += late ? 1 : 0;
    if (!late && !context.arguments.Bool("all")) continue;
    table.AddRow({unit.unit_id(), unit.name(), LevelWord(unit.level()),
                  unit.last_covered_day().empty() ? "chưa có" : DayText(unit.last_covered_day()),
                  InstantText(unit.has_last_claim_time(), unit.last_claim_time())});
  }
  context.out << "Số liệu đến ngày "
              << (freshness.last_covered_day().empty() ? "(chưa có)"
                                                       : DayText(freshness.last_covered_day()))
              << " (sequence " << freshness.sequence() << "); " << CountText(behind) << "/"
              << CountText(freshness.units_size()) << " đơn vị chậm hơn hoặc chưa có\n";
  if (!table.empty()) context.out << "\n" << table.Render();
  return kExitOk;
}

CommandSpec OneUnitCommand(const std::string& name, const std::string& summary,
                           std::function<absl::StatusOr<int>(Context&)> run) {
  CommandSpec command;
  command.name = name;
  command.words = "MÃ_ĐƠN_VỊ";
  command.words_min = command.words_max = 1;
  command.summary = summary;
  command.flags = QuestionFlags();
  command.check = &CheckQuestion;
  command.run = std::move(run);
  return command;
}

}  // namespace

void AddRatioCommands(std::vector<CommandSpec>& commands) {
  CommandSpec summary;
  summary.name = "summary";
  summary.summary = "toàn tỉnh và từng cấp: tỷ lệ, bao nhiêu đơn vị đạt";
  summary.details =
      "Tỷ lệ của tỉnh và của cấp là tổng trên tổng, không phải trung bình các đơn vị. Đơn vị "
      "không\n"
      "phát sinh hồ sơ hoặc chưa có số liệu vẫn nằm trong mẫu số của 10/17.";
  summary.examples = {"dondocctl summary --from=2023-01-01 --to=2023-11-15",
                      "dondocctl summary --from=2023-01-01 --to=2023-11-15 --as_of_sequence=7 "
                      "--json"};
  summary.flags = QuestionFlags();
  summary.check = &CheckQuestion;
  summary.run = &RunSummary;
  commands.push_back(std::move(summary));

  CommandSpec ratios;
  ratios.name = "ratios";
  ratios.summary = "từng đơn vị";
  ratios.examples = {
      "dondocctl ratios --from=2023-01-01 --to=2023-11-15 --level=COMMUNE --order_by='percent "
      "desc'",
      "dondocctl ratios --from=2023-01-01 --to=2023-11-15 --parent_id=kontum.dak-ha"};
  ratios.flags = QuestionFlags();
  ratios.flags.push_back({.name = "level",
                          .type = FlagType::kOneOf,
                          .help = "chỉ một cấp",
                          .choices = {"PROVINCE", "DISTRICT", "COMMUNE"}});
  ratios.flags.push_back({.name = "parent_id", .help = "chỉ đơn vị trực thuộc"});
  ratios.flags.push_back({.name = "order_by",
                          .type = FlagType::kOneOf,
                          .help = "thứ tự (thêm desc: giảm dần)",
                          .choices = {"name", "percent", "total", "online", "name desc",
                                      "percent desc", "total desc", "online desc"}});
  ratios.flags.push_back(LimitFlag("20000"));
  ratios.flags.push_back(PageTokenFlag());
  ratios.check = &CheckQuestion;
  ratios.run = &RunRatios;
  commands.push_back(std::move(ratios));

  CommandSpec unit = OneUnitCommand("unit", "một đơn vị", &RunUnit);
  unit.examples = {"dondocctl unit kontum.so-tu-phap --from=2023-01-01 --to=2023-11-15"};
  commands.push_back(std::move(unit));

  CommandSpec trend = OneUnitCommand(
      "trend", "một đơn vị theo ngày, tuần, tháng, quý, 6 tháng, 9 tháng, năm", &RunTrend);
  trend.examples = {"dondocctl trend kontum.dak-ha --from=2023-01-01 --to=2023-11-15 --step=WEEK"};
  trend.flags.push_back(
      {.name = "step",
       .type = FlagType::kOneOf,
       .help = "độ dài của kỳ",
       .default_value = "MONTH",
       .choices = {"DAY", "WEEK", "MONTH", "QUARTER", "HALF_YEAR", "NINE_MONTHS", "YEAR"}});
  commands.push_back(std::move(trend));

  CommandSpec freshness;
  freshness.name = "freshness";
  freshness.summary = "số liệu đến ngày nào, đơn vị nào chậm";
  freshness.examples = {"dondocctl freshness", "dondocctl freshness --all"};
  freshness.flags = {{.name = "all",
                      .type = FlagType::kBool,
                      .help = "mọi đơn vị, không chỉ đơn vị chậm",
                      .default_value = "false"}};
  freshness.run = &RunFreshness;
  commands.push_back(std::move(freshness));
}

}  // namespace dondoc::ctl
