// Uploads that come in parts, break off, are given up; and what is told of a file meanwhile and
// afterwards.

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/reading/sheet_reader.h"
#include "services/ingestion/testing/ingestion_server.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = v1::ImportState;
using Kind = v1::ImportWarning::Kind;

constexpr char kHeader[] = "Mã hồ sơ,Đơn vị tiếp nhận,Ngày tiếp nhận,Kênh thực hiện\n";
constexpr absl::Duration kPatience = absl::Seconds(30);

std::string Lines(int rows) {
  std::string text = kHeader;
  for (int i = 0; i < rows; ++i) {
    absl::StrAppend(&text, "H34.14-231115-", 1000 + i, ",Sở Tư pháp,15/11/2023,Trực tuyến\n");
  }
  return text;
}

std::string Fixture(const std::string& name) {
  std::ifstream file(std::string(DONDOC_SOURCE_DIR) + "/tests/fixtures/exports/" + name,
                     std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

testing::IngestionServer::Options WithPause(absl::Duration pause_max) {
  testing::IngestionServer::Options options;
  options.imports.pause_max = pause_max;
  return options;
}

class ImportUploadTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Import> Send(const std::string& import_id, const std::string& bytes,
                                  size_t offset, size_t total) {
    v1::CreateImportRequest options;
    options.set_import_id(import_id);
    options.set_offset(static_cast<int64_t>(offset));
    options.set_total_bytes(static_cast<int64_t>(total));
    v1::Import import;
    const grpc::Status status = server_.Upload(std::move(options), bytes, &import, 1000);
    if (!status.ok()) return FromGrpc(status);
    return import;
  }
  v1::Import Upload(const std::string& bytes) {
    v1::Import import;
    const grpc::Status status = server_.Upload({}, bytes, &import);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return import;
  }
  // The import once it is `state`, or what it was when patience ended.
  v1::Import Wait(const std::string& import_id, State::Value state) {
    const absl::Time until = absl::Now() + kPatience;
    absl::StatusOr<v1::Import> found;
    do {
      found = server_.imports().Find(import_id);
    } while ((!found.ok() || found->state() != state) && absl::Now() < until);
    return found.ok() ? *found : v1::Import();
  }

  testing::IngestionServer server_{testing::InMemory()};
  const std::string text_ = Lines(4'000);
  const size_t half_ = text_.size() / 2;
};

TEST_F(ImportUploadTest, AFileMayComeInSeveralRequests) {
  const auto first = Send("phan", text_.substr(0, half_), 0, text_.size());
  ASSERT_OK(first);
  EXPECT_EQ(first->state(), State::RUNNING);
  EXPECT_EQ(first->bytes(), static_cast<int64_t>(half_));
  const auto seen = server_.imports().Find("phan");
  ASSERT_OK(seen);
  EXPECT_EQ(seen->bytes(), static_cast<int64_t>(half_));
  EXPECT_EQ(seen->rows(), seen->counted());
  EXPECT_GT(seen->rows(), 500);

  EXPECT_THAT(Send("phan", "x", half_ - 1, text_.size()),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr(absl::StrCat(half_, " bytes"))));
  const auto whole = Send("phan", text_.substr(half_), half_, text_.size());
  ASSERT_OK(whole);
  EXPECT_EQ(whole->state(), State::APPLIED);
  EXPECT_EQ(whole->counted(), 4'000);
  EXPECT_EQ(whole->bytes(), static_cast<int64_t>(text_.size()));
  // It is the file that it would have been in one piece.
  EXPECT_EQ(Upload(text_).import_id(), "phan");
  EXPECT_THAT(Send("phan", "x", text_.size(), text_.size()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("APPLIED")));
}

TEST_F(ImportUploadTest, AWorkbookMayComeInSeveralRequests) {
  const std::string book = Fixture("xlsx-shared.xlsx");
  const auto first = Send("so", book.substr(0, 100), 0, book.size());
  ASSERT_OK(first);
  EXPECT_EQ(first->state(), State::RUNNING);
  const auto whole = Send("so", book.substr(100), 100, book.size());
  ASSERT_OK(whole);
  EXPECT_EQ(whole->counted(), 5);
}

TEST_F(ImportUploadTest, ABrokenUploadGoesOnWhereItBroke) {
  const auto stub = server_.import_service();
  grpc::ClientContext context;
  v1::Import import;
  const auto writer = stub->CreateImport(&context, &import);
  v1::CreateImportRequest request;
  request.set_import_id("dut");
  request.set_total_bytes(static_cast<int64_t>(text_.size()));
  request.mutable_body()->set_data(text_.substr(0, half_));
  ASSERT_TRUE(writer->Write(request));
  const absl::Time until = absl::Now() + kPatience;
  while (absl::Now() < until) {
    const auto found = server_.imports().Find("dut");
    if (found.ok() && found->bytes() == static_cast<int64_t>(half_)) break;
  }
  // The request is still open, as after a cable was pulled; the next one takes it over.
  const auto whole = Send("dut", text_.substr(half_), half_, text_.size());
  ASSERT_OK(whole);
  EXPECT_EQ(whole->state(), State::APPLIED);
  EXPECT_EQ(whole->counted(), 4'000);
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ImportUploadTest, WhatCannotBeContinuedSaysSo) {
  EXPECT_THAT(Send("", "x", 0, 10),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("import_id: required")));
  EXPECT_THAT(Send("", "x", 5, 10),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("import_id: required")));
  EXPECT_THAT(Send("khong-co", "x", 5, 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("khong-co")));
  v1::CreateImportRequest negative;
  negative.set_offset(-1);
  v1::Import import;
  EXPECT_THAT(FromGrpc(server_.Upload(negative, "x", &import)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("offset: ")));
  const auto longer = Send("dai", text_, 0, text_.size() - 1);
  ASSERT_OK(longer);
  EXPECT_EQ(longer->state(), State::FAILED);
  EXPECT_THAT(longer->error(), HasSubstr("Tệp dài hơn"));
}

TEST_F(ImportUploadTest, APausedUploadCanBeCancelled) {
  ASSERT_OK(Send("bo", text_.substr(0, half_), 0, text_.size()));
  ASSERT_OK(server_.imports().Cancel("bo"));
  EXPECT_EQ(server_.imports().Find("bo")->state(), State::CANCELLED);
  EXPECT_THAT(Send("bo", text_.substr(half_), half_, text_.size()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("CANCELLED")));
}

TEST_F(ImportUploadTest, APausedUploadDoesNotOutliveAStop) {
  ASSERT_OK(Send("dung", text_.substr(0, half_), 0, text_.size()));
  server_.Restart();
  const auto failed = server_.imports().Find("dung");
  ASSERT_OK(failed);
  EXPECT_EQ(failed->state(), State::FAILED);
  EXPECT_THAT(Send("dung", text_.substr(half_), half_, text_.size()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("FAILED")));
}

TEST(ImportPauseTest, AnUploadThatNobodyGoesOnWithFails) {
  testing::IngestionServer server(testing::InMemory(), WithPause(absl::Milliseconds(1)));
  v1::CreateImportRequest options;
  options.set_import_id("quen");
  options.set_total_bytes(1000);
  v1::Import import;
  ASSERT_TRUE(server.Upload(options, kHeader, &import).ok());
  const absl::Time until = absl::Now() + kPatience;
  auto found = server.imports().Find("quen");
  while (found->state() == State::RUNNING && absl::Now() < until) {
    found = server.imports().Find("quen");
  }
  EXPECT_EQ(found->state(), State::FAILED);
  EXPECT_THAT(found->error(), HasSubstr("không được nối lại"));
}

TEST_F(ImportUploadTest, AWorkbookCanBeGivenUpOnceItIsThere) {
  ImportOptions options;
  options.import_id = "thoi";
  const int64_t before = server_.ledger().Head().sequence();
  const auto upload = server_.imports().Begin(options, [] {});
  ASSERT_OK(upload);
  ASSERT_OK((*upload)->Feed(Fixture("xlsx-shared.xlsx")));
  ASSERT_OK(server_.imports().Cancel("thoi"));
  EXPECT_THAT((*upload)->Finish(), StatusIs(absl::StatusCode::kCancelled, HasSubstr("cancelled")));
  EXPECT_EQ(server_.imports().Find("thoi")->state(), State::CANCELLED);
  EXPECT_EQ(server_.ledger().Head().sequence(), before);
}

TEST(SheetReaderStopTest, EndsAmongTheRowsOfAWorkbook) {
  std::atomic<bool> stop{false};
  SheetReader::Options options;
  options.stop = &stop;
  int rows = 0;
  SheetReader reader([](absl::Span<const absl::string_view>) { return 0; },
                     [&](const SheetRow&) {
                       ++rows;
                       stop = true;
                       return absl::OkStatus();
                     },
                     options);
  ASSERT_OK(reader.Feed(Fixture("xlsx-shared.xlsx")));
  // The rows of the piece at hand still come.
  EXPECT_THAT(reader.Finish(), StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopped")));
  EXPECT_LE(rows, 10);
}

TEST_F(ImportUploadTest, RejectsAreCountedByReasonAlsoAfterAReplay) {
  const std::string text = absl::StrCat(kHeader, "H34-1,Sở Chưa Có,15/11/2023,1\n",
                                        "H34-2,Sở Chưa Có,15/11/2023,1\n,Sở Tư pháp,15/11/2023,1\n",
                                        "H34-3,Sở Tư pháp,31/11/2023,1\n");
  const v1::Import import = Upload(text);
  const auto counts = [](const v1::Import& from) {
    std::vector<std::string> list;
    for (const v1::RejectCount& count : from.rejects_by_reason()) {
      list.push_back(absl::StrCat(v1::RejectReason::Value_Name(count.reason()), " ", count.rows()));
    }
    return list;
  };
  EXPECT_THAT(counts(import), ElementsAre("UNKNOWN_UNIT 2", "MISSING_CODE 1", "BAD_DATE 1"));
  UnitsPut put;
  v1::Unit& unit = put.units.emplace_back();
  unit.set_unit_id("kontum.so-moi");
  unit.set_name("Sở Chưa Có");
  unit.set_level(v1::Level::PROVINCE);
  ASSERT_OK(server_.ledger().Commit(put, false));
  const auto replayed = server_.imports().Replay(import.import_id());
  ASSERT_OK(replayed);
  EXPECT_THAT(counts(*replayed), ElementsAre("MISSING_CODE 1", "BAD_DATE 1"));
  EXPECT_EQ(replayed->rejected(), 2);
}

TEST_F(ImportUploadTest, ChangesAreAddedUpByLevel) {
  const v1::Import import =
      Upload(absl::StrCat(kHeader, "H34-1,Sở Tư pháp,15/11/2023,2\nH34-2,Sở Y tế,15/11/2023,1\n",
                          "H34-3,UBND huyện Đắk Hà,15/11/2023,2\nH34-4,Sở Tư pháp,15/11/2023,2\n"));
  std::vector<std::string> levels;
  for (const v1::LevelChange& change : import.level_changes()) {
    levels.push_back(absl::StrCat(v1::Level::Value_Name(change.level()), " ", change.units(), ": ",
                                  change.before().total(), " to ", change.after().online(), "/",
                                  change.after().total(), " ", change.after().percent()));
  }
  EXPECT_THAT(levels, ElementsAre("PROVINCE 2: 0 to 2/3 66.67", "DISTRICT 1: 0 to 1/1 100.00",
                                  "UNSPECIFIED 3: 0 to 3/4 75.00"));
}

TEST_F(ImportUploadTest, RowsOfASecondSheetAreNamedAsItShowsThem) {
  const v1::Import import = Upload(Fixture("xlsx-two-sheets-reject.xlsx"));
  EXPECT_THAT(import.sheets(), ElementsAre("Tháng 11", "Tháng 10"));
  v1::ListRejectsRequest request;
  request.set_import_id(import.import_id());
  grpc::ClientContext context;
  v1::ListRejectsResponse rejects;
  ASSERT_TRUE(server_.import_service()->ListRejects(&context, request, &rejects).ok());
  ASSERT_EQ(rejects.rejects_size(), 1);
  EXPECT_EQ(rejects.rejects(0).row_number(), 3);
  EXPECT_EQ(rejects.rejects(0).sheet(), "Tháng 10");
  bool warned = false;
  for (const v1::ImportWarning& warning : import.warnings()) {
    if (warning.kind() != Kind::UNUSUAL_CODE) continue;
    warned = true;
    EXPECT_EQ(warning.first_row_number(), 2);
    EXPECT_EQ(warning.sheet(), "Tháng 10");
    EXPECT_THAT(warning.message(), HasSubstr("Dòng đầu tiên: 2 (trang \"Tháng 10\")."));
  }
  EXPECT_TRUE(warned);
  v1::GetDossierRequest dossier;
  dossier.set_code("ABC-1");
  grpc::ClientContext dossier_context;
  v1::DossierHistory history;
  ASSERT_TRUE(server_.dossiers()->GetDossier(&dossier_context, dossier, &history).ok());
  ASSERT_EQ(history.revisions_size(), 1);
  EXPECT_EQ(history.revisions(0).row_number(), 2);
}

TEST_F(ImportUploadTest, WarnsOfTheDefectsThatOfficersHunt) {
  const v1::Import import = Upload(absl::StrCat(
      "Mã hồ sơ,Đơn vị tiếp nhận,Ngày tiếp nhận,Kênh thực hiện,Mức độ,Trạng thái,Ngày kết thúc xử "
      "lý\n",
      "H34.14-231101-0001,Sở Tư pháp,01/11/2023,Trực tuyến,DVC (mức độ 2),Đã xử lý xong,\n",
      "H34.14-231101-0002,Sở Tư pháp,02/11/2023,Trực tuyến,Mức độ 2,Đang xử lý,\n",
      "H34.14-231101-0003,Sở Tư pháp,03/11/2023,Trực tiếp,Toàn trình,Đã xử lý xong,02/11/2023\n",
      "H34.14-231101-0004,Sở Tư pháp,03/11/2023,Trực tiếp,Toàn trình,Đã xử lý xong,01/12/2023\n",
      "H34.14-231101-0005,Sở Tư pháp,03/11/2023,Trực tiếp,Toàn trình,Chờ xem xét,hôm qua\n",
      "H34.14-231101-0006,Sở Tư pháp,03/11/2023,Trực tiếp,Toàn trình,Đã xử lý xong,03/11/2023\n"));
  EXPECT_EQ(import.counted(), 6);
  std::map<Kind::Value, std::string> warnings;
  for (const v1::ImportWarning& warning : import.warnings()) {
    warnings[warning.kind()] = absl::StrCat(warning.rows(), " from ", warning.first_row_number());
  }
  EXPECT_EQ(warnings[Kind::UNKNOWN_SERVICE_LEVEL], "1 from 2");
  EXPECT_EQ(warnings[Kind::NO_END_DATE], "1 from 2");
  EXPECT_EQ(warnings[Kind::ONLINE_WITHOUT_SERVICE], "1 from 3");
  EXPECT_EQ(warnings[Kind::ENDED_BEFORE_RECEIVED], "1 from 4");
  EXPECT_EQ(warnings[Kind::FUTURE_END_DATE], "1 from 5");
  EXPECT_EQ(warnings[Kind::UNKNOWN_STATUS], "1 from 6");
  EXPECT_EQ(warnings[Kind::BAD_END_DATE], "1 from 6");
  // A file without such days has no defect in them.
  const v1::Import without =
      Upload(absl::StrCat("Mã hồ sơ,Đơn vị tiếp nhận,Ngày tiếp nhận,Trạng thái\n",
                          "H34.14-231101-0007,Sở Tư pháp,01/11/2023,Đã xử lý xong\n"));
  for (const v1::ImportWarning& warning : without.warnings()) {
    EXPECT_NE(warning.kind(), Kind::NO_END_DATE);
  }
}

}  // namespace
}  // namespace dondoc::ingestion
