#pragma once

#include <string>

#include "absl/strings/string_view.h"

// The signed link by which a recipient confirms a reminder without signing in.

namespace dondoc::alerting {

// HMAC-SHA256 of the reminder's id under `key`, as 64 hex digits.
std::string AcknowledgementToken(absl::string_view key, absl::string_view reminder_id);

// Compares in constant time. False for an empty key: then there are no links.
bool IsAcknowledgementToken(absl::string_view key, absl::string_view reminder_id,
                            absl::string_view token);

// HMAC-SHA256 as raw bytes.
std::string HmacSha256(absl::string_view key, absl::string_view text);

// The link's page: with a button (the reminder's subject above it), or after it was pressed. HTML
// in Vietnamese without scripts.
std::string AcknowledgementPage(absl::string_view subject, absl::string_view token, bool done);

}  // namespace dondoc::alerting
