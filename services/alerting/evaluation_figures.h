#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/figures.h"

namespace dondoc::alerting {

// Working days that speak for what is to come.
inline constexpr int kRecentWorkingDays = 20;
// Calendar days that are fetched to find them: Tết is the longest break.
inline constexpr int kRecentCalendarDays = 60;

// All figures of one evaluation, at one position.
struct EvaluationFigures {
  absl::CivilDay from;
  absl::CivilDay to;  // the last covered day that counts
  std::string definition_id;
  int32_t definition_version = 0;
  std::string ledger_id;
  int64_t sequence = 0;
  v1::Ratio overall;
  std::vector<v1::LevelSummary> levels;  // PROVINCE, DISTRICT, COMMUNE; each with its own target
  std::vector<v1::UnitRatio> units;      // valid on `to`; by level, then by name
  std::map<std::string, absl::CivilDay> last_days;  // covered, at most `to`; absent = no data
  absl::CivilDay counts_from;                       // day of the first entry in `counts`
  std::map<std::string, v1::UnitDailyCounts> counts;
};

// Figures for `campaign` as of `day`: the window ends at the last covered day, `day` or the last
// counted day, whichever is first. The first call fixes the position for all others.
// kFailedPrecondition when nothing in the window is covered yet; kAborted when the position could
// not be held (a ledger was replaced): ask again.
absl::StatusOr<EvaluationFigures> GatherFigures(FigureSource& source, const CallContext& context,
                                                const v1::Campaign& campaign, absl::CivilDay day);

}  // namespace dondoc::alerting
