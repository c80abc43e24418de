#include "services/ingestion/reading/sheet_title.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kTitleBytesMax = 1'000;

using Words = std::vector<std::string>;

// A day from word `at` on: "15 11 2023", "ngay 15 thang 11 nam 2023"; `at` is then behind it.
std::optional<absl::CivilDay> TakeDay(const Words& words, size_t& at) {
  static constexpr absl::string_view kBetween[] = {"ngay", "thang", "nam", "het", "luc"};
  int64_t parts[3] = {0, 0, 0};
  size_t count = 0;
  size_t i = at;
  for (; i < words.size() && count < 3; ++i) {
    if (absl::SimpleAtoi(words[i], &parts[count])) {
      ++count;
      continue;
    }
    bool between = false;
    for (const absl::string_view word : kBetween) between = between || words[i] == word;
    if (!between) return std::nullopt;
  }
  if (count < 3 || parts[2] < 2000 || parts[2] > 2999) return std::nullopt;
  if (parts[0] < 1 || parts[0] > 31 || parts[1] < 1 || parts[1] > 12) return std::nullopt;
  const absl::CivilDay day(parts[2], static_cast<int>(parts[1]), static_cast<int>(parts[0]));
  if (day.day() != parts[0]) return std::nullopt;
  at = i;
  return day;
}

// "08 30", "08 gio 30 phut" anywhere from `from` to `to`.
void TakeClock(const Words& words, size_t from, size_t to, int& hour, int& minute) {
  std::vector<int> numbers;
  for (size_t i = from; i < to && i < words.size(); ++i) {
    absl::string_view word = words[i];
    int number = 0;
    // "8h30" is one word.
    for (const absl::string_view part : absl::StrSplit(word, 'h')) {
      if (absl::SimpleAtoi(part, &number)) numbers.push_back(number);
    }
  }
  if (numbers.empty() || numbers[0] > 23 || numbers[0] < 0) return;
  hour = numbers[0];
  if (numbers.size() > 1 && numbers[1] >= 0 && numbers[1] < 60) minute = numbers[1];
}

void ReadExtraction(const std::string& key, SheetTitle& title) {
  static constexpr absl::string_view kPhrases[] = {
      "ngay xuat", "thoi gian xuat", "thoi diem xuat",  "trich xuat",           "xuat luc",
      "xuat ngay", "ngay lap bieu",  "so lieu lay luc", "thoi diem lay so lieu"};
  for (const absl::string_view phrase : kPhrases) {
    const size_t found = key.find(phrase.data(), 0, phrase.size());
    if (found == std::string::npos) continue;
    const Words words = absl::StrSplit(key.substr(found + phrase.size()), ' ', absl::SkipEmpty());
    for (size_t start = 0; start < words.size(); ++start) {
      size_t at = start;
      const std::optional<absl::CivilDay> day = TakeDay(words, at);
      if (!day.has_value()) continue;
      int hour = 0, minute = 0;
      TakeClock(words, at, at + 2, hour, minute);
      if (hour == 0 && minute == 0) TakeClock(words, 0, start, hour, minute);
      title.extracted = absl::CivilSecond(day->year(), day->month(), day->day(), hour, minute, 0);
      return;
    }
  }
}

}  // namespace

void ReadTitle(absl::string_view text, SheetTitle& title) {
  const std::string key = TextKey(text.substr(0, kTitleBytesMax));
  if (!title.extracted.has_value()) ReadExtraction(key, title);
  if (title.from.has_value()) return;
  const Words words = absl::StrSplit(key, ' ', absl::SkipEmpty());
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "tu") continue;
    size_t at = i + 1;
    const std::optional<absl::CivilDay> from = TakeDay(words, at);
    if (!from.has_value() || at >= words.size() || words[at] != "den") continue;
    ++at;
    const std::optional<absl::CivilDay> to = TakeDay(words, at);
    if (!to.has_value() || *to < *from) continue;
    title.from = from;
    title.to = to;
    return;
  }
}

}  // namespace dondoc::ingestion
