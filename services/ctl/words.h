#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "dondoc/v1/campaigns.pb.h"
#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/imports.pb.h"

// How the API's values read in Vietnamese.

namespace dondoc::ctl {

std::string LevelWord(v1::Level::Value level);
std::string ChannelWord(v1::Channel::Value channel);
std::string StatusWord(v1::Status::Value status);
std::string ServiceLevelWord(v1::ServiceLevel::Value level);
std::string BasisWord(v1::Basis::Value basis);
std::string ImportStateWord(v1::ImportState::Value state);
// Of ColumnMapping.meaning; a meaning this program does not know stays as it is.
std::string MeaningWord(const std::string& meaning);
std::string RejectReasonWord(v1::RejectReason::Value reason);
std::string EvaluationStateWord(v1::EvaluationState::Value state);
std::string OutlookWord(v1::Outlook::Value outlook);
std::string WritingWord(v1::Writing::Value writing);
std::string ReminderStateWord(v1::ReminderState::Value state);
std::string SendModeWord(v1::SendMode::Value mode);

// "1.234"
std::string CountText(int64_t count);
// "26,77 %"; "–" when `percent` is empty.
std::string PercentText(absl::string_view percent);
// The percentage of a ratio, or why there is none.
std::string RatioText(const v1::Ratio& ratio);
// "Đạt", "Chưa đạt"; empty without a target.
std::string VerdictText(const v1::Ratio& ratio);
// "2023-11-15" → "15/11/2023"; anything else as it is.
std::string DayText(absl::string_view day);
std::string WindowText(const v1::Window& window);
// "21/11/2023 09:00" in +07:00; empty when absent.
std::string InstantText(bool present, const google::protobuf::Timestamp& instant);

}  // namespace dondoc::ctl
