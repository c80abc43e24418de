#include "services/ctl/text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dondoc::ctl {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr absl::string_view kRule = "─";

size_t WidthOf(UChar32 character) {
  switch (u_charType(character)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
    case U_CONTROL_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE ? 2 : 1;
}

// Steps to the next character; negative for bytes that are not UTF-8.
UChar32 Next(absl::string_view text, int32_t& at) {
  UChar32 character = 0;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
  U8_NEXT(bytes, at, static_cast<int32_t>(text.size()), character);
#pragma GCC diagnostic pop
  return character;
}

// Characters that change what is shown around them: directions, lines and paragraphs.
bool IsUnsafe(UChar32 character) {
  const int8_t type = u_charType(character);
  return character < 0 || type == U_CONTROL_CHAR || type == U_LINE_SEPARATOR ||
         type == U_PARAGRAPH_SEPARATOR || u_hasBinaryProperty(character, UCHAR_BIDI_CONTROL);
}

}  // namespace

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  for (int32_t at = 0; at < static_cast<int32_t>(text.size());) {
    const UChar32 character = Next(text, at);
    width += character < 0 ? 1 : WidthOf(character);
  }
  return width;
}

std::string Printable(absl::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  for (int32_t at = 0; at < static_cast<int32_t>(text.size());) {
    const int32_t start = at;
    const UChar32 character = Next(text, at);
    if (character == '\t' || character == '\n' || character == '\r') {
      printable.push_back(' ');
    } else if (IsUnsafe(character)) {
      absl::StrAppend(&printable, kReplacement);
    } else {
      absl::StrAppend(&printable,
                      text.substr(static_cast<size_t>(start), static_cast<size_t>(at - start)));
    }
  }
  return printable;
}

std::string PadRight(absl::string_view text, size_t width) {
  const size_t own = DisplayWidth(text);
  return absl::StrCat(text, std::string(own < width ? width - own : 0, ' '));
}

std::string PadLeft(absl::string_view text, size_t width) {
  const size_t own = DisplayWidth(text);
  return absl::StrCat(std::string(own < width ? width - own : 0, ' '), text);
}

std::string CutTo(absl::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t used = 0;
  int32_t at = 0;
  int32_t end = 0;
  while (at < static_cast<int32_t>(text.size())) {
    const UChar32 character = Next(text, at);
    used += character < 0 ? 1 : WidthOf(character);
    if (used > width - 1) break;
    end = at;
  }
  return absl::StrCat(text.substr(0, static_cast<size_t>(end)), "…");
}

void Table::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::Render() const {
  std::vector<size_t> widths;
  std::vector<std::string> headers;
  for (size_t i = 0; i < columns_.size(); ++i) {
    headers.push_back(columns_[i].header);
    size_t width = DisplayWidth(columns_[i].header);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[i]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i != 0) line += "  ";
      absl::StrAppend(&line, columns_[i].align == Align::kRight ? PadLeft(cells[i], widths[i])
                                                                : PadRight(cells[i], widths[i]));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  };
  const auto add_rule = [&] {
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i != 0) text += "  ";
      for (size_t column = 0; column < widths[i]; ++column) absl::StrAppend(&text, kRule);
    }
    text += "\n";
  };
  add_row(headers);
  add_rule();
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (std::count(rules_before_.begin(), rules_before_.end(), row) != 0) add_rule();
    add_row(rows_[row]);
  }
  return text;
}

}  // namespace dondoc::ctl
