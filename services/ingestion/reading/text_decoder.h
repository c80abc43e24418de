#pragma once

#include <unicode/ucnv.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/legacy_text.h"

namespace dondoc::ingestion {

enum class Encoding { kUtf8, kUtf16Le, kUtf16Be, kWindows1258, kTcvn3, kVni };

// "UTF-8", "windows-1258", …
absl::string_view EncodingName(Encoding encoding);

// The encoding of a text file by its first bytes (at least 64 KB where there are as many): byte
// order mark, the places of NULs, valid UTF-8, else the one under which the words are Vietnamese.
// kInvalidArgument, in Vietnamese, when none fits; it names the encoding it looks like.
absl::StatusOr<Encoding> DetectEncoding(absl::string_view head);

// Turns pieces of a text file into UTF-8 without byte order mark; other encodings come out in NFC.
// Not thread-safe.
class TextDecoder {
 public:
  explicit TextDecoder(Encoding encoding);
  ~TextDecoder();
  TextDecoder(const TextDecoder&) = delete;
  TextDecoder& operator=(const TextDecoder&) = delete;

  // What is ready of the text; `last` gives all of it. Bytes that are no text become U+FFFD, in
  // UTF-8 they stay.
  std::string Decode(absl::string_view piece, bool last);

 private:
  const Encoding encoding_;
  UConverter* converter_ = nullptr;
  bool at_start_ = true;
  std::string held_;  // UTF-8 whose last letter may still get a mark
};

}  // namespace dondoc::ingestion
