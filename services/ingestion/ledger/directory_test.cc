#include "services/ingestion/ledger/directory.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::ingestion::testing::MakeUnit;
using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Unit Commune(const std::string& unit_id, const std::string& parent_id) {
  v1::Unit unit = MakeUnit(unit_id, v1::Level::COMMUNE);
  unit.set_parent_id(parent_id);
  return unit;
}

Directory Known() {
  return Directory({{"h1", MakeUnit("h1", v1::Level::DISTRICT)},
                    {"h2", MakeUnit("h2", v1::Level::DISTRICT)},
                    {"a", Commune("a", "h2")},
                    {"b", Commune("b", "h1")},
                    {"so", MakeUnit("so", v1::Level::PROVINCE)}});
}

TEST(DirectoryTest, IsInOrderOfLevelParentAndId) {
  std::vector<std::string> ids;
  const Directory directory = Known();
  for (const v1::Unit* unit : directory.InOrder()) ids.push_back(unit->unit_id());
  EXPECT_THAT(ids, ElementsAre("so", "h1", "h2", "b", "a"));
  EXPECT_EQ(directory.Find("a")->parent_id(), "h2");
  EXPECT_EQ(directory.Find("c"), nullptr);
}

TEST(DirectoryTest, AUnitExistsOnBothItsFirstAndLastDay) {
  v1::Unit unit = MakeUnit("u", v1::Level::COMMUNE);
  EXPECT_TRUE(Directory::ExistsOn(unit, absl::CivilDay(2000, 1, 1)));
  unit.set_valid_from("2023-01-01");
  unit.set_valid_to("2025-06-30");
  EXPECT_FALSE(Directory::ExistsOn(unit, absl::CivilDay(2022, 12, 31)));
  EXPECT_TRUE(Directory::ExistsOn(unit, absl::CivilDay(2023, 1, 1)));
  EXPECT_TRUE(Directory::ExistsOn(unit, absl::CivilDay(2025, 6, 30)));
  EXPECT_FALSE(Directory::ExistsOn(unit, absl::CivilDay(2025, 7, 1)));
}

TEST(DirectoryTest, UnitsThatHoldTogetherArePut) {
  // The parent comes after the child, and the successor with them.
  v1::Unit old = Commune("old", "h3");
  old.set_valid_to("2025-06-30");
  old.add_successor_ids("new");
  old.add_aliases("Xã Cũ");
  old.add_emails("xa.cu@example.invalid");
  v1::UnitIdentifier& identifier = *old.add_identifiers();
  identifier.set_scheme("gso");
  identifier.set_code("23332");
  EXPECT_OK(Known().Check({old, MakeUnit("h3", v1::Level::DISTRICT), Commune("new", "")}));
}

struct BadUnit {
  std::string field;
  std::string what;
  void (*spoil)(v1::Unit&);
};

TEST(DirectoryTest, WhatIsWrongIsNamedWithItsField) {
  const std::vector<BadUnit> table = {
      {"unit_id", "'Sở'", [](v1::Unit& unit) { unit.set_unit_id("Sở"); }},
      {"unit_id", "''", [](v1::Unit& unit) { unit.set_unit_id(""); }},
      {"unit_id", "128", [](v1::Unit& unit) { unit.set_unit_id(std::string(129, 'a')); }},
      {"name", "empty", [](v1::Unit& unit) { unit.set_name(""); }},
      {"name", "limit 200", [](v1::Unit& unit) { unit.set_name(std::string(201, 'a')); }},
      {"name", "control", [](v1::Unit& unit) { unit.set_name("a\r\nBcc: x"); }},
      {"level", "COMMUNE", [](v1::Unit& unit) { unit.set_level(v1::Level::UNSPECIFIED); }},
      {"level", "COMMUNE",
       [](v1::Unit& unit) { unit.set_level(static_cast<v1::Level::Value>(9)); }},
      {"parent_id", "'x'", [](v1::Unit& unit) { unit.set_parent_id("x"); }},
      {"parent_id", "higher", [](v1::Unit& unit) { unit.set_parent_id("a"); }},
      {"parent_id", "higher", [](v1::Unit& unit) { unit.set_parent_id("new"); }},
      {"valid_from", "'2023'", [](v1::Unit& unit) { unit.set_valid_from("2023"); }},
      {"valid_to", "2023-02-30", [](v1::Unit& unit) { unit.set_valid_to("2023-02-30"); }},
      {"valid_to", "before",
       [](v1::Unit& unit) {
         unit.set_valid_from("2023-02-02");
         unit.set_valid_to("2023-02-01");
       }},
      {"successor_ids[0]", "itself", [](v1::Unit& unit) { unit.add_successor_ids("new"); }},
      {"successor_ids[0]", "'x'", [](v1::Unit& unit) { unit.add_successor_ids("x"); }},
      {"aliases[0]", "empty", [](v1::Unit& unit) { unit.add_aliases(""); }},
      {"aliases", "limit 100",
       [](v1::Unit& unit) {
         for (int i = 0; i < 101; ++i) unit.add_aliases("a");
       }},
      {"emails[0]", "e-mail", [](v1::Unit& unit) { unit.add_emails("no at"); }},
      {"emails[0]", "control", [](v1::Unit& unit) { unit.add_emails("a@b\r\nBcc: c"); }},
      {"emails[0]", "e-mail", [](v1::Unit& unit) { unit.add_emails("a@b@c"); }},
      {"emails[0]", "e-mail", [](v1::Unit& unit) { unit.add_emails("a@b,c@d"); }},
      {"identifiers[0].scheme", "empty", [](v1::Unit& unit) { unit.add_identifiers(); }},
  };
  for (const BadUnit& bad : table) {
    v1::Unit unit = Commune("new", "h1");
    bad.spoil(unit);
    EXPECT_THAT(
        Known().Check({MakeUnit("fine", v1::Level::DISTRICT), unit}),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 ::testing::AllOf(::testing::StartsWith(absl::StrCat("units[1].", bad.field)),
                                  HasSubstr(bad.what))))
        << bad.field;
  }
}

TEST(DirectoryTest, OneIdTwiceIsRefused) {
  EXPECT_THAT(Known().Check({Commune("n", "h1"), Commune("n", "h2")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[1].unit_id: 'n'")));
}

TEST(DirectoryTest, AParentStaysAboveItsChildren) {
  EXPECT_THAT(Known().Check({MakeUnit("h1", v1::Level::COMMUNE)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[0].level")));
}

TEST(DirectoryTest, AnotherLevelOrParentIsAnotherUnit) {
  EXPECT_THAT(Known().Check({Commune("a", "h1")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("units[0].parent_id: 'a' has 'h2'; a change of level, parent or "
                                 "territory is a new unit")));
  EXPECT_THAT(
      Known().Check({MakeUnit("a", v1::Level::DISTRICT)}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("units[0].level: 'a' is COMMUNE")));
  EXPECT_OK(Known().Check({Commune("a", "h1")}, true));
}

v1::Unit Numbered(const std::string& unit_id, const std::string& code, const std::string& from,
                  const std::string& to) {
  v1::Unit unit = Commune(unit_id, "h1");
  v1::UnitIdentifier& identifier = *unit.add_identifiers();
  identifier.set_scheme("gso");
  identifier.set_code(code);
  identifier.set_valid_from(from);
  identifier.set_valid_to(to);
  return unit;
}

TEST(DirectoryTest, ACodeNamesOneUnitOnADayAndMayBeReusedAfterIt) {
  EXPECT_THAT(Known().Check({Numbered("m", "23332", "", ""), Numbered("n", "23332", "", "")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("units[0].identifiers[0].code: gso '23332' names 'n'")));
  // Of another scheme, it is another code.
  v1::Unit other = Numbered("n", "23332", "", "");
  other.mutable_identifiers(0)->set_scheme("agency");
  EXPECT_OK(Known().Check({Numbered("m", "23332", "", ""), other}));
  EXPECT_OK(Known().Check(
      {Numbered("m", "23332", "", "2025-06-30"), Numbered("n", "23332", "2025-07-01", "")}));
  EXPECT_THAT(Known().Check({Numbered("m", "23332", "", "2025-07-01"),
                             Numbered("n", "23332", "2025-07-01", "")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("on a day of both")));
  // The unit's own days bound those of its identifiers.
  v1::Unit ended = Numbered("m", "23332", "", "");
  ended.set_valid_to("2025-06-30");
  v1::Unit begun = Numbered("n", "23332", "", "");
  begun.set_valid_from("2025-07-01");
  EXPECT_OK(Known().Check({ended, begun}));
  // Twice in one unit is no better.
  v1::Unit twice = Numbered("m", "1", "", "");
  *twice.add_identifiers() = twice.identifiers(0);
  EXPECT_THAT(Known().Check({twice}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names 'm'")));
}

TEST(DirectoryTest, FormerNamesAreChecked) {
  v1::Unit unit = Commune("m", "h1");
  v1::FormerName& former = *unit.add_former_names();
  former.set_name("Xã Cũ");
  former.set_valid_to("2020-12-31");
  EXPECT_OK(Known().Check({unit}));
  former.set_valid_from("2021-01-01");
  EXPECT_THAT(Known().Check({unit}), StatusIs(absl::StatusCode::kInvalidArgument,
                                              HasSubstr("units[0].former_names[0].valid_to")));
}

TEST(DirectoryTest, TooManyUnitsAreRefused) {
  EXPECT_THAT(Known().Check(std::vector<v1::Unit>(20'001)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("limit 20000")));
}

}  // namespace
}  // namespace dondoc::ingestion
