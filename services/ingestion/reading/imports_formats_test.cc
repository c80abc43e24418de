// Files of other formats than CSV through the real gRPC service.

#include <fstream>
#include <map>
#include <sstream>

#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/testing/ingestion_server.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using Kind = v1::ImportWarning::Kind;

std::string Fixture(const std::string& name) {
  std::ifstream file(std::string(DONDOC_SOURCE_DIR) + "/tests/fixtures/exports/" + name,
                     std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class ImportsFormatsTest : public ::testing::Test {
 protected:
  v1::Import Upload(const std::string& bytes, v1::CreateImportRequest options = {}) {
    v1::Import import;
    const grpc::Status status = server_.Upload(std::move(options), bytes, &import);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return import;
  }
  static std::map<Kind::Value, int64_t> Warnings(const v1::Import& import) {
    std::map<Kind::Value, int64_t> warnings;
    for (const v1::ImportWarning& warning : import.warnings()) {
      warnings[warning.kind()] = warning.rows();
    }
    return warnings;
  }

  testing::IngestionServer server_{testing::InMemory()};
};

TEST_F(ImportsFormatsTest, AWorkbookAPageAndOldTextCountTheSameDossiers) {
  const v1::Import workbook = Upload(Fixture("xlsx-shared.xlsx"));
  EXPECT_EQ(workbook.state(), v1::ImportState::APPLIED);
  EXPECT_EQ(workbook.counted(), 5);
  EXPECT_EQ(workbook.columns(1).meaning(), "code");
  // Seconds and spellings agree, so that nothing changes.
  EXPECT_EQ(Upload(Fixture("csv-tcvn3.csv")).unchanged(), 5);
  EXPECT_EQ(Upload(Fixture("html-office.xls")).unchanged(), 5);
}

TEST_F(ImportsFormatsTest, TheTitleSaysWhatIsCoveredAndWhenItWasExtracted) {
  const v1::Import import = Upload(Fixture("csv-title.csv"));
  EXPECT_TRUE(import.coverage_inferred());
  EXPECT_EQ(import.coverage().from(), "2023-01-01");
  EXPECT_EQ(import.coverage().to(), "2023-11-15");
  EXPECT_EQ(FormatInstant(FromProto(import.extracted_at())), "2023-11-16T08:30:00+07:00");
  v1::CreateImportRequest declared;
  declared.set_covers_from("2023-11-01");
  declared.set_covers_to("2023-11-15");
  EXPECT_EQ(Warnings(Upload(Fixture("csv-title.csv"), declared)).count(Kind::WINDOW), 1U);
}

TEST_F(ImportsFormatsTest, TheCallerSaysWhichUnitCounts) {
  v1::CreateImportRequest options;
  options.set_unit_column("handling");
  const v1::Import import = Upload(Fixture("csv-unit-handling.csv"), options);
  EXPECT_EQ(import.unit_column(), "handling");
  EXPECT_EQ(server_.ledger()
                .FindDossier("H34.14-231101-0001", server_.ledger().Head().sequence())
                ->dossier()
                .unit_id(),
            "kontum.so-tu-phap");
  // The same bytes read in another way are another import.
  const v1::Import receiving = Upload(Fixture("csv-unit-handling.csv"));
  EXPECT_NE(receiving.import_id(), import.import_id());
  EXPECT_EQ(receiving.counted(), 5);
  options.set_unit_column(std::string(300, 'x'));
  v1::Import refused;
  EXPECT_THAT(FromGrpc(server_.Upload(options, "x", &refused)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unit_column: ")));
}

TEST_F(ImportsFormatsTest, SaysWhatWasOddAboutTheFile) {
  EXPECT_EQ(Warnings(Upload(Fixture("xlsx-hidden-row.xlsx")))[Kind::HIDDEN_ROWS], 1);
  EXPECT_EQ(Warnings(Upload(Fixture("csv-vni.csv"))).count(Kind::ENCODING), 1U);
  EXPECT_EQ(Warnings(Upload(Fixture("csv-us-dates.csv"))).count(Kind::DATES), 1U);
  EXPECT_EQ(Warnings(Upload(Fixture("xlsx-two-sheets.xlsx"))).count(Kind::SHEETS), 1U);
  EXPECT_EQ(Warnings(Upload(Fixture("xlsx-no-cached-value.xlsx"))).count(Kind::NO_VALUE), 1U);
}

TEST_F(ImportsFormatsTest, ADamagedWorkbookTakesNoEffect) {
  const int64_t before = server_.ledger().Head().sequence();
  const v1::Import import = Upload(Fixture("raw-cut.xlsx"));
  EXPECT_EQ(import.state(), v1::ImportState::FAILED);
  EXPECT_THAT(import.error(), HasSubstr("bị hỏng"));
  EXPECT_EQ(server_.ledger().Head().sequence(), before);
}

}  // namespace
}  // namespace dondoc::ingestion
