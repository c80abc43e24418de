#include "services/alerting/reminder_text.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/message_view.h"
#include "services/alerting/templates/templates.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

using ::kainjow::mustache::data;

absl::StatusOr<std::string> Render(absl::string_view name, const std::string& source,
                                   const data& view) {
  kainjow::mustache::mustache page{source};
  if (!page.is_valid()) {
    return absl::InternalError(absl::StrCat("template ", name, ": ", page.error_message()));
  }
  if (!absl::EndsWith(name, ".html")) {
    page.set_custom_escape([](const std::string& text) { return text; });
  }
  std::string text = page.render(view);
  if (!page.is_valid()) {
    return absl::InternalError(absl::StrCat("template ", name, ": ", page.error_message()));
  }
  if (absl::EndsWith(name, ".subject")) text = std::string(absl::StripAsciiWhitespace(text));
  return text;
}

absl::StatusOr<std::string> RenderNamed(const std::string& name, const TemplateSources& changed,
                                        const data& view) {
  if (const auto source = changed.find(name); source != changed.end()) {
    return Render(name, source->second, view);
  }
  for (const BuiltInTemplate& built_in : BuiltInTemplates()) {
    if (built_in.name == name) return Render(name, std::string(built_in.source), view);
  }
  return absl::InternalError(absl::StrCat("no template ", name));
}

}  // namespace

absl::string_view TemplateFamily(MessageKind kind) {
  switch (kind) {
    case MessageKind::kReminder:
    case MessageKind::kFellBack:
      return "reminder";
    case MessageKind::kDistrictDigest:
    case MessageKind::kOfficeDigest:
      return "digest";
    default:
      return "notice";
  }
}

absl::StatusOr<ReminderText> RenderMessage(MessageKind kind, const ReminderFacts& facts,
                                           const std::string& attached,
                                           const TemplateSources& changed) {
  const data view = MakeView(kind, facts, attached);
  const absl::string_view family = TemplateFamily(kind);
  ReminderText text;
  ASSIGN_OR_RETURN(text.subject, RenderNamed(absl::StrCat(family, ".subject"), changed, view));
  ASSIGN_OR_RETURN(text.text, RenderNamed(absl::StrCat(family, ".text"), changed, view));
  ASSIGN_OR_RETURN(text.html, RenderNamed(absl::StrCat(family, ".html"), changed, view));
  return text;
}

absl::StatusOr<std::string> RenderSource(absl::string_view name, const std::string& source,
                                         MessageKind kind, const ReminderFacts& facts) {
  return Render(name, source, MakeView(kind, facts, "bang-so-lieu.xlsx"));
}

absl::StatusOr<ReminderText> RenderReminder(const ReminderFacts& facts) {
  return RenderMessage(MessageKind::kReminder, facts, "", {});
}

}  // namespace dondoc::alerting
