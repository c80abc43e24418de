#include "services/ingestion/ledger/dossier_check.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock/civil.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::ingestion::testing::MakeDossier;
using ::dondoc::ingestion::testing::MakeUnit;
using ::testing::HasSubstr;
using Reason = v1::RejectReason;

constexpr absl::CivilDay kToday(2023, 11, 21);
constexpr absl::CivilDay kDay(2023, 11, 15);

Directory Units() {
  v1::Unit closed = MakeUnit("closed", v1::Level::COMMUNE);
  closed.set_valid_from("2020-01-01");
  closed.set_valid_to("2023-06-30");
  return Directory({{"u1", MakeUnit("u1", v1::Level::COMMUNE)}, {"closed", closed}});
}

std::optional<DossierProblem> Check(v1::Dossier& dossier) {
  return CheckDossier(dossier, Units(), kToday);
}

TEST(DossierCheckTest, APlainDossierIsAcceptedAsItIs) {
  v1::Dossier dossier = MakeDossier("H34.14-231115-0001", "u1", kDay);
  const std::string before = dossier.SerializeAsString();
  EXPECT_FALSE(Check(dossier));
  EXPECT_EQ(dossier.SerializeAsString(), before);
}

TEST(DossierCheckTest, TheCodeIsTrimmedAndUpperCased) {
  v1::Dossier dossier = MakeDossier("  h34.14-231115-0001\t", " u1 ", kDay);
  EXPECT_FALSE(Check(dossier));
  EXPECT_EQ(dossier.code(), "H34.14-231115-0001");
  EXPECT_EQ(dossier.unit_id(), "u1");
}

TEST(DossierCheckTest, NullDatesMeanNoDate) {
  for (const char* instant :
       {"1970-01-01T00:00:00+07:00", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}) {
    v1::Dossier dossier = MakeDossier("A", "u1", kDay);
    dossier.set_status(v1::Status::NEW);
    *dossier.mutable_received_time() = ToProto(*ParseInstant(instant));
    *dossier.mutable_update_time() = dossier.received_time();
    EXPECT_FALSE(Check(dossier)) << instant;
    EXPECT_FALSE(dossier.has_received_time()) << instant;
    EXPECT_FALSE(dossier.has_update_time()) << instant;
  }
}

TEST(DossierCheckTest, TheDayIsThatOfVietNam) {
  v1::Dossier dossier = MakeDossier("A", "u1", kDay);
  *dossier.mutable_received_time() = ToProto(*ParseInstant("2023-11-21T23:59:59+07:00"));
  EXPECT_FALSE(Check(dossier));
  *dossier.mutable_received_time() = ToProto(*ParseInstant("2023-11-21T17:00:00Z"));
  EXPECT_EQ(Check(dossier)->reason, Reason::FUTURE_DATE);
  *dossier.mutable_received_time() = ToProto(*ParseInstant("1999-12-31T17:00:00Z"));
  EXPECT_FALSE(Check(dossier));
}

TEST(DossierCheckTest, AUnitCountsOnlyOnDaysItExists) {
  v1::Dossier dossier = MakeDossier("A", "closed", absl::CivilDay(2023, 6, 30));
  EXPECT_FALSE(Check(dossier));
  dossier = MakeDossier("A", "closed", absl::CivilDay(2023, 7, 1));
  const auto problem = Check(dossier);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, Reason::UNKNOWN_UNIT);
  EXPECT_THAT(problem->message, HasSubstr("01/07/2023"));
}

TEST(DossierCheckTest, ADossierNotYetReceivedIsPending) {
  for (const auto status : {v1::Status::UNKNOWN, v1::Status::NEW, v1::Status::REFUSED,
                            v1::Status::SUPPLEMENT_REQUIRED, v1::Status::WITHDRAWN}) {
    v1::Dossier dossier = MakeDossier("A", "u1", kDay);
    dossier.clear_received_time();
    dossier.set_status(status);
    EXPECT_FALSE(Check(dossier)) << status;
  }
}

TEST(DossierCheckTest, OfAWithdrawalOnlyCodeAndUpdateTimeAreKept) {
  v1::Dossier dossier = MakeDossier("a", "no such unit", kDay);
  dossier.set_withdrawn(true);
  dossier.set_channel(static_cast<v1::Channel::Value>(77));
  *dossier.mutable_update_time() = ToProto(StartOf(kDay));
  EXPECT_FALSE(Check(dossier));
  EXPECT_EQ(dossier.code(), "A");
  EXPECT_EQ(dossier.unit_id(), "");
  EXPECT_TRUE(dossier.withdrawn());
  EXPECT_TRUE(dossier.has_update_time());
  dossier.set_code(" ");
  EXPECT_EQ(Check(dossier)->reason, Reason::MISSING_CODE);
}

struct Bad {
  Reason::Value reason;
  std::string message;
  void (*spoil)(v1::Dossier&);
};

TEST(DossierCheckTest, WhatCannotBeCountedIsRejectedWithItsReason) {
  const std::vector<Bad> table = {
      {Reason::MISSING_CODE, "Thiếu mã", [](v1::Dossier& d) { d.set_code(""); }},
      {Reason::BAD_CODE, "tối đa 64", [](v1::Dossier& d) { d.set_code(std::string(65, 'A')); }},
      {Reason::BAD_CODE, "'A B'", [](v1::Dossier& d) { d.set_code("A B"); }},
      {Reason::BAD_CODE, "'Đ1'", [](v1::Dossier& d) { d.set_code("Đ1"); }},
      {Reason::BAD_CODE, "\\n", [](v1::Dossier& d) { d.set_code("A\nB"); }},
      {Reason::NO_UNIT, "Thiếu đơn vị", [](v1::Dossier& d) { d.set_unit_id("  "); }},
      {Reason::UNKNOWN_UNIT, "'x'", [](v1::Dossier& d) { d.set_unit_id("x"); }},
      {Reason::BAD_VALUE, "Đơn vị", [](v1::Dossier& d) { d.set_unit_id(std::string(129, 'u')); }},
      {Reason::BAD_VALUE, "xử lý",
       [](v1::Dossier& d) { d.set_handling_unit_id(std::string(129, 'u')); }},
      {Reason::BAD_VALUE, "thủ tục",
       [](v1::Dossier& d) { d.set_procedure_code(std::string(65, '1')); }},
      {Reason::BAD_VALUE, "Lĩnh vực", [](v1::Dossier& d) { d.set_field(std::string(201, 'x')); }},
      {Reason::BAD_VALUE, "điều khiển",
       [](v1::Dossier& d) {
         d.set_field(
             "a\x01"
             "b");
       }},
      {Reason::BAD_VALUE, "Kênh",
       [](v1::Dossier& d) { d.set_channel(static_cast<v1::Channel::Value>(4)); }},
      {Reason::BAD_VALUE, "Mức độ",
       [](v1::Dossier& d) { d.set_service_level(static_cast<v1::ServiceLevel::Value>(1)); }},
      {Reason::BAD_VALUE, "Trạng thái",
       [](v1::Dossier& d) { d.set_status(static_cast<v1::Status::Value>(-1)); }},
      {Reason::NO_DATE, "không có ngày", [](v1::Dossier& d) { d.clear_received_time(); }},
      {Reason::BAD_DATE, "31/12/1999",
       [](v1::Dossier& d) {
         *d.mutable_received_time() = ToProto(StartOf(absl::CivilDay(1999, 12, 31)));
       }},
      {Reason::BAD_DATE, "thời điểm",
       [](v1::Dossier& d) { d.mutable_received_time()->set_nanos(-1); }},
      {Reason::BAD_DATE, "thời điểm",
       [](v1::Dossier& d) { d.mutable_received_time()->set_seconds(int64_t{1} << 62); }},
      {Reason::FUTURE_DATE, "22/11/2023",
       [](v1::Dossier& d) { *d.mutable_received_time() = ToProto(StartOf(kToday + 1)); }},
      {Reason::FUTURE_DATE, "23/11/2023",
       [](v1::Dossier& d) { *d.mutable_update_time() = ToProto(StartOf(kToday + 2)); }},
      {Reason::BAD_DATE, "cập nhật",
       [](v1::Dossier& d) { d.mutable_update_time()->set_seconds(-(int64_t{1} << 62)); }},
  };
  for (const Bad& bad : table) {
    v1::Dossier dossier = MakeDossier("A", "u1", kDay);
    bad.spoil(dossier);
    const auto problem = Check(dossier);
    ASSERT_TRUE(problem) << bad.message;
    EXPECT_EQ(problem->reason, bad.reason) << bad.message;
    EXPECT_THAT(problem->message, HasSubstr(bad.message));
  }
}

}  // namespace
}  // namespace dondoc::ingestion
