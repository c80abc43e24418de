#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

// Numbers as spreadsheets keep them.

namespace dondoc::ingestion {

// Whether a cell's number format shows a day or a time of day: built-in formats by their number,
// others by their code ("dd/mm/yyyy hh:mm"). Elapsed time ("[h]:mm") is a number.
bool IsBuiltInDateFormat(int format_id);
bool IsDateFormat(absl::string_view format_code);

// A serial day as "yyyy-MM-dd" or, where it has a time of day, "yyyy-MM-dd HH:mm:ss", to the
// nearest second. nullopt for what is no day: negative, beyond 9999, or 29/02/1900, which only
// spreadsheets have.
std::optional<std::string> SerialToText(double serial, bool epoch_1904);

// A number as text: whole numbers in full ("231115000001") as far as they are exact. Never
// "1.234" for 1,234, which as text is one thousand two hundred and thirty-four.
std::string NumberToText(double number);

}  // namespace dondoc::ingestion
