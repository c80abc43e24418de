// Statements through the real gRPC services: sheets of totals as imports, and pushes.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/testing/ingestion_server.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = v1::ImportState;

constexpr char kTitle[] =
    "PHỤ LỤC 1\n"
    "BẢNG THỐNG KÊ TIẾP NHẬN HỒ SƠ TRỰC TUYẾN TRÊN ĐỊA BÀN TỈNH\n"
    "(Từ ngày 01/01/2023 đến ngày 15/11/2023)\n";
constexpr char kHeader[] = "STT,Đơn vị,Tổng số hồ sơ,Trực tuyến,Trực tiếp,BCCI,Tỷ lệ (%)\n";
constexpr char kRows[] =
    "1,Sở Tư pháp,1.000,400,580,20,\"40,00\"\n"
    "2,Sở Y tế,500,300,200,0,\"60,00\"\n";
constexpr char kTotal[] = ",Tổng cộng,1.500,700,780,20,\"46,67\"\n";

class StatementsTest : public ::testing::TestWithParam<bool> {
 protected:
  StatementsTest() : server_(GetParam() ? testing::OnRocksDb() : testing::InMemory()) {}

  v1::Import Upload(const std::string& text, v1::CreateImportRequest options = {}) {
    v1::Import import;
    const grpc::Status status = server_.Upload(std::move(options), text, &import);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(import.rows(), import.counted() + import.unchanged() + import.stale() +
                                 import.statements() + import.rejected());
    return import;
  }
  static std::string Sheet() { return absl::StrCat(kTitle, kHeader, kRows, kTotal); }

  std::vector<std::string> Standing() {
    grpc::ClientContext context;
    v1::ListStatementsResponse response;
    const grpc::Status status =
        server_.statements()->ListStatements(&context, v1::ListStatementsRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.total_size(), response.statements_size());
    std::vector<std::string> texts;
    for (const v1::StatementRecord& record : response.statements()) {
      const v1::Statement& statement = record.statement();
      const v1::Unit* unit = server_.ledger().CurrentDirectory()->Find(statement.unit_id());
      texts.push_back(absl::StrCat(unit == nullptr ? "?" : unit->name(), " ", statement.from(), " ",
                                   statement.to(), ": ", statement.online(), "/", statement.total(),
                                   " row ", record.row_number()));
    }
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  std::string IdOf(const std::string& name) {
    for (const v1::Unit* unit : server_.ledger().CurrentDirectory()->InOrder()) {
      if (unit->name() == name) return unit->unit_id();
    }
    ADD_FAILURE() << name;
    return "";
  }
  v1::Statement Year(const std::string& name, int64_t total, int64_t online) {
    v1::Statement statement;
    statement.set_unit_id(IdOf(name));
    statement.set_from("2023-01-01");
    statement.set_to("2023-11-15");
    statement.set_total(total);
    statement.set_online(online);
    return statement;
  }
  absl::StatusOr<v1::BatchWriteStatementsResponse> Write(
      const std::vector<v1::Statement>& statements) {
    v1::BatchWriteStatementsRequest request;
    for (const v1::Statement& statement : statements) *request.add_statements() = statement;
    grpc::ClientContext context;
    v1::BatchWriteStatementsResponse response;
    const grpc::Status status =
        server_.statements()->BatchWriteStatements(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  void ExpectRefused(const v1::Statement& statement, const std::string& says) {
    EXPECT_THAT(Write({Year("Sở Y tế", 1, 1), statement}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(says)));
  }

  testing::IngestionServer server_;
};

TEST_P(StatementsTest, ASheetOfTotalsStandsForTheWindowOfItsTitle) {
  const v1::Import import = Upload(Sheet());
  EXPECT_EQ(import.state(), State::APPLIED) << import.error();
  EXPECT_EQ(import.statements(), 2);
  EXPECT_EQ(import.counted(), 0);
  EXPECT_FALSE(import.has_coverage());
  EXPECT_EQ(import.statement_window().to(), "2023-11-15");
  EXPECT_THAT(Standing(), ElementsAre("Sở Tư pháp 2023-01-01 2023-11-15: 400/1000 row 5",
                                      "Sở Y tế 2023-01-01 2023-11-15: 300/500 row 6"));
}

TEST_P(StatementsTest, TheWindowMayBeDeclaredAndMustBeKnown) {
  const std::string untitled = absl::StrCat(kHeader, kRows);
  const v1::Import unknown = Upload(untitled);
  EXPECT_EQ(unknown.state(), State::FAILED);
  EXPECT_THAT(unknown.error(), HasSubstr("covers_from"));
  v1::CreateImportRequest options;
  options.set_covers_from("2023-10-01");
  options.set_covers_to("2023-10-31");
  EXPECT_EQ(Upload(untitled, options).statement_window().from(), "2023-10-01");
  options.set_complete(true);
  EXPECT_THAT(Upload(untitled, options).error(), HasSubstr("complete"));
  std::string future = Sheet();
  future.replace(future.find("15/11/2023"), 10, "31/12/2023");
  EXPECT_THAT(Upload(future).error(), HasSubstr("sau hôm nay"));
}

TEST_P(StatementsTest, APreviewShowsEachUnitBeforeAndAfterAndCanBeGivenUp) {
  Upload(Sheet());
  std::string corrected = Sheet();
  corrected.replace(corrected.find("500,300,200"), 11, "520,320,200");
  corrected.replace(corrected.find("1.500,700"), 9, "1.520,720");
  v1::CreateImportRequest options;
  options.set_preview(true);
  const v1::Import preview = Upload(corrected, options);
  EXPECT_EQ(preview.state(), State::PREVIEWED) << preview.error();
  ASSERT_EQ(preview.statement_changes_size(), 1);
  EXPECT_EQ(preview.statement_changes(0).name(), "Sở Y tế");
  EXPECT_EQ(preview.statement_changes(0).before().total(), 500);
  EXPECT_EQ(preview.statement_changes(0).after().total(), 520);
  EXPECT_EQ(Standing()[1], "Sở Y tế 2023-01-01 2023-11-15: 300/500 row 6");
  ASSERT_OK(server_.imports().Cancel(preview.import_id()));
  EXPECT_EQ(Standing()[1], "Sở Y tế 2023-01-01 2023-11-15: 300/500 row 6");
}

TEST_P(StatementsTest, ALaterSheetReplacesAndARevertLeavesTheEarlier) {
  Upload(Sheet());
  const std::vector<std::string> before = Standing();
  std::string corrected = Sheet();
  corrected.replace(corrected.find("500,300,200"), 11, "520,320,200");
  corrected.replace(corrected.find("1.500,700"), 9, "1.520,720");
  const v1::Import later = Upload(corrected);
  EXPECT_EQ(Standing()[1], "Sở Y tế 2023-01-01 2023-11-15: 320/520 row 6");
  // The same bytes again are the same import.
  EXPECT_EQ(Upload(corrected).import_id(), later.import_id());
  ASSERT_OK(server_.imports().Revert(later.import_id()));
  EXPECT_EQ(Standing(), before);
  server_.Restart();
  EXPECT_EQ(Standing(), before);
}

TEST_P(StatementsTest, ATotalThatDoesNotAgreeRefusesTheWholeSheet) {
  std::string wrong = Sheet();
  wrong.replace(wrong.find("1.500,700"), 9, "1.501,700");
  const v1::Import import = Upload(wrong);
  EXPECT_EQ(import.state(), State::FAILED);
  EXPECT_THAT(import.error(), HasSubstr("C7"));
  EXPECT_THAT(import.error(), HasSubstr("1.501"));
  EXPECT_THAT(import.error(), HasSubstr("1.500"));
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_P(StatementsTest, RowsThatCannotBeCountedAreRejectsAndATaughtNameBringsThemIn) {
  const v1::Import import = Upload(absl::StrCat(kTitle, kHeader,
                                                "1,Sở Tư pháp,10,4,6,0,40\n"
                                                "2,Sở Không Có,7,2,5,0,29\n"
                                                "3,Sở Tư pháp,3,1,2,0,33\n"
                                                "4,Sở Y tế,5,6,0,0,120\n"));
  EXPECT_EQ(import.state(), State::APPLIED) << import.error();
  EXPECT_EQ(import.statements(), 1);
  EXPECT_EQ(import.rejected(), 3);
  auto rejects = server_.imports().ListRejects(import.import_id(), 0, 10);
  ASSERT_OK(rejects);
  ASSERT_EQ(rejects->size(), 3u);
  EXPECT_EQ((*rejects)[0].reason(), v1::RejectReason::UNKNOWN_UNIT);
  EXPECT_EQ((*rejects)[0].cells().at("total"), "7");
  EXPECT_EQ((*rejects)[1].reason(), v1::RejectReason::REPEATED_UNIT);
  EXPECT_EQ((*rejects)[2].reason(), v1::RejectReason::PARTS_MISMATCH);

  UnitsPut put;
  put.units.push_back(*server_.ledger().CurrentDirectory()->Find(IdOf("Sở Công Thương")));
  put.units[0].add_aliases("Sở Không Có");
  ASSERT_OK(server_.ledger().Commit(put, false));
  auto replayed = server_.imports().Replay(import.import_id());
  ASSERT_OK(replayed);
  EXPECT_EQ(replayed->statements(), 2);
  EXPECT_EQ(replayed->rejected(), 2);
  EXPECT_EQ(replayed->replay_sequences_size(), 1);
  EXPECT_EQ(Standing()[0], "Sở Công Thương 2023-01-01 2023-11-15: 2/7 row 6");
  ASSERT_OK(server_.imports().Replay(import.import_id()));
  ASSERT_OK(server_.imports().Revert(import.import_id()));
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_P(StatementsTest, APushIsOneSequenceAndTheSameAgainNone) {
  auto first = Write({Year("Sở Y tế", 10, 4), Year("Sở Tư pháp", 20, 5)});
  ASSERT_OK(first);
  EXPECT_EQ(first->counted(), 2);
  auto again = Write({Year("Sở Y tế", 10, 4)});
  ASSERT_OK(again);
  EXPECT_EQ(again->unchanged(), 1);
  EXPECT_EQ(again->sequence(), first->sequence());
  EXPECT_EQ(Standing().size(), 2u);
}

TEST_P(StatementsTest, AWrongOneRefusesTheWholeBatchWithItsPlace) {
  v1::Statement statement = Year("Sở Tư pháp", 10, 11);
  ExpectRefused(statement, "statements[1].online: 11 is more than total, 10");
  statement = Year("Sở Tư pháp", 10, 4);
  statement.set_counter(5);
  statement.set_postal(2);
  ExpectRefused(statement, "statements[1].total: the parts add up to 11, not to 10");
  statement = Year("Sở Tư pháp", 10, 4);
  statement.set_to("2023-11-22");
  ExpectRefused(statement, "statements[1].to: 2023-11-22 is after today");
  statement.set_to("2024-01-02");
  ExpectRefused(statement, "statements[1].to: 367 days");
  statement.set_to("");
  ExpectRefused(statement, "statements[1].to: required");
  statement = Year("Sở Tư pháp", 10, 4);
  statement.set_unit_id("nobody");
  ExpectRefused(statement, "statements[1].unit_id");
  statement = Year("Sở Tư pháp", 10, -4);
  ExpectRefused(statement, "statements[1].online: -4");
  statement = Year("Sở Tư pháp", 10, 4);
  statement.set_withdrawn(true);
  ExpectRefused(statement, "statements[1].total: a withdrawn statement has no counts");
  EXPECT_THAT(Write({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("statements")));
  EXPECT_THAT(Standing(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(BothLedgers, StatementsTest, ::testing::Bool(),
                         [](const auto& on_disk) { return on_disk.param ? "RocksDb" : "Fake"; });

}  // namespace
}  // namespace dondoc::ingestion
