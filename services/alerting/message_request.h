#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"

// What the side that decides who is written to hands to the side that writes. Texts are as stored:
// hostile until rendered.

namespace dondoc::alerting {

enum class MessageKind {
  kReminder,        // nhắc: a unit below its target
  kConfirmation,    // a unit has reached its target; reminders stop
  kFellBack,        // a unit that had reached it is below again
  kExplanation,     // after the deadline: the request for an explanation
  kEscalation,      // to the Office or the parent: a unit that left N reminders unanswered
  kDoubtfulData,    // to the Office: units whose data cannot be judged ("chưa đủ dữ liệu")
  kDistrictDigest,  // to a district: its communes
  kOfficeDigest,    // to the Office: every unit, with the table as a workbook
};

// The kind's word in a reminder's key and in Reminder.kind: "reminder", "confirmation",
// "fell_back", "explanation", "escalation", "doubtful_data", "district_digest", "office_digest".
absl::string_view KindName(MessageKind kind);

// A procedure of which many dossiers are still filed at the counter although it can be filed
// online.
struct CounterProcedure {
  std::string procedure_code;
  std::string name;     // empty = not in the catalogue
  int64_t counter = 0;  // dossiers at the counter, in the window
  int64_t total = 0;
};

// A line of a digest or of its workbook.
struct DigestRow {
  v1::Flag flag;
  // The change of the year-to-date percentage against a week before, in percentage points with two
  // decimals and a sign: "+1.25". nullopt = not known.
  std::optional<std::string> week_change_points;
  std::string note;  // Vietnamese, for "Ghi chú"; may be empty
};

// What a message says about the campaign and the unit.
struct ReminderFacts {
  std::string subject_prefix;
  std::string office_name;
  std::string public_url;  // http(s), without a trailing '/'; empty = no link

  v1::Campaign campaign;
  v1::Target target;  // of the unit's level
  v1::Flag flag;      // of the unit, with percent and missing as computed; name = who is greeted
  v1::Window window;
  std::string definition_name;
  int32_t definition_version = 0;
  std::string definition_id;
  std::string ledger_id;
  int64_t sequence = 0;

  absl::CivilDay today;
  // The last day whose data the unit has; shown when it is before the window's end.
  absl::CivilDay unit_last_day;
  // From today to the last counted day, both included; 0 or less once the deadline has passed.
  int64_t days_left = 0;
  int64_t working_days_left = 0;

  // As in DigestRow.
  std::optional<std::string> week_change_points;
  // Most counter filings first; at most kCounterProceduresMax are printed. Empty = not known or
  // none: nothing is said.
  std::vector<CounterProcedure> procedures;
  // Reminders before this one that nobody acknowledged; said in an escalation.
  int unanswered = 0;

  // Digests, escalations and doubtful data: the units it is about, in the order to be shown, and
  // what they add up to.
  std::vector<DigestRow> rows;
  v1::Ratio overall;
  std::vector<v1::LevelSummary> levels;

  // Output of the writer: where the acknowledgement's page is; empty = none is offered.
  std::string acknowledge_url;
};

inline constexpr size_t kCounterProceduresMax = 5;

// One message to one recipient.
struct MessageRequest {
  MessageKind kind = MessageKind::kReminder;
  // Whom it is to: a unit's id; "office" for the Office. In the reminder's key.
  std::string unit_id;
  std::string slot;
  std::string recipient;       // address
  std::string recipient_name;  // display name
  ReminderFacts facts;
  // +07:00 minutes of the day between which nothing leaves, [from, to) and over midnight when from
  // > to; equal = no quiet hours. Later attempts keep to them as well.
  int quiet_from_minute = 0;
  int quiet_to_minute = 0;
};

}  // namespace dondoc::alerting
