#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"

namespace dondoc::ingestion {

// What the rows above a table say of it.
struct SheetTitle {
  // "(Từ ngày 01/01/2023 đến ngày 15/11/2023)"; both or neither, in order.
  std::optional<absl::CivilDay> from;
  std::optional<absl::CivilDay> to;
  // "Ngày xuất: 16/11/2023 08:30", "Trích xuất lúc 08 giờ 30 ngày 16/11/2023".
  std::optional<absl::CivilSecond> extracted;
};

// Adds what `text` says to `title`; what is known already stays.
void ReadTitle(absl::string_view text, SheetTitle& title);

}  // namespace dondoc::ingestion
