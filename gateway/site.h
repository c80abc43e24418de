#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/backend.h"
#include "gateway/exchange.h"

// What the gateway answers itself: its health and the page.

namespace dondoc::gateway {

// A file of gateway/web/plain, embedded by gateway/CMakeLists.txt.
struct WebFile {
  absl::string_view path;  // "/app.js"
  absl::string_view content_type;
  absl::string_view etag;  // quoted, a hash of the bytes
  absl::string_view bytes;
};
// Null when there is none at `path`.
const WebFile* FindWebFile(absl::string_view path);

// 200, or 304 when `if_none_match` names the file's ETag.
Response ServeWebFile(const WebFile& file, absl::string_view if_none_match);

// The process is alive.
Response Healthz();
// 200 with "ready":true when this gateway takes requests and every service does; else 503. Asks all
// services at once, at most kReadyTime.
boost::asio::awaitable<Response> Readyz(Backend& backend);

}  // namespace dondoc::gateway
