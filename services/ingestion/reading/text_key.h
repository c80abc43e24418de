#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Vietnamese text as officers type it: NFC or NFD, with or without marks, in any case, with any
// kind of space and punctuation. All functions take any bytes; what is not UTF-8 is a separator.

namespace dondoc::ingestion {

// The match key: NFD, marks stripped, đ→d, lower-case, every run of other characters one space,
// none at the ends. "Thị trấn Đắk Hà" → "thi tran dak ha".
std::string TextKey(absl::string_view text);

// A word of a name.
struct Word {
  std::string key;    // as in TextKey
  std::string lower;  // lower-case NFC, marks kept: tells "tỉnh" from "tịnh"
  bool dot = false;   // a dot follows at once: "TP."
  // Before it comes punctuation that divides names: a comma, a bracket, or a dash between spaces.
  bool divided = false;
};
std::vector<Word> WordsOf(absl::string_view text);

// `text` in NFC; as it is when it is not UTF-8.
std::string ToNfc(absl::string_view text);

bool IsUtf8(absl::string_view text);
// `text` with what is not UTF-8 replaced by U+FFFD, cut to `bytes_max` at a character's end.
std::string ToUtf8(absl::string_view text, size_t bytes_max);
// Whitespace of any kind, NBSP and byte order marks included, taken off both ends.
absl::string_view Trim(absl::string_view text);

}  // namespace dondoc::ingestion
