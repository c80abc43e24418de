#include "services/common/status/quote.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace dondoc {
namespace {

constexpr char kEllipsis[] = "…";

// The character at `text[0]`, or length 1 and valid = false for a byte that begins none.
struct Character {
  uint32_t value = 0;
  size_t length = 1;
  bool valid = false;
};

Character FirstCharacter(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {.value = lead, .length = 1, .valid = true};
  size_t length = 0;
  uint32_t value = 0;
  uint32_t least = 0;  // a smaller value had a shorter form, so this one is not UTF-8
  if ((lead & 0xE0) == 0xC0) {
    length = 2, value = lead & 0x1Fu, least = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, value = lead & 0x0Fu, least = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, value = lead & 0x07u, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {.value = value, .length = length, .valid = true};
}

// Characters that could break a line or drive a terminal.
bool IsControl(uint32_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || value == 0x2028 || value == 0x2029;
}

void AppendEscaped(uint32_t value, std::string& out) {
  switch (value) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      absl::StrAppend(&out, "\\u", absl::Hex(value, absl::kZeroPad4));
  }
}

}  // namespace

std::string Quoted(absl::string_view text) {
  std::string out = "'";
  size_t used = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    used += character.length;
    if (used > kQuotedBytesMax) {
      out += kEllipsis;
      break;
    }
    if (!character.valid) {
      absl::StrAppend(&out, "\\x", absl::Hex(static_cast<uint8_t>(text[0]), absl::kZeroPad2));
    } else if (IsControl(character.value)) {
      AppendEscaped(character.value, out);
    } else {
      if (character.value == '\'' || character.value == '\\') out += '\\';
      out.append(text.data(), character.length);
    }
    text.remove_prefix(character.length);
  }
  out += '\'';
  return out;
}

std::string JsonQuoted(absl::string_view text, size_t bytes_max) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  size_t used = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    used += character.length;
    if (used > bytes_max) {
      out += kEllipsis;
      break;
    }
    if (!character.valid) {
      out += "\xEF\xBF\xBD";
    } else if (IsControl(character.value)) {
      AppendEscaped(character.value, out);
    } else {
      if (character.value == '"' || character.value == '\\') out += '\\';
      out.append(text.data(), character.length);
    }
    text.remove_prefix(character.length);
  }
  out += '"';
  return out;
}

}  // namespace dondoc
