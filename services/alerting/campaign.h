#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "services/alerting/calendar/schedule.h"
#include "services/alerting/calendar/working_calendar.h"

// What the fields of a campaign mean and may be.

namespace dondoc::alerting {

inline constexpr size_t kTitleBytesMax = 200;
inline constexpr size_t kLegalBasisBytesMax = 1000;
inline constexpr size_t kDefinitionIdBytesMax = 64;
inline constexpr int kWindowDaysMax = 1096;
inline constexpr size_t kUnitIdBytesMax = 128;
inline constexpr size_t kAuthorBytesMax = 100;
inline constexpr int kTargetsMax = 200;
inline constexpr int kTargetUnitsMax = 500;
inline constexpr int kOfficeEmailsMax = 10;
inline constexpr int kEscalateAfterMax = 100;
inline constexpr int kImportWaitSecondsMax = 86400;
inline constexpr int kApprovalExpiresHoursMax = 8760;
inline constexpr int kStaleAfterDaysMax = 366;
// What a campaign says when it says nothing.
inline constexpr int kImportWaitSecondsDefault = 600;
inline constexpr int kApprovalExpiresHoursDefault = 72;
inline constexpr int kStaleAfterDaysDefault = 14;
inline constexpr int kEscalateAfterDefault = 3;
// How long after its deadline a campaign is still looked at: for the requests for an explanation,
// and for approvals that expire.
inline constexpr absl::Duration kAfterDeadlineMax = absl::Hours(30 * 24);

// `campaign` with its defaults filled in and its output-only fields cleared, as it is stored; an
// empty campaign_id stays empty. kInvalidArgument with the field path ("campaign.title: …").
absl::StatusOr<v1::Campaign> NormalizeCampaign(const v1::Campaign& campaign);

// `stored` with the top-level fields of `mask` taken from `wanted` and checked anew; its revision
// is one more. `changed` are the fields that differ. What moves the slots makes them count from
// `now`. kInvalidArgument names the field, or the path of the mask that may not be changed.
struct CampaignEdit {
  v1::Campaign campaign;
  std::vector<std::string> changed;
};
absl::StatusOr<CampaignEdit> EditCampaign(const v1::Campaign& stored, const v1::Campaign& wanted,
                                          const google::protobuf::FieldMask& mask, absl::Time now);

// [a-z0-9-]{1,63}
bool IsCampaignId(const std::string& text);

// One line of text for people, of so many bytes. kInvalidArgument begins with `field` and a colon.
absl::Status CheckLine(absl::string_view field, const std::string& text, size_t bytes_min,
                       size_t bytes_max);
// Who does something: 1–100 bytes. kInvalidArgument begins with "author: ".
absl::Status CheckAuthor(const std::string& author);

// The following are for normalized campaigns.

// Midnight that ends the last counted day.
absl::Time DeadlineOf(const v1::Campaign& campaign);
absl::CivilDay FirstDayOf(const v1::Campaign& campaign);
absl::CivilDay LastDayOf(const v1::Campaign& campaign);
// Activated, and its deadline still to come.
bool IsActive(const v1::Campaign& campaign, absl::Time now);
// Activated, and its deadline at most kAfterDeadlineMax ago.
bool IsLookedAt(const v1::Campaign& campaign, absl::Time now);
// From when its slots count; `now` when it is not active.
absl::Time SlotsFrom(const v1::Campaign& campaign, absl::Time now);

// As the campaign has it, or the default.
int StaleAfterDays(const v1::Campaign& campaign);
int ImportWaitMaxSeconds(const v1::Campaign& campaign);
int ApprovalExpiresHours(const v1::Campaign& campaign);

// Whether such messages are written. A campaign from before there were kinds writes all.
bool Writes(const v1::Campaign& campaign, v1::MessageKind::Value kind);

// The level's own target valid on `day`; nullptr when there is none.
const v1::Target* LevelTargetOf(const v1::Campaign& campaign, v1::Level::Value level,
                                absl::CivilDay day);
// The unit's exception valid on `day`, else its level's target.
const v1::Target* TargetOf(const v1::Campaign& campaign, v1::Level::Value level,
                           const std::string& unit_id, absl::CivilDay day);

// Minutes of the day of "HH:MM"; 0 for an empty text.
int MinuteOfDay(const std::string& time);

// The slots of a campaign in order, from SlotsFrom: those before the deadline and, when it asks for
// explanations, one after it: on the first worked day from the deadline on.
absl::StatusOr<std::vector<PlannedSlot>> PlanCampaignSlots(const v1::Campaign& campaign,
                                                           absl::Time now,
                                                           const WorkingCalendar& calendar);

}  // namespace dondoc::alerting
