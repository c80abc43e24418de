#include <cstdint>

#include "services/common/clock/civil.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/sheet_title.h"

namespace dondoc::ingestion {

// A date that can be read is a day of the calendar, and stays it when it is written as ISO.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto time = ParseCellTime(text);
  if (time.ok() && time->has_value()) {
    const std::string iso = absl::FormatTime("%Y-%m-%d %H:%M:%S", **time, dondoc::VietNamTime());
    const auto again = ParseCellTime(iso);
    const bool four_digits = iso.size() == 19;
    if (four_digits && (!again.ok() || !again->has_value() ||
                        **again != absl::FromUnixSeconds(absl::ToUnixSeconds(**time)))) {
      __builtin_trap();
    }
  }
  for (const DayOrder order : {DayOrder::kDayFirst, DayOrder::kMonthFirst}) {
    (void)ParseCellTime(ToDayFirst(text, order));
  }
  (void)ParseCellTime(SerialToIso(text));
  SheetTitle title;
  ReadTitle(text, title);
  if (title.from.has_value() && (!title.to.has_value() || *title.to < *title.from)) {
    __builtin_trap();
  }
  return 0;
}

}  // namespace dondoc::ingestion
