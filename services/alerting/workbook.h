#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/alerting/message_request.h"

namespace dondoc::alerting {

// The digest's table as XLSX: STT, Đơn vị, Tổng số hồ sơ, Trực tuyến, Trực tiếp, BCCI, Tỷ lệ (%),
// Chỉ tiêu (%), Còn thiếu, So tuần trước, Đánh giá, Ghi chú; one block per level, then the total.
// Texts are written as texts, never as formulas. The same facts give the same bytes. kInternal when
// the library fails.
absl::StatusOr<std::string> WriteWorkbook(const ReminderFacts& facts);

}  // namespace dondoc::alerting
