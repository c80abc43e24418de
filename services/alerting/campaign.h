#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/campaigns.pb.h"
#include "services/alerting/calendar/working_calendar.h"
#include "services/common/metric/ratio.h"

// What the fields of a campaign mean and may be.

namespace dondoc::alerting {

inline constexpr size_t kTitleBytesMax = 200;
inline constexpr size_t kLegalBasisBytesMax = 1000;
inline constexpr size_t kDefinitionIdBytesMax = 64;
inline constexpr int kWindowDaysMax = 1096;

// `campaign` with its defaults filled in and its output-only fields cleared, as it is stored; an
// empty campaign_id stays empty. kInvalidArgument with the field path ("campaign.title: …").
absl::StatusOr<v1::Campaign> NormalizeCampaign(const v1::Campaign& campaign);

// [a-z0-9-]{1,63}
bool IsCampaignId(const std::string& text);

// The following are for normalized campaigns.

// Midnight that ends the last counted day.
absl::Time DeadlineOf(const v1::Campaign& campaign);
absl::CivilDay FirstDayOf(const v1::Campaign& campaign);
absl::CivilDay LastDayOf(const v1::Campaign& campaign);
// Activated, and its deadline still to come.
bool IsActive(const v1::Campaign& campaign, absl::Time now);

// nullptr when the campaign has none for the level.
const v1::Target* TargetOf(const v1::Campaign& campaign, v1::Level::Value level);

}  // namespace dondoc::alerting
