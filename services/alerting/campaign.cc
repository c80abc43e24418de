#include "services/alerting/campaign.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/calendar/schedule.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::alerting {
namespace {

constexpr size_t kCampaignIdBytesMax = 63;

absl::Status Refuse(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("campaign.", field, ": ", why));
}

bool IsOf(const std::string& text, absl::string_view more) {
  for (const char c : text) {
    if (!absl::ascii_islower(static_cast<unsigned char>(c)) &&
        !absl::ascii_isdigit(static_cast<unsigned char>(c)) &&
        more.find(c) == absl::string_view::npos) {
      return false;
    }
  }
  return true;
}

// One line of text for people.
absl::Status CheckText(absl::string_view field, const std::string& text, size_t bytes_min,
                       size_t bytes_max) {
  if (text.size() < bytes_min || text.size() > bytes_max) {
    return Refuse(field, absl::StrCat(text.size(), " bytes, not ", bytes_min, "–", bytes_max));
  }
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return Refuse(field, "has a control character");
    }
  }
  if (bytes_min > 0 && absl::StripAsciiWhitespace(text).empty()) return Refuse(field, "is blank");
  return absl::OkStatus();
}

absl::Status CheckTargets(const v1::Campaign& campaign) {
  if (campaign.targets_size() == 0) return Refuse("targets", "is empty");
  std::set<v1::Level::Value> levels;
  for (int i = 0; i < campaign.targets_size(); ++i) {
    const v1::Target& target = campaign.targets(i);
    const std::string path = absl::StrCat("targets[", i, "].");
    if (target.level() != v1::Level::PROVINCE && target.level() != v1::Level::DISTRICT &&
        target.level() != v1::Level::COMMUNE) {
      return Refuse(path + "level", "is not PROVINCE, DISTRICT or COMMUNE");
    }
    if (!levels.insert(target.level()).second) {
      return Refuse(path + "level",
                    absl::StrCat(v1::Level::Value_Name(target.level()), " is there twice"));
    }
    if (target.operator_() != v1::Operator::GE && target.operator_() != v1::Operator::GT) {
      return Refuse(path + "operator", "is not GE or GT");
    }
    const absl::StatusOr<Target> parsed = ParseTarget(target.percent(), target.operator_());
    if (!parsed.ok()) return Refuse(path + "percent", parsed.status().message());
    if (parsed->p == 0) return Refuse(path + "percent", "is 0");
    RETURN_IF_ERROR(CheckText(path + "legal_basis", target.legal_basis(), 0, kLegalBasisBytesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckWindow(const v1::Campaign& campaign) {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(campaign.window_from());
  if (!from.ok()) return Refuse("window_from", from.status().message());
  const absl::StatusOr<absl::CivilDay> deadline = ParseDay(campaign.deadline_day());
  if (!deadline.ok()) return Refuse("deadline_day", deadline.status().message());
  if (LastDayOf(campaign) < *from) {
    return Refuse("deadline_day", absl::StrCat(campaign.deadline_day(), " leaves no day from ",
                                               campaign.window_from()));
  }
  if (LastDayOf(campaign) - *from >= kWindowDaysMax) {
    return Refuse("deadline_day", absl::StrCat("more than ", kWindowDaysMax, " days after ",
                                               campaign.window_from()));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsCampaignId(const std::string& text) {
  return !text.empty() && text.size() <= kCampaignIdBytesMax && IsOf(text, "-");
}

absl::StatusOr<v1::Campaign> NormalizeCampaign(const v1::Campaign& campaign) {
  v1::Campaign normal = campaign;
  normal.clear_activate_time();
  normal.clear_create_time();
  if (!normal.campaign_id().empty() && !IsCampaignId(normal.campaign_id())) {
    return Refuse("campaign_id",
                  absl::StrCat(Quoted(normal.campaign_id()), " is not [a-z0-9-]{1,63}"));
  }
  RETURN_IF_ERROR(CheckText("title", normal.title(), 1, kTitleBytesMax));
  RETURN_IF_ERROR(CheckWindow(normal));
  RETURN_IF_ERROR(CheckTargets(normal));
  if (normal.definition_id().empty()) normal.set_definition_id(kDefaultDefinitionId);
  if (normal.definition_id().size() > kDefinitionIdBytesMax ||
      !IsOf(normal.definition_id(), "-._")) {
    return Refuse("definition_id",
                  absl::StrCat(Quoted(normal.definition_id()), " is not [a-z0-9._-]{1,64}"));
  }
  RETURN_IF_ERROR(CheckText("legal_basis", normal.legal_basis(), 0, kLegalBasisBytesMax));
  if (!normal.has_schedule()) *normal.mutable_schedule() = DefaultSchedule();
  RETURN_IF_ERROR(CheckSchedule(normal.schedule(), "campaign.schedule"));
  const auto slots = PlanSlots(normal.schedule(), StartOf(FirstDayOf(normal)), DeadlineOf(normal),
                               WorkingCalendar());
  if (!slots.ok()) return Refuse("schedule", slots.status().message());
  if (normal.send_mode() == v1::SendMode::UNSPECIFIED) {
    normal.set_send_mode(v1::SendMode::APPROVAL);
  }
  if (normal.send_mode() != v1::SendMode::DRAFT && normal.send_mode() != v1::SendMode::APPROVAL &&
      normal.send_mode() != v1::SendMode::AUTOMATIC) {
    return Refuse("send_mode", "is not DRAFT, APPROVAL or AUTOMATIC");
  }
  return normal;
}

absl::CivilDay FirstDayOf(const v1::Campaign& campaign) {
  return ParseDay(campaign.window_from()).value_or(absl::CivilDay());
}

absl::CivilDay LastDayOf(const v1::Campaign& campaign) {
  const absl::CivilDay deadline = ParseDay(campaign.deadline_day()).value_or(absl::CivilDay());
  return campaign.deadline_inclusive() ? deadline : deadline - 1;
}

absl::Time DeadlineOf(const v1::Campaign& campaign) { return StartOf(LastDayOf(campaign) + 1); }

bool IsActive(const v1::Campaign& campaign, absl::Time now) {
  return campaign.has_activate_time() && now < DeadlineOf(campaign);
}

const v1::Target* TargetOf(const v1::Campaign& campaign, v1::Level::Value level) {
  for (const v1::Target& target : campaign.targets()) {
    if (target.level() == level) return &target;
  }
  return nullptr;
}

}  // namespace dondoc::alerting
