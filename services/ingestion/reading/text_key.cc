#include "services/ingestion/reading/text_key.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace dondoc::ingestion {
namespace {

// ICU takes lengths as int32_t; cells are bounded far below.
constexpr size_t kTextBytesMax = 1 << 20;

bool IsD(UChar32 c) {
  // Đ and đ do not decompose; Ð and ð (eth) are typed for them.
  return c == 0x110 || c == 0x111 || c == 0xD0 || c == 0xF0;
}

const icu::Normalizer2* Nfd() {
  UErrorCode error = U_ZERO_ERROR;
  return icu::Normalizer2::getNFDInstance(error);
}

const icu::Normalizer2* Nfc() {
  UErrorCode error = U_ZERO_ERROR;
  return icu::Normalizer2::getNFCInstance(error);
}

// Adds what is left of `c` in a key to `key`: nothing for a mark. False when `c` separates words.
bool AppendKeyOf(UChar32 c, std::string& key) {
  if (c < 0x80) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
    key.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    return true;
  }
  if (IsD(c)) {
    key.push_back('d');
    return true;
  }
  if (u_charType(c) == U_NON_SPACING_MARK) return true;
  icu::UnicodeString parts;
  if (!Nfd()->getDecomposition(c, parts)) parts.setTo(c);
  bool letter = false;
  for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    const UChar32 part = parts.char32At(i);
    if (u_charType(part) == U_NON_SPACING_MARK) continue;
    if (!u_isalnum(part)) continue;
    letter = true;
    icu::UnicodeString(u_tolower(part)).toUTF8String(key);
  }
  return letter;
}

// The next code point at `i`, as RFC 3629 allows it; a negative one for a byte that is not UTF-8.
UChar32 Next(absl::string_view text, size_t& i) {
  const auto byte = [&](size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  const unsigned first = byte(i++);
  if (first < 0x80) return static_cast<UChar32>(first);
  const size_t more = first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 0;
  if (more == 0) return -1;
  unsigned c = first & (0x3FU >> more);
  for (size_t at = i; at < i + more; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return -1;
    c = (c << 6) | (byte(at) & 0x3F);
  }
  const bool overlong = (more == 2 && c < 0x800) || (more == 3 && c < 0x10000);
  if (overlong || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return -1;
  i += more;
  return static_cast<UChar32>(c);
}

}  // namespace

std::string TextKey(absl::string_view text) {
  text = text.substr(0, kTextBytesMax);
  std::string key;
  key.reserve(text.size());
  bool separated = false;
  for (size_t i = 0; i < text.size();) {
    const UChar32 c = Next(text, i);
    const size_t before = key.size();
    if (separated && before > 0) key.push_back(' ');
    const size_t start = key.size();
    const bool in_word = c >= 0 && AppendKeyOf(c, key);
    if (key.size() > start) {
      separated = false;
    } else {
      key.resize(before);
      separated = separated || !in_word;
    }
  }
  return key;
}

std::vector<Word> WordsOf(absl::string_view raw) {
  const std::string text = ToNfc(raw.substr(0, kTextBytesMax));
  std::vector<Word> words;
  Word word;
  bool divided = false;
  bool space_before = false;
  const auto end_word = [&](bool dot) {
    if (word.key.empty()) return;
    word.dot = dot;
    words.push_back(std::move(word));
    word = Word();
    divided = false;
  };
  for (size_t i = 0; i < text.size();) {
    const UChar32 c = Next(text, i);
    if (c >= 0 && AppendKeyOf(c, word.key)) {
      if (word.lower.empty()) word.divided = divided;
      icu::UnicodeString(u_tolower(c)).toUTF8String(word.lower);
      space_before = false;
      continue;
    }
    end_word(c == '.');
    const bool space_after = i >= text.size() || text[i] == ' ';
    const bool dash = c == '-' || c == 0x2013 || c == 0x2014;
    if (c == ',' || c == ';' || c == '(' || c == ')' || c == '/' ||
        (dash && space_before && space_after)) {
      divided = true;
    }
    space_before = c == ' ' || c == 0xA0;
  }
  end_word(false);
  return words;
}

std::string ToNfc(absl::string_view text) {
  if (!IsUtf8(text)) return std::string(text);
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString normalized =
      Nfc()->normalize(icu::UnicodeString::fromUTF8(
                           icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))),
                       error);
  std::string out;
  if (U_FAILURE(error)) return std::string(text);
  return normalized.toUTF8String(out);
}

bool IsUtf8(absl::string_view text) {
  if (text.size() > kTextBytesMax) return false;
  for (size_t i = 0; i < text.size();) {
    // Eight characters of ASCII at a time.
    uint64_t eight = 0;
    if (i + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if ((eight & 0x8080808080808080U) == 0) {
        i += sizeof(eight);
        continue;
      }
    }
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
    } else if (Next(text, i) < 0) {
      return false;
    }
  }
  return true;
}

std::string ToUtf8(absl::string_view text, size_t bytes_max) {
  std::string out;
  text = text.substr(0, kTextBytesMax);
  for (size_t i = 0; i < text.size();) {
    UChar32 c = Next(text, i);
    if (c < 0) c = 0xFFFD;
    std::string bytes;
    icu::UnicodeString(c).toUTF8String(bytes);
    if (out.size() + bytes.size() > bytes_max) break;
    out += bytes;
  }
  return out;
}

absl::string_view Trim(absl::string_view text) {
  static constexpr absl::string_view kSpaces[] = {"\xC2\xA0", "\xEF\xBB\xBF", "\xE2\x80\x8B",
                                                  "\xE3\x80\x80", "\xE2\x80\xAF"};
  // Most cells have nothing to take off.
  const auto plain = [](char c, absl::string_view of_spaces) {
    const auto byte = static_cast<unsigned char>(c);
    return absl::ascii_isgraph(byte) || (byte >= 0x80 && !absl::StrContains(of_spaces, c));
  };
  // The first and last bytes of kSpaces.
  if (!text.empty() && plain(text.front(), "\xC2\xEF\xE2\xE3") &&
      plain(text.back(), "\xA0\xBF\x8B\x80\xAF")) {
    return text;
  }
  for (bool again = true; again;) {
    again = false;
    text = absl::StripAsciiWhitespace(text);
    for (const absl::string_view space : kSpaces) {
      if (text.size() >= space.size() && text.substr(0, space.size()) == space) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.size() >= space.size() && text.substr(text.size() - space.size()) == space) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

}  // namespace dondoc::ingestion
