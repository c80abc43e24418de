// The templates' part of MailServiceHandler.

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/mail_service.h"
#include "services/alerting/reminder_text.h"
#include "services/alerting/template_check.h"
#include "services/alerting/templates/templates.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

absl::string_view FamilyOf(absl::string_view name) { return name.substr(0, name.find('.')); }

v1::Template BuiltIn(const BuiltInTemplate& built_in) {
  v1::Template found;
  found.set_name(std::string(built_in.name));
  found.set_source(std::string(built_in.source));
  for (std::string& variable : TemplateVariables(FamilyOf(built_in.name))) {
    found.add_variables(std::move(variable));
  }
  return found;
}

// The stored words in place of the built-in ones.
void Change(const v1::Template& changed, v1::Template& found) {
  found.set_source(changed.source());
  found.set_changed(true);
  *found.mutable_update_time() = changed.update_time();
}

absl::StatusOr<MessageKind> KindOf(const std::string& word, absl::string_view family) {
  if (word.empty()) {
    return family == "digest"   ? MessageKind::kOfficeDigest
           : family == "notice" ? MessageKind::kConfirmation
                                : MessageKind::kReminder;
  }
  for (int i = 0; i <= static_cast<int>(MessageKind::kOfficeDigest); ++i) {
    const auto kind = static_cast<MessageKind>(i);
    if (KindName(kind) == word && TemplateFamily(kind) == family) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("kind: ", Quoted(word), " is not written by a ", family, " template"));
}

}  // namespace

absl::StatusOr<v1::Template> MailServiceHandler::TemplateNamed(const std::string& name) const {
  for (const BuiltInTemplate& built_in : BuiltInTemplates()) {
    if (built_in.name != name) continue;
    v1::Template found = BuiltIn(built_in);
    ASSIGN_OR_RETURN(const std::vector<v1::Template> changed, store_.ListTemplates());
    for (const v1::Template& one : changed) {
      if (one.name() == name) Change(one, found);
    }
    return found;
  }
  return absl::NotFoundError(absl::StrCat("no template ", Quoted(name)));
}

grpc::Status MailServiceHandler::ListTemplates(grpc::ServerContext* /*context*/,
                                               const v1::ListTemplatesRequest* /*request*/,
                                               v1::ListTemplatesResponse* response) {
  const auto changed = store_.ListTemplates();
  if (!changed.ok()) return ToGrpc(changed.status());
  for (const BuiltInTemplate& built_in : BuiltInTemplates()) {
    v1::Template& listed = *response->add_templates() = BuiltIn(built_in);
    for (const v1::Template& one : *changed) {
      if (one.name() == listed.name()) Change(one, listed);
    }
  }
  return grpc::Status::OK;
}

absl::StatusOr<v1::Template> MailServiceHandler::ChangeTemplate(
    const v1::UpdateTemplateRequest& request) {
  RETURN_IF_ERROR(CheckTemplate(request.name(), request.source()));
  ASSIGN_OR_RETURN(const MessageKind kind, KindOf("", FamilyOf(request.name())));
  // With nothing to say it must still be Mustache.
  if (const auto rendered = RenderSource(request.name(), request.source(), kind, ReminderFacts());
      !rendered.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("source: ", rendered.status().message()));
  }
  v1::Template changed;
  changed.set_name(request.name());
  changed.set_source(request.source());
  *changed.mutable_update_time() = ToProto(clock_.Now());
  RETURN_IF_ERROR(store_.SaveTemplate(changed));
  return TemplateNamed(request.name());
}

grpc::Status MailServiceHandler::UpdateTemplate(grpc::ServerContext* /*context*/,
                                                const v1::UpdateTemplateRequest* request,
                                                v1::Template* response) {
  auto changed = ChangeTemplate(*request);
  if (!changed.ok()) return ToGrpc(changed.status());
  *response = *std::move(changed);
  return grpc::Status::OK;
}

grpc::Status MailServiceHandler::DeleteTemplate(grpc::ServerContext* /*context*/,
                                                const v1::DeleteTemplateRequest* request,
                                                v1::Template* response) {
  absl::StatusOr<v1::Template> found = TemplateNamed(request->name());
  if (!found.ok()) return ToGrpc(found.status());
  if (const absl::Status removed = store_.DeleteTemplate(request->name()); !removed.ok()) {
    return ToGrpc(removed);
  }
  found = TemplateNamed(request->name());
  if (!found.ok()) return ToGrpc(found.status());
  *response = *std::move(found);
  return grpc::Status::OK;
}

absl::StatusOr<ReminderFacts> MailServiceHandler::StoredFacts(
    const v1::PreviewTemplateRequest& request) const {
  ASSIGN_OR_RETURN(const v1::Evaluation evaluation,
                   alerts_.FindEvaluation(request.evaluation_id()));
  ReminderFacts facts;
  ASSIGN_OR_RETURN(facts.campaign, alerts_.FindCampaign(evaluation.campaign_id()));
  ASSIGN_OR_RETURN(const std::vector<v1::Flag> flags, alerts_.ListFlags(request.evaluation_id()));
  facts.flag.set_name("Văn phòng");
  bool found = request.unit_id().empty();
  for (const v1::Flag& flag : flags) {
    facts.rows.push_back({.flag = flag, .week_change_points = std::nullopt, .note = ""});
    if (flag.unit_id() != request.unit_id()) continue;
    facts.flag = flag;
    found = true;
  }
  if (!found) {
    return absl::NotFoundError(
        absl::StrCat("no unit ", Quoted(request.unit_id()), " in that evaluation"));
  }
  facts.target.set_percent(facts.flag.target_percent());
  for (const v1::Target& target : facts.campaign.targets()) {
    if (target.level() == facts.flag.level()) facts.target = target;
  }
  facts.window = evaluation.window();
  facts.overall = evaluation.overall();
  facts.levels.assign(evaluation.levels().begin(), evaluation.levels().end());
  facts.definition_id = facts.definition_name = evaluation.definition_id();
  facts.definition_version = evaluation.definition_version();
  facts.ledger_id = evaluation.ledger_id();
  facts.sequence = evaluation.sequence();
  facts.today = DayOf(FromProto(evaluation.evaluate_time()));
  const auto last = ParseDay(evaluation.window().to());
  facts.unit_last_day = last.ok() ? *last : facts.today;
  const auto deadline = ParseDay(facts.campaign.deadline_day());
  if (deadline.ok()) {
    facts.days_left = *deadline - facts.today + (facts.campaign.deadline_inclusive() ? 1 : 0);
  }
  return facts;
}

absl::StatusOr<v1::RawBody> MailServiceHandler::Preview(
    const v1::PreviewTemplateRequest& request) const {
  ASSIGN_OR_RETURN(const v1::Template found, TemplateNamed(request.name()));
  const std::string& source = request.has_source() ? request.source() : found.source();
  RETURN_IF_ERROR(CheckTemplate(request.name(), source));
  ASSIGN_OR_RETURN(const MessageKind kind, KindOf(request.kind(), FamilyOf(request.name())));
  ASSIGN_OR_RETURN(const ReminderFacts facts, StoredFacts(request));
  absl::StatusOr<std::string> rendered = RenderSource(request.name(), source, kind, facts);
  if (!rendered.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("source: ", rendered.status().message()));
  }
  v1::RawBody body;
  body.set_content_type(absl::EndsWith(request.name(), ".html") ? "text/html; charset=utf-8"
                                                                : "text/plain; charset=utf-8");
  body.set_data(*std::move(rendered));
  return body;
}

grpc::Status MailServiceHandler::PreviewTemplate(grpc::ServerContext* /*context*/,
                                                 const v1::PreviewTemplateRequest* request,
                                                 v1::RawBody* response) {
  auto body = Preview(*request);
  if (!body.ok()) return ToGrpc(body.status());
  *response = *std::move(body);
  return grpc::Status::OK;
}

}  // namespace dondoc::alerting
