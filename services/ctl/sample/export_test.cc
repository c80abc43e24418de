#include "services/ctl/sample/export.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/csv.h"
#include "services/ctl/files.h"
#include "services/ctl/unit_registry.h"

namespace dondoc::sample {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<v1::Unit> KonTum() {
  const auto units = ctl::ReadRegistry(DONDOC_KONTUM_UNITS, std::nullopt);
  EXPECT_OK(units);
  return *units;
}

std::map<std::string, std::string> NamesById(const std::vector<v1::Unit>& units) {
  std::map<std::string, const v1::Unit*> by_id;
  for (const v1::Unit& unit : units) by_id[unit.unit_id()] = &unit;
  std::map<std::string, std::string> names;
  for (const v1::Unit& unit : units) {
    const auto parent = by_id.find(unit.parent_id());
    names[unit.unit_id()] = ExportName(unit, parent == by_id.end() ? nullptr : parent->second);
  }
  return names;
}

TEST(ExportNameTest, IsWhatOfficersSeeAndNamesOneUnitOnly) {
  std::map<std::string, std::string> names = NamesById(KonTum());
  EXPECT_EQ(names["kontum.so-tu-phap"], "Sở Tư pháp");
  EXPECT_EQ(names["kontum.dak-ha"], "UBND huyện Đắk Hà");
  EXPECT_EQ(names["kontum.tp-kon-tum"], "UBND thành phố Kon Tum");
  EXPECT_EQ(names["kontum.dak-ha.dak-ha"], "UBND thị trấn Đắk Hà, huyện Đắk Hà");
  EXPECT_EQ(names["kontum.tu-mo-rong.dak-ha"], "UBND xã Đắk Hà, huyện Tu Mơ Rông");
  std::set<std::string> different;
  for (const auto& [id, name] : names) different.insert(name);
  EXPECT_EQ(different.size(), 129u);
}

TEST(SampleMailboxesTest, AreOnePerUnitAndCanReachNobody) {
  std::set<std::string> mailboxes;
  for (const v1::Unit& unit : WithSampleMailboxes(KonTum())) {
    ASSERT_EQ(unit.emails_size(), 1);
    EXPECT_THAT(unit.emails(0), EndsWith(".invalid"));
    mailboxes.insert(unit.emails(0));
  }
  EXPECT_EQ(mailboxes.size(), 129u);
  EXPECT_EQ(mailboxes.count("dak-ui.dak-ha@kontum.invalid"), 1u);
}

// What the export looks like from outside, with the project's own CSV reader.
class SampleExportTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    absl::StatusOr<Year> made = MakeYear(WithSampleMailboxes(KonTum()), 11);
    ASSERT_OK(made);
    year_ = new Year(*std::move(made));
    std::ofstream out(folder_->File("mot-cua-2023.csv"), std::ios::binary);
    WriteExport(*year_, 11, out);
    out.close();
    ASSERT_OK(ctl::WriteFile(folder_->File("units.csv"), ctl::UnitsCsv(year_->units)));
  }
  static void TearDownTestSuite() {
    delete year_;
    delete folder_;
  }
  static Year* year_;
  static dondoc::testing::TempDir* folder_;
};
Year* SampleExportTest::year_ = nullptr;
dondoc::testing::TempDir* SampleExportTest::folder_ = new dondoc::testing::TempDir();

TEST_F(SampleExportTest, SaysThatItIsSyntheticAndHoldsNoRealPerson) {
  const auto csv = ctl::ReadFile(folder_->File("mot-cua-2023.csv"), 100 << 20);
  ASSERT_OK(csv);
  EXPECT_TRUE(absl::StartsWith(*csv, "\xEF\xBB\xBF"));
  const auto rows = ctl::ParseCsv(*csv);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), year_->rows.size() + 2);
  EXPECT_THAT((*rows)[0][0], HasSubstr("KHÔNG PHẢI SỐ LIỆU THẬT"));
  EXPECT_EQ((*rows)[1][1], "Mã hồ sơ");
  const std::map<std::string, std::string> names = NamesById(year_->units);
  std::set<std::string> known;
  for (const auto& [id, name] : names) known.insert(name);
  int unknown_units = 0;
  for (size_t i = 2; i < rows->size(); ++i) {
    const std::vector<std::string>& row = (*rows)[i];
    ASSERT_EQ(row.size(), 17u) << "row " << i + 1;
    EXPECT_TRUE(row[1].empty() || absl::StartsWith(row[1], "H34.99.")) << row[1];
    EXPECT_TRUE(absl::StartsWith(row[2], "9.")) << row[2];
    EXPECT_TRUE(absl::StartsWith(row[5], "Người Mẫu ")) << row[5];
    EXPECT_EQ(row[7], "0000000000");
    unknown_units += known.count(row[9]) == 0 ? 1 : 0;
  }
  EXPECT_EQ(unknown_units, 6);
}

TEST_F(SampleExportTest, IsRecountedByTheIndependentScriptUnitByUnit) {
  const std::string command =
      absl::StrCat("/usr/bin/python3 " DONDOC_RECOUNT " ", folder_->File("mot-cua-2023.csv"), " ",
                   folder_->File("units.csv"));
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  char buffer[4096];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    output.append(buffer, got);
  }
  ASSERT_EQ(pclose(pipe), 0) << output;
  EXPECT_THAT(output, EndsWith("# tỷ lệ 26,77 %; province 10/17; district 4/10; commune 6/102\n"));
  const auto rows = ctl::ParseCsv(output);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), year_->units.size() + 1);
  const std::map<std::string, std::string> names = NamesById(year_->units);
  for (size_t unit = 0; unit < year_->units.size(); ++unit) {
    EXPECT_THAT((*rows)[unit], ElementsAre(names.at(year_->units[unit].unit_id()),
                                           absl::StrCat(year_->plan[unit].total),
                                           absl::StrCat(year_->plan[unit].online)));
  }
}

}  // namespace
}  // namespace dondoc::sample
