#include "services/ingestion/reading/unit_matcher.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/ingestion/testing/kontum_units.h"

namespace dondoc::ingestion {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KontumAliases;
using testing::KontumUnits;
using testing::MakeUnit;

const absl::CivilDay kDay(2023, 11, 15);

std::shared_ptr<const Directory> MakeDirectory(const std::vector<v1::Unit>& units) {
  std::map<std::string, v1::Unit> by_id;
  for (const v1::Unit& unit : units) by_id[unit.unit_id()] = unit;
  return std::make_shared<Directory>(by_id);
}

std::string Nfd(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out;
  icu::Normalizer2::getNFDInstance(error)
      ->normalize(icu::UnicodeString::fromUTF8(text), error)
      .toUTF8String(out);
  return out;
}

std::string Upper(const std::string& text) {
  std::string out;
  icu::UnicodeString::fromUTF8(text).toUpper().toUTF8String(out);
  return out;
}

// The ways in which files write one name.
std::vector<std::string> Spellings(const std::string& name) {
  std::vector<std::string> spellings;
  for (const std::string& prefix :
       {std::string(), std::string("UBND "), std::string("Ủy ban nhân dân ")}) {
    const std::string text = prefix + name;
    for (const std::string& each :
         {text, Nfd(text), Upper(text), Nfd(Upper(text)), absl::StrCat("  ", text, " "),
          absl::StrCat(text, ", tỉnh Kon Tum"), absl::StrCat(text, " tỉnh Kon Tum")}) {
      spellings.push_back(each);
    }
  }
  return spellings;
}

// unit_id, or the reason's name.
std::string Found(UnitMatcher& matcher, const std::string& text, absl::CivilDay day = kDay) {
  const UnitMatch& match = matcher.Match(text, day);
  return match.unit != nullptr ? match.unit->unit_id() : v1::RejectReason::Value_Name(match.reason);
}

TEST(UnitMatcherTest, FindsEveryUnitOfTheProvinceByName) {
  UnitMatcher matcher(MakeDirectory(KontumUnits()), "Kon Tum");
  // The only two of 129 whose names are one once marks are stripped.
  const std::set<std::string> kAmbiguous = {"kontum.dak-glei.dak-long", "kontum.dak-ha.dak-long"};
  int found = 0;
  for (const v1::Unit& unit : KontumUnits()) {
    EXPECT_EQ(Found(matcher, unit.unit_id()), unit.unit_id());
    for (const std::string& text : Spellings(unit.name())) {
      const std::string expected =
          kAmbiguous.contains(unit.unit_id()) ? "AMBIGUOUS_UNIT" : unit.unit_id();
      EXPECT_EQ(Found(matcher, text), expected) << text;
    }
    ++found;
  }
  EXPECT_EQ(found, 129);
}

TEST(UnitMatcherTest, FindsEveryCommuneWithinItsDistrict) {
  const std::vector<v1::Unit> units = KontumUnits();
  const auto directory = MakeDirectory(units);
  UnitMatcher matcher(directory, "Kon Tum");
  for (const v1::Unit& unit : units) {
    if (unit.level() != v1::Level::COMMUNE) continue;
    const std::string district = directory->Find(unit.parent_id())->name();
    for (const char* const divider : {", ", " - ", " ", " – "}) {
      for (const std::string& text : Spellings(absl::StrCat(unit.name(), divider, district))) {
        EXPECT_EQ(Found(matcher, text), unit.unit_id()) << text;
      }
    }
    EXPECT_EQ(Found(matcher, absl::StrCat("UBND ", unit.name(), " (", district, ")")),
              unit.unit_id());
    EXPECT_EQ(Found(matcher, absl::StrCat(district, " - ", unit.name())), unit.unit_id());
  }
}

TEST(UnitMatcherTest, FindsEveryAliasThatIsNotItselfTwoUnits) {
  const std::vector<v1::Unit> units = KontumUnits();
  const auto directory = MakeDirectory(units);
  UnitMatcher matcher(directory, "Kon Tum");
  // Bare names that a district shares with a commune or town of the province (domain: 5 of the 10
  // districts do), or two communes share. "Sa Thầy" and "Tu Mơ Rông" are no aliases.
  const std::set<std::string> kAmbiguous = {"dak glei", "dak to", "dak ha", "dak long"};
  for (const auto& [unit_id, alias] : KontumAliases()) {
    const bool ambiguous = kAmbiguous.contains(TextKey(alias));
    for (const std::string& text : Spellings(alias)) {
      EXPECT_EQ(Found(matcher, text), ambiguous ? "AMBIGUOUS_UNIT" : unit_id) << text;
    }
    // With its own type word an alias is as good as the name.
    const v1::Unit& unit = *directory->Find(unit_id);
    const std::string name_key = TextKey(unit.name());
    for (const char* const type_word : {"xã", "thị trấn", "huyện", "phường"}) {
      if (name_key.rfind(TextKey(type_word), 0) != 0) continue;
      const std::string text = absl::StrCat("UBND ", type_word, " ", alias);
      EXPECT_EQ(Found(matcher, text),
                TextKey(text) == "ubnd xa dak long" ? "AMBIGUOUS_UNIT" : unit_id)
          << text;
    }
    if (unit.parent_id().empty()) continue;
    const std::string text = absl::StrCat(alias, ", ", directory->Find(unit.parent_id())->name());
    EXPECT_EQ(Found(matcher, text), unit_id) << text;
  }
}

TEST(UnitMatcherTest, ReadsTheSpellingsOfficersUse) {
  UnitMatcher matcher(MakeDirectory(KontumUnits()), "Kon Tum");
  const struct {
    const char* text;
    const char* expected;
  } kCases[] = {
      {"TP Kon Tum", "kontum.tp-kon-tum"},
      {"TP. Kon Tum", "kontum.tp-kon-tum"},
      {"TP.Kon Tum", "kontum.tp-kon-tum"},
      {"UBND thành phố Kon Tum", "kontum.tp-kon-tum"},
      {"Kon Tum", "kontum.tp-kon-tum"},
      {"UBND tỉnh Kon Tum", "UNKNOWN_UNIT"},
      {"TT Đắk Hà", "kontum.dak-ha.dak-ha"},
      {"TT. Đăk Hà - H. Đăk Hà", "kontum.dak-ha.dak-ha"},
      {"H. Đắk Hà", "kontum.dak-ha"},
      {"H.Đắk Hà", "kontum.dak-ha"},
      {"X. Đắk Hà", "kontum.tu-mo-rong.dak-ha"},
      {"P. Quang Trung", "kontum.tp-kon-tum.quang-trung"},
      {"P.Quang Trung, TP.Kon Tum", "kontum.tp-kon-tum.quang-trung"},
      {"Quang Trung", "kontum.tp-kon-tum.quang-trung"},
      {"Xã Quang Trung", "kontum.tp-kon-tum.quang-trung"},  // wrong type word, only one such name
      {"Sở Tư pháp tỉnh Kon Tum", "kontum.so-tu-phap"},
      {"SỞ TƯ PHÁP", "kontum.so-tu-phap"},
      {"So Tu phap", "kontum.so-tu-phap"},
      {"Ban Quản lý Khu kinh tế", "kontum.ban-quan-ly-khu-kinh-te"},
      {"Ban Quản lý Khu kinh tế tỉnh Kon Tum", "kontum.ban-quan-ly-khu-kinh-te"},
      {"Sở Lao động – Thương binh và Xã hội", "kontum.so-lao-dong-thuong-binh-va-xa-hoi"},
      {"Sở Văn hoá Thể thao và Du lịch", "kontum.so-van-hoa-the-thao-va-du-lich"},
      {"UBND huyện Ia H'Drai", "kontum.ia-hdrai"},
      {"Huyện Ia H' Drai", "kontum.ia-hdrai"},
      {"xã Đăk Long, huyện Đăk Hà", "kontum.dak-ha.dak-long"},
      {"xã Đăk Long, huyện Đăk Glei", "kontum.dak-glei.dak-long"},
      {"Đăk Long, Đăk Glei", "kontum.dak-glei.dak-long"},
      {"Đắk Hà", "AMBIGUOUS_UNIT"},
      {"Xã Đắk Tô", "AMBIGUOUS_UNIT"},                // a district and a town are, no xã is
      {"Xã Đắk Cấm, huyện Sa Thầy", "UNKNOWN_UNIT"},  // it is in another district
      {"Xã Đắk Hà, huyện Đắk Hà", "UNKNOWN_UNIT"},
      {"Phòng Tư pháp huyện Đắk Hà", "UNKNOWN_UNIT"},
      {"Tổng cộng", "UNKNOWN_UNIT"},
      {"Toàn tỉnh", "UNKNOWN_UNIT"},
      {"I. Cấp tỉnh", "UNKNOWN_UNIT"},
      {"UBND", "UNKNOWN_UNIT"},
      {"Xã", "UNKNOWN_UNIT"},
      {"", "NO_UNIT"},
      {" \xC2\xA0", "NO_UNIT"},
  };
  for (const auto& each : kCases) EXPECT_EQ(Found(matcher, each.text), each.expected) << each.text;
}

TEST(UnitMatcherTest, AnAmbiguousNameIsAnsweredWithItsCandidates) {
  UnitMatcher matcher(MakeDirectory(KontumUnits()), "Kon Tum");
  EXPECT_THAT(
      matcher.Match("Xã Đắk Long", kDay).message,
      AllOf(HasSubstr("Xã Đắk Long (Huyện Đắk Glei)"), HasSubstr("Xã Đăk Long (Huyện Đắk Hà)")));
}

TEST(UnitMatcherTest, AUnitThatEndedGoesToItsOnlySuccessor) {
  v1::Unit old_one = MakeUnit("old", "Xã Cũ", v1::Level::COMMUNE);
  old_one.set_valid_to("2025-06-30");
  old_one.add_successor_ids("new");
  v1::Unit split = MakeUnit("split", "Xã Chia", v1::Level::COMMUNE);
  split.set_valid_to("2025-06-30");
  split.add_successor_ids("new");
  split.add_successor_ids("other");
  v1::Unit renamed = MakeUnit("renamed", "Xã Bước", v1::Level::COMMUNE);
  renamed.set_valid_to("2024-12-31");
  renamed.add_successor_ids("old2");
  v1::Unit between = MakeUnit("old2", "Xã Giữa", v1::Level::COMMUNE);
  between.set_valid_from("2025-01-01");
  between.set_valid_to("2025-06-30");
  between.add_successor_ids("new");
  v1::Unit lost = MakeUnit("lost", "Xã Mất", v1::Level::COMMUNE);
  lost.set_valid_to("2025-06-30");
  v1::Unit successor = MakeUnit("new", "Xã Mới", v1::Level::COMMUNE);
  successor.set_valid_from("2025-07-01");
  v1::Unit other = MakeUnit("other", "Xã Khác", v1::Level::COMMUNE);
  other.set_valid_from("2025-07-01");
  UnitMatcher matcher(MakeDirectory({old_one, split, renamed, between, lost, successor, other}),
                      "Kon Tum");
  const absl::CivilDay after(2025, 7, 1);
  const absl::CivilDay before(2025, 6, 30);
  EXPECT_EQ(Found(matcher, "Xã Cũ", before), "old");
  EXPECT_FALSE(matcher.Match("Xã Cũ", before).by_succession);
  EXPECT_EQ(Found(matcher, "Xã Cũ", after), "new");
  EXPECT_TRUE(matcher.Match("Xã Cũ", after).by_succession);
  EXPECT_EQ(Found(matcher, "old", after), "new");
  EXPECT_EQ(Found(matcher, "Xã Bước", after), "new");
  EXPECT_EQ(Found(matcher, "Xã Chia", after), "AMBIGUOUS_UNIT");
  EXPECT_EQ(Found(matcher, "Xã Mất", after), "UNKNOWN_UNIT");
  EXPECT_EQ(Found(matcher, "Xã Mới", before), "UNKNOWN_UNIT");
}

TEST(UnitMatcherTest, OfUnitsOfOneNameTheOneThatExistsOnTheDayIsMeant) {
  v1::Unit before = MakeUnit("a", "Xã Đắk Rơ Wa", v1::Level::COMMUNE);
  before.set_valid_to("2025-06-30");
  v1::Unit after = MakeUnit("b", "Xã Đăk Rơ Wa", v1::Level::COMMUNE);
  after.set_valid_from("2025-07-01");
  UnitMatcher matcher(MakeDirectory({before, after}), "Kon Tum");
  EXPECT_EQ(Found(matcher, "Xã Đăk Rơ Wa", absl::CivilDay(2025, 6, 30)), "a");
  EXPECT_EQ(Found(matcher, "Xã Đăk Rơ Wa", absl::CivilDay(2025, 7, 1)), "b");
}

}  // namespace
}  // namespace dondoc::ingestion
