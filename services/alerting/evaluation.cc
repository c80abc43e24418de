#include "services/alerting/evaluation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/campaign.h"
#include "services/alerting/judgement.h"
#include "services/alerting/key_hash.h"
#include "services/alerting/reminder_text.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

v1::EvaluationState::Value StateOf(const SlotRequest& request) {
  if (request.dry_run) return v1::EvaluationState::DRY_RUN;
  switch (request.campaign.send_mode()) {
    case v1::SendMode::DRAFT:
      return v1::EvaluationState::DRAFTED;
    case v1::SendMode::AUTOMATIC:
      return v1::EvaluationState::RELEASED;
    default:
      return v1::EvaluationState::AWAITING_RELEASE;
  }
}

v1::Evaluation DescribeEvaluation(const SlotRequest& request, const EvaluationFigures& figures,
                                  const std::vector<v1::Flag>& flags, absl::Time now) {
  v1::Evaluation evaluation;
  if (!request.dry_run) {
    evaluation.set_evaluation_id(
        KeyHash({"evaluation", request.campaign.campaign_id(), request.slot}));
  }
  evaluation.set_campaign_id(request.campaign.campaign_id());
  evaluation.set_slot(request.slot);
  evaluation.set_state(StateOf(request));
  *evaluation.mutable_evaluate_time() = ToProto(now);
  if (evaluation.state() == v1::EvaluationState::RELEASED) {
    *evaluation.mutable_release_time() = ToProto(now);
  }
  evaluation.set_late(request.late);
  evaluation.mutable_window()->set_from(FormatDay(figures.from));
  evaluation.mutable_window()->set_to(FormatDay(figures.to));
  evaluation.set_definition_id(figures.definition_id);
  evaluation.set_definition_version(figures.definition_version);
  evaluation.set_ledger_id(figures.ledger_id);
  evaluation.set_sequence(figures.sequence);
  *evaluation.mutable_overall() = figures.overall;
  evaluation.mutable_levels()->Assign(figures.levels.begin(), figures.levels.end());
  evaluation.set_flagged(std::count_if(flags.begin(), flags.end(),
                                       [](const v1::Flag& flag) { return flag.flagged(); }));
  evaluation.mutable_reminders();
  return evaluation;
}

}  // namespace

Evaluator::Evaluator(FigureSource& figures, DirectorySource& directory, AlertStore& store,
                     const Clock& clock, const WorkingCalendar& calendar, Metrics& metrics,
                     MailSettings mail)
    : figures_(figures),
      directory_(directory),
      store_(store),
      clock_(clock),
      calendar_(calendar),
      metrics_(metrics),
      mail_(std::move(mail)) {}

absl::StatusOr<v1::Evaluation> Evaluator::Evaluate(const CallContext& context,
                                                   const SlotRequest& request) {
  const std::string& campaign_id = request.campaign.campaign_id();
  if (!request.dry_run) {
    absl::StatusOr<v1::Evaluation> stored = store_.FindSlot(campaign_id, request.slot);
    if (!absl::IsNotFound(stored.status())) return stored;
  }
  const absl::Time started = absl::Now();
  absl::StatusOr<EvaluationRecord> record = Judge(context, request);
  if (!record.ok()) {
    metrics_.evaluations_failed.Increment();
    return record.status();
  }
  if (request.dry_run) return std::move(record->evaluation);
  const absl::Status saved = store_.SaveEvaluation(*record);
  if (absl::IsAlreadyExists(saved)) return store_.FindSlot(campaign_id, request.slot);
  if (!saved.ok()) {
    metrics_.evaluations_failed.Increment();
    return saved;
  }
  metrics_.evaluations_stored.Increment();
  metrics_.evaluation_seconds.Observe(absl::ToDoubleSeconds(absl::Now() - started));
  log::Info("evaluated", {{"campaign_id", campaign_id},
                          {"slot", request.slot},
                          {"sequence", record->evaluation.sequence()},
                          {"flagged", record->evaluation.flagged()},
                          {"reminders", record->reminders.size()},
                          {"request_id", context.request_id}});
  return store_.FindSlot(campaign_id, request.slot);
}

absl::StatusOr<EvaluationRecord> Evaluator::Judge(const CallContext& context,
                                                  const SlotRequest& request) {
  ASSIGN_OR_RETURN(const EvaluationFigures figures,
                   GatherFigures(figures_, context, request.campaign, DayOf(request.slot_time)));
  EvaluationRecord record;
  ASSIGN_OR_RETURN(record.flags, JudgeUnits(request.campaign, figures, calendar_));
  RETURN_IF_ERROR(WriteReminders(context, request, figures, record));
  record.evaluation = DescribeEvaluation(request, figures, record.flags, clock_.Now());
  return record;
}

absl::Status Evaluator::WriteReminders(const CallContext& context, const SlotRequest& request,
                                       const EvaluationFigures& figures, EvaluationRecord& record) {
  const absl::Time now = clock_.Now();
  // A letter must go to a unit that exists today.
  ASSIGN_OR_RETURN(const std::vector<v1::Unit> units, directory_.ListUnits(context, DayOf(now)));
  Contacts contacts;
  for (const v1::Unit& unit : units) {
    contacts[unit.unit_id()].assign(unit.emails().begin(), unit.emails().end());
  }
  ASSIGN_OR_RETURN(const std::string definition_name, DefinitionName(context, figures));
  for (v1::Flag& flag : record.flags) {
    if (!flag.flagged()) continue;
    v1::Writing::Value writing = v1::Writing::UNSPECIFIED;
    const std::string recipient = RecipientOf(contacts, flag.unit_id(), writing);
    if (!recipient.empty()) {
      ASSIGN_OR_RETURN(NewReminder reminder,
                       WriteReminder(request, figures, definition_name, flag, recipient, now));
      record.reminders.push_back(std::move(reminder));
      writing = request.dry_run ? v1::Writing::DRY_RUN : v1::Writing::WRITTEN;
    }
    flag.set_writing(writing);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Evaluator::DefinitionName(const CallContext& context,
                                                      const EvaluationFigures& figures) {
  ASSIGN_OR_RETURN(const std::vector<v1::MetricDefinition> definitions,
                   directory_.ListDefinitions(context));
  for (const v1::MetricDefinition& definition : definitions) {
    if (definition.definition_id() == figures.definition_id &&
        definition.version() == figures.definition_version) {
      return definition.name();
    }
  }
  return figures.definition_id;
}

std::string Evaluator::RecipientOf(const Contacts& contacts, const std::string& unit_id,
                                   v1::Writing::Value& writing) const {
  const auto mailboxes = contacts.find(unit_id);
  if (mailboxes == contacts.end() || mailboxes->second.empty()) {
    writing = v1::Writing::NO_CONTACT;
    return "";
  }
  for (const std::string& mailbox : mailboxes->second) {
    if (IsMailAddress(mailbox) && mail_.guard.Allows(mailbox)) return mailbox;
  }
  writing = v1::Writing::RECIPIENT_REFUSED;
  return "";
}

absl::StatusOr<NewReminder> Evaluator::WriteReminder(const SlotRequest& request,
                                                     const EvaluationFigures& figures,
                                                     const std::string& definition_name,
                                                     const v1::Flag& flag,
                                                     const std::string& recipient,
                                                     absl::Time now) const {
  const v1::Campaign& campaign = request.campaign;
  ReminderFacts facts;
  facts.subject_prefix = mail_.subject_prefix;
  facts.office_name = mail_.office_name;
  facts.public_url = mail_.public_url;
  facts.campaign = campaign;
  facts.target = *TargetOf(campaign, flag.level());
  facts.flag = flag;
  facts.window.set_from(FormatDay(figures.from));
  facts.window.set_to(FormatDay(figures.to));
  facts.definition_name = definition_name;
  facts.definition_id = figures.definition_id;
  facts.definition_version = figures.definition_version;
  facts.ledger_id = figures.ledger_id;
  facts.sequence = figures.sequence;
  facts.today = DayOf(now);
  const auto last = figures.last_days.find(flag.unit_id());
  facts.unit_last_day = last == figures.last_days.end() ? figures.to : last->second;
  facts.days_left = LastDayOf(campaign) - facts.today + 1;
  facts.working_days_left = calendar_.CountWorked(facts.today, LastDayOf(campaign));
  ASSIGN_OR_RETURN(const ReminderText text, RenderReminder(facts));

  NewReminder reminder;
  reminder.reminder_id = KeyHash(
      {"reminder", campaign.campaign_id(), flag.unit_id(), request.slot, kReminderKind, recipient});
  reminder.unit_id = flag.unit_id();
  reminder.recipient = recipient;
  reminder.kind = kReminderKind;
  reminder.subject = text.subject;
  const std::string domain = DomainOf(mail_.from.address);
  reminder.message_id = absl::StrCat(reminder.reminder_id, "@", domain);
  ASSIGN_OR_RETURN(reminder.message,
                   BuildMail({.from = mail_.from,
                              .to = {.name = flag.name(), .address = recipient},
                              .subject = text.subject,
                              .message_id = reminder.message_id,
                              .list_id = absl::StrCat(campaign.campaign_id(), ".dondoc.", domain),
                              .date = now,
                              .text = text.text,
                              .html = text.html}));
  return reminder;
}

}  // namespace dondoc::alerting
