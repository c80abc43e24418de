// Uploads: several at once, broken ones, what is said of them; a taught alias; a watched folder.

#include <filesystem>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/mutex/mutex.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"
#include "services/ctl/app.h"
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

constexpr char kDone[] = R"({"import_id":"i","state":"APPLIED","rows":"2","counted":"2"})";

struct Result {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Result Ctl(const std::vector<std::string>& words, const std::string& server) {
  std::ostringstream out;
  std::ostringstream err;
  Result result;
  result.exit_code = RunApp(words, {out, err, 0, server});
  result.out = out.str();
  result.err = err.str();
  return result;
}

ApiResponse NotFound() {
  ApiResponse response;
  response.status = 404;
  response.body = R"({"detail":"no such import","code":"NOT_FOUND","request_id":"r"})";
  return response;
}

TEST(ImportTest, ABrokenUploadGoesOnFromWhatTheServerHas) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "0123456789"));
  Mutex mutex;
  int posts = 0;
  FakeApi server([&](const ApiRequest& request) {
    MutexLock lock(mutex);
    ApiResponse response;
    if (request.method == "GET") {
      response.body = R"({"import_id":"i","state":"RUNNING","bytes":"4"})";
    } else if (++posts == 1) {
      response.hang_up = true;
    } else if (posts == 2) {
      // The request before was still at it.
      response.status = 400;
      response.body =
          R"({"detail":"offset: 4, but 4 bytes","code":"OUT_OF_RANGE","request_id":"r"})";
    } else {
      response.body = kDone;
    }
    return response;
  });
  const Result result = Ctl({"import", folder.File("x.csv"), "--import_id=i"}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> sent;
  for (const ApiRequest& request : server.requests()) {
    if (request.method == "POST") sent.push_back(absl::StrCat(request.target, " ", request.body));
  }
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0], "/v1/imports?import_id=i&filename=x.csv&total_bytes=10 0123456789");
  EXPECT_EQ(sent[2], "/v1/imports?import_id=i&filename=x.csv&total_bytes=10&offset=4 456789");
}

TEST(ImportTest, AnUploadWhoseAnswerWasLostIsAskedFor) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "0123456789"));
  FakeApi server([&](const ApiRequest& request) {
    ApiResponse response;
    response.hang_up = request.method == "POST";
    response.body = kDone;
    return response;
  });
  EXPECT_EQ(Ctl({"import", folder.File("x.csv")}, server.url()).exit_code, 0);
}

TEST(ImportTest, AServerThatTakesNothingIsGivenUp) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "x"));
  const Result result = Ctl({"import", folder.File("x.csv")}, "http://127.0.0.1:1");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("không nối được"));
}

TEST(ImportTest, SendsSeveralFilesAtOnceAndAnswersInTheirOrder) {
  const dondoc::testing::TempDir folder;
  for (const char* name : {"a.csv", "b.csv", "c.csv"}) {
    ASSERT_OK(WriteFile(folder.File(name), name));
  }
  // a is answered only once b has come.
  Mutex mutex;
  CondVar came;
  bool b_came = false;
  FakeApi server([&](const ApiRequest& request) {
    if (request.method == "GET") return NotFound();
    MutexLock lock(mutex);
    if (absl::StrContains(request.target, "filename=b.csv")) {
      b_came = true;
      came.SignalAll();
    }
    while (absl::StrContains(request.target, "filename=a.csv") && !b_came) {
      came.WaitFor(mutex, absl::Milliseconds(100));
    }
    ApiResponse response;
    response.body =
        absl::StrCat(R"({"import_id":"i","state":"APPLIED","filename":")", request.body, R"("})");
    return response;
  });
  const Result result =
      Ctl({"import", folder.File("a.csv"), folder.File("b.csv"), folder.File("c.csv"), "--jobs=2"},
          server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const size_t a = result.out.find("a.csv: ");
  const size_t b = result.out.find("b.csv: ");
  const size_t c = result.out.find("c.csv: ");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_NE(c, std::string::npos);
}

TEST(ImportTest, AddsChangesUpByLevel) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("x.csv"), "x"));
  const std::string change =
      R"("before":{"total":"0","online":"0"},"after":{"total":"2","online":"1","percent":"50.00"})";
  FakeApi server([&](const ApiRequest&) {
    ApiResponse response;
    response.body = absl::StrCat(
        R"({"import_id":"i","state":"PREVIEWED","changes":[{"unit_id":"a","name":"Sở A",)", change,
        R"(},{"unit_id":"b","name":"Sở B",)", change, R"(}],"level_changes":[)",
        R"({"level":"PROVINCE","units":"2",)", change, R"(},{"level":"UNSPECIFIED","units":"2",)",
        change, "}]}");
    return response;
  });
  const Result result = Ctl({"import", folder.File("x.csv"), "--preview"}, server.url());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, AllOf(ContainsRegex("Sở, ban, ngành \\(2\\) +0 +2 +0 +1 +–  50,00 %"),
                                ContainsRegex("Tất cả \\(2\\) +0 +2 +0 +1 +–  50,00 %")));
}

TEST(AliasTest, TeachesANameAndSaysWhatToDoNext) {
  FakeApi server([](const ApiRequest&) {
    ApiResponse response;
    response.body = R"({"unit":{"unit_id":"k.dak-to","name":"Huyện Đắk Tô"},"sequence":"7"})";
    return response;
  });
  const Result result = Ctl({"alias", "teach", "TTHCC Đăk Tô", "k.dak-to"}, server.url());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("\"TTHCC Đăk Tô\" là Huyện Đắk Tô (k.dak-to), sequence 7"),
                    HasSubstr("dondocctl replay")));
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].target, "/v1/units/k.dak-to:addAlias");
  EXPECT_THAT(server.requests()[0].body, HasSubstr("TTHCC Đăk Tô"));
}

TEST(WatchTest, TakesWhatIsThereOnceAndExitsLikeImport) {
  const dondoc::testing::TempDir folder;
  ASSERT_OK(WriteFile(folder.File("a.csv"), "a"));
  ASSERT_OK(WriteFile(folder.File("b.csv"), "b"));
  FakeApi server([](const ApiRequest& request) {
    if (request.method == "GET") return NotFound();
    ApiResponse response;
    response.body = request.body == "a"
                        ? kDone
                        : R"({"import_id":"j","state":"FAILED","error":"không có cột mã hồ sơ"})";
    return response;
  });
  const std::vector<std::string> words = {"watch", folder.path(), "--once", "--settle_seconds=0",
                                          "--preview"};
  const Result first = Ctl(words, server.url());
  EXPECT_EQ(first.exit_code, 1) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("i: đã có hiệu lực"), HasSubstr("không có cột mã hồ sơ")));
  const size_t asked = server.requests().size();
  const Result second = Ctl(words, server.url());
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(server.requests().size(), asked);
  EXPECT_THAT(server.requests()[0].target, HasSubstr("preview=true"));
}

}  // namespace
}  // namespace dondoc::ctl
