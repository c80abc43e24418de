#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/calendar_source.h"
#include "services/alerting/evaluation_figures.h"
#include "services/alerting/figures.h"
#include "services/alerting/message_writer.h"
#include "services/alerting/metrics.h"
#include "services/alerting/store/alert_store.h"
#include "services/alerting/writing_plan.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

inline constexpr char kManualPrefix[] = "manual:";

struct SlotRequest {
  v1::Campaign campaign;
  std::string slot;      // its instant, or "manual:<request_id>"
  absl::Time slot_time;  // its instant, or now
  bool late = false;
  bool dry_run = false;
  // Of the real clock: how long running imports were waited for, and which were not.
  absl::Duration import_wait = absl::ZeroDuration();
  std::vector<std::string> unfinished_import_ids{};
};

// Evaluates slots. Thread-safe.
class Evaluator {
 public:
  Evaluator(FigureSource& figures, DirectorySource& directory, AlertStore& store,
            const Clock& clock, const CalendarSource& calendar, Metrics& metrics,
            MailSettings mail);

  // The evaluation of the slot: the stored one when there is one, else a new one, written with its
  // flags and reminders. A dry run answers a new one, with its flags and messages, and stores
  // nothing. Besides errors of the sources: kFailedPrecondition when there is no data. Safe to
  // retry.
  absl::StatusOr<v1::Evaluation> Evaluate(const CallContext& context, const SlotRequest& request);

  // Units that may not be written to by now (civil), for an evaluation about to be released.
  absl::StatusOr<std::vector<Hold>> HoldsNow(const std::string& campaign_id) const;

  // Imports that are on their way: their dossiers are in no figure yet.
  absl::StatusOr<std::vector<std::string>> RunningImports(const CallContext& context) {
    return directory_.ListRunningImports(context);
  }

 private:
  absl::StatusOr<EvaluationRecord> Judge(const CallContext& context, const SlotRequest& request);
  absl::Status FillInput(const CallContext& context, const std::string& campaign_id,
                         WritingInput& input) const;
  absl::StatusOr<Holds> GatherHolds(const std::string& campaign_id) const;
  absl::StatusOr<std::vector<NewReminder>> Write(
      const CallContext& context, const SlotRequest& request, const EvaluationFigures& figures,
      const EvaluationRecord& record, const std::vector<PlannedWriting>& plan, absl::Time now);
  // What every message of the evaluation says.
  ReminderFacts CommonFacts(const SlotRequest& request, const EvaluationFigures& figures,
                            const EvaluationRecord& record, const std::string& definition_name,
                            absl::Time now) const;
  absl::StatusOr<std::string> DefinitionName(const CallContext& context,
                                             const EvaluationFigures& figures);

  FigureSource& figures_;
  DirectorySource& directory_;
  AlertStore& store_;
  const Clock& clock_;
  const CalendarSource& calendar_;
  Metrics& metrics_;
  const MailSettings mail_;
};

}  // namespace dondoc::alerting
