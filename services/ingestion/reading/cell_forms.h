#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

// Forms that spreadsheets and officers give to values, before they are read (domain: formats).

namespace dondoc::ingestion {

// A count: "1234", "1.234", "1 234", "1,234"; "-" and nothing are 0. Divided in threes or not at
// all. nullopt for anything else: decimals, signs, letters, more than 12 digits.
std::optional<int64_t> ParseCount(absl::string_view text);

// "1,23E+10": what a spreadsheet makes of a long number; its digits are lost.
bool IsRoundedNumber(absl::string_view text);

// What a date says of the order of its column.
enum class DayOrder { kOther, kEither, kDayFirst, kMonthFirst };
// "05/06/2023" kEither, "15/11/2023" kDayFirst, "11/15/2023" kMonthFirst, ISO and the rest kOther.
DayOrder OrderOf(absl::string_view date);
// "11/15/2023 8:05:00 PM" → "15/11/2023 20:05:00"; with kDayFirst only the clock is changed.
std::string ToDayFirst(absl::string_view date, DayOrder column_order);
// A serial day written out as text ("45245", "45245,5") as ISO; anything else as it is. From
// 01/01/2000 to 31/12/2099, so that no year and no number of other things passes for one.
std::string SerialToIso(absl::string_view text);

}  // namespace dondoc::ingestion
