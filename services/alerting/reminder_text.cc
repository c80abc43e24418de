#include "services/alerting/reminder_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kainjow/mustache.hpp"
#include "services/alerting/templates/templates.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

using ::kainjow::mustache::data;

constexpr char kShortOfTarget[] = "#b3261e";
constexpr int kLabelRoomPercent = 35;
constexpr char kCloseToTarget[] = "#b26a00";

// A section of the template: shown, with the text in it, only when there is one.
data Optional(const std::string& text) { return text.empty() ? data(false) : data(text); }

std::string DayVi(const std::string& iso) {
  const absl::StatusOr<absl::CivilDay> day = ParseDay(iso);
  return day.ok() ? FormatDayVi(*day) : iso;
}

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
  view.set("colour",
           facts.flag.outlook() == v1::Outlook::ON_TRACK ? kCloseToTarget : kShortOfTarget);
  view.set("missing_words", MissingWords(facts.flag));
  view.set("expected", NumberVi(facts.flag.expected()));
  view.set("required", Optional(PercentVi(facts.flag.required_percent())));
  view.set("recent", Optional(PercentVi(facts.flag.recent_percent())));
}

data View(const ReminderFacts& facts) {
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

absl::StatusOr<std::string> Render(absl::string_view source, bool html, const data& view) {
  kainjow::mustache::mustache page{std::string(source)};
  if (!page.is_valid()) {
    return absl::InternalError(absl::StrCat("reminder template: ", page.error_message()));
  }
  if (!html) page.set_custom_escape([](const std::string& text) { return text; });
  std::string text = page.render(view);
  if (!page.is_valid()) {
    return absl::InternalError(absl::StrCat("reminder template: ", page.error_message()));
  }
  return text;
}

}  // namespace

absl::StatusOr<ReminderText> RenderReminder(const ReminderFacts& facts) {
  const data view = View(facts);
  ReminderText text;
  ASSIGN_OR_RETURN(text.subject, Render(SubjectTemplate(), /*html=*/false, view));
  text.subject = std::string(absl::StripAsciiWhitespace(text.subject));
  ASSIGN_OR_RETURN(text.text, Render(ReminderTextTemplate(), /*html=*/false, view));
  ASSIGN_OR_RETURN(text.html, Render(ReminderHtmlTemplate(), /*html=*/true, view));
  return text;
}

}  // namespace dondoc::alerting
