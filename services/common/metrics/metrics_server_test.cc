#include "services/common/metrics/metrics_server.h"

#include <curl/curl.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/counter.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

size_t Append(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

// The body of GET http://127.0.0.1:port/metrics; empty when it does not answer 200.
std::string Scrape(int port) {
  std::string body;
  CURL* const curl = curl_easy_init();
  const std::string url = absl::StrCat("http://127.0.0.1:", port, "/metrics");
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  const CURLcode result = curl_easy_perform(curl);
  EXPECT_EQ(result, CURLE_OK) << curl_easy_strerror(result);
  curl_easy_cleanup(curl);
  return body;
}

TEST(MetricsServerTest, ServesItsRegistryOnAFreePortWithTheBuildInfo) {
  const absl::StatusOr<std::unique_ptr<MetricsServer>> server =
      MetricsServer::Start("127.0.0.1:0", "ingestion");
  ASSERT_OK(server);
  EXPECT_GT((*server)->port(), 0);
  prometheus::BuildCounter()
      .Name("dondoc_test_things_total")
      .Help("Things.")
      .Register((*server)->registry())
      .Add({})
      .Increment(3);
  const std::string body = Scrape((*server)->port());
  EXPECT_THAT(body, HasSubstr("dondoc_test_things_total 3"));
  EXPECT_THAT(body, HasSubstr("dondoc_build_info{service=\"ingestion\",version=\""));
  EXPECT_THAT(body, Not(HasSubstr("version=\"\"")));
}

TEST(MetricsServerTest, NamesAPortThatIsTaken) {
  const absl::StatusOr<std::unique_ptr<MetricsServer>> first =
      MetricsServer::Start("127.0.0.1:0", "x");
  ASSERT_OK(first);
  const std::string address = absl::StrCat("127.0.0.1:", (*first)->port());
  EXPECT_THAT(MetricsServer::Start(address, "x"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address)));
}

TEST(MetricsServerTest, TakesNamesAndEveryAddressThatTheFlagTakes) {
  for (const char* const address : {"localhost:0", "0.0.0.0:0"}) {
    const absl::StatusOr<std::unique_ptr<MetricsServer>> server =
        MetricsServer::Start(address, "x");
    ASSERT_OK(server) << address;
    EXPECT_THAT(Scrape((*server)->port()), HasSubstr("dondoc_build_info")) << address;
  }
}

TEST(MetricsServerTest, NamesAnAddressItCannotBind) {
  EXPECT_THAT(MetricsServer::Start("192.0.2.1:0", "x"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("192.0.2.1:0")));
}

}  // namespace
}  // namespace dondoc
