#include "services/ingestion/reading/text_decoder.h"

#include <unicode/unistr.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Looked at to tell encodings apart; words enough.
constexpr size_t kSampleBytesMax = 64 << 10;
// Text is passed on up to the last line break or space; without any, after this many bytes.
constexpr size_t kHeldBytesMax = 4 << 10;

const char* ConverterName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf8:
      return "UTF-8";
    case Encoding::kUtf16Le:
      return "UTF-16LE";
    case Encoding::kUtf16Be:
      return "UTF-16BE";
    case Encoding::kWindows1258:
      return "windows-1258";
    case Encoding::kTcvn3:
    case Encoding::kVni:
      // Bytes as characters; the marks are ours to put.
      return "ISO-8859-1";
  }
  return "UTF-8";
}

std::string Sample(Encoding encoding, absl::string_view head) {
  return TextDecoder(encoding).Decode(head, true);
}

// Valid UTF-8, but for a character cut at the end.
bool IsUtf8Head(absl::string_view head) {
  for (int cut = 0; cut < 4 && static_cast<size_t>(cut) <= head.size(); ++cut) {
    if (IsUtf8(head.substr(0, head.size() - static_cast<size_t>(cut)))) return true;
  }
  return false;
}

}  // namespace

absl::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kTcvn3:
      return LegacyName(Legacy::kTcvn3);
    case Encoding::kVni:
      return LegacyName(Legacy::kVni);
    default:
      return ConverterName(encoding);
  }
}

absl::StatusOr<Encoding> DetectEncoding(absl::string_view head) {
  head = head.substr(0, kSampleBytesMax);
  if (absl::StartsWith(head, kByteOrderMark)) return Encoding::kUtf8;
  if (absl::StartsWith(head, "\xFF\xFE")) return Encoding::kUtf16Le;
  if (absl::StartsWith(head, "\xFE\xFF")) return Encoding::kUtf16Be;
  size_t nuls[2] = {0, 0};
  for (size_t i = 0; i < head.size(); ++i) nuls[i % 2] += head[i] == '\0' ? 1 : 0;
  if (nuls[0] + nuls[1] > 0) {
    // Digits, delimiters and half of the letters have a zero byte, always on the same side.
    const size_t many = head.size() / 8;
    if (nuls[1] > many && nuls[0] * 20 < nuls[1]) return Encoding::kUtf16Le;
    if (nuls[0] > many && nuls[1] * 20 < nuls[0]) return Encoding::kUtf16Be;
    return absl::InvalidArgumentError(
        "Tệp này là tệp nhị phân, không phải bảng tính hay văn bản. Hãy lưu thành .xlsx hoặc "
        "\"CSV UTF-8\" rồi tải lại.");
  }
  if (IsUtf8Head(head)) return Encoding::kUtf8;
  Encoding best = Encoding::kUtf8;
  Plausibility best_look;
  for (const Encoding encoding : {Encoding::kWindows1258, Encoding::kTcvn3, Encoding::kVni}) {
    const Plausibility look = LookAt(Sample(encoding, head));
    const bool better = int64_t{look.plausible} * std::max(best_look.words, 1) >
                        int64_t{best_look.plausible} * std::max(look.words, 1);
    if (better) {
      best = encoding;
      best_look = look;
    }
  }
  if (best_look.good()) return best;
  // A UTF-8 file with a few broken characters is better read, its broken rows as rejects.
  const std::string as_utf8 = ToUtf8(head, head.size() * 3);
  int64_t broken = 0;
  for (size_t at = 0; (at = as_utf8.find("\xEF\xBF\xBD", at)) != std::string::npos; at += 3)
    ++broken;
  constexpr int64_t kOneBrokenIn = 100;
  if (broken * kOneBrokenIn <= static_cast<int64_t>(head.size()) && LookAt(as_utf8).good()) {
    return Encoding::kUtf8;
  }
  const absl::string_view looks_like =
      best_look.plausible > 0 ? EncodingName(best) : absl::string_view("không rõ");
  return absl::InvalidArgumentError(
      absl::StrCat("Không đọc được bảng mã của tệp (giống nhất: ", looks_like,
                   "). Hãy lưu thành .xlsx hoặc \"CSV UTF-8\" rồi tải lại."));
}

TextDecoder::TextDecoder(Encoding encoding) : encoding_(encoding) {
  if (encoding == Encoding::kUtf8) return;
  UErrorCode error = U_ZERO_ERROR;
  converter_ = ucnv_open(ConverterName(encoding), &error);
}

TextDecoder::~TextDecoder() {
  if (converter_ != nullptr) ucnv_close(converter_);
}

std::string TextDecoder::Decode(absl::string_view piece, bool last) {
  std::string text;
  if (converter_ == nullptr) {
    text.assign(piece.data(), piece.size());
  } else {
    // A byte gives at most one UTF-16 unit, and ends may add a replacement.
    std::vector<char16_t> units(piece.size() + 16);
    const char* from = piece.data();
    char16_t* to = units.data();
    UErrorCode error = U_ZERO_ERROR;
    ucnv_toUnicode(converter_, &to, units.data() + units.size(), &from, piece.data() + piece.size(),
                   nullptr, static_cast<UBool>(last), &error);
    icu::UnicodeString(units.data(), static_cast<int32_t>(to - units.data())).toUTF8String(text);
  }
  if (at_start_ && !text.empty()) {
    at_start_ = false;
    if (absl::StartsWith(text, kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  }
  if (encoding_ == Encoding::kUtf8) return text;
  held_ += text;
  size_t ready = held_.size();
  if (!last) {
    const size_t divider = held_.find_last_of("\n\t,; ");
    ready = divider == std::string::npos ? 0 : divider + 1;
    if (ready == 0 && held_.size() > kHeldBytesMax) {
      // Nobody's text; cut at a character's start.
      ready = held_.size();
      while (ready > 0 && (static_cast<unsigned char>(held_[ready - 1]) & 0xC0) == 0x80) --ready;
      if (ready > 0) --ready;
    }
  }
  const std::string whole = held_.substr(0, ready);
  held_.erase(0, ready);
  switch (encoding_) {
    case Encoding::kTcvn3:
      return FromTcvn3(whole);
    case Encoding::kVni:
      return FromVni(whole);
    default:
      break;
  }
  // In parts that ICU's lengths and ours allow; text comes in pieces of a message's size.
  return ToNfc(whole);
}

}  // namespace dondoc::ingestion
