#include "services/alerting/message_view.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"

namespace dondoc::alerting {
namespace {

using ::kainjow::mustache::data;

constexpr char kShortOfTarget[] = "#b3261e";
constexpr int kLabelRoomPercent = 35;
constexpr char kCloseToTarget[] = "#b26a00";
constexpr char kReached[] = "#1b6e3c";
constexpr char kNeutral[] = "#1d2733";

// A section of the template: shown, with the text in it, only when there is one.
data Optional(const std::string& text) { return text.empty() ? data(false) : data(text); }

std::string DayVi(const std::string& iso) {
  const absl::StatusOr<absl::CivilDay> day = ParseDay(iso);
  return day.ok() ? FormatDayVi(*day) : iso;
}

// "+1.25" → "+1,25"; empty when it is not known.
std::string ChangeVi(const std::optional<std::string>& points) {
  return absl::StrReplaceAll(points.value_or(""), {{".", ","}});
}

std::string OutlookWords(const ReminderFacts& facts) {
  switch (facts.flag.outlook()) {
    case v1::Outlook::ON_TRACK:
      return "Nếu giữ được tỷ lệ trực tuyến như những ngày gần đây, đơn vị sẽ đạt chỉ tiêu đúng "
             "hạn.";
    case v1::Outlook::HARD:
      return "Tỷ lệ trực tuyến những ngày gần đây chưa đủ; cần tăng cường hướng dẫn người dân, "
             "doanh nghiệp nộp hồ sơ trực tuyến.";
    case v1::Outlook::OUT_OF_REACH:
      return "Với số hồ sơ dự kiến, kể cả khi mọi hồ sơ tới đây đều trực tuyến, tỷ lệ lũy kế vẫn "
             "chưa đạt; mỗi hồ sơ trực tuyến vẫn nâng tỷ lệ của đơn vị và của toàn tỉnh.";
    default:
      return "";
  }
}

std::string TargetWords(const ReminderFacts& facts) {
  const std::string percent = PercentVi(facts.flag.target_percent());
  return facts.target.operator_() == v1::Operator::GT ? absl::StrCat("trên ", percent, " %")
                                                      : absl::StrCat("từ ", percent, " % trở lên");
}

std::string LeftWords(const ReminderFacts& facts) {
  if (facts.days_left <= 0) return "đã hết thời hạn";
  return absl::StrCat("còn ", NumberVi(facts.days_left), " ngày, trong đó ",
                      NumberVi(facts.working_days_left), " ngày làm việc");
}

std::string MissingWords(const v1::Flag& flag) {
  if (!flag.has_missing()) return "không số hồ sơ nào đủ để đạt chỉ tiêu này";
  return absl::StrCat(NumberVi(flag.missing()),
                      " hồ sơ trực tuyến, nếu mọi hồ sơ tới đây đều nộp trực tuyến");
}

std::string PositionWords(const ReminderFacts& facts) {
  return absl::StrCat(facts.sequence, " (", facts.ledger_id, ")");
}

// Whole percents for the width of a bar, 0–100.
int BarPercent(const std::string& percent) {
  double value = 0;
  if (!absl::SimpleAtod(percent, &value)) return 0;
  return std::clamp(static_cast<int>(std::floor(value)), 0, 100);
}

void AddFigures(const ReminderFacts& facts, data& view) {
  const v1::Ratio& ratio = facts.flag.ratio();
  view.set("percent", PercentVi(ratio.percent()));
  view.set("total", NumberVi(ratio.total()));
  view.set("online", NumberVi(ratio.online()));
  view.set("counter", NumberVi(ratio.counter()));
  view.set("postal", NumberVi(ratio.postal()));
  view.set("unknown", Optional(ratio.unknown() > 0 ? NumberVi(ratio.unknown()) : ""));
  view.set("partial", ratio.basis() == v1::Basis::PARTIAL_DOSSIERS);
  const bool behind = FormatDay(facts.unit_last_day) < facts.window.to();
  view.set("unit_as_of", Optional(behind ? FormatDayVi(facts.unit_last_day) : ""));
  const int bar = BarPercent(ratio.percent());
  view.set("bar", Optional(bar > 0 ? absl::StrCat(bar) : ""));
  const int target_bar = std::max(BarPercent(facts.flag.target_percent()), 1);
  view.set("target_bar", absl::StrCat(target_bar));
  // Left of a low mark there is no room for its label.
  view.set("label_before", target_bar >= kLabelRoomPercent);
  view.set("colour", facts.flag.outlook() == v1::Outlook::ON_TRACK  ? kCloseToTarget
                     : facts.flag.outlook() == v1::Outlook::REACHED ? kReached
                                                                    : kShortOfTarget);
  view.set("missing_words", MissingWords(facts.flag));
  view.set("expected", NumberVi(facts.flag.expected()));
  view.set("required", Optional(PercentVi(facts.flag.required_percent())));
  view.set("recent", Optional(PercentVi(facts.flag.recent_percent())));
  view.set("change", Optional(ChangeVi(facts.week_change_points)));
}

void AddProcedures(const ReminderFacts& facts, data& view) {
  data list(data::type::list);
  const size_t count = std::min(facts.procedures.size(), kCounterProceduresMax);
  for (size_t i = 0; i < count; ++i) {
    const CounterProcedure& procedure = facts.procedures[i];
    data line(data::type::object);
    line.set("procedure", procedure.name.empty() ? procedure.procedure_code : procedure.name);
    line.set("procedure_counter", NumberVi(procedure.counter));
    line.set("procedure_total", NumberVi(procedure.total));
    list.push_back(line);
  }
  view.set("has_procedures", count > 0);
  view.set("procedures", list);
}

std::string RowColour(const v1::Flag& flag) {
  if (!flag.flagged()) return kNeutral;
  return flag.outlook() == v1::Outlook::ON_TRACK ? kCloseToTarget : kShortOfTarget;
}

std::string RowLine(const DigestRow& row) {
  const v1::Flag& flag = row.flag;
  std::vector<std::string> words;
  if (flag.ratio().total() > 0) {
    words.push_back(absl::StrCat(NumberVi(flag.ratio().online()), "/",
                                 NumberVi(flag.ratio().total()), " hồ sơ"));
  }
  if (flag.flagged() && !flag.target_percent().empty()) {
    words.push_back(absl::StrCat("chỉ tiêu ", PercentVi(flag.target_percent()), " %"));
  }
  if (flag.flagged() && flag.has_missing()) {
    words.push_back(absl::StrCat("còn thiếu ", NumberVi(flag.missing())));
  }
  words.push_back(OutlookName(flag.outlook()));
  if (!row.note.empty()) words.push_back(row.note);
  return absl::StrJoin(words, "; ");
}

// Units below their target first, in their order; what does not fit is counted.
void AddRows(MessageKind kind, const ReminderFacts& facts, data& view) {
  std::vector<const DigestRow*> shown;
  int64_t below = 0;
  for (const DigestRow& row : facts.rows) {
    if (row.flag.flagged()) ++below;
    if (row.flag.flagged() || kind != MessageKind::kOfficeDigest) shown.push_back(&row);
  }
  data list(data::type::list);
  for (size_t i = 0; i < std::min(shown.size(), kDigestRowsMax); ++i) {
    const v1::Flag& flag = shown[i]->flag;
    data line(data::type::object);
    line.set("row_unit", flag.name());
    line.set("row_percent", flag.ratio().percent().empty()
                                ? "–"
                                : absl::StrCat(PercentVi(flag.ratio().percent()), " %"));
    line.set("row_line", RowLine(*shown[i]));
    line.set("row_change", Optional(ChangeVi(shown[i]->week_change_points)));
    line.set("row_colour", RowColour(flag));
    list.push_back(line);
  }
  view.set("has_rows", !shown.empty());
  view.set("rows", list);
  view.set("rows_more",
           Optional(shown.size() <= kDigestRowsMax
                        ? ""
                        : absl::StrCat("… và ", shown.size() - kDigestRowsMax, " đơn vị khác.")));
  view.set("below_count", NumberVi(below));
}

std::string LevelName(v1::Level::Value level) {
  switch (level) {
    case v1::Level::PROVINCE:
      return "Sở, ban, ngành";
    case v1::Level::DISTRICT:
      return "Cấp huyện";
    case v1::Level::COMMUNE:
      return "Cấp xã";
    default:
      return "Khác";
  }
}

void AddOverall(MessageKind kind, const ReminderFacts& facts, data& view) {
  view.set("overall_percent",
           facts.overall.percent().empty() ? "–" : PercentVi(facts.overall.percent()));
  view.set("overall_online", NumberVi(facts.overall.online()));
  view.set("overall_total", NumberVi(facts.overall.total()));
  const int bar = BarPercent(facts.overall.percent());
  view.set("overall_bar", Optional(bar > 0 ? absl::StrCat(bar) : ""));
  view.set("overall_words",
           kind == MessageKind::kDistrictDigest ? "của các xã, phường, thị trấn" : "của toàn tỉnh");
  data list(data::type::list);
  for (const v1::LevelSummary& level : facts.levels) {
    data line(data::type::object);
    line.set("level_name", LevelName(level.level()));
    line.set("level_reached", NumberVi(level.reached()));
    line.set("level_units", NumberVi(level.units()));
    std::vector<std::string> words = {absl::StrCat(NumberVi(level.below()), " chưa đạt")};
    if (level.no_dossiers() > 0) {
      words.push_back(absl::StrCat(NumberVi(level.no_dossiers()), " không phát sinh hồ sơ"));
    }
    if (level.no_data() > 0) {
      words.push_back(absl::StrCat(NumberVi(level.no_data()), " chưa có số liệu"));
    }
    if (!level.ratio().percent().empty()) {
      words.push_back(absl::StrCat("tỷ lệ chung ", PercentVi(level.ratio().percent()), " %"));
    }
    line.set("level_line", absl::StrJoin(words, "; "));
    list.push_back(line);
  }
  view.set("has_levels", !facts.levels.empty());
  view.set("levels", list);
}

struct Notice {
  std::string heading;
  std::string short_words;  // for the subject
  std::string rows_heading;
  std::vector<std::string> paragraphs;
  bool figure = false;  // of one unit
};

Notice ConfirmationWords(const ReminderFacts& facts) {
  return {
      .heading = "Thông báo tự động: đã đạt chỉ tiêu",
      .short_words =
          absl::StrCat("đã đạt chỉ tiêu (", PercentVi(facts.flag.ratio().percent()), " %)"),
      .rows_heading = "",
      .paragraphs = {"Đơn vị đã đạt chỉ tiêu hồ sơ trực tuyến. Thư nhắc sẽ dừng; nếu tỷ lệ lại "
                     "thấp hơn chỉ tiêu trước thời hạn, hệ thống sẽ nhắc lại.",
                     absl::StrCat("Chỉ tiêu được tính đến ",
                                  facts.campaign.deadline_inclusive() ? "hết ngày " : "trước ngày ",
                                  DayVi(facts.campaign.deadline_day()),
                                  "; đề nghị đơn vị tiếp tục duy trì.")},
      .figure = true};
}

Notice ExplanationWords(const ReminderFacts& facts) {
  return {.heading = "Đề nghị giải trình",
          .short_words = absl::StrCat("đề nghị giải trình, hết thời hạn chưa đạt (",
                                      PercentVi(facts.flag.ratio().percent()), " %)"),
          .rows_heading = "",
          .paragraphs =
              {absl::StrCat(
                   "Thời hạn (", facts.campaign.deadline_inclusive() ? "hết ngày " : "trước ngày ",
                   DayVi(facts.campaign.deadline_day()), ") đã qua, đơn vị chưa đạt chỉ tiêu."),
               absl::StrCat("Đề nghị đơn vị rà soát, báo cáo ", facts.office_name,
                            ": nguyên nhân; những thủ tục chưa hoặc không thể nộp trực tuyến; văn "
                            "bản đã rà soát; đề xuất chỉ tiêu cho những năm tiếp theo."),
               "Có thể trả lời thư này hoặc gửi giải trình trên hệ thống."},
          .figure = true};
}

Notice EscalationWords(const ReminderFacts& facts) {
  return {.heading = "Thông báo tự động: thư nhắc chưa được xác nhận",
          .short_words = absl::StrCat(NumberVi(static_cast<int64_t>(facts.rows.size())),
                                      " đơn vị chưa xác nhận thư nhắc"),
          .rows_heading = "Đơn vị chưa xác nhận",
          .paragraphs = {absl::StrCat(
              "Những đơn vị dưới đây chưa đạt chỉ tiêu và chưa xác nhận ",
              facts.unanswered > 0 ? absl::StrCat(NumberVi(facts.unanswered), " thư nhắc gần đây")
                                   : "các thư nhắc gần đây",
              ". Đề nghị liên hệ trực tiếp.")},
          .figure = false};
}

Notice DoubtfulWords(const ReminderFacts& facts) {
  return {
      .heading = "Thông báo tự động: chưa đủ dữ liệu",
      .short_words = absl::StrCat(NumberVi(static_cast<int64_t>(facts.rows.size())),
                                  " đơn vị chưa đủ dữ liệu để đánh giá"),
      .rows_heading = "Đơn vị chưa đủ dữ liệu",
      .paragraphs = {"Số liệu của những đơn vị dưới đây chưa đủ tin cậy để đánh giá (cũ, thiếu, "
                     "chưa từng có, hoặc khác số đã báo cáo). Hệ thống chưa nhắc các đơn vị này.",
                     "Đề nghị nạp hoặc đối chiếu lại số liệu."},
      .figure = false};
}

Notice NoticeWords(MessageKind kind, const ReminderFacts& facts) {
  switch (kind) {
    case MessageKind::kConfirmation:
      return ConfirmationWords(facts);
    case MessageKind::kExplanation:
      return ExplanationWords(facts);
    case MessageKind::kEscalation:
      return EscalationWords(facts);
    case MessageKind::kDoubtfulData:
      return DoubtfulWords(facts);
    case MessageKind::kDistrictDigest:
      return {.heading = "Tổng hợp tự động: các xã, phường, thị trấn",
              .short_words = "",
              .rows_heading = "Các đơn vị cấp xã",
              .paragraphs = {},
              .figure = false};
    case MessageKind::kOfficeDigest:
      return {.heading = "Tổng hợp tự động: toàn tỉnh",
              .short_words = "",
              .rows_heading = "Đơn vị chưa đạt chỉ tiêu",
              .paragraphs = {},
              .figure = false};
    default:
      return {.heading = "Thư nhắc tự động",
              .short_words = "",
              .rows_heading = "",
              .paragraphs = {},
              .figure = true};
  }
}

void AddNotice(MessageKind kind, const ReminderFacts& facts, data& view) {
  const Notice notice = NoticeWords(kind, facts);
  view.set("heading", notice.heading);
  view.set("notice_short", notice.short_words);
  view.set("rows_heading", notice.rows_heading);
  view.set("figure", notice.figure);
  view.set("unit_or_office", facts.flag.name());
  view.set("summary", notice.short_words.empty()
                          ? absl::StrCat(notice.heading, ". ", LeftWords(facts), ".")
                          : absl::StrCat(facts.flag.name(), ": ", notice.short_words, "."));
  data list(data::type::list);
  for (const std::string& words : notice.paragraphs) {
    data line(data::type::object);
    line.set("paragraph", words);
    list.push_back(line);
  }
  view.set("paragraphs", list);
}

data CommonView(const ReminderFacts& facts) {
  data view(data::type::object);
  const v1::Campaign& campaign = facts.campaign;
  view.set("prefix", facts.subject_prefix);
  view.set("office", facts.office_name);
  view.set("unit", facts.flag.name());
  view.set("title", campaign.title());
  view.set("window_from", DayVi(facts.window.from()));
  view.set("as_of", DayVi(facts.window.to()));
  view.set("target_words", TargetWords(facts));
  view.set("target_short", absl::StrCat(PercentVi(facts.flag.target_percent()), " %"));
  view.set("target_basis", Optional(facts.target.legal_basis()));
  view.set("campaign_basis", Optional(campaign.legal_basis()));
  view.set("deadline", absl::StrCat(campaign.deadline_inclusive() ? "đến hết ngày " : "trước ngày ",
                                    DayVi(campaign.deadline_day())));
  const std::string left = LeftWords(facts);
  view.set("left_words", left);
  view.set("left_short",
           facts.days_left <= 0 ? left : absl::StrCat("còn ", NumberVi(facts.days_left), " ngày"));
  view.set("left_sentence", absl::StrCat(facts.days_left <= 0 ? "Đ" : "C",
                                         left.substr(facts.days_left <= 0 ? 2 : 1), "."));
  view.set("outlook", OutlookName(facts.flag.outlook()));
  view.set("outlook_words", OutlookWords(facts));
  view.set("definition", absl::StrCat(facts.definition_name, " (", facts.definition_id,
                                      ", phiên bản ", facts.definition_version, ")"));
  view.set("position", PositionWords(facts));
  const bool web = absl::StartsWith(facts.public_url, "http://") ||
                   absl::StartsWith(facts.public_url, "https://");
  view.set("link", Optional(web ? facts.public_url : ""));
  view.set("date", FormatDayVi(facts.today));
  AddFigures(facts, view);
  return view;
}

}  // namespace

std::string OutlookName(v1::Outlook::Value outlook) {
  switch (outlook) {
    case v1::Outlook::ON_TRACK:
      return "Khả thi";
    case v1::Outlook::HARD:
      return "Khó";
    case v1::Outlook::OUT_OF_REACH:
      return "Không còn khả năng đạt trong thời hạn";
    case v1::Outlook::REACHED:
      return "Đạt";
    case v1::Outlook::NO_DOSSIERS:
      return "Không phát sinh hồ sơ";
    default:
      return "Chưa có số liệu";
  }
}

data MakeView(MessageKind kind, const ReminderFacts& facts, const std::string& attached) {
  data view = CommonView(facts);
  view.set("fell_back", kind == MessageKind::kFellBack);
  view.set("acknowledge", Optional(facts.acknowledge_url));
  view.set("attached", Optional(attached));
  AddProcedures(facts, view);
  AddRows(kind, facts, view);
  AddOverall(kind, facts, view);
  AddNotice(kind, facts, view);
  return view;
}

}  // namespace dondoc::alerting
