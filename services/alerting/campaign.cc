#include "services/alerting/campaign.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/alerting/mime.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"
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

absl::Status CheckText(absl::string_view field, const std::string& text, size_t bytes_min,
                       size_t bytes_max) {
  return CheckLine(absl::StrCat("campaign.", field), text, bytes_min, bytes_max);
}

// An open end of a target's validity.
constexpr absl::CivilDay kFirstDay(1, 1, 1);
constexpr absl::CivilDay kLastDay(9999, 12, 31);

absl::CivilDay DayOr(const std::string& text, absl::CivilDay otherwise) {
  return text.empty() ? otherwise : ParseDay(text).value_or(otherwise);
}

bool IsValidOn(const v1::Target& target, absl::CivilDay day) {
  return DayOr(target.valid_from(), kFirstDay) <= day && day <= DayOr(target.valid_to(), kLastDay);
}

bool Overlap(const v1::Target& a, const v1::Target& b) {
  return DayOr(a.valid_from(), kFirstDay) <= DayOr(b.valid_to(), kLastDay) &&
         DayOr(b.valid_from(), kFirstDay) <= DayOr(a.valid_to(), kLastDay);
}

// Whether both could be meant for the same unit on some day.
bool Collide(const v1::Target& a, const v1::Target& b) {
  if (a.level() != b.level() || !Overlap(a, b)) return false;
  if (a.unit_ids_size() == 0 || b.unit_ids_size() == 0) {
    return a.unit_ids_size() == b.unit_ids_size();
  }
  return absl::c_any_of(a.unit_ids(), [&b](const std::string& unit_id) {
    return absl::c_linear_search(b.unit_ids(), unit_id);
  });
}

absl::Status CheckTarget(const v1::Target& target, const std::string& path) {
  if (target.level() != v1::Level::PROVINCE && target.level() != v1::Level::DISTRICT &&
      target.level() != v1::Level::COMMUNE) {
    return Refuse(path + "level", "is not PROVINCE, DISTRICT or COMMUNE");
  }
  if (target.operator_() != v1::Operator::GE && target.operator_() != v1::Operator::GT) {
    return Refuse(path + "operator", "is not GE or GT");
  }
  const absl::StatusOr<Target> parsed = ParseTarget(target.percent(), target.operator_());
  if (!parsed.ok()) return Refuse(path + "percent", parsed.status().message());
  if (parsed->p == 0) return Refuse(path + "percent", "is 0");
  RETURN_IF_ERROR(CheckText(path + "legal_basis", target.legal_basis(), 0, kLegalBasisBytesMax));
  for (const auto& [field, text] :
       {std::pair("valid_from", &target.valid_from()), std::pair("valid_to", &target.valid_to())}) {
    if (text->empty()) continue;
    if (const auto day = ParseDay(*text); !day.ok()) {
      return Refuse(path + field, day.status().message());
    }
  }
  if (DayOr(target.valid_to(), kLastDay) < DayOr(target.valid_from(), kFirstDay)) {
    return Refuse(path + "valid_to", absl::StrCat(target.valid_to(), " is before valid_from"));
  }
  if (target.unit_ids_size() > kTargetUnitsMax) {
    return Refuse(path + "unit_ids",
                  absl::StrCat(target.unit_ids_size(), " units, limit ", kTargetUnitsMax));
  }
  for (int i = 0; i < target.unit_ids_size(); ++i) {
    RETURN_IF_ERROR(
        CheckText(absl::StrCat(path, "unit_ids[", i, "]"), target.unit_ids(i), 1, kUnitIdBytesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckTargets(const v1::Campaign& campaign) {
  if (campaign.targets_size() == 0) return Refuse("targets", "is empty");
  if (campaign.targets_size() > kTargetsMax) {
    return Refuse("targets",
                  absl::StrCat(campaign.targets_size(), " targets, limit ", kTargetsMax));
  }
  for (int i = 0; i < campaign.targets_size(); ++i) {
    const v1::Target& target = campaign.targets(i);
    RETURN_IF_ERROR(CheckTarget(target, absl::StrCat("targets[", i, "].")));
    for (int j = 0; j < i; ++j) {
      if (!Collide(target, campaign.targets(j))) continue;
      return Refuse(absl::StrCat("targets[", i, "].level"),
                    absl::StrCat(v1::Level::Value_Name(target.level()),
                                 " is there twice for the same days: targets[", j, "]"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNumber(absl::string_view field, int64_t number, int64_t least, int64_t most) {
  if (number >= least && number <= most) return absl::OkStatus();
  return Refuse(field, absl::StrCat(number, " is not ", least, "–", most));
}

absl::Status CheckQuietHours(const v1::Campaign& campaign) {
  if (campaign.quiet_from().empty() && campaign.quiet_to().empty()) return absl::OkStatus();
  if (const auto from = ParseTimeOfDay(campaign.quiet_from()); !from.ok()) {
    return Refuse("quiet_from", from.status().message());
  }
  if (const auto to = ParseTimeOfDay(campaign.quiet_to()); !to.ok()) {
    return Refuse("quiet_to", to.status().message());
  }
  if (campaign.quiet_from() == campaign.quiet_to()) {
    return Refuse("quiet_to", "is quiet_from: nothing would ever be sent");
  }
  return absl::OkStatus();
}

absl::Status CheckRecipients(v1::Campaign& campaign) {
  if (campaign.office_emails_size() > kOfficeEmailsMax) {
    return Refuse("office_emails", absl::StrCat(campaign.office_emails_size(), " mailboxes, limit ",
                                                kOfficeEmailsMax));
  }
  for (int i = 0; i < campaign.office_emails_size(); ++i) {
    if (!IsMailAddress(campaign.office_emails(i))) {
      return Refuse(absl::StrCat("office_emails[", i, "]"),
                    absl::StrCat(Quoted(campaign.office_emails(i)), " is not a mail address"));
    }
  }
  if (campaign.kinds_size() == 0) {
    for (int kind = v1::MessageKind::REMINDER; kind <= v1::MessageKind::OFFICE_DIGEST; ++kind) {
      campaign.add_kinds(static_cast<v1::MessageKind::Value>(kind));
    }
  }
  std::set<int> kinds;
  for (int i = 0; i < campaign.kinds_size(); ++i) {
    const int kind = campaign.kinds(i);
    if (kind < v1::MessageKind::REMINDER || kind > v1::MessageKind::OFFICE_DIGEST) {
      return Refuse(absl::StrCat("kinds[", i, "]"), "is not a kind of message");
    }
    if (!kinds.insert(kind).second) return Refuse(absl::StrCat("kinds[", i, "]"), "is there twice");
  }
  return CheckNumber("escalate_after", campaign.escalate_after(), 0, kEscalateAfterMax);
}

absl::Status CheckWaits(v1::Campaign& campaign) {
  if (!campaign.has_import_wait_max_seconds()) {
    campaign.set_import_wait_max_seconds(kImportWaitSecondsDefault);
  }
  if (!campaign.has_approval_expires_hours()) {
    campaign.set_approval_expires_hours(kApprovalExpiresHoursDefault);
  }
  if (!campaign.has_stale_after_days()) campaign.set_stale_after_days(kStaleAfterDaysDefault);
  RETURN_IF_ERROR(CheckNumber("import_wait_max_seconds", campaign.import_wait_max_seconds(), 0,
                              kImportWaitSecondsMax));
  RETURN_IF_ERROR(CheckNumber("approval_expires_hours", campaign.approval_expires_hours(), 1,
                              kApprovalExpiresHoursMax));
  RETURN_IF_ERROR(
      CheckNumber("stale_after_days", campaign.stale_after_days(), 1, kStaleAfterDaysMax));
  return CheckNumber("min_volume", campaign.min_volume(), 0, std::numeric_limits<int64_t>::max());
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

// Not an officer's to change.
constexpr std::array<absl::string_view, 5> kFixedFields = {
    "campaign_id", "activate_time", "create_time", "revision", "slots_from_time"};
// What slots follow from.
constexpr std::array<absl::string_view, 4> kSlotFields = {"schedule", "deadline_day",
                                                          "deadline_inclusive", "kinds"};
constexpr char kExplanationTime[] = "08:00";

}  // namespace

absl::Status CheckLine(absl::string_view field, const std::string& text, size_t bytes_min,
                       size_t bytes_max) {
  const auto refuse = [field](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
  };
  if (text.size() < bytes_min || text.size() > bytes_max) {
    return refuse(absl::StrCat(text.size(), " bytes, not ", bytes_min, "–", bytes_max));
  }
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)))
      return refuse("has a control character");
  }
  if (bytes_min > 0 && absl::StripAsciiWhitespace(text).empty()) return refuse("is blank");
  return absl::OkStatus();
}

absl::Status CheckAuthor(const std::string& author) {
  return CheckLine("author", author, 1, kAuthorBytesMax);
}

bool IsCampaignId(const std::string& text) {
  return !text.empty() && text.size() <= kCampaignIdBytesMax && IsOf(text, "-");
}

absl::StatusOr<v1::Campaign> NormalizeCampaign(const v1::Campaign& campaign) {
  v1::Campaign normal = campaign;
  normal.clear_activate_time();
  normal.clear_create_time();
  normal.clear_revision();
  normal.clear_slots_from_time();
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
  RETURN_IF_ERROR(CheckQuietHours(normal));
  RETURN_IF_ERROR(CheckRecipients(normal));
  RETURN_IF_ERROR(CheckWaits(normal));
  return normal;
}

absl::StatusOr<CampaignEdit> EditCampaign(const v1::Campaign& stored, const v1::Campaign& wanted,
                                          const google::protobuf::FieldMask& mask, absl::Time now) {
  if (mask.paths_size() == 0) {
    return absl::InvalidArgumentError("update_mask: is empty; name the fields that change");
  }
  const auto* descriptor = v1::Campaign::descriptor();
  const auto* reflection = v1::Campaign::GetReflection();
  v1::Campaign edited = stored;
  for (const std::string& path : mask.paths()) {
    const auto* field = descriptor->FindFieldByName(path);
    if (field == nullptr || absl::c_linear_search(kFixedFields, path)) {
      return absl::InvalidArgumentError(
          absl::StrCat("update_mask: ", Quoted(path), " is not a field that can be changed"));
    }
    v1::Campaign one = wanted;
    // Swapped rather than copied: reflection has no copy of a single field.
    reflection->SwapFields(&edited, &one, {field});
  }
  CampaignEdit edit;
  ASSIGN_OR_RETURN(edit.campaign, NormalizeCampaign(edited));
  *edit.campaign.mutable_create_time() = stored.create_time();
  if (stored.has_activate_time()) {
    *edit.campaign.mutable_activate_time() = stored.activate_time();
  }
  if (stored.has_slots_from_time()) {
    *edit.campaign.mutable_slots_from_time() = stored.slots_from_time();
  }
  edit.campaign.set_revision(stored.revision());
  google::protobuf::util::MessageDifferencer differ;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    v1::Campaign before = stored;
    v1::Campaign after = before;
    v1::Campaign taken = edit.campaign;
    reflection->SwapFields(&after, &taken, {field});
    if (!differ.Compare(before, after)) edit.changed.push_back(field->name());
  }
  edit.campaign.set_revision(stored.revision() + 1);
  for (const absl::string_view field : kSlotFields) {
    if (stored.has_activate_time() && absl::c_linear_search(edit.changed, field)) {
      *edit.campaign.mutable_slots_from_time() = ToProto(now);
    }
  }
  return edit;
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

bool IsLookedAt(const v1::Campaign& campaign, absl::Time now) {
  return campaign.has_activate_time() && now < DeadlineOf(campaign) + kAfterDeadlineMax;
}

absl::Time SlotsFrom(const v1::Campaign& campaign, absl::Time now) {
  if (!campaign.has_activate_time()) return now;
  const absl::Time activated = FromProto(campaign.activate_time());
  return campaign.has_slots_from_time() ? std::max(activated, FromProto(campaign.slots_from_time()))
                                        : activated;
}

bool Writes(const v1::Campaign& campaign, v1::MessageKind::Value kind) {
  return campaign.kinds_size() == 0 || absl::c_linear_search(campaign.kinds(), kind);
}

int StaleAfterDays(const v1::Campaign& campaign) {
  return campaign.has_stale_after_days() ? campaign.stale_after_days() : kStaleAfterDaysDefault;
}

int ImportWaitMaxSeconds(const v1::Campaign& campaign) {
  return campaign.has_import_wait_max_seconds() ? campaign.import_wait_max_seconds()
                                                : kImportWaitSecondsDefault;
}

int ApprovalExpiresHours(const v1::Campaign& campaign) {
  return campaign.has_approval_expires_hours() ? campaign.approval_expires_hours()
                                               : kApprovalExpiresHoursDefault;
}

const v1::Target* LevelTargetOf(const v1::Campaign& campaign, v1::Level::Value level,
                                absl::CivilDay day) {
  for (const v1::Target& target : campaign.targets()) {
    if (target.level() == level && target.unit_ids_size() == 0 && IsValidOn(target, day)) {
      return &target;
    }
  }
  return nullptr;
}

const v1::Target* TargetOf(const v1::Campaign& campaign, v1::Level::Value level,
                           const std::string& unit_id, absl::CivilDay day) {
  for (const v1::Target& target : campaign.targets()) {
    if (target.level() == level && absl::c_linear_search(target.unit_ids(), unit_id) &&
        IsValidOn(target, day)) {
      return &target;
    }
  }
  return LevelTargetOf(campaign, level, day);
}

int MinuteOfDay(const std::string& time) {
  if (time.empty()) return 0;
  return static_cast<int>(
      absl::ToInt64Minutes(ParseTimeOfDay(time).value_or(absl::ZeroDuration())));
}

absl::StatusOr<std::vector<PlannedSlot>> PlanCampaignSlots(const v1::Campaign& campaign,
                                                           absl::Time now,
                                                           const WorkingCalendar& calendar) {
  const absl::Time from = SlotsFrom(campaign, now);
  const absl::Time deadline = DeadlineOf(campaign);
  ASSIGN_OR_RETURN(std::vector<PlannedSlot> slots,
                   PlanSlots(campaign.schedule(), from, deadline, calendar));
  if (!Writes(campaign, v1::MessageKind::EXPLANATION)) return slots;
  std::string time = campaign.schedule().last_working_days_time();
  if (time.empty()) time = kExplanationTime;
  ASSIGN_OR_RETURN(const absl::Duration time_of_day, ParseTimeOfDay(time));
  const absl::CivilDay first = DayOf(deadline);
  const absl::CivilDay worked = calendar.NextWorked(first);
  PlannedSlot slot = {.time = StartOf(worked) + time_of_day, .moved_from = std::nullopt};
  if (worked != first) slot.moved_from = first;
  if (slot.time >= from) slots.push_back(slot);
  return slots;
}

}  // namespace dondoc::alerting
