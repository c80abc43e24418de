#include <cstdint>

#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/legacy_text.h"
#include "services/ingestion/reading/row_words.h"
#include "services/ingestion/reading/text_decoder.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {

// Codes, words, counts and old encodings, one cell at a time.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (IsUsualCode(text) && (text.size() > 40 || IsRoundedNumber(text))) __builtin_trap();
  (void)ParseCellChannel(text);
  (void)ParseCellServiceLevel(text);
  (void)ParseCellStatus(text);
  const auto count = ParseCount(text);
  if (count.has_value() && *count < 0) __builtin_trap();
  (void)MapHeader({text});
  (void)ParseColumnSynonyms(text);
  (void)IsColumnNumbers({text, text, text});
  if (IsSectionTotalText(text) && !IsTotalText(text)) __builtin_trap();
  if (!IsUtf8(FromLegacy(GuessLegacy(ToUtf8(text, size * 3)), ToUtf8(text, size * 3)))) {
    __builtin_trap();
  }
  const auto encoding = DetectEncoding(text);
  if (encoding.ok() && *encoding != Encoding::kUtf8) {
    if (!IsUtf8(TextDecoder(*encoding).Decode(text, true))) __builtin_trap();
  }
  return 0;
}

}  // namespace dondoc::ingestion
