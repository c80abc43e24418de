#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// Rows of a sheet that are no data, told by their words.

namespace dondoc::ingestion {

// The first text of a row that is not a serial number ("1", "II", "(3)", "A.").
absl::string_view FirstText(absl::Span<const absl::string_view> cells);

// "Tổng cộng", "Tổng số", "Toàn tỉnh", "Cộng cấp xã".
bool IsTotalText(absl::string_view text);
// A total of less than the sheet: "Cộng cấp xã", "Tổng số cấp tỉnh".
bool IsSectionTotalText(absl::string_view text);
// "I. Cấp tỉnh", "B. UBND các huyện, thành phố", "Khối sở, ban, ngành".
bool IsSectionText(absl::string_view text);
// "I", "II.", "A": how sections are numbered.
bool IsSectionSerial(absl::string_view text);
// "Người lập biểu", "KT. CHỦ TỊCH", "Kon Tum, ngày 16 tháng 11 năm 2023".
bool IsFooterText(absl::string_view text);
// A row under the header that numbers the columns: "(1) (2) (3)=(4)+(5)", "A B 1 2".
bool IsColumnNumbers(absl::Span<const absl::string_view> cells);

}  // namespace dondoc::ingestion
