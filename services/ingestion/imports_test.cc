// The life of imports through the real gRPC service, on both ledgers.

#include "services/ingestion/imports.h"

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/testing/ingestion_server.h"
#include "services/ingestion/testing/kontum_units.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using State = v1::ImportState;

constexpr char kHeader[] =
    "STT,Mã hồ sơ,Đơn vị tiếp nhận,Ngày tiếp nhận,Kênh thực hiện,Chủ hồ sơ\n";

std::string Code(int number) {
  const std::string text = absl::StrCat(number);
  return absl::StrCat("H34.14-231115-", std::string(text.size() < 4 ? 4 - text.size() : 0, '0'),
                      text);
}

std::string Line(int number, absl::string_view unit = "Sở Tư pháp",
                 absl::string_view day = "15/11/2023", absl::string_view channel = "Trực tuyến") {
  return absl::StrCat(number, ",", Code(number), ",\"", unit, "\",", day, ",", channel,
                      ",Nguyễn Văn A\n");
}

void ExpectRowsAddUp(const v1::Import& import) {
  EXPECT_EQ(import.rows(), import.counted() + import.unchanged() + import.stale() +
                               import.statements() + import.rejected());
}

class ImportsTest : public ::testing::TestWithParam<bool> {
 protected:
  ImportsTest() : server_(GetParam() ? testing::OnRocksDb() : testing::InMemory()) {}

  v1::Import Upload(const std::string& text, v1::CreateImportRequest options = {}) {
    v1::Import import;
    const grpc::Status status = server_.Upload(std::move(options), text, &import);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ExpectRowsAddUp(import);
    return import;
  }

  absl::Status UploadError(v1::CreateImportRequest options) {
    v1::Import import;
    return FromGrpc(server_.Upload(std::move(options), kHeader + Line(1), &import));
  }

  template <typename Request>
  absl::StatusOr<v1::Import> Call(grpc::Status (v1::ImportService::Stub::*method)(
                                      grpc::ClientContext*, const Request&, v1::Import*),
                                  const std::string& import_id) {
    Request request;
    request.set_import_id(import_id);
    return CallWith(method, request);
  }
  template <typename Request>
  absl::StatusOr<v1::Import> CallWith(grpc::Status (v1::ImportService::Stub::*method)(
                                          grpc::ClientContext*, const Request&, v1::Import*),
                                      const Request& request) {
    grpc::ClientContext context;
    v1::Import import;
    const auto stub = server_.import_service();
    const grpc::Status status = (stub.get()->*method)(&context, request, &import);
    if (!status.ok()) return FromGrpc(status);
    if (import.state() != State::RUNNING) ExpectRowsAddUp(import);
    return import;
  }
  absl::StatusOr<v1::Import> Get(const std::string& import_id) {
    return Call(&v1::ImportService::Stub::GetImport, import_id);
  }

  std::vector<v1::Reject> Rejects(const std::string& import_id) {
    v1::ListRejectsRequest request;
    request.set_import_id(import_id);
    request.set_page_size(2);
    std::vector<v1::Reject> rejects;
    const auto stub = server_.import_service();
    while (true) {
      grpc::ClientContext context;
      v1::ListRejectsResponse response;
      const grpc::Status status = stub->ListRejects(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const v1::Reject& reject : response.rejects()) rejects.push_back(reject);
      if (response.next_page_token().empty()) {
        EXPECT_EQ(response.total_size(), static_cast<int64_t>(rejects.size()));
        return rejects;
      }
      request.set_page_token(response.next_page_token());
    }
  }

  // Dossiers counted in the whole ledger.
  int64_t Counted() {
    DossierQuery query;
    query.from = absl::CivilDay(2000, 1, 1);
    query.to = absl::CivilDay(2030, 1, 1);
    query.definition = DefaultDefinition();
    query.as_of_sequence = server_.ledger().Head().sequence();
    return server_.ledger().ListDossiers(query)->total_size;
  }
  int64_t Sequence() { return server_.ledger().Head().sequence(); }

  static std::map<v1::ImportWarning::Kind::Value, int64_t> Warnings(const v1::Import& import) {
    std::map<v1::ImportWarning::Kind::Value, int64_t> warnings;
    for (const v1::ImportWarning& warning : import.warnings()) {
      warnings[warning.kind()] = warning.rows();
      EXPECT_FALSE(warning.message().empty());
    }
    return warnings;
  }

  static v1::CreateImportRequest Covering(const std::string& from, const std::string& to,
                                          bool complete) {
    v1::CreateImportRequest options;
    options.set_covers_from(from);
    options.set_covers_to(to);
    options.set_complete(complete);
    return options;
  }

  testing::IngestionServer server_;
};

INSTANTIATE_TEST_SUITE_P(Ledgers, ImportsTest, ::testing::Bool(),
                         [](const auto& ledger) { return ledger.param ? "RocksDb" : "InMemory"; });

TEST_P(ImportsTest, AFileTakesEffectAsOneSequence) {
  const int64_t before = Sequence();
  v1::CreateImportRequest options;
  options.set_import_id("tuan-46");
  options.set_filename("tuần 46.csv");
  const v1::Import import = Upload(
      absl::StrCat("SỞ TƯ PHÁP\n\n", kHeader, Line(1), Line(2, "UBND xã Đăk Long, huyện Đăk Hà"),
                   Line(3, "Sở Không Có"), Line(1)),
      options);
  EXPECT_EQ(import.import_id(), "tuan-46");
  EXPECT_EQ(import.filename(), "tuần 46.csv");
  EXPECT_EQ(import.state(), State::APPLIED);
  EXPECT_EQ(import.rows(), 4);
  EXPECT_EQ(import.counted(), 2);
  EXPECT_EQ(import.unchanged(), 1);
  EXPECT_EQ(import.rejected(), 1);
  EXPECT_EQ(import.sequence(), before + 1);
  EXPECT_EQ(Sequence(), before + 1);
  EXPECT_EQ(import.ledger_id(), server_.ledger().Head().ledger_id());
  EXPECT_EQ(import.content_sha256().size(), 64U);
  EXPECT_TRUE(import.coverage_inferred());
  EXPECT_EQ(import.coverage().extent(), v1::Coverage::Extent::PARTIAL);
  EXPECT_EQ(import.coverage().from(), "2023-11-15");
  EXPECT_EQ(import.coverage().to(), "2023-11-15");
  EXPECT_THAT(import.coverage().unit_ids(),
              UnorderedElementsAre("kontum.so-tu-phap", "kontum.dak-ha.dak-long"));
  ASSERT_EQ(import.changes_size(), 2);
  EXPECT_EQ(import.changes(1).name(), "Sở Tư pháp");
  EXPECT_EQ(import.changes(1).before().total(), 0);
  EXPECT_EQ(import.changes(1).after().online(), 1);
  EXPECT_EQ(import.columns(5).meaning(), "personal");
  EXPECT_EQ(Counted(), 2);

  const std::vector<v1::Reject> rejects = Rejects("tuan-46");
  ASSERT_EQ(rejects.size(), 1U);
  EXPECT_EQ(rejects[0].row_number(), 6);
  EXPECT_EQ(rejects[0].reason(), v1::RejectReason::UNKNOWN_UNIT);
  EXPECT_EQ(rejects[0].cells().at("code"), Code(3));
  EXPECT_EQ(rejects[0].DebugString().find("Nguy"), std::string::npos);
  EXPECT_EQ(Get("tuan-46")->SerializeAsString(), import.SerializeAsString());
}

TEST_P(ImportsTest, TheSameBytesAndOptionsAgainChangeNothing) {
  const std::string text = kHeader + Line(1) + Line(2);
  const v1::Import first = Upload(text);
  const int64_t sequence = Sequence();
  v1::CreateImportRequest named;
  named.set_import_id("again");
  const v1::Import again = Upload(text, named);
  EXPECT_EQ(again.import_id(), first.import_id());
  EXPECT_EQ(Sequence(), sequence);
  // Nothing of the second one is kept, and its id may be used again.
  EXPECT_THAT(Get("again"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("again")));
  EXPECT_EQ(server_.imports().List("", 10)->size(), 1U);
  EXPECT_EQ(Upload(text, named).import_id(), first.import_id());
  // Also after a restart, which has to find it again.
  server_.Restart();
  EXPECT_EQ(Upload(text).import_id(), first.import_id());
  EXPECT_EQ(Sequence(), sequence);
  // With another meaning it is another import.
  v1::CreateImportRequest options;
  options.set_channel(v1::Channel::COUNTER);
  EXPECT_NE(Upload(text, options).import_id(), first.import_id());
  EXPECT_EQ(Sequence(), sequence + 1);
  // And what was reverted may be sent again.
  ASSERT_OK(Call(&v1::ImportService::Stub::RevertImport, first.import_id()));
  EXPECT_NE(Upload(text).import_id(), first.import_id());
}

TEST_P(ImportsTest, ACompleteFileKeepsTheDossierOfARowThatCannotBeCounted) {
  std::string lines;
  for (int i = 1; i <= 40; ++i) lines += Line(i);
  Upload(kHeader + lines);
  const v1::CreateImportRequest covering = Covering("2023-11-01", "2023-11-15", true);
  std::string later;
  for (int i = 2; i <= 40; ++i) later += Line(i);
  const v1::Import import = Upload(kHeader + later + Line(1, "Sở Không Có"), covering);
  EXPECT_EQ(import.state(), State::APPLIED);
  EXPECT_EQ(import.rejected(), 1);
  EXPECT_EQ(import.withdrawn(), 0);
  EXPECT_EQ(Counted(), 40);
  // Without the row it is gone from the source.
  EXPECT_EQ(Upload(kHeader + later, covering).withdrawn(), 1);
  EXPECT_EQ(Counted(), 39);
}

TEST_P(ImportsTest, APreviewWaitsToBeApplied) {
  v1::CreateImportRequest options;
  options.set_preview(true);
  const int64_t before = Sequence();
  const v1::Import preview = Upload(kHeader + Line(1) + Line(2) + Line(3, "?"), options);
  EXPECT_EQ(preview.state(), State::PREVIEWED);
  EXPECT_EQ(preview.counted(), 2);
  EXPECT_EQ(preview.rejected(), 1);
  EXPECT_EQ(preview.sequence(), 0);
  ASSERT_EQ(preview.changes_size(), 1);
  EXPECT_EQ(preview.changes(0).after().total(), 2);
  EXPECT_EQ(Sequence(), before);
  EXPECT_EQ(Counted(), 0);

  server_.Restart();  // what waits is durable
  const absl::StatusOr<v1::Import> applied =
      Call(&v1::ImportService::Stub::ApplyImport, preview.import_id());
  ASSERT_OK(applied);
  EXPECT_EQ(applied->state(), State::APPLIED);
  EXPECT_EQ(applied->sequence(), before + 1);
  EXPECT_EQ(Counted(), 2);
  // A retry changes nothing.
  ASSERT_OK(Call(&v1::ImportService::Stub::ApplyImport, preview.import_id()));
  EXPECT_EQ(Sequence(), before + 1);
}

TEST_P(ImportsTest, ACompleteFileWithdrawsWhatItLacksButAsksAboveFivePercent) {
  std::string text = kHeader;
  for (int i = 1; i <= 100; ++i) text += Line(i);
  ASSERT_EQ(Upload(text, Covering("2023-11-01", "2023-11-15", true)).state(), State::APPLIED);
  ASSERT_EQ(Counted(), 100);

  // Five of a hundred are withdrawn without a question.
  text = kHeader;
  for (int i = 6; i <= 100; ++i) text += Line(i);
  server_.clock().Advance(absl::Minutes(1));
  const v1::Import few = Upload(text, Covering("2023-11-01", "2023-11-15", true));
  EXPECT_EQ(few.state(), State::APPLIED);
  EXPECT_EQ(few.withdrawn(), 5);
  EXPECT_EQ(Counted(), 95);

  text = kHeader;
  for (int i = 11; i <= 100; ++i) text += Line(i);
  server_.clock().Advance(absl::Minutes(1));
  const int64_t before = Sequence();
  const v1::Import many = Upload(text, Covering("2023-11-01", "2023-11-15", true));
  EXPECT_EQ(many.state(), State::PREVIEWED);
  EXPECT_EQ(many.withdrawn(), 5);
  EXPECT_EQ(Warnings(many)[v1::ImportWarning::Kind::WITHDRAWS_MANY], 5);
  EXPECT_EQ(Sequence(), before);
  EXPECT_THAT(Call(&v1::ImportService::Stub::ApplyImport, many.import_id()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("confirm_withdrawals")));
  v1::ApplyImportRequest confirm;
  confirm.set_import_id(many.import_id());
  confirm.set_confirm_withdrawals(true);
  const auto applied = CallWith(&v1::ImportService::Stub::ApplyImport, confirm);
  ASSERT_OK(applied);
  EXPECT_EQ(applied->state(), State::APPLIED);
  EXPECT_EQ(Warnings(*applied).count(v1::ImportWarning::Kind::WITHDRAWS_MANY), 0U);
  EXPECT_EQ(Counted(), 90);

  // Confirmed from the start it does not wait; covered and empty is zero.
  server_.clock().Advance(absl::Minutes(1));
  v1::CreateImportRequest none = Covering("2023-11-01", "2023-11-15", true);
  none.set_confirm_withdrawals(true);
  const v1::Import empty = Upload(kHeader, none);
  EXPECT_EQ(empty.state(), State::APPLIED);
  EXPECT_EQ(empty.withdrawn(), 90);
  EXPECT_EQ(Counted(), 0);
}

TEST_P(ImportsTest, ARevertIsExactAndCanBeTakenBack) {
  const v1::Import first = Upload(kHeader + Line(1) + Line(2));
  server_.clock().Advance(absl::Minutes(1));
  const v1::Import second = Upload(kHeader + Line(2, "Sở Y tế") + Line(3, "Sở Y tế"));
  ASSERT_EQ(Counted(), 3);
  const auto reverted = Call(&v1::ImportService::Stub::RevertImport, second.import_id());
  ASSERT_OK(reverted);
  EXPECT_EQ(reverted->state(), State::REVERTED);
  EXPECT_EQ(Counted(), 2);
  EXPECT_EQ(server_.ledger().FindDossier(Code(2), Sequence())->dossier().unit_id(),
            "kontum.so-tu-phap");
  const int64_t sequence = Sequence();
  ASSERT_OK(Call(&v1::ImportService::Stub::RevertImport, second.import_id()));  // a retry
  EXPECT_EQ(Sequence(), sequence);
  const auto applied = Call(&v1::ImportService::Stub::ApplyImport, second.import_id());
  ASSERT_OK(applied);
  EXPECT_EQ(applied->state(), State::APPLIED);
  EXPECT_EQ(Counted(), 3);
}

TEST_P(ImportsTest, AReplayCountsTheRejectsWhoseCauseIsMended) {
  const v1::Import import = Upload(kHeader + Line(1) + Line(2, "Sở Mới") + Line(3, "Sở Chưa Có") +
                                   Line(4, "Sở Mới", "99/99/2023") + Line(5, "Sở Mới"));
  EXPECT_EQ(import.rejected(), 4);
  const int64_t before = Sequence();
  const auto nothing = Call(&v1::ImportService::Stub::ReplayImport, import.import_id());
  ASSERT_OK(nothing);
  EXPECT_EQ(nothing->rejected(), 4);
  EXPECT_EQ(Sequence(), before);

  UnitsPut put;
  put.units = {testing::MakeUnit("kontum.so-moi", "Sở Mới", v1::Level::PROVINCE)};
  ASSERT_OK(server_.ledger().Commit(put, false));
  const auto replayed = Call(&v1::ImportService::Stub::ReplayImport, import.import_id());
  ASSERT_OK(replayed);
  EXPECT_EQ(replayed->counted(), 3);
  EXPECT_EQ(replayed->rejected(), 2);
  EXPECT_EQ(replayed->replay_sequences_size(), 1);
  EXPECT_EQ(Counted(), 3);
  const std::vector<v1::Reject> rejects = Rejects(import.import_id());
  ASSERT_EQ(rejects.size(), 2U);
  EXPECT_EQ(rejects[0].row_number(), 4);
  EXPECT_EQ(rejects[1].reason(), v1::RejectReason::BAD_DATE);
  // The revert takes the replay with it.
  ASSERT_OK(Call(&v1::ImportService::Stub::RevertImport, import.import_id()));
  EXPECT_EQ(Counted(), 0);
  EXPECT_THAT(Call(&v1::ImportService::Stub::ReplayImport, import.import_id()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("REVERTED")));
}

TEST_P(ImportsTest, AReplayThatWasCutOffIsNotCountedTwice) {
  const v1::Import import = Upload(kHeader + Line(1) + Line(2, "Sở Mới"));
  const std::vector<v1::Reject> rejects = Rejects(import.import_id());
  UnitsPut put;
  put.units = {testing::MakeUnit("kontum.so-moi", "Sở Mới", v1::Level::PROVINCE)};
  ASSERT_OK(server_.ledger().Commit(put, false));
  ASSERT_OK(Call(&v1::ImportService::Stub::ReplayImport, import.import_id()));
  // As if it had stopped between its commit and the removal of the rejects.
  ASSERT_OK(server_.ledger().imports().AddRejects(import.import_id(), rejects));
  const int64_t before = Sequence();
  const auto again = Call(&v1::ImportService::Stub::ReplayImport, import.import_id());
  ASSERT_OK(again);
  EXPECT_EQ(again->rejected(), 0);
  EXPECT_EQ(again->counted(), 2);
  EXPECT_EQ(Sequence(), before);
  EXPECT_THAT(Rejects(import.import_id()), IsEmpty());
}

TEST_P(ImportsTest, ANewerRevisionOfACodeCountsOnceWhateverTheOrder) {
  const std::string header = "Mã hồ sơ;Đơn vị;Ngày nhận;Hình thức nộp;Ngày cập nhật\n";
  const auto row = [](absl::string_view unit, absl::string_view updated) {
    return absl::StrCat(Code(1), ";", unit, ";15/11/2023;Trực tuyến;", updated, "\n");
  };
  const v1::Import import =
      Upload(header + row("Sở Y tế", "17/11/2023 10:00") + row("Sở Tư pháp", "16/11/2023 10:00"));
  EXPECT_EQ(import.counted(), 1);
  EXPECT_EQ(import.stale(), 1);
  EXPECT_EQ(Warnings(import)[v1::ImportWarning::Kind::CODE_IN_TWO_UNITS], 1);
  EXPECT_EQ(server_.ledger().FindDossier(Code(1), Sequence())->dossier().unit_id(),
            "kontum.so-y-te");
}

TEST_P(ImportsTest, WarnsOfCutExportsAndOfRowsOutsideTheCoverage) {
  std::string text = kHeader;
  for (int i = 1; i <= 1'000; ++i)
    text += Line(i, "Sở Tư pháp", i <= 3 ? "01/10/2023" : "15/11/2023");
  v1::CreateImportRequest options = Covering("2023-11-01", "2023-11-15", false);
  options.add_covers_unit_ids("kontum.so-tu-phap");
  const v1::Import import = Upload(text, options);
  EXPECT_EQ(import.counted(), 1'000);
  EXPECT_FALSE(import.coverage_inferred());
  auto warnings = Warnings(import);
  EXPECT_EQ(warnings[v1::ImportWarning::Kind::PAGE_LIMIT], 1'000);
  EXPECT_EQ(warnings[v1::ImportWarning::Kind::OUTSIDE_COVERAGE], 3);
}

TEST_P(ImportsTest, AFileThatCannotBeReadFailsAndSaysWhy) {
  const struct {
    std::string bytes;
    const char* error;
  } kCases[] = {
      {std::string("PK\x03\x04", 4) + std::string(300'000, 'x'), "bị hỏng"},
      {"<html></html>", "Không thấy dòng tiêu đề"},
      {"", "rỗng"},
      {"Mã hồ sơ,Ghi chú,Ngày tiếp nhận\nA,b,c\n", "thiếu cột đơn vị tiếp nhận"},
      {"Mã hồ sơ,Ghi chú,Ngày tiếp nhận\nA,b,c\n", "\"Ghi chú\""},
      {"Nguyễn Văn A,0912345678\n", "Không thấy dòng tiêu đề"},
      {std::string(40, '\n') + "x\n" + std::string(40, 'y') + "\n", "Không thấy dòng tiêu đề"},
      {kHeader, "chỉ có dòng tiêu đề"},
  };
  const int64_t before = Sequence();
  for (const auto& each : kCases) {
    const v1::Import import = Upload(each.bytes);
    EXPECT_EQ(import.state(), State::FAILED);
    EXPECT_THAT(import.error(), HasSubstr(each.error));
    EXPECT_THAT(import.error(), ::testing::Not(HasSubstr("Nguyễn")));
    EXPECT_THAT(Call(&v1::ImportService::Stub::ApplyImport, import.import_id()),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("FAILED")));
  }
  EXPECT_EQ(Sequence(), before);
}

TEST_P(ImportsTest, BadOptionsAreRefusedWithTheirField) {
  const auto with = [](auto change) {
    v1::CreateImportRequest options;
    change(options);
    return options;
  };
  using Options = v1::CreateImportRequest;
  const struct {
    Options options;
    const char* message;
  } kCases[] = {
      {with([](Options& o) { o.set_import_id("Có dấu"); }), "import_id: "},
      {with([](Options& o) { o.set_import_id("a/b"); }), "import_id: "},
      {with([](Options& o) { o.set_import_id(std::string(64, 'a')); }), "import_id: "},
      {with([](Options& o) { o.set_filename(std::string(256, 'a')); }), "filename: 256 bytes"},
      {with([](Options& o) { o.set_channel(static_cast<v1::Channel::Value>(9)); }), "channel: 9"},
      {with([](Options& o) { o.set_covers_from("2023-11-01"); }), "covers_to: "},
      {with([](Options& o) { o.set_covers_to("2023-11-01"); }), "covers_from: "},
      {Covering("01/11/2023", "2023-11-15", false), "covers_from: "},
      {Covering("2023-11-01", "2023-02-31", false), "covers_to: "},
      {Covering("2023-11-15", "2023-11-01", false), "covers_to: 2023-11-01 is before"},
      {Covering("1999-11-15", "2023-11-01", false), "covers_from: 1999-11-15"},
      {Covering("2023-11-01", "2023-12-31", true), "covers_to: 2023-12-31 is after today"},
      {with([](Options& o) { o.set_complete(true); }), "complete: "},
      {with([](Options& o) { o.add_covers_unit_ids("kontum.so-y-te"); }), "covers_unit_ids: "},
      {with([](Options& o) {
         o = Covering("2023-11-01", "2023-11-15", true);
         o.add_covers_unit_ids("kontum.so-y-te");
         o.add_covers_unit_ids("khong-co");
       }),
       "covers_unit_ids[1]: 'khong-co'"},
      {with([](Options& o) { o.mutable_extracted_at()->set_seconds(4'000'000'000); }),
       "extracted_at: "},
      {with([](Options& o) { o.mutable_extracted_at()->set_seconds(1); }), "extracted_at: "},
  };
  for (const auto& each : kCases) {
    EXPECT_THAT(UploadError(each.options),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.message)));
  }
  v1::CreateImportRequest named;
  named.set_import_id("mot");
  ASSERT_EQ(Upload(kHeader + Line(1), named).state(), State::APPLIED);
  EXPECT_THAT(UploadError(named), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("mot")));
  EXPECT_THAT(Get("khong-co"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("khong-co")));
}

TEST_P(ImportsTest, ABrokenUploadFailsAndLeavesNothing) {
  const auto stub = server_.import_service();
  {
    grpc::ClientContext context;
    v1::Import import;
    const auto writer = stub->CreateImport(&context, &import);
    v1::CreateImportRequest request;
    request.set_import_id("dut");
    request.mutable_body()->set_data(kHeader + Line(1));
    ASSERT_TRUE(writer->Write(request));
    // On its way, and seen so.
    absl::StatusOr<v1::Import> running = Get("dut");
    for (const absl::Time until = absl::Now() + absl::Seconds(10);
         !running.ok() && absl::Now() < until; running = Get("dut")) {
    }
    ASSERT_OK(running);
    EXPECT_EQ(running->state(), State::RUNNING);
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  absl::StatusOr<v1::Import> failed = Get("dut");
  for (const absl::Time until = absl::Now() + absl::Seconds(10);
       failed->state() == State::RUNNING && absl::Now() < until; failed = Get("dut")) {
  }
  EXPECT_EQ(failed->state(), State::FAILED);
  EXPECT_THAT(failed->error(), HasSubstr("ngắt giữa chừng"));
  EXPECT_EQ(Counted(), 0);
}

TEST_P(ImportsTest, CancellingARunningUploadEndsIt) {
  const auto stub = server_.import_service();
  grpc::ClientContext context;
  v1::Import import;
  const auto writer = stub->CreateImport(&context, &import);
  v1::CreateImportRequest request;
  request.set_import_id("thoi");
  request.mutable_body()->set_data(kHeader + Line(1));
  ASSERT_TRUE(writer->Write(request));
  for (const absl::Time until = absl::Now() + absl::Seconds(10);
       !Get("thoi").ok() && absl::Now() < until;) {
  }
  const auto cancelled = Call(&v1::ImportService::Stub::CancelImport, "thoi");
  ASSERT_OK(cancelled);
  EXPECT_EQ(cancelled->state(), State::CANCELLED);
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Get("thoi")->state(), State::CANCELLED);
  EXPECT_EQ(Counted(), 0);
}

TEST_P(ImportsTest, CancellingAPreviewDropsIt) {
  v1::CreateImportRequest options;
  options.set_preview(true);
  const v1::Import preview = Upload(kHeader + Line(1), options);
  ASSERT_OK(Call(&v1::ImportService::Stub::CancelImport, preview.import_id()));
  EXPECT_EQ(Get(preview.import_id())->state(), State::CANCELLED);
  EXPECT_THAT(Call(&v1::ImportService::Stub::ApplyImport, preview.import_id()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("CANCELLED")));
  const v1::Import applied = Upload(kHeader + Line(1));
  EXPECT_THAT(Call(&v1::ImportService::Stub::CancelImport, applied.import_id()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("APPLIED")));
}

TEST_P(ImportsTest, AnImportLeftRunningByAStopFailsAtTheNextStart) {
  v1::Import left;
  left.set_import_id("do-dang");
  left.set_state(State::RUNNING);
  ASSERT_OK(server_.ledger().imports().CreateImport(left));
  Row row;
  row.dossier.set_code(Code(1));
  row.dossier.set_unit_id("kontum.so-y-te");
  ASSERT_OK(server_.ledger().imports().StageRows("do-dang", {row}));
  server_.Restart();
  const auto failed = Get("do-dang");
  ASSERT_OK(failed);
  EXPECT_EQ(failed->state(), State::FAILED);
  EXPECT_THAT(failed->error(), HasSubstr("hãy tải lại"));
}

TEST_P(ImportsTest, AnImportCommittedJustBeforeAStopIsAppliedAndComplete) {
  const v1::Import import = Upload(kHeader + Line(1) + Line(2, "?"));
  // The store was last written before the commit.
  EXPECT_EQ(server_.ledger().imports().FindImport(import.import_id())->state(), State::RUNNING);
  server_.Restart();
  const auto found = Get(import.import_id());
  ASSERT_OK(found);
  EXPECT_EQ(found->SerializeAsString(), import.SerializeAsString());
}

TEST_P(ImportsTest, ListsImportsNewestFirstPageByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    v1::CreateImportRequest options;
    options.set_import_id(absl::StrCat("so-", i));
    ids.insert(ids.begin(), Upload(kHeader + Line(i), options).import_id());
  }
  std::vector<std::string> listed;
  v1::ListImportsRequest request;
  request.set_page_size(2);
  const auto stub = server_.import_service();
  do {
    grpc::ClientContext context;
    v1::ListImportsResponse response;
    ASSERT_TRUE(stub->ListImports(&context, request, &response).ok());
    for (const v1::Import& import : response.imports()) {
      EXPECT_EQ(import.state(), State::APPLIED);
      listed.push_back(import.import_id());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, ids);
}

TEST_P(ImportsTest, DownloadsTheRejectsAsCsv) {
  const v1::Import import = Upload(kHeader + Line(1, "=cmd|' /C calc'!A0") + Line(2, "Sở; Lạ"));
  const auto stub = server_.import_service();
  grpc::ClientContext context;
  v1::DownloadRejectsRequest request;
  request.set_import_id(import.import_id());
  const auto reader = stub->DownloadRejects(&context, request);
  std::string text;
  v1::RawBody piece;
  bool first = true;
  while (reader->Read(&piece)) {
    EXPECT_EQ(piece.content_type().empty(), !first);
    first = false;
    text += piece.data();
  }
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_THAT(text, AllOf(HasSubstr("\"Mã hồ sơ\""), HasSubstr("\"'=cmd|' /C calc'!A0\""),
                          HasSubstr("\"Sở; Lạ\""), HasSubstr(Code(2))));
}

TEST(ImportsWithoutUnitsTest, AFileWaitsForTheDirectory) {
  testing::IngestionServer::Options options;
  options.load_units = false;
  testing::IngestionServer server(testing::InMemory(), options);
  v1::Import import;
  EXPECT_THAT(FromGrpc(server.Upload({}, kHeader + Line(1), &import)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no units")));
}

TEST(ImportsLimitsTest, FilesBeyondALimitFail) {
  testing::IngestionServer::Options options;
  options.imports.limits.bytes_max = 1'000;
  options.imports.limits.rejects_max = 3;
  testing::IngestionServer server(testing::InMemory(), options);
  v1::Import import;
  std::string text = kHeader;
  for (int i = 0; i < 5; ++i) text += Line(i, "?");
  ASSERT_TRUE(server.Upload({}, text, &import).ok());
  EXPECT_EQ(import.state(), State::FAILED);
  EXPECT_THAT(import.error(), HasSubstr("Quá nhiều dòng"));
  text = kHeader;
  for (int i = 0; i < 50; ++i) text += Line(i);
  ASSERT_TRUE(server.Upload({}, text, &import).ok());
  EXPECT_EQ(import.state(), State::FAILED);
  EXPECT_THAT(import.error(), HasSubstr("1.000 byte"));
}

}  // namespace
}  // namespace dondoc::ingestion
