#include "services/ingestion/reading/row_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kTextBytesMax = 300;

std::string Key(absl::string_view text) { return TextKey(text.substr(0, kTextBytesMax)); }

// Whether `key` is one of the words or begins with one and a space.
bool Begins(absl::string_view key, absl::Span<const absl::string_view> words) {
  return std::any_of(words.begin(), words.end(), [key](absl::string_view word) {
    return absl::StartsWith(key, word) && (key.size() == word.size() || key[word.size()] == ' ');
  });
}

bool IsRoman(absl::string_view word) {
  return !word.empty() && word.size() <= 5 &&
         word.find_first_not_of("ivx") == absl::string_view::npos;
}

constexpr absl::string_view kLevels[] = {
    "cap tinh",  "cap huyen",       "cap xa",         "khoi",
    "cac so",    "so ban nganh",    "so nganh",       "ubnd cac huyen",
    "cac huyen", "huyen thanh pho", "ubnd cap huyen", "ubnd cac xa",
    "xa phuong", "cac xa",          "ubnd cap xa",    "cac so ban nganh"};
constexpr absl::string_view kTotals[] = {"tong cong", "tong so", "toan tinh", "tong toan tinh"};
// Totals alone or before a level; before anything else they may begin a name ("Công an tỉnh").
constexpr absl::string_view kShortTotals[] = {"cong", "tong"};
constexpr absl::string_view kFooters[] = {"nguoi lap",
                                          "lap bieu",
                                          "thu truong",
                                          "noi nhan",
                                          "ky ten",
                                          "xac nhan",
                                          "kt chu tich",
                                          "tm uy ban",
                                          "chu tich",
                                          "pho chu tich",
                                          "giam doc",
                                          "lanh dao",
                                          "truong phong",
                                          "chanh van phong",
                                          "ghi chu",
                                          "luu vt",
                                          "nguoi tong hop",
                                          "ke toan",
                                          "ky va ghi ro ho ten",
                                          "nguon",
                                          "kiem soat"};

}  // namespace

absl::string_view FirstText(absl::Span<const absl::string_view> cells) {
  for (const absl::string_view cell : cells) {
    const std::string key = Key(cell);
    if (key.empty() || IsSectionSerial(cell)) continue;
    if (key.find_first_not_of("0123456789 ") == std::string::npos) continue;
    return cell;
  }
  return "";
}

bool IsTotalText(absl::string_view text) {
  const std::string key = Key(text);
  if (Begins(key, kTotals)) return true;
  for (const absl::string_view total : kShortTotals) {
    if (key == total) return true;
    if (Begins(key, {total}) && Begins(absl::string_view(key).substr(total.size() + 1), kLevels)) {
      return true;
    }
  }
  return false;
}

bool IsSectionTotalText(absl::string_view text) {
  if (!IsTotalText(text)) return false;
  const std::string key = Key(text);
  return std::any_of(std::begin(kLevels), std::end(kLevels),
                     [&key](absl::string_view level) { return absl::StrContains(key, level); });
}

bool IsSectionSerial(absl::string_view text) {
  const std::string key = Key(text);
  return IsRoman(key) ||
         (key.size() == 1 && absl::ascii_isalpha(static_cast<unsigned char>(key[0])));
}

bool IsSectionText(absl::string_view text) {
  std::string key = Key(text);
  const size_t space = key.find(' ');
  if (space != std::string::npos && IsSectionSerial(absl::string_view(key).substr(0, space))) {
    key.erase(0, space + 1);
  }
  return Begins(key, kLevels);
}

bool IsFooterText(absl::string_view text) {
  const std::string key = Key(text);
  if (Begins(key, kFooters)) return true;
  return absl::StrContains(key, "ngay") && absl::StrContains(key, "thang") &&
         absl::StrContains(key, "nam");
}

bool IsColumnNumbers(absl::Span<const absl::string_view> cells) {
  int filled = 0;
  for (const absl::string_view cell : cells) {
    if (cell.empty()) continue;
    ++filled;
    const bool letter =
        cell.size() == 1 && absl::ascii_isupper(static_cast<unsigned char>(cell[0]));
    const bool numbers = cell.size() <= 24 &&
                         cell.find_first_not_of("0123456789()=+-/*% ") == absl::string_view::npos;
    const bool plain = cell.size() <= 2;
    const bool formula = absl::StrContains(cell, '(') || absl::StrContains(cell, '=');
    if (!letter && !(numbers && (plain || formula))) return false;
  }
  return filled >= 3;
}

}  // namespace dondoc::ingestion
