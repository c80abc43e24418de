#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/working_calendar.h"
#include "services/alerting/delivery.h"
#include "services/alerting/evaluation_figures.h"
#include "services/alerting/figures.h"
#include "services/alerting/message_writer.h"
#include "services/alerting/metrics.h"
#include "services/alerting/mime.h"
#include "services/alerting/store/alert_store.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

inline constexpr char kReminderKind[] = "reminder";
inline constexpr char kManualPrefix[] = "manual:";

struct SlotRequest {
  v1::Campaign campaign;
  std::string slot;      // its instant, or "manual:<request_id>"
  absl::Time slot_time;  // its instant, or now
  bool late = false;
  bool dry_run = false;
};

// Evaluates slots. Thread-safe.
class Evaluator {
 public:
  Evaluator(FigureSource& figures, DirectorySource& directory, AlertStore& store,
            const Clock& clock, const WorkingCalendar& calendar, Metrics& metrics,
            MailSettings mail);

  // The evaluation of the slot: the stored one when there is one, else a new one, written with its
  // flags and reminders. A dry run answers a new one and stores nothing. Besides errors of the
  // sources: kFailedPrecondition when there is no data. Safe to retry.
  absl::StatusOr<v1::Evaluation> Evaluate(const CallContext& context, const SlotRequest& request);

 private:
  // A unit's mailboxes, by unit.
  using Contacts = std::map<std::string, std::vector<std::string>>;

  absl::StatusOr<EvaluationRecord> Judge(const CallContext& context, const SlotRequest& request);
  absl::Status WriteReminders(const CallContext& context, const SlotRequest& request,
                              const EvaluationFigures& figures, EvaluationRecord& record);
  absl::StatusOr<NewReminder> WriteReminder(const SlotRequest& request,
                                            const EvaluationFigures& figures,
                                            const std::string& definition_name,
                                            const v1::Flag& flag, const std::string& recipient,
                                            absl::Time now) const;
  absl::StatusOr<std::string> DefinitionName(const CallContext& context,
                                             const EvaluationFigures& figures);
  // The first of the unit's mailboxes that may be written to; empty with the reason in `writing`.
  std::string RecipientOf(const Contacts& contacts, const std::string& unit_id,
                          v1::Writing::Value& writing) const;

  FigureSource& figures_;
  DirectorySource& directory_;
  AlertStore& store_;
  const Clock& clock_;
  const WorkingCalendar& calendar_;
  Metrics& metrics_;
  const MailSettings mail_;
};

}  // namespace dondoc::alerting
