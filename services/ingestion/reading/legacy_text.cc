#include "services/ingestion/reading/legacy_text.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <array>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr char16_t kGrave = 0x300, kAcute = 0x301, kCircumflex = 0x302, kTilde = 0x303,
                   kBreve = 0x306, kHook = 0x309, kHorn = 0x31B, kDot = 0x323;

// TCVN 5712:1993 VN3, as glibc's TCVN5712-1 has it from 0xA1 on (a test compares the two).
struct Letter {
  unsigned char byte;
  const char* letter;
};
constexpr Letter kTcvn3[] = {
    {0xA1, "Ă"}, {0xA2, "Â"}, {0xA3, "Ê"}, {0xA4, "Ô"}, {0xA5, "Ơ"}, {0xA6, "Ư"}, {0xA7, "Đ"},
    {0xA8, "ă"}, {0xA9, "â"}, {0xAA, "ê"}, {0xAB, "ô"}, {0xAC, "ơ"}, {0xAD, "ư"}, {0xAE, "đ"},
    {0xB5, "à"}, {0xB6, "ả"}, {0xB7, "ã"}, {0xB8, "á"}, {0xB9, "ạ"}, {0xBB, "ằ"}, {0xBC, "ẳ"},
    {0xBD, "ẵ"}, {0xBE, "ắ"}, {0xC6, "ặ"}, {0xC7, "ầ"}, {0xC8, "ẩ"}, {0xC9, "ẫ"}, {0xCA, "ấ"},
    {0xCB, "ậ"}, {0xCC, "è"}, {0xCE, "ẻ"}, {0xCF, "ẽ"}, {0xD0, "é"}, {0xD1, "ẹ"}, {0xD2, "ề"},
    {0xD3, "ể"}, {0xD4, "ễ"}, {0xD5, "ế"}, {0xD6, "ệ"}, {0xD7, "ì"}, {0xD8, "ỉ"}, {0xDC, "ĩ"},
    {0xDD, "í"}, {0xDE, "ị"}, {0xDF, "ò"}, {0xE1, "ỏ"}, {0xE2, "õ"}, {0xE3, "ó"}, {0xE4, "ọ"},
    {0xE5, "ồ"}, {0xE6, "ổ"}, {0xE7, "ỗ"}, {0xE8, "ố"}, {0xE9, "ộ"}, {0xEA, "ờ"}, {0xEB, "ở"},
    {0xEC, "ỡ"}, {0xED, "ớ"}, {0xEE, "ợ"}, {0xEF, "ù"}, {0xF1, "ủ"}, {0xF2, "ũ"}, {0xF3, "ú"},
    {0xF4, "ụ"}, {0xF5, "ừ"}, {0xF6, "ử"}, {0xF7, "ữ"}, {0xF8, "ứ"}, {0xF9, "ự"}, {0xFA, "ỳ"},
    {0xFB, "ỷ"}, {0xFC, "ỹ"}, {0xFD, "ý"}, {0xFE, "ỵ"},
};

// VNI for Windows writes a base letter and then its marks as one character (table of the VNI
// encoding as published in the Vietnamese Unicode FAQ and Wikipedia's "VNI").
struct VniMark {
  char32_t lower;
  char32_t upper;
  char16_t quality;  // circumflex or breve, 0 = none
  char16_t tone;     // 0 = none
};
constexpr VniMark kVniMarks[] = {
    {0xF9, 0xD9, 0, kAcute},
    {0xF8, 0xD8, 0, kGrave},
    {0xFB, 0xDB, 0, kHook},
    {0xF5, 0xD5, 0, kTilde},
    {0xEF, 0xCF, 0, kDot},
    {0xE2, 0xC2, kCircumflex, 0},
    {0xE1, 0xC1, kCircumflex, kAcute},
    {0xE0, 0xC0, kCircumflex, kGrave},
    {0xE5, 0xC5, kCircumflex, kHook},
    {0xE3, 0xC3, kCircumflex, kTilde},
    {0xE4, 0xC4, kCircumflex, kDot},
    {0xEA, 0xCA, kBreve, 0},
    {0xE9, 0xC9, kBreve, kAcute},
    {0xE8, 0xC8, kBreve, kGrave},
    {0xFA, 0xDA, kBreve, kHook},
    {0xFC, 0xDC, kBreve, kTilde},
    {0xEB, 0xCB, kBreve, kDot},
};
struct VniLetter {
  char32_t from;
  const char16_t* to;
};
// Letters that are one character by themselves; ô and ö (ơ and ư) may take a tone after them.
constexpr VniLetter kVniLetters[] = {
    {0xF4, u"o\u031B"}, {0xD4, u"O\u031B"}, {0xF6, u"u\u031B"}, {0xD6, u"U\u031B"}, {0xF1, u"đ"},
    {0xD1, u"Đ"},       {0xED, u"í"},       {0xCD, u"Í"},       {0xEC, u"ì"},       {0xCC, u"Ì"},
    {0xE6, u"ỉ"},       {0xC6, u"Ỉ"},       {0xF3, u"ĩ"},       {0xD3, u"Ĩ"},       {0xF2, u"ị"},
    {0xD2, u"Ị"},       {0xEE, u"ỵ"},       {0xCE, u"Ỵ"},
};

icu::UnicodeString Utf16(absl::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string Utf8(const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString normal = icu::Normalizer2::getNFCInstance(error)->normalize(text, error);
  std::string out;
  return U_FAILURE(error) ? text.toUTF8String(out) : normal.toUTF8String(out);
}

const std::array<char16_t, 256>& Tcvn3Letters() {
  static const std::array<char16_t, 256> letters = [] {
    std::array<char16_t, 256> table{};
    for (const Letter& letter : kTcvn3) table[letter.byte] = Utf16(letter.letter)[0];
    return table;
  }();
  return letters;
}

// Vowels that may carry the mark; `base` is the letter without case.
bool Carries(char16_t base, char16_t quality) {
  switch (base) {
    case u'a':
      return true;
    case u'e':
    case u'o':
      return quality != kBreve;
    case u'u':
    case u'y':
      return quality == 0;
    default:
      return false;
  }
}

// The parts of a syllable, with marks of quality but not of tone.
const absl::flat_hash_set<std::u16string>& Onsets() {
  static const auto* const onsets = new absl::flat_hash_set<std::u16string>{
      u"",  u"b", u"c", u"ch", u"d",  u"đ",   u"g",  u"gh", u"gi", u"h",  u"k",
      u"l", u"m", u"n", u"ng", u"nh", u"ngh", u"kh", u"p",  u"ph", u"q",  u"qu",
      u"r", u"s", u"t", u"th", u"tr", u"v",   u"x",  u"pl", u"bl", u"gl", u"kr",
  };
  return *onsets;
}
const absl::flat_hash_set<std::u16string>& Codas() {
  static const auto* const codas = new absl::flat_hash_set<std::u16string>{
      u"", u"c", u"ch", u"m", u"n", u"ng", u"nh", u"p", u"t", u"k"};
  return *codas;
}
const absl::flat_hash_set<std::u16string>& Nuclei() {
  static const auto* const nuclei = new absl::flat_hash_set<std::u16string>{
      u"a",   u"ă",   u"â",   u"e",   u"ê",   u"i",   u"o",   u"ô",   u"ơ",   u"u",   u"ư",   u"y",
      u"ai",  u"ao",  u"au",  u"ay",  u"âu",  u"ây",  u"eo",  u"êu",  u"ia",  u"iê",  u"iu",  u"oa",
      u"oă",  u"oe",  u"oi",  u"ôi",  u"ơi",  u"oo",  u"ôô",  u"ua",  u"uâ",  u"uê",  u"ui",  u"uô",
      u"uơ",  u"uy",  u"ưa",  u"ưi",  u"ươ",  u"ưu",  u"yê",  u"iêu", u"oai", u"oay", u"oeo", u"ao",
      u"uây", u"uôi", u"uya", u"uyê", u"uyu", u"ươi", u"ươu", u"yêu", u"oao", u"uă",
  };
  return *nuclei;
}

bool IsTone(char16_t c) {
  return c == kGrave || c == kAcute || c == kHook || c == kTilde || c == kDot;
}
bool IsVowel(char16_t c) { return icu::UnicodeString(u"aăâeêioôơuưy").indexOf(c) >= 0; }

// `word` in lower-case NFC.
bool IsSyllable(const icu::UnicodeString& word) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString toneless;
  int tones = 0;
  const icu::UnicodeString parts = icu::Normalizer2::getNFDInstance(error)->normalize(word, error);
  for (int32_t i = 0; i < parts.length(); ++i) {
    if (IsTone(parts[i])) {
      ++tones;
    } else {
      toneless.append(parts[i]);
    }
  }
  toneless = icu::Normalizer2::getNFCInstance(error)->normalize(toneless, error);
  if (U_FAILURE(error) || tones > 1) return false;
  int32_t first = 0;
  while (first < toneless.length() && !IsVowel(toneless[first])) ++first;
  // "gi" and "qu" have a letter of vowels in their onset.
  const bool gi = first == 1 && toneless[0] == u'g' && toneless[1] == u'i' &&
                  toneless.length() > 2 && IsVowel(toneless[2]);
  const bool qu = first == 1 && toneless[0] == u'q' && toneless.length() > 1 && toneless[1] == u'u';
  if (gi || qu) ++first;
  int32_t last = first;
  while (last < toneless.length() && IsVowel(toneless[last])) ++last;
  const auto part = [&](int32_t from, int32_t to) {
    return std::u16string(toneless.getBuffer() + from, static_cast<size_t>(to - from));
  };
  return Onsets().contains(part(0, first)) && Nuclei().contains(part(first, last)) &&
         Codas().contains(part(last, toneless.length()));
}

}  // namespace

absl::string_view LegacyName(Legacy legacy) {
  switch (legacy) {
    case Legacy::kNone:
      return "";
    case Legacy::kTcvn3:
      return "TCVN3 (.VnTime)";
    case Legacy::kVni:
      return "VNI";
  }
  return "";
}

std::string FromTcvn3(absl::string_view text) {
  icu::UnicodeString out = Utf16(text);
  for (int32_t i = 0; i < out.length(); ++i) {
    if (out[i] >= 256) continue;
    const char16_t letter = Tcvn3Letters()[out[i]];
    if (letter != 0) out.setCharAt(i, letter);
  }
  return Utf8(out);
}

std::string FromVni(absl::string_view text) {
  const icu::UnicodeString in = Utf16(text);
  icu::UnicodeString out;
  char16_t base = 0;  // the vowel before, as far as it may take a mark
  bool marked = false;
  for (int32_t i = 0; i < in.length(); ++i) {
    const char16_t c = in[i];
    const VniMark* mark = nullptr;
    for (const VniMark& candidate : kVniMarks) {
      if (c == candidate.lower || c == candidate.upper) mark = &candidate;
    }
    // ơ and ư take a tone, not a second quality.
    if (mark != nullptr && base != 0 && Carries(base, mark->quality) &&
        (!marked || mark->quality == 0)) {
      if (mark->quality != 0) out.append(mark->quality);
      if (mark->tone != 0) out.append(mark->tone);
      base = 0;
      continue;
    }
    base = 0;
    marked = false;
    const VniLetter* letter = nullptr;
    for (const VniLetter& candidate : kVniLetters) {
      if (c == candidate.from) letter = &candidate;
    }
    if (letter != nullptr) {
      const icu::UnicodeString to(letter->to);
      out.append(to);
      if (to.length() == 2) {
        base = static_cast<char16_t>(u_tolower(to[0]));
        marked = true;
      }
      continue;
    }
    out.append(c);
    base = static_cast<char16_t>(u_tolower(c));
  }
  return Utf8(out);
}

std::string FromLegacy(Legacy legacy, absl::string_view text) {
  switch (legacy) {
    case Legacy::kNone:
      break;
    case Legacy::kTcvn3:
      return FromTcvn3(text);
    case Legacy::kVni:
      return FromVni(text);
  }
  return std::string(text);
}

Plausibility LookAt(absl::string_view utf8) {
  Plausibility out;
  const icu::UnicodeString text = Utf16(ToNfc(utf8));
  icu::UnicodeString word;
  bool beyond_ascii = false, broken = false;
  const auto end_word = [&] {
    if (beyond_ascii) {
      ++out.words;
      // Capitals stand at a word's start or are all of it.
      icu::UnicodeString lower(word), upper(word);
      lower.toLower();
      upper.toUpper();
      icu::UnicodeString rest(word, 1), lower_rest(lower, 1);
      const bool cased = word == upper || rest == lower_rest;
      if (!broken && cased && IsSyllable(lower)) ++out.plausible;
    }
    word.remove();
    beyond_ascii = broken = false;
  };
  for (int32_t i = 0; i < text.length(); ++i) {
    const char16_t c = text[i];
    if (u_isalpha(c) || (u_charType(c) == U_NON_SPACING_MARK)) {
      word.append(c);
      beyond_ascii = beyond_ascii || c >= 0x80;
    } else if (c >= 0x80 && c < 0x100 && c != 0xA0 && c != 0xB0 && c != 0xAB && c != 0xBB) {
      // A sign inside text, where a letter of another encoding would be.
      word.append(c);
      beyond_ascii = broken = true;
    } else {
      end_word();
    }
  }
  end_word();
  return out;
}

bool IsLatin1Range(absl::string_view utf8) {
  // Most Vietnamese text has one of these lead bytes (ạ to ỹ, ă, đ), and every cell is asked.
  if (utf8.find('\xE1') != absl::string_view::npos ||
      utf8.find('\xC4') != absl::string_view::npos) {
    return false;
  }
  const icu::UnicodeString text = Utf16(utf8);
  for (int32_t i = 0; i < text.length(); ++i) {
    const char16_t c = text[i];
    const bool in_1252 = c < 0x100 || (c >= 0x2010 && c <= 0x203A) || c == 0x20AC || c == 0x2122 ||
                         c == 0x152 || c == 0x153 || c == 0x160 || c == 0x161 || c == 0x178 ||
                         c == 0x17D || c == 0x17E || c == 0x192 || c == 0x2C6 || c == 0x2DC;
    if (!in_1252) return false;
  }
  return true;
}

Legacy GuessLegacy(absl::string_view utf8) {
  const Plausibility as_is = LookAt(utf8);
  if (as_is.words == 0 || as_is.good() || !IsLatin1Range(utf8)) return Legacy::kNone;
  const Plausibility tcvn3 = LookAt(FromTcvn3(utf8));
  const Plausibility vni = LookAt(FromVni(utf8));
  const int64_t tcvn3_share = int64_t{tcvn3.plausible} * std::max(vni.words, 1);
  const int64_t vni_share = int64_t{vni.plausible} * std::max(tcvn3.words, 1);
  if (tcvn3.good() && tcvn3_share >= vni_share) return Legacy::kTcvn3;
  return vni.good() ? Legacy::kVni : Legacy::kNone;
}

}  // namespace dondoc::ingestion
