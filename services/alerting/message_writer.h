#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/alerting/mail_guard.h"
#include "services/alerting/message_request.h"
#include "services/alerting/mime.h"
#include "services/alerting/reminder_text.h"
#include "services/alerting/store/outbox.h"

namespace dondoc::alerting {

// How reminders look and where they may go.
struct MailSettings {
  Mailbox from;
  std::string subject_prefix;
  std::string office_name;
  std::string public_url;
  MailGuard guard;
  // Signs the links by which recipients confirm; empty = no such links.
  std::string acknowledge_key;
  // Asked at each message for words to be used instead of the built-in ones.
  std::function<absl::StatusOr<TemplateSources>()> changed_templates = [] {
    return TemplateSources();
  };
};

// The reminder for `request`, complete and ready to be stored and sent: texts, workbook, Message-ID
// and thread from its key (campaign, unit, slot, kind, recipient). `now` is civil: the mail's date.
// Fills in the prefix, office, link and acknowledgement of the facts from `mail`. The same request
// and settings give the same bytes. kInvalidArgument for a recipient that is no mail address.
absl::StatusOr<NewReminder> WriteMessage(const MailSettings& mail, const MessageRequest& request,
                                         absl::Time now);

}  // namespace dondoc::alerting
