#pragma once

#include <string>

#include "absl/strings/string_view.h"

// Vietnamese from before Unicode. TCVN3 and VNI gave letters other shapes by a font, so such text
// is a row of Latin-1 characters: "Së T­ ph¸p", "Sôû Tö phaùp".

namespace dondoc::ingestion {

enum class Legacy { kNone, kTcvn3, kVni };

// "TCVN3 (.VnTime)", "VNI".
absl::string_view LegacyName(Legacy legacy);

// Both take UTF-8 whose characters are those of windows-1252 and give NFC. What is no letter of the
// encoding stays as it is.
std::string FromTcvn3(absl::string_view text);
std::string FromVni(absl::string_view text);
std::string FromLegacy(Legacy legacy, absl::string_view text);

// How Vietnamese UTF-8 text looks: of its words with letters beyond ASCII, how many could be
// Vietnamese syllables.
struct Plausibility {
  int words = 0;      // with letters beyond ASCII
  int plausible = 0;  // of them
  // Enough for a judgement, and most of them are.
  bool good() const { return words > 0 && plausible * 10 >= words * 8; }
};
Plausibility LookAt(absl::string_view utf8);

// Which encoding turns `utf8` into plausible Vietnamese; kNone when it is that already, or when
// neither does.
Legacy GuessLegacy(absl::string_view utf8);

// Whether every character beyond ASCII could come from a windows-1252 byte.
bool IsLatin1Range(absl::string_view utf8);

}  // namespace dondoc::ingestion
