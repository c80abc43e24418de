#include "services/alerting/message_writer.h"

#include "absl/strings/str_cat.h"
#include "services/alerting/key_hash.h"
#include "services/alerting/reminder_text.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {

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
  ASSIGN_OR_RETURN(const ReminderText text, RenderReminder(facts));
  reminder.subject = text.subject;
  const std::string domain = DomainOf(mail.from.address);
  reminder.message_id = absl::StrCat(reminder.reminder_id, "@", domain);
  ASSIGN_OR_RETURN(reminder.message,
                   BuildMail({.from = mail.from,
                              .to = {.name = request.recipient_name, .address = request.recipient},
                              .subject = text.subject,
                              .message_id = reminder.message_id,
                              .list_id = absl::StrCat(campaign_id, ".dondoc.", domain),
                              .date = now,
                              .text = text.text,
                              .html = text.html}));
  return reminder;
}

}  // namespace dondoc::alerting
