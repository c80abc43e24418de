#include "services/ingestion/reading/unit_matcher.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/common/clock/civil.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kNameBytesMax = 400;
constexpr size_t kRememberedMax = 20'000;
constexpr int kSuccessionStepsMax = 16;
constexpr int kCandidatesShownMax = 5;

// Type words by match key. Kept in full keys, dropped from bare ones.
constexpr absl::string_view kTypeWords[] = {"so",   "ban",      "huyen", "thanh pho", "thi xa",
                                            "quan", "thi tran", "xa",    "phuong",    "dac khu"};
constexpr absl::string_view kDistrictTypeWords[] = {"huyen", "thanh pho", "thi xa", "quan"};

// Short forms of type words. The one-letter ones are only that at the start of a name, with a dot
// or a space after them.
struct ShortForm {
  absl::string_view key;
  absl::string_view type_word;
};
constexpr ShortForm kShortForms[] = {{"tp", "thanh pho"}, {"tt", "thi tran"}, {"tx", "thi xa"},
                                     {"p", "phuong"},     {"h", "huyen"},     {"x", "xa"},
                                     {"q", "quan"}};

// Words that say "people's committee" and name no unit.
constexpr absl::string_view kCommittee[] = {"uy", "ban", "nhan", "dan"};

std::string KeyOf(const std::vector<Word>& words, size_t from, size_t to) {
  std::string key;
  for (size_t i = from; i < to; ++i) {
    if (i > from) key.push_back(' ');
    key += words[i].key;
  }
  return key;
}

std::string KeyOf(const std::vector<Word>& words) { return KeyOf(words, 0, words.size()); }

// The type word that `key` begins with; empty = none, or nothing after it.
absl::string_view TypeWordOf(absl::string_view key) {
  for (const absl::string_view type_word : kTypeWords) {
    if (key.size() > type_word.size() + 1 && absl::StartsWith(key, type_word) &&
        key[type_word.size()] == ' ') {
      return type_word;
    }
  }
  return "";
}

std::string WithoutTypeWord(const std::string& key) {
  const absl::string_view type_word = TypeWordOf(key);
  return type_word.empty() ? key : key.substr(type_word.size() + 1);
}

void ReplaceWord(std::vector<Word>& words, size_t at, absl::string_view with) {
  const bool divided = words[at].divided;
  std::vector<Word> replacement;
  for (const std::string& key : std::vector<std::string>(absl::StrSplit(with, ' '))) {
    replacement.push_back({key, key, false, false});
  }
  replacement.front().divided = divided;
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
  words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), replacement.begin(),
               replacement.end());
}

// Removes the word at `at`; a division before it stays, before the next.
void EraseWords(std::vector<Word>& words, size_t at, size_t count) {
  bool divided = false;
  for (size_t i = at; i < at + count; ++i) divided = divided || words[i].divided;
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(at),
              words.begin() + static_cast<std::ptrdiff_t>(at + count));
  if (at < words.size()) words[at].divided = words[at].divided || divided;
}

bool IsDistrictStart(const std::vector<Word>& words, size_t at) {
  if (words[at].key == "quan") return words[at].lower == "quận";
  for (const absl::string_view type_word : kDistrictTypeWords) {
    const size_t count = absl::StrContains(type_word, ' ') ? 2 : 1;
    if (at + count < words.size() && KeyOf(words, at, at + count) == type_word) return true;
  }
  return false;
}

absl::CivilDay DayOr(const std::string& text, absl::CivilDay otherwise) {
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  return day.ok() ? *day : otherwise;
}

std::string Shown(absl::string_view text) { return ToUtf8(Trim(text), 120); }

}  // namespace

UnitMatcher::UnitMatcher(std::shared_ptr<const Directory> directory, absl::string_view province)
    : directory_(std::move(directory)), province_key_(TextKey(province)) {
  for (const auto& [id, unit] : directory_->units()) {
    entries_.push_back({&unit, DayOr(unit.valid_from(), absl::CivilDay::min()),
                        DayOr(unit.valid_to(), absl::CivilDay::max()), false});
  }
  const size_t units = entries_.size();
  for (size_t entry = 0; entry < units; ++entry) {
    const v1::Unit& unit = *entries_[entry].unit;
    const std::string type_word(TypeWordOf(KeyOf(CleanWords(unit.name()))));
    AddName(entry, unit.name(), type_word);
    for (const std::string& alias : unit.aliases()) AddName(entry, alias, type_word);
    for (const v1::FormerName& former : unit.former_names()) {
      const absl::CivilDay from = DayOr(former.valid_from(), absl::CivilDay::min());
      const absl::CivilDay to = DayOr(former.valid_to(), absl::CivilDay::max());
      entries_.push_back(
          {&unit, std::max(from, entries_[entry].from), std::min(to, entries_[entry].to), true});
      AddName(entries_.size() - 1, former.name(), "");
    }
  }
}

// An alias without a type word of its own is one of a name with the unit's.
void UnitMatcher::AddName(size_t entry, absl::string_view name, const std::string& type_word) {
  const std::string key = KeyOf(CleanWords(name));
  if (key.empty()) return;
  const auto add = [&](Index& index, const std::string& at) {
    Found& found = index[at];
    const auto place = std::lower_bound(found.begin(), found.end(), entry);
    if (place == found.end() || *place != entry) found.insert(place, entry);
  };
  const std::string bare = WithoutTypeWord(key);
  const bool has_type_word = bare != key;
  add(by_full_key_, has_type_word || type_word.empty() ? key : absl::StrCat(type_word, " ", key));
  add(by_bare_key_, bare);
}

// The words of a name without those that say nothing about which unit it is, and with short forms
// of type words written out.
std::vector<Word> UnitMatcher::CleanWords(absl::string_view text) const {
  std::vector<Word> words = WordsOf(text.substr(0, kNameBytesMax));
  for (size_t i = 0; i < words.size();) {
    const bool committee =
        i + 4 <= words.size() &&
        std::equal(std::begin(kCommittee), std::end(kCommittee),
                   words.begin() + static_cast<std::ptrdiff_t>(i),
                   [](absl::string_view key, const Word& word) { return key == word.key; });
    if (committee || words[i].key == "ubnd") {
      EraseWords(words, i, committee ? 4 : 1);
      continue;
    }
    if (words[i].key == "tinh" && !province_key_.empty()) {
      const size_t length = std::vector<std::string>(absl::StrSplit(province_key_, ' ')).size();
      if (i + 1 + length <= words.size() && KeyOf(words, i + 1, i + 1 + length) == province_key_) {
        EraseWords(words, i, 1 + length);
        continue;
      }
    }
    const bool name_start = i == 0 || words[i].divided;
    for (const ShortForm& form : kShortForms) {
      if (words[i].key != form.key || i + 1 >= words.size()) continue;
      if (form.key.size() > 1 || name_start) ReplaceWord(words, i, form.type_word);
      break;
    }
    ++i;
  }
  // "Ban Quản lý Khu kinh tế tỉnh": of the province, like "… tỉnh Kon Tum".
  if (words.size() > 1 && words.back().lower == "tỉnh") words.pop_back();
  return words;
}

UnitMatcher::Found UnitMatcher::FindIn(const Index& index, const std::string& key) const {
  const auto found = index.find(key);
  return found == index.end() ? Found() : found->second;
}

// "xã X, huyện Y", "xã X - huyện Y", "xã X huyện Y", "xã X, Y", and the other way round where the
// two are divided.
UnitMatcher::Found UnitMatcher::FindWithinDistrict(const std::vector<Word>& words) const {
  Found found;
  const auto add = [&](const std::string& name, const std::string& district, bool divided) {
    Found parents = FindIn(by_full_key_, district);
    if (parents.empty() && divided) parents = FindIn(by_bare_key_, district);
    std::set<absl::string_view> parent_ids;
    for (const size_t entry : parents) {
      if (entries_[entry].unit->level() == v1::Level::DISTRICT) {
        parent_ids.insert(entries_[entry].unit->unit_id());
      }
    }
    if (parent_ids.empty()) return;
    const auto keep = [&](const Found& candidates) {
      for (const size_t entry : candidates) {
        if (parent_ids.contains(entries_[entry].unit->parent_id())) found.push_back(entry);
      }
    };
    // A unit of that type and name that lies in another district is a contradiction: no match.
    const Found whole = FindIn(by_full_key_, name);
    keep(whole);
    if (whole.empty()) keep(FindIn(by_bare_key_, WithoutTypeWord(name)));
  };
  for (size_t i = 1; i < words.size() && found.empty(); ++i) {
    const bool divided = words[i].divided;
    if (!divided && !IsDistrictStart(words, i)) continue;
    const std::string left = KeyOf(words, 0, i);
    const std::string right = KeyOf(words, i, words.size());
    add(left, right, divided);
    if (found.empty() && divided) add(right, left, divided);
  }
  return found;
}

UnitMatcher::Found UnitMatcher::FindNamed(absl::string_view text) const {
  const std::vector<Word> words = CleanWords(text);
  const std::string key = KeyOf(words);
  if (key.empty()) return {};
  Found found = FindIn(by_full_key_, key);
  if (found.empty()) found = FindWithinDistrict(words);
  if (found.empty()) found = FindIn(by_bare_key_, WithoutTypeWord(key));
  return found;
}

const UnitMatch& UnitMatcher::Match(absl::string_view text, absl::CivilDay day) {
  text = Trim(text);
  // Found without making a text of it.
  const auto last = last_answers_.find(text);
  if (last != last_answers_.end() && last->second.first == day) return last->second.second;
  std::pair<absl::CivilDay, UnitMatch> answer(day, MatchAnew(text, day));
  if (last_answers_.size() >= kRememberedMax) last_answers_.clear();
  return last_answers_.insert_or_assign(std::string(text), std::move(answer)).first->second.second;
}

const UnitMatch& UnitMatcher::MatchAnew(absl::string_view text, absl::CivilDay day) {
  const auto key = std::make_pair(std::string(text), day);
  if (const auto answer = answers_.find(key); answer != answers_.end()) return answer->second;
  if (answers_.size() >= kRememberedMax) answers_.clear();
  auto known = remembered_.find(key.first);
  if (known == remembered_.end()) {
    Found found;
    if (const v1::Unit* unit = directory_->Find(text); unit != nullptr) {
      const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                      [&](const Entry& each) { return each.unit == unit; });
      found.push_back(static_cast<size_t>(entry - entries_.begin()));
    } else {
      found = FindNamed(text);
    }
    if (remembered_.size() >= kRememberedMax) remembered_.clear();
    known = remembered_.emplace(key.first, std::move(found)).first;
  }
  return answers_.emplace(key, Choose(text, known->second, day)).first->second;
}

std::vector<const v1::Unit*> UnitMatcher::Candidates(absl::string_view text) const {
  text = Trim(text);
  if (const v1::Unit* unit = directory_->Find(text); unit != nullptr) return {unit};
  std::vector<const v1::Unit*> units;
  for (const size_t entry : UnitsOf(FindNamed(text))) units.push_back(entries_[entry].unit);
  return units;
}

// Of the entries of one unit the first, which is that of today's name if it is among them.
UnitMatcher::Found UnitMatcher::UnitsOf(const Found& found) const {
  Found units;
  for (const size_t entry : found) {
    const bool known = std::any_of(units.begin(), units.end(), [&](size_t other) {
      return entries_[other].unit == entries_[entry].unit;
    });
    if (!known) units.push_back(entry);
  }
  return units;
}

bool UnitMatcher::ExistsOn(size_t entry, absl::CivilDay day) const {
  return entries_[entry].from <= day && day <= entries_[entry].to;
}

UnitMatch UnitMatcher::Choose(absl::string_view text, const Found& found,
                              absl::CivilDay day) const {
  UnitMatch match;
  if (text.empty()) {
    match.reason = v1::RejectReason::NO_UNIT;
    match.message = "Dòng không ghi đơn vị.";
    return match;
  }
  Found existing;
  for (const size_t entry : found) {
    if (ExistsOn(entry, day)) existing.push_back(entry);
  }
  existing = UnitsOf(existing);
  if (existing.size() == 1) {
    match.unit = entries_[existing.front()].unit;
    return match;
  }
  const Found candidates = existing.empty() ? UnitsOf(found) : existing;
  if (candidates.size() > 1) {
    std::vector<std::string> names;
    for (const size_t entry : candidates) {
      if (names.size() == kCandidatesShownMax) {
        names.push_back("…");
        break;
      }
      names.push_back(Describe(*entries_[entry].unit));
    }
    match.reason = v1::RejectReason::AMBIGUOUS_UNIT;
    match.message = absl::StrCat("\"", Shown(text), "\" có thể là ", absl::StrJoin(names, " hoặc "),
                                 "; hãy ghi kèm loại đơn vị và tên huyện.");
    return match;
  }
  if (candidates.empty()) {
    match.reason = v1::RejectReason::UNKNOWN_UNIT;
    match.message =
        absl::StrCat("Không có đơn vị nào tên \"", Shown(text), "\" trong danh mục đơn vị.");
    return match;
  }
  return ChooseOther(text, entries_[candidates.front()], day);
}

UnitMatch UnitMatcher::ChooseOther(absl::string_view text, const Entry& entry,
                                   absl::CivilDay day) const {
  const v1::Unit& unit = *entry.unit;
  const bool unit_ended = day > DayOr(unit.valid_to(), absl::CivilDay::max());
  if (!entry.former || (unit_ended && entry.to == DayOr(unit.valid_to(), absl::CivilDay::max()))) {
    return FollowSuccessors(text, unit, day);
  }
  UnitMatch match;
  match.reason = v1::RejectReason::UNKNOWN_UNIT;
  match.message = absl::StrCat("\"", Shown(text), "\" không phải là tên của ", unit.name(),
                               " vào ngày ", FormatDayVi(day), ", chỉ là tên cũ của đơn vị ấy.");
  return match;
}

UnitMatch UnitMatcher::FollowSuccessors(absl::string_view text, const v1::Unit& ended,
                                        absl::CivilDay day) const {
  UnitMatch match;
  match.reason = v1::RejectReason::UNKNOWN_UNIT;
  match.message =
      absl::StrCat("Đơn vị \"", Shown(text), "\" không tồn tại vào ngày ", FormatDayVi(day), ".");
  if (day <= DayOr(ended.valid_to(), absl::CivilDay::max())) return match;  // not yet begun
  std::set<const v1::Unit*> existing;
  std::set<absl::string_view> seen;
  std::vector<const v1::Unit*> step = {&ended};
  for (int steps = 0; steps < kSuccessionStepsMax && !step.empty(); ++steps) {
    std::vector<const v1::Unit*> next;
    for (const v1::Unit* const unit : step) {
      for (const std::string& id : unit->successor_ids()) {
        const v1::Unit* const successor = directory_->Find(id);
        if (successor == nullptr || !seen.insert(successor->unit_id()).second) continue;
        if (Directory::ExistsOn(*successor, day)) {
          existing.insert(successor);
        } else {
          next.push_back(successor);
        }
      }
    }
    step = std::move(next);
  }
  if (existing.size() == 1) {
    match = UnitMatch();
    match.unit = *existing.begin();
    match.by_succession = true;
  } else if (existing.size() > 1) {
    match.reason = v1::RejectReason::AMBIGUOUS_UNIT;
    match.message = absl::StrCat("Đơn vị \"", Shown(text), "\" đã chia cho ", existing.size(),
                                 " đơn vị trước ngày ", FormatDayVi(day), ".");
  }
  return match;
}

std::string UnitMatcher::Describe(const v1::Unit& unit) const {
  const v1::Unit* const parent = directory_->Find(unit.parent_id());
  return parent == nullptr ? unit.name() : absl::StrCat(unit.name(), " (", parent->name(), ")");
}

}  // namespace dondoc::ingestion
