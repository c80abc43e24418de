#include "services/ctl/app.h"

#include <atomic>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "services/common/mutex/mutex.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/files.h"
#include "services/ctl/testing/fake_api.h"

namespace dondoc::ctl {
namespace {

using ::testing::AllOf;
using testing::ApiRequest;
using testing::ApiResponse;
using ::testing::ContainsRegex;
using testing::FakeApi;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Result {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Result Ctl(const std::vector<std::string>& words, const std::string& server = "",
           size_t terminal_width = 0) {
  std::ostringstream out;
  std::ostringstream err;
  Result result;
  result.exit_code = RunApp(words, {out, err, terminal_width, server});
  result.out = out.str();
  result.err = err.str();
  return result;
}

// A server that answers by path (query left out), 404 otherwise.
std::function<ApiResponse(const ApiRequest&)> ByPath(std::map<std::string, std::string> bodies) {
  return [bodies = std::move(bodies)](const ApiRequest& request) {
    ApiResponse response;
    const auto found = bodies.find(request.target.substr(0, request.target.find('?')));
    if (found == bodies.end()) {
      response.status = 404;
      response.body = R"({"detail":"no such thing","code":"NOT_FOUND","request_id":"r-404"})";
    } else {
      response.body = found->second;
    }
    return response;
  };
}

TEST(AppTest, ExitsTwoWithOneLineWhenUsedWrongly) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"nonsense"},
                                             {"summary"},
                                             {"summary", "--from=x", "--to=2023-11-15"},
                                             {"import"},
                                             {"import", "f", "--complete"},
                                             {"units"},
                                             {"rejects"},
                                             {"evaluate", "c"},
                                             {"release"},
                                             {"sample", "--out=d", "--seed=x"},
                                             {"ratios", "--bogus"},
                                             {"freshness", "--server=host"},
                                             {"help", "nonsense"}}) {
    const Result result = Ctl(words);
    EXPECT_EQ(result.exit_code, 2) << words[0];
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("dondocctl: "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  const Result nothing = Ctl({});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("Cách dùng: dondocctl LỆNH"));
}

TEST(AppTest, HelpIsAnAnswerNotAnError) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"help"}, {"--help"}, {"help", "import"}, {"import", "--help"}, {"help", "units"}}) {
    const Result result = Ctl(words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr("Cách dùng: dondocctl"));
  }
  EXPECT_THAT(Ctl({"help", "units"}).out,
              AllOf(HasSubstr("dondocctl units import"), HasSubstr("dondocctl units list")));
  EXPECT_THAT(Ctl({"--version"}).out, StartsWith("dondocctl "));
}

constexpr char kSummary[] =
    R"({"overall":{"total":"120000","online":"32124","percent":"26.77","reached":false,)"
    R"("basis":"DOSSIERS"},"levels":[)"
    R"({"level":"PROVINCE","units":"17","reached":"10","below":"7","no_dossiers":"0",)"
    R"("no_data":"0","ratio":{"total":"16000","online":"9000","percent":"56.25","basis":"DOSSIERS"}},)"
    R"({"level":"DISTRICT","units":"10","reached":"4","below":"5","no_dossiers":"1",)"
    R"("no_data":"0","ratio":{"total":"0","online":"0","basis":"DOSSIERS"}},)"
    R"({"level":"COMMUNE","units":"102","reached":"6","below":"94","no_dossiers":"0",)"
    R"("no_data":"2","ratio":{"total":"0","online":"0","basis":"NONE"}}],)"
    R"("window":{"from":"2023-01-01","to":"2023-11-15"},"definition_id":"received",)"
    R"("definition_version":1,"ledger_id":"l","sequence":"7",)"
    R"("commit_time":"2023-11-21T02:00:00Z","added_later":1})";

TEST(AppTest, SummaryPrintsTheLettersTable) {
  FakeApi server(ByPath({{"/v1/summary", kSummary}}));
  const Result result = Ctl({"summary", "--from=2023-01-01", "--to=2023-11-15"}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "Tỷ lệ hồ sơ trực tuyến 01/01/2023 – 15/11/2023, chỉ tiêu từ 50 % trở lên\n"
            "\n"
            "Cấp                      Đạt  Chưa đạt  Không phát sinh  Chưa có số liệu    Hồ sơ  "
            "Trực tuyến            Tỷ lệ\n"
            "────────────────────  ──────  ────────  ───────────────  ───────────────  ───────  "
            "──────────  ───────────────\n"
            "Sở, ban, ngành         10/17         7                0                0   16.000  "
            "     9.000          56,25 %\n"
            "Huyện, thành phố        4/10         5                1                0        0  "
            "         0  không phát sinh\n"
            "Xã, phường, thị trấn   6/102        94                0                2        0  "
            "         0  chưa có số liệu\n"
            "────────────────────  ──────  ────────  ───────────────  ───────────────  ───────  "
            "──────────  ───────────────\n"
            "Toàn tỉnh             20/129       106                1                2  120.000  "
            "    32.124          26,77 %\n"
            "\n"
            "Số liệu tại sequence 7 (21/11/2023 09:00), cách tính received phiên bản 1\n");
  EXPECT_EQ(server.requests()[0].target,
            "/v1/summary?from=2023-01-01&to=2023-11-15&target_percent=50&target_operator=GE");
}

TEST(AppTest, WaitsForASequenceThatItWasToldOf) {
  std::atomic<int> asked = 0;
  FakeApi server([&asked](const ApiRequest&) {
    ApiResponse response;
    response.status = ++asked < 3 ? 503 : 200;
    response.body =
        response.status == 200 ? kSummary : R"({"code":"UNAVAILABLE","detail":"older"})";
    return response;
  });
  std::vector<std::string> words = {"summary", "--from=2023-01-01", "--to=2023-11-15"};
  EXPECT_EQ(Ctl(words, server.url()).exit_code, 1);  // told of none
  words.push_back("--min_sequence=7");
  EXPECT_EQ(Ctl(words, server.url()).exit_code, 0);
  EXPECT_EQ(asked, 3);
}

TEST(AppTest, JsonIsTheServersOwnToTheLastByte) {
  FakeApi server(ByPath({{"/v1/summary", kSummary}}));
  const Result result =
      Ctl({"summary", "--from=2023-01-01", "--to=2023-11-15", "--json"}, server.url());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, std::string(kSummary) + "\n");
}

TEST(AppTest, AnErrorOfTheServerIsOneLineWithItsRequestId) {
  FakeApi server(ByPath({}));
  const Result result = Ctl({"release", "e-1"}, server.url());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "dondocctl: release: lỗi 404 NOT_FOUND: no such thing (mã yêu cầu r-404)\n");
}

TEST(AppTest, RatiosReadEveryPageUpToTheLimit) {
  FakeApi server([](const ApiRequest& request) {
    ApiResponse response;
    const bool second = absl::StrContains(request.target, "page_token=p2");
    response.body = second
                        ? R"({"ratios":[{"unit_id":"b","name":"Xã B\u001b[2J","level":"COMMUNE",)"
                          R"("ratio":{"total":"3","online":"1","percent":"33.33","reached":false,)"
                          R"("basis":"DOSSIERS"}}],"next_page_token":"",)"
                          R"("window":{"from":"2023-01-01","to":"2023-11-15"},"sequence":"3"})"
                        : R"({"ratios":[{"unit_id":"a","name":"Xã A","level":"COMMUNE",)"
                          R"("ratio":{"total":"2","online":"1","percent":"50.00","reached":true,)"
                          R"("basis":"DOSSIERS"}}],"next_page_token":"p2","sequence":"3"})";
    return response;
  });
  const std::vector<std::string> words = {"ratios", "--from=2023-01-01", "--to=2023-11-15"};
  const Result all = Ctl(words, server.url());
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_THAT(all.out, AllOf(ContainsRegex("a +Xã A .* 50,00 %  Đạt\n"), HasSubstr("Xã B\uFFFD[2J"),
                             ContainsRegex(" 33,33 %  Chưa đạt\n"), Not(HasSubstr("còn nữa")),
                             Not(HasSubstr("\x1b"))));
  std::vector<std::string> one = words;
  one.push_back("--limit=1");
  EXPECT_THAT(Ctl(one, server.url()).out, AllOf(HasSubstr("còn nữa"), Not(HasSubstr("Xã B"))));
}

// Imports.
constexpr char kApplied[] =
    R"({"import_id":"ctl-1","state":"APPLIED","filename":"x.csv","rows":"1234","counted":"1230",)"
    R"("unchanged":"1","stale":"1","statements":"0","rejected":"2","withdrawn":"0",)"
    R"("rejects_by_reason":[{"reason":"UNKNOWN_UNIT","rows":"1"},{"reason":"NO_DATE","rows":"1"}],)"
    R"("columns":[{"header":"Mã hồ sơ","meaning":"code"},{"header":"Chủ hồ sơ","meaning":"personal"},)"
    R"({"header":"Ghi chú","meaning":"ignored"}],)"
    R"("warnings":[{"kind":"CODE_IN_TWO_UNITS","rows":"3","first_row_number":"17","message":"Một mã ở hai đơn vị"}],)"
    R"("changes":[{"unit_id":"a","name":"Sở A","before":{"total":"0","online":"0"},)"
    R"("after":{"total":"1230","online":"615","percent":"50.00"}}],"sequence":"5"})";
constexpr char kRejects[] =
    R"({"rejects":[{"row_number":"4","reason":"UNKNOWN_UNIT","message":"không có đơn vị 'Xã X'",)"
    R"("cells":{"unit":"Xã X","code":"H34.99-1"}},)"
    R"({"row_number":"9","reason":"NO_DATE","message":"thiếu ngày","cells":{}}],"total_size":"2"})";

TEST(AppTest, ImportSaysWhatWasReadWhatWasRejectedAndWhatChanged) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "a,b\n1,2\n"));
  FakeApi server(ByPath({{"/v1/imports", kApplied}, {"/v1/imports/ctl-1/rejects", kRejects}}));
  const Result result =
      Ctl({"import", folder.File("x.csv"), "--covers_from=2023-01-01", "--covers_to=2023-11-15",
           "--complete", "--covers_units=a,b", "--extracted_at=2023-11-16T07:00:00+07:00",
           "--unit_column=handling", "--import_id=my-1"},
          server.url());
  EXPECT_EQ(result.exit_code, 3) << result.err;  // applied, with rejects
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("x.csv: đã có hiệu lực, sequence 5  [ctl-1]\n"),
            HasSubstr("Dòng: 1.234 = 1.230 đã tính + 1 không đổi + 1 cũ hơn + 2 bị loại"),
            HasSubstr("Cột đã hiểu: Mã hồ sơ → mã hồ sơ\n"),
            HasSubstr("Cột cá nhân, đã bỏ: Chủ hồ sơ\n"), HasSubstr("Cột không dùng: Ghi chú\n"),
            HasSubstr("Lưu ý: Một mã ở hai đơn vị\n"),
            HasSubstr("        1  đơn vị không có trong danh mục\n"),
            HasSubstr("        1  thiếu ngày tiếp nhận\n"),
            ContainsRegex("Sở A +0  1.230 +0  615 +–  50,00 %")));
  EXPECT_EQ(server.requests()[0].body, "a,b\n1,2\n");
  EXPECT_EQ(
      server.requests()[0].target,
      "/v1/imports?import_id=my-1&filename=x.csv&covers_from=2023-01-01"
      "&covers_to=2023-11-15&extracted_at=2023-11-16T07%3A00%3A00%2B07%3A00"
      "&unit_column=handling&covers_unit_ids=a&covers_unit_ids=b&complete=true&total_bytes=8");
}

TEST(AppTest, ImportExitsByWhatBecameOfTheFile) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "x"));
  const struct {
    const char* body;
    int exit_code;
    const char* text;
  } kCases[] = {
      {R"({"import_id":"i","state":"APPLIED","rows":"1","counted":"1"})", 0, "đã có hiệu lực"},
      {R"({"import_id":"i","state":"PREVIEWED","rows":"1","counted":"1"})", 3,
       "Để có hiệu lực: dondocctl apply i\n"},
      {R"({"import_id":"i","state":"PREVIEWED","warnings":[{"kind":"WITHDRAWS_MANY"}]})", 3,
       "dondocctl apply i --confirm_withdrawals\n"},
      {R"({"import_id":"i","state":"FAILED","error":"không có cột mã hồ sơ"})", 1,
       "Lỗi: không có cột mã hồ sơ"},
      {R"({"import_id":"i","state":"CANCELLED"})", 1, "đã hủy"},
  };
  for (const auto& test : kCases) {
    FakeApi server(ByPath({{"/v1/imports", test.body}}));
    const Result result = Ctl({"import", folder.File("x.csv")}, server.url());
    EXPECT_EQ(result.exit_code, test.exit_code) << test.body;
    EXPECT_THAT(result.out, HasSubstr(test.text));
  }
}

TEST(AppTest, ImportGoesOnWithTheOtherFilesAndFailsAtTheEnd) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("b.csv"), "x"));
  FakeApi server(
      ByPath({{"/v1/imports", R"({"import_id":"i","state":"APPLIED","filename":"b.csv"})"}}));
  const Result result =
      Ctl({"import", folder.File("none.csv"), folder.path(), folder.File("b.csv")}, server.url());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("none.csv: không mở được tệp"),
                                HasSubstr("không phải là một tệp thường")));
  EXPECT_THAT(result.out, HasSubstr("b.csv: đã có hiệu lực"));
}

TEST(AppTest, ImportAsksForProgressWhileTheFileIsOnItsWay) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), std::string(1'000'000, 'x')));
  // The import is answered only after its progress was asked for: with the id that was chosen for
  // it.
  Mutex mutex;
  CondVar asked;
  bool was_asked = false;
  std::string asked_path;
  FakeApi server([&](const ApiRequest& request) {
    ApiResponse response;
    MutexLock lock(mutex);
    if (request.method == "POST") {
      for (int tries = 0; !was_asked && tries < 100; ++tries) {
        asked.WaitFor(mutex, absl::Milliseconds(100));
      }
      // Once more, so that the client has seen the first answer.
      was_asked = false;
      for (int tries = 0; !was_asked && tries < 100; ++tries) {
        asked.WaitFor(mutex, absl::Milliseconds(100));
      }
      response.body = R"({"import_id":"i","state":"APPLIED","rows":"9"})";
    } else {
      was_asked = true;
      asked_path = request.target;
      response.body = R"({"import_id":"i","state":"RUNNING","rows":"54321","rejected":"12"})";
      asked.SignalAll();
    }
    return response;
  });
  const Result result = Ctl({"import", folder.File("x.csv")}, server.url(), 120);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("54.321 dòng"), HasSubstr("loại 12"),
                                ::testing::EndsWith("\r\x1b[K")));
  const std::string sent = server.requests()[0].target;
  const std::string import_id = sent.substr(sent.find("import_id=") + 10, 28);
  EXPECT_THAT(import_id, ::testing::MatchesRegex("ctl-[0-9a-f]+"));
  EXPECT_EQ(asked_path, "/v1/imports/" + import_id);
}

TEST(AppTest, RejectsAreATableOrTheServersCsv) {
  FakeApi server(
      ByPath({{"/v1/imports/i-1/rejects", kRejects},
              {"/v1/imports/i-1/rejects:download", "row,reason\r\n4,UNKNOWN_UNIT\r\n"}}));
  const Result table = Ctl({"rejects", "i-1"}, server.url());
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out,
              ContainsRegex("4  đơn vị không có trong danh mục  H34.99-1  Xã X +không có đơn vị "
                            "'Xã X'"));
  EXPECT_EQ(Ctl({"rejects", "i-1", "--csv"}, server.url()).out, "row,reason\r\n4,UNKNOWN_UNIT\r\n");
}

TEST(AppTest, UnitsImportSendsTheRegistryAndThenItsAliases) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("units.csv"), "unit_id,name,level,gso_code\nx,X,district,608\n"));
  ASSERT_OK(WriteFile(folder.File("unit_aliases.csv"), "unit_id,alias\nx,Ích\n"));
  FakeApi server(
      ByPath({{"/v1/units:importFile", R"({"rows":"1","created":"1","sequence":"1","columns":[)"
                                       R"({"header":"unit_id","meaning":"unit_id"},)"
                                       R"({"header":"Màu","meaning":"ignored"}]})"}}));
  const Result result = Ctl({"units", "import", folder.File("units.csv")}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "Danh mục đơn vị: 1 dòng trong tệp; 1 đơn vị mới + 0 thay đổi + 0 không đổi (sequence "
            "1)\nCột: unit_id → unit_id\nCột không đọc: Màu\n"
            "Tên gọi khác: 1 dòng trong tệp; 1 đơn vị mới + 0 thay đổi + 0 không đổi (sequence "
            "1)\nCột: unit_id → unit_id\nCột không đọc: Màu\n");
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].content_type, "application/octet-stream");
  EXPECT_EQ(server.requests()[0].body, "unit_id,name,level,gso_code\nx,X,district,608\n");
  EXPECT_EQ(server.requests()[1].body, "unit_id,alias\nx,Ích\n");
}

TEST(AppTest, UnitsPatchSendsTheFieldsThatAreGiven) {
  FakeApi server(
      ByPath({{"/v1/units/x", R"({"unit":{"unit_id":"x","name":"Mới"},"sequence":"7"})"}}));
  const Result result =
      Ctl({"units", "patch", "x", "--name=Mới", "--renamed_on=2024-01-01"}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Mới (x): đã sửa name (sequence 7)\n");
  EXPECT_EQ(server.requests()[0].method, "PATCH");
  EXPECT_EQ(server.requests()[0].body, R"({"name":"Mới"})");
  EXPECT_EQ(Ctl({"units", "patch", "x"}, server.url()).exit_code, 2);
}

TEST(AppTest, DirectoryChangesShowWhatDiffers) {
  FakeApi server(ByPath({{"/v1/directory/changes",
                          R"({"changes":[{"sequence":"5","author":"can-bo","kind":"UNIT","id":"x",)"
                          R"("before":{"unit":{"unit_id":"x","name":"A"}},)"
                          R"("after":{"unit":{"unit_id":"x","name":"B","emails":["a@b"]}}}]})"}}));
  const Result result = Ctl({"directory", "changes", "--kind=UNIT"}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("can-bo"), HasSubstr("name, emails")));
}

TEST(AppTest, CampaignFilesAreCheckedBeforeTheyAreSent) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("c.json"), R"({"campaign_id":"c","tittle":"x"})"));
  const Result bad = Ctl({"campaigns", "create", folder.File("c.json")}, "http://127.0.0.1:1");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("c.json: JSON không hợp lệ"), HasSubstr("tittle")));

  FakeApi server(
      ByPath({{"/v1/campaigns",
               R"({"campaign_id":"dvctt-2023","title":"T","window_from":"2023-01-01",)"
               R"("deadline_day":"2023-12-25","targets":[{"level":"COMMUNE","percent":"50"}],)"
               R"("send_mode":"APPROVAL"})"}}));
  const Result good = Ctl({"campaigns", "create", DONDOC_CAMPAIGN}, server.url());
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("Đợt đôn đốc dvctt-2023"), HasSubstr("trước 25/12/2023"),
                              HasSubstr("Xã, phường, thị trấn ≥ 50 %")));
  EXPECT_THAT(server.requests()[0].body, HasSubstr("Quyết định số 17/QĐ-UBCĐSQG ngày 04/4/2023"));
}

constexpr char kEvaluation[] =
    R"({"evaluation_id":"e-1","campaign_id":"c","slot":"manual:r","state":"AWAITING_RELEASE",)"
    R"("window":{"from":"2023-01-01","to":"2023-11-15"},"overall":{"total":"2","online":"1",)"
    R"("percent":"50.00"},"levels":[{"level":"PROVINCE","units":"17","reached":"10","below":"7",)"
    R"("ratio":{"total":"2","online":"1","percent":"50.00"}}],"flagged":"109",)"
    R"("reminders":{"drafted":"109"},"sequence":"5"})";

TEST(AppTest, EvaluateSaysWhatToDoNextAndFlagsWhatIsMissing) {
  FakeApi server(ByPath(
      {{"/v1/campaigns/c:evaluate", kEvaluation},
       {"/v1/evaluations/e-1/flags",
        R"({"flags":[{"name":"Xã A","level":"COMMUNE","flagged":true,"target_percent":"50",)"
        R"("ratio":{"total":"100","online":"40","percent":"40.00"},"missing":"20","expected":"12",)"
        R"("required_percent":"133.33","recent_percent":"45.00","outlook":"OUT_OF_REACH",)"
        R"("writing":"WRITTEN"},{"name":"Xã B","level":"COMMUNE","flagged":false,)"
        R"("outlook":"REACHED"}]})"}}));
  const Result evaluated = Ctl({"evaluate", "c", "--request_id=r"}, server.url());
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.out, AllOf(HasSubstr("109 đơn vị bị cắm cờ; thư: 109 nháp"),
                                   HasSubstr("dondocctl release e-1")));
  EXPECT_EQ(server.requests()[0].body, R"({"request_id":"r"})");

  const Result flags = Ctl({"flags", "e-1"}, server.url());
  EXPECT_THAT(flags.out,
              AllOf(HasSubstr("1/2 đơn vị bị cắm cờ"),
                    ContainsRegex("Xã A .* 40,00 % +50 % +20 +12 +133,33 % +45,00 %  không còn khả "
                                  "năng  có thư"),
                    Not(HasSubstr("Xã B"))));
  EXPECT_THAT(Ctl({"flags", "e-1", "--all"}, server.url()).out, HasSubstr("Xã B"));
}

TEST(AppTest, SampleWritesTheFolderItSaysWithoutAServer) {
  const dondoc::testing::TempDir folder;
  const Result result =
      Ctl({"sample", "--seed=5", "--out=" + folder.File("new/mau"), "--units=" DONDOC_KONTUM_UNITS},
          "http://127.0.0.1:1");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("mot-cua-2023.csv"), HasSubstr("129 đơn vị")));
  EXPECT_OK(ReadFile(folder.File("new/mau/mot-cua-2023.csv"), 100 << 20));
  EXPECT_OK(ReadFile(folder.File("new/mau/units.csv"), 1 << 20));
  EXPECT_EQ(Ctl({"sample", "--out=/proc/none", "--units=" DONDOC_KONTUM_UNITS}).exit_code, 1);
  EXPECT_EQ(Ctl({"sample", "--out=x", "--units=/none.csv"}).exit_code, 1);
}

}  // namespace
}  // namespace dondoc::ctl
