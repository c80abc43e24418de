#pragma once

#include <string>

#include "kainjow/mustache.hpp"
#include "services/alerting/message_request.h"

// What the templates may name, made of a request's facts. Private to the rendering.

namespace dondoc::alerting {

// How many lines a mail shows; the workbook has them all.
inline constexpr size_t kDigestRowsMax = 40;

kainjow::mustache::data MakeView(MessageKind kind, const ReminderFacts& facts,
                                 const std::string& attached);

// "Khả thi" and so on.
std::string OutlookName(v1::Outlook::Value outlook);

}  // namespace dondoc::alerting
