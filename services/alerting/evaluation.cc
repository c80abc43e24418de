#include "services/alerting/evaluation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/campaign.h"
#include "services/alerting/judgement.h"
#include "services/alerting/key_hash.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

// Units in dispute or silenced at once: no province has more.
constexpr int kHoldsMax = 20000;

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
  const v1::Campaign& campaign = request.campaign;
  if (!request.dry_run) {
    evaluation.set_evaluation_id(KeyHash({"evaluation", campaign.campaign_id(), request.slot}));
  }
  evaluation.set_campaign_id(campaign.campaign_id());
  evaluation.set_campaign_revision(campaign.revision());
  evaluation.set_slot(request.slot);
  evaluation.set_state(StateOf(request));
  *evaluation.mutable_evaluate_time() = ToProto(now);
  if (evaluation.state() == v1::EvaluationState::RELEASED) {
    *evaluation.mutable_release_time() = ToProto(now);
  } else if (evaluation.state() == v1::EvaluationState::AWAITING_RELEASE) {
    *evaluation.mutable_expire_time() = ToProto(now + absl::Hours(ApprovalExpiresHours(campaign)));
  }
  evaluation.set_late(request.late);
  evaluation.set_after_deadline(request.slot_time >= DeadlineOf(campaign));
  evaluation.set_import_wait_seconds(
      static_cast<int32_t>(absl::ToInt64Seconds(request.import_wait)));
  evaluation.mutable_unfinished_import_ids()->Assign(request.unfinished_import_ids.begin(),
                                                     request.unfinished_import_ids.end());
  evaluation.mutable_window()->set_from(FormatDay(figures.from));
  evaluation.mutable_window()->set_to(FormatDay(figures.to));
  evaluation.set_definition_id(figures.definition_id);
  evaluation.set_definition_version(figures.definition_version);
  evaluation.set_ledger_id(figures.ledger_id);
  evaluation.set_sequence(figures.sequence);
  *evaluation.mutable_overall() = figures.overall;
  const std::vector<v1::LevelSummary> levels = JudgeLevels(figures, flags);
  evaluation.mutable_levels()->Assign(levels.begin(), levels.end());
  evaluation.set_flagged(std::count_if(flags.begin(), flags.end(),
                                       [](const v1::Flag& flag) { return flag.flagged(); }));
  evaluation.set_doubtful(std::count_if(flags.begin(), flags.end(),
                                        [](const v1::Flag& flag) { return flag.doubtful(); }));
  evaluation.mutable_reminders();
  return evaluation;
}

// What a dry run shows instead of storing it.
v1::Evaluation DescribeDryRun(EvaluationRecord record) {
  v1::Evaluation& evaluation = record.evaluation;
  for (v1::Flag& flag : record.flags) {
    if (flag.writing() == v1::Writing::WRITTEN) flag.set_writing(v1::Writing::DRY_RUN);
    *evaluation.add_flags() = std::move(flag);
  }
  for (const NewReminder& reminder : record.reminders) {
    v1::PlannedMessage* message = evaluation.add_messages();
    message->set_unit_id(reminder.unit_id);
    message->set_kind(reminder.kind);
    message->set_recipient(reminder.recipient);
    message->set_subject(reminder.subject);
  }
  return std::move(evaluation);
}

std::vector<DigestRow> RowsOf(const EvaluationFigures& figures, const std::vector<v1::Flag>& flags,
                              const std::vector<size_t>& places) {
  std::vector<DigestRow> rows;
  rows.reserve(places.size());
  for (const size_t place : places) {
    const v1::Flag& flag = flags[place];
    rows.push_back({.flag = flag,
                    .week_change_points = WeekChangeText(figures, flag),
                    .note = WritingNote(flag)});
  }
  return rows;
}

bool IsToTheUnit(MessageKind kind) {
  return kind == MessageKind::kReminder || kind == MessageKind::kFellBack ||
         kind == MessageKind::kConfirmation || kind == MessageKind::kExplanation;
}

}  // namespace

Evaluator::Evaluator(FigureSource& figures, DirectorySource& directory, AlertStore& store,
                     const Clock& clock, const CalendarSource& calendar, Metrics& metrics,
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
  if (request.dry_run) return DescribeDryRun(*std::move(record));
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
  const v1::Campaign& campaign = request.campaign;
  ASSIGN_OR_RETURN(const EvaluationFigures figures,
                   GatherFigures(figures_, context, campaign, DayOf(request.slot_time)));
  EvaluationRecord record;
  ASSIGN_OR_RETURN(record.flags, JudgeUnits(campaign, figures, *calendar_.Current()));
  const absl::Time now = clock_.Now();
  WritingInput input = {.campaign = campaign,
                        .figures = figures,
                        .guard = mail_.guard,
                        .today = DayOf(now),
                        .after_deadline = request.slot_time >= DeadlineOf(campaign)};
  RETURN_IF_ERROR(FillInput(context, campaign.campaign_id(), input));
  const std::vector<PlannedWriting> plan = PlanWriting(input, record.flags);
  record.evaluation = DescribeEvaluation(request, figures, record.flags, now);
  ASSIGN_OR_RETURN(record.reminders, Write(context, request, figures, record, plan, now));
  return record;
}

absl::Status Evaluator::FillInput(const CallContext& context, const std::string& campaign_id,
                                  WritingInput& input) const {
  // A letter must go to a unit that exists today.
  ASSIGN_OR_RETURN(const std::vector<v1::Unit> units, directory_.ListUnits(context, input.today));
  for (const v1::Unit& unit : units) {
    Contact& contact = input.contacts[unit.unit_id()];
    contact.name = unit.name();
    contact.level = unit.level();
    contact.parent_id = unit.parent_id();
    contact.emails.assign(unit.emails().begin(), unit.emails().end());
  }
  ASSIGN_OR_RETURN(input.histories, store_.UnitHistories(campaign_id));
  ASSIGN_OR_RETURN(input.holds, GatherHolds(campaign_id));
  return absl::OkStatus();
}

absl::StatusOr<Holds> Evaluator::GatherHolds(const std::string& campaign_id) const {
  Holds holds;
  ASSIGN_OR_RETURN(const SilencePage silences, store_.ListSilences("", clock_.Now(), 0, kHoldsMax));
  for (const v1::Silence& silence : silences.silences) {
    if (!silence.campaign_id().empty() && silence.campaign_id() != campaign_id) continue;
    holds.silenced.emplace(silence.unit_id(), silence.reason());
  }
  const DisputeFilter open = {.campaign_id = campaign_id, .unit_id = "", .open_only = true};
  ASSIGN_OR_RETURN(const DisputePage disputes, store_.ListDisputes(open, 0, kHoldsMax));
  for (const v1::Dispute& dispute : disputes.disputes) {
    holds.disputed.emplace(dispute.unit_id(), dispute.dispute_id());
  }
  return holds;
}

absl::StatusOr<std::vector<Hold>> Evaluator::HoldsNow(const std::string& campaign_id) const {
  ASSIGN_OR_RETURN(const Holds now, GatherHolds(campaign_id));
  std::vector<Hold> holds;
  for (const auto& [unit_id, dispute_id] : now.disputed) {
    holds.push_back({.unit_id = unit_id, .writing = v1::Writing::DISPUTED, .note = dispute_id});
  }
  for (const auto& [unit_id, reason] : now.silenced) {
    holds.push_back({.unit_id = unit_id, .writing = v1::Writing::SILENCED, .note = reason});
  }
  return holds;
}

ReminderFacts Evaluator::CommonFacts(const SlotRequest& request, const EvaluationFigures& figures,
                                     const EvaluationRecord& record,
                                     const std::string& definition_name, absl::Time now) const {
  const v1::Campaign& campaign = request.campaign;
  ReminderFacts facts;
  facts.campaign = campaign;
  facts.window = record.evaluation.window();
  facts.definition_name = definition_name;
  facts.definition_id = figures.definition_id;
  facts.definition_version = figures.definition_version;
  facts.ledger_id = figures.ledger_id;
  facts.sequence = figures.sequence;
  facts.today = DayOf(now);
  facts.unit_last_day = figures.to;
  facts.days_left = LastDayOf(campaign) - facts.today + 1;
  facts.working_days_left = calendar_.Current()->CountWorked(facts.today, LastDayOf(campaign));
  facts.overall = record.evaluation.overall();
  facts.levels.assign(record.evaluation.levels().begin(), record.evaluation.levels().end());
  return facts;
}

absl::StatusOr<std::vector<NewReminder>> Evaluator::Write(
    const CallContext& context, const SlotRequest& request, const EvaluationFigures& figures,
    const EvaluationRecord& record, const std::vector<PlannedWriting>& plan, absl::Time now) {
  const v1::Campaign& campaign = request.campaign;
  ASSIGN_OR_RETURN(const std::string definition_name, DefinitionName(context, figures));
  const ReminderFacts common = CommonFacts(request, figures, record, definition_name, now);
  std::vector<NewReminder> reminders;
  reminders.reserve(plan.size());
  for (const PlannedWriting& planned : plan) {
    MessageRequest message;
    message.kind = planned.kind;
    message.unit_id = planned.unit_id;
    message.slot = request.slot;
    message.recipient = planned.recipient;
    message.recipient_name =
        planned.unit_id == kOffice ? mail_.office_name : planned.recipient_name;
    message.quiet_from_minute = MinuteOfDay(campaign.quiet_from());
    message.quiet_to_minute = MinuteOfDay(campaign.quiet_to());
    message.facts = common;
    if (IsToTheUnit(planned.kind)) {
      const v1::Flag& flag = record.flags[planned.rows.front()];
      message.facts.flag = flag;
      message.facts.target = *TargetOf(campaign, flag.level(), flag.unit_id(), figures.to);
      message.facts.unanswered = flag.unanswered();
      message.facts.week_change_points = WeekChangeText(figures, flag);
      const auto last = figures.last_days.find(flag.unit_id());
      if (last != figures.last_days.end()) message.facts.unit_last_day = last->second;
    } else {
      message.facts.flag.set_unit_id(planned.unit_id);
      message.facts.flag.set_name(message.recipient_name);
      message.facts.unanswered = campaign.escalate_after();
      message.facts.rows = RowsOf(figures, record.flags, planned.rows);
    }
    ASSIGN_OR_RETURN(NewReminder reminder, WriteMessage(mail_, message, now));
    reminders.push_back(std::move(reminder));
  }
  return reminders;
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

}  // namespace dondoc::alerting
