#include "gateway/site.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/json_text.h"
#include "gateway/upstream.h"
#include "gateway/web_files.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;

constexpr absl::Duration kReadyTime = absl::Seconds(2);

// Only our own script and style, talking only to us; nobody frames us.
constexpr char kPagePolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// Answers of the services as they come in; shared by the coroutines that ask.
struct Answers {
  explicit Answers(const asio::any_io_executor& executor) : wake(executor) {}
  Wake wake;
  std::array<absl::Status, 3> status;
  std::size_t missing = 3;
};

asio::awaitable<void> Ask(Upstream& upstream, std::shared_ptr<Answers> answers, std::size_t i) {
  answers->status[i] = co_await CheckHealth(upstream, kReadyTime);
  --answers->missing;
  answers->wake.Notify();
}

}  // namespace

const WebFile* FindWebFile(absl::string_view path) {
  for (const WebFile& file : WebFiles()) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

Response ServeWebFile(const WebFile& file, absl::string_view if_none_match) {
  Response response;
  // The name never changes and the bytes do with each release: always ask, mostly 304.
  response.headers = {{"ETag", std::string(file.etag)},
                      {"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", kPagePolicy},
                      {"Referrer-Policy", "no-referrer"}};
  for (absl::string_view tag : absl::StrSplit(if_none_match, ',')) {
    tag = absl::StripAsciiWhitespace(tag);
    absl::ConsumePrefix(&tag, "W/");
    if (tag != file.etag && tag != "*") continue;
    response.http_status = 304;
    return response;
  }
  response.content_type = std::string(file.content_type);
  response.body = std::string(file.bytes);
  return response;
}

Response Healthz() { return {200, "application/json", "{\"status\":\"ok\"}\n", {}}; }

asio::awaitable<Response> Readyz(Backend& backend) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto answers = std::make_shared<Answers>(executor);
  for (std::size_t i = 0; i < answers->status.size(); ++i) {
    asio::co_spawn(executor, Ask(*backend.upstreams[i], answers, i), asio::detached);
  }
  while (answers->missing > 0) co_await answers->wake.Wait();
  bool ready = !backend.draining.load();
  std::string upstreams;
  for (std::size_t i = 0; i < answers->status.size(); ++i) {
    const bool serving = answers->status[i].ok();
    ready = ready && serving;
    absl::StrAppend(&upstreams, i == 0 ? "" : ",");
    AppendJsonString(backend.upstreams[i]->name(), upstreams);
    absl::StrAppend(&upstreams, ":{\"serving\":", serving ? "true" : "false");
    if (!serving) {
      upstreams += ",\"detail\":";
      AppendJsonString(answers->status[i].message(), upstreams);
    }
    upstreams += "}";
  }
  co_return Response{ready ? 200 : 503,
                     "application/json",
                     absl::StrCat("{\"ready\":", ready ? "true" : "false",
                                  ",\"draining\":", backend.draining.load() ? "true" : "false",
                                  ",\"upstreams\":{", upstreams, "}}\n"),
                     {}};
}

}  // namespace dondoc::gateway
