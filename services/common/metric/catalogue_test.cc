#include "services/common/metric/catalogue.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using testing::StatusIs;

int32_t Day(const std::string& iso) { return DayNumber(ParseDay(iso).value()); }

v1::Procedure Procedure(const std::string& code) {
  v1::Procedure procedure;
  procedure.set_procedure_code(code);
  procedure.set_field("Hộ tịch");
  v1::ProcedureOffer& partial = *procedure.add_offers();
  partial.set_service_level(v1::ServiceLevel::PARTIAL);
  partial.set_valid_from("2023-01-01");
  partial.set_valid_to("2023-10-31");
  v1::ProcedureOffer& full = *procedure.add_offers();
  full.set_service_level(v1::ServiceLevel::FULL);
  full.set_valid_from("2023-11-01");
  return procedure;
}

TEST(ProcedureKeyTest, IsTheFirstTwoGroups) {
  EXPECT_EQ(ProcedureKey("1.010708.000.00.00.H34"), "1.010708");
  EXPECT_EQ(ProcedureKey("1.010708"), "1.010708");
  EXPECT_EQ(ProcedureKey("DKKD"), "DKKD");
  EXPECT_EQ(ProcedureKey("1."), "1.");
  EXPECT_EQ(ProcedureKey(""), "");
}

TEST(ProcedureCatalogueTest, TheOfferOfTheReceivedDayDecidesAndOtherwiseWhatWasStated) {
  ProcedureCatalogue catalogue;
  ASSERT_TRUE(catalogue.Put(Procedure("1.010708")).ok());
  const auto level = [&](const std::string& code, const std::string& day) {
    return catalogue.EffectiveLevel(code, Day(day), v1::ServiceLevel::INFORMATION);
  };
  EXPECT_EQ(level("1.010708.000.00.00.H34", "2022-12-31"), v1::ServiceLevel::INFORMATION);
  EXPECT_EQ(level("1.010708.000.00.00.H34", "2023-01-01"), v1::ServiceLevel::PARTIAL);
  EXPECT_EQ(level("1.010708", "2023-10-31"), v1::ServiceLevel::PARTIAL);
  EXPECT_EQ(level("1.010708", "2023-11-01"), v1::ServiceLevel::FULL);
  EXPECT_EQ(level("1.010708", "2099-01-01"), v1::ServiceLevel::FULL);
  EXPECT_EQ(level("1.010709", "2023-11-01"), v1::ServiceLevel::INFORMATION);
  EXPECT_EQ(catalogue.Find("1.010708.x")->field, "Hộ tịch");
}

TEST(ProcedureCatalogueTest, ADayThatCannotBeReadIsRefusedAndChangesNothing) {
  ProcedureCatalogue catalogue;
  v1::Procedure bad = Procedure("1.010708");
  bad.mutable_offers(1)->set_valid_from("tomorrow");
  EXPECT_THAT(catalogue.Put(bad), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_EQ(catalogue.size(), 0u);
}

}  // namespace
}  // namespace dondoc
