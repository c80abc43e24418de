#include "services/alerting/message_writer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/alerting/acknowledgement.h"
#include "services/alerting/key_hash.h"
#include "services/alerting/reminder_text.h"
#include "services/alerting/workbook.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

constexpr char kWorkbookName[] = "bang-so-lieu.xlsx";
constexpr char kWorkbookType[] =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

// A JSON string of text that may hold anything; what is not UTF-8 becomes U+FFFD by the printer.
std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "";
}

// What webhooks are told. The id is the reminder's: whoever is told twice sees it.
std::string MakeEvent(const MailSettings& mail, const MessageRequest& request,
                      const NewReminder& reminder, absl::Time now) {
  google::protobuf::Struct event;
  auto& fields = *event.mutable_fields();
  fields["specversion"].set_string_value("1.0");
  fields["id"].set_string_value(reminder.reminder_id);
  fields["source"].set_string_value(
      absl::StrCat("urn:dondoc:", DomainOf(mail.from.address),
                   ":campaigns:", request.facts.campaign.campaign_id()));
  fields["type"].set_string_value(absl::StrCat("vn.dondoc.", reminder.kind, ".v1"));
  fields["subject"].set_string_value(reminder.unit_id);
  fields["time"].set_string_value(FormatInstant(now));
  fields["datacontenttype"].set_string_value("application/json");
  auto& data = *fields["data"].mutable_struct_value()->mutable_fields();
  const v1::Flag& flag = request.facts.flag;
  data["campaign_id"].set_string_value(request.facts.campaign.campaign_id());
  data["slot"].set_string_value(request.slot);
  data["kind"].set_string_value(reminder.kind);
  data["unit_id"].set_string_value(reminder.unit_id);
  data["name"].set_string_value(flag.name());
  data["subject"].set_string_value(reminder.subject);
  data["from"].set_string_value(request.facts.window.from());
  data["to"].set_string_value(request.facts.window.to());
  data["total"].set_string_value(absl::StrCat(flag.ratio().total()));
  data["online"].set_string_value(absl::StrCat(flag.ratio().online()));
  data["percent"].set_string_value(flag.ratio().percent());
  data["target_percent"].set_string_value(flag.target_percent());
  if (flag.has_missing()) data["missing"].set_string_value(absl::StrCat(flag.missing()));
  data["deadline_day"].set_string_value(request.facts.campaign.deadline_day());
  data["ledger_id"].set_string_value(request.facts.ledger_id);
  data["sequence"].set_string_value(absl::StrCat(request.facts.sequence));
  return Json(event);
}

std::string AcknowledgeUrl(const MailSettings& mail, MessageKind kind,
                           const std::string& reminder_id) {
  // Digests and confirmations ask for no answer.
  const bool asks = kind == MessageKind::kReminder || kind == MessageKind::kFellBack ||
                    kind == MessageKind::kExplanation;
  if (!asks || mail.acknowledge_key.empty() || mail.public_url.empty()) return "";
  return absl::StrCat(
      absl::StripSuffix(mail.public_url, "/"), "/v1/reminders/", reminder_id,
      ":acknowledge?token=", AcknowledgementToken(mail.acknowledge_key, reminder_id));
}

// The stored words; should one not render after all, the built-in ones, which do.
absl::StatusOr<ReminderText> RenderWords(const MailSettings& mail, MessageKind kind,
                                         const ReminderFacts& facts, const std::string& attached) {
  ASSIGN_OR_RETURN(const TemplateSources changed, mail.changed_templates());
  absl::StatusOr<ReminderText> text = RenderMessage(kind, facts, attached, changed);
  if (text.ok() || changed.empty()) return text;
  log::Error("a changed template does not render; the built-in one is used",
             {{"status", text.status().message()}});
  return RenderMessage(kind, facts, attached, {});
}

}  // namespace

absl::string_view KindName(MessageKind kind) {
  switch (kind) {
    case MessageKind::kReminder:
      return "reminder";
    case MessageKind::kConfirmation:
      return "confirmation";
    case MessageKind::kFellBack:
      return "fell_back";
    case MessageKind::kExplanation:
      return "explanation";
    case MessageKind::kEscalation:
      return "escalation";
    case MessageKind::kDoubtfulData:
      return "doubtful_data";
    case MessageKind::kDistrictDigest:
      return "district_digest";
    case MessageKind::kOfficeDigest:
      return "office_digest";
  }
  return "";
}

absl::StatusOr<NewReminder> WriteMessage(const MailSettings& mail, const MessageRequest& request,
                                         absl::Time now) {
  const std::string& campaign_id = request.facts.campaign.campaign_id();
  NewReminder reminder;
  reminder.unit_id = request.unit_id;
  reminder.recipient = request.recipient;
  reminder.kind = std::string(KindName(request.kind));
  reminder.quiet_from_minute = request.quiet_from_minute;
  reminder.quiet_to_minute = request.quiet_to_minute;
  reminder.reminder_id = KeyHash(
      {"reminder", campaign_id, request.unit_id, request.slot, reminder.kind, request.recipient});
  ReminderFacts facts = request.facts;
  facts.subject_prefix = mail.subject_prefix;
  facts.office_name = mail.office_name;
  facts.public_url = mail.public_url;
  facts.acknowledge_url = AcknowledgeUrl(mail, request.kind, reminder.reminder_id);
  std::vector<Attachment> attachments;
  if (request.kind == MessageKind::kOfficeDigest) {
    ASSIGN_OR_RETURN(std::string workbook, WriteWorkbook(facts));
    attachments.push_back(
        {.filename = kWorkbookName, .content_type = kWorkbookType, .data = std::move(workbook)});
  }
  ASSIGN_OR_RETURN(
      const ReminderText text,
      RenderWords(mail, request.kind, facts, attachments.empty() ? "" : attachments[0].filename));
  reminder.subject = text.subject;
  const std::string domain = DomainOf(mail.from.address);
  reminder.message_id = absl::StrCat(reminder.reminder_id, "@", domain);
  ASSIGN_OR_RETURN(reminder.message,
                   BuildMail({.from = mail.from,
                              .to = {.name = request.recipient_name, .address = request.recipient},
                              .subject = text.subject,
                              .message_id = reminder.message_id,
                              .list_id = absl::StrCat(campaign_id, ".dondoc.", domain),
                              .thread_id = absl::StrCat(
                                  KeyHash({"thread", campaign_id, request.unit_id}), "@", domain),
                              .date = now,
                              .text = text.text,
                              .html = text.html,
                              .attachments = std::move(attachments)}));
  reminder.event = MakeEvent(mail, request, reminder, now);
  return reminder;
}

}  // namespace dondoc::alerting
