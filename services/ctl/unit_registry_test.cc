#include "services/ctl/unit_registry.h"

#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/csv.h"
#include "services/ctl/files.h"

namespace dondoc::ctl {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(CsvTest, ReadsQuotesCommasLineEndsAndTheByteOrderMark) {
  const auto rows = ParseCsv(
      "\xEF\xBB\xBF"
      "a,\"b, c\",\"d \"\"e\"\"\"\r\n\r\nf,,\ng");
  ASSERT_OK(rows);
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("a", "b, c", "d \"e\""), ElementsAre("f", "", ""),
                                 ElementsAre("g")));
}

TEST(CsvTest, RefusesBrokenQuotes) {
  EXPECT_THAT(ParseCsv("a\n\"b"), StatusIs(kInvalid, HasSubstr("row 2: a quote is not closed")));
  EXPECT_THAT(ParseCsv("a\"b"), StatusIs(kInvalid, HasSubstr("row 1: a quote inside")));
  EXPECT_THAT(ParseCsv("\"a\"b"), StatusIs(kInvalid, HasSubstr("row 1: text after")));
}

TEST(CsvTest, WritesWhatItReads) {
  const std::string text = "Sở Văn hóa, Thể thao \"và\" Du lịch\nhai dòng";
  const auto rows = ParseCsv(CsvCell(text));
  ASSERT_OK(rows);
  EXPECT_THAT(*rows, ElementsAre(ElementsAre(text)));
}

TEST(UnitRegistryTest, ReadsTheProjectsOwnRegistryWithItsAliases) {
  const auto units = ReadRegistry(DONDOC_KONTUM_UNITS, std::nullopt);
  ASSERT_OK(units);
  int levels[4] = {};
  int aliases = 0;
  for (const v1::Unit& unit : *units) {
    ++levels[unit.level()];
    aliases += unit.aliases_size();
    EXPECT_EQ(unit.level() == v1::Level::COMMUNE, !unit.parent_id().empty()) << unit.unit_id();
  }
  EXPECT_EQ(levels[v1::Level::PROVINCE], 17);
  EXPECT_EQ(levels[v1::Level::DISTRICT], 10);
  EXPECT_EQ(levels[v1::Level::COMMUNE], 102);
  EXPECT_GT(aliases, 50);
  EXPECT_EQ((*units)[13].name(), "Sở Văn hóa, Thể thao và Du lịch");
  EXPECT_EQ((*units)[17].identifiers(0).scheme(), "gso");
  EXPECT_EQ((*units)[17].identifiers(0).code(), "608");
}

TEST(UnitRegistryTest, WritesWhatItReads) {
  const auto units = ReadUnits(
      "name,unit_id,level,parent_id,gso_code,agency_code,emails,valid_from,valid_to,successor_ids,"
      "aliases\n"
      "Huyện A,x.a,DISTRICT,,,,,,,,\n"
      "\"Xã \"\"B\"\"\",x.a.b,commune,x.a,23281,H34.99.1,b@x.invalid; c@x.invalid,2020-01-01,"
      "2025-06-30,x.c;x.d,Bê;Bờ\n",
      "unit_id,alias,source\nx.a.b,B,\"nghe nói\"\n");
  ASSERT_OK(units);
  const v1::Unit& b = (*units)[1];
  EXPECT_EQ(b.name(), "Xã \"B\"");
  EXPECT_THAT(b.emails(), ElementsAre("b@x.invalid", "c@x.invalid"));
  EXPECT_THAT(b.successor_ids(), ElementsAre("x.c", "x.d"));
  EXPECT_THAT(b.aliases(), ElementsAre("Bê", "Bờ", "B"));
  EXPECT_EQ(b.valid_to(), "2025-06-30");
  const auto again = ReadUnits(UnitsCsv(*units), "");
  ASSERT_OK(again);
  EXPECT_EQ((*again)[0].SerializeAsString(), (*units)[0].SerializeAsString());
  EXPECT_EQ((*again)[1].SerializeAsString(), (*units)[1].SerializeAsString());
}

TEST(UnitRegistryTest, NamesTheRowAndTheFault) {
  const struct {
    const char* units;
    const char* aliases;
    const char* message;
  } kCases[] = {
      {"", "", "units.csv: tệp rỗng"},
      {"unit_id,name\n", "", "units.csv row 1: thiếu cột 'level'"},
      {"unit_id,name,level,mail\n", "", "units.csv row 1: cột lạ 'mail'"},
      {"unit_id,name,level,name\n", "", "units.csv row 1: cột 'name' hai lần"},
      {"unit_id,name,level\nx,X,district\n,Y,district\n", "", "units.csv row 3: thiếu unit_id"},
      {"unit_id,name,level\nx,,district\n", "", "units.csv row 2: thiếu name"},
      {"unit_id,name,level\nx,X,region\n", "", "units.csv row 2: level 'region'"},
      {"unit_id,name,level\nx,X,unspecified\n", "", "units.csv row 2: level 'unspecified'"},
      {"unit_id,name,level\nx,X,district\nx,Y,district\n", "", "row 3: unit_id 'x' hai lần"},
      {"unit_id,name,level\nx,\"X,district\n", "", "units.csv row 2: a quote is not closed"},
      {"unit_id,name,level\nx,X,district\n", "unit_id,alias\ny,Z\n",
       "unit_aliases.csv row 2: unit_id 'y'"},
      {"unit_id,name,level\nx,X,district\n", "unit_id,alias\nx,\n",
       "unit_aliases.csv row 2: thiếu alias"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(ReadUnits(test.units, test.aliases), StatusIs(kInvalid, HasSubstr(test.message)));
  }
}

TEST(UnitRegistryTest, TakesTheAliasesBesideOnlyWhenNotToldOtherwise) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("units.csv"), "unit_id,name,level\nx,X,district\n"));
  ASSERT_OK(WriteFile(folder.File("unit_aliases.csv"), "unit_id,alias\nx,Ích\n"));
  ASSERT_OK(WriteFile(folder.File("other.csv"), "unit_id,alias\nx,Xờ\n"));
  const auto aliases = [&](const std::optional<std::string>& path) {
    const auto units = ReadRegistry(folder.File("units.csv"), path);
    EXPECT_OK(units);
    return std::vector<std::string>((*units)[0].aliases().begin(), (*units)[0].aliases().end());
  };
  EXPECT_THAT(aliases(std::nullopt), ElementsAre("Ích"));
  EXPECT_THAT(aliases(folder.File("other.csv")), ElementsAre("Xờ"));
  EXPECT_THAT(aliases(""), ElementsAre());
  EXPECT_THAT(ReadRegistry(folder.File("none.csv"), std::nullopt),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.csv")));
}

}  // namespace
}  // namespace dondoc::ctl
