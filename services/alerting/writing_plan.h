#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/evaluation_figures.h"
#include "services/alerting/mail_guard.h"
#include "services/alerting/message_request.h"
#include "services/alerting/store/alert_store.h"

// Who is written to, and why the others are not (design §8). Pure functions.

namespace dondoc::alerting {

// In reminders' unit_id: the Office.
inline constexpr char kOffice[] = "office";

// A unit as the directory has it today.
struct Contact {
  std::string name;
  v1::Level::Value level = v1::Level::UNSPECIFIED;
  std::string parent_id;
  std::vector<std::string> emails;
};

// Units that are not written to whatever their figure: unit → why.
struct Holds {
  std::map<std::string, std::string> silenced;  // the silence's reason
  std::map<std::string, std::string> disputed;  // the dispute's id
};

struct WritingInput {
  const v1::Campaign& campaign;
  const EvaluationFigures& figures;
  const MailGuard& guard;
  absl::CivilDay today{};
  bool after_deadline = false;
  std::map<std::string, Contact> contacts{};
  std::map<std::string, UnitHistory> histories{};
  Holds holds{};
  std::set<std::string> disagreeing{};  // with their statement
};

struct PlannedWriting {
  MessageKind kind = MessageKind::kReminder;
  std::string unit_id;  // whom it is to; kOffice = the Office
  std::string recipient;
  std::string recipient_name;
  // Places in the flags: the unit itself, or those the message is about.
  std::vector<size_t> rows;
};

// Why the unit's data cannot be judged, DATA_…; UNSPECIFIED = it can. In this order: never fed;
// stale; incomplete (after the deadline also: not known up to the last counted day); in
// disagreement with its statement.
v1::Writing::Value DoubtOf(const WritingInput& input, const v1::Flag& flag);

// Fills in the flags' writing, doubt and history, and says what is to be written. Of a unit itself,
// in this order: doubtful data; nothing to say (reached and never told, no target, too few
// dossiers); a kind that the campaign does not write; an open dispute; a silence; asked for its
// explanation before; told the same today; no mailbox; none that may be written to. Districts get
// one digest of their communes when one of these is below; the Office one digest, and one list of
// the doubtful; a unit that left a multiple of `escalate_after` reminders unanswered is escalated
// to its parent, or to the Office when it has none that can be written to.
std::vector<PlannedWriting> PlanWriting(const WritingInput& input, std::vector<v1::Flag>& flags);

// A flag's writing in words, for the column "Ghi chú" of digests; Vietnamese, may be empty.
std::string WritingNote(const v1::Flag& flag);

}  // namespace dondoc::alerting
