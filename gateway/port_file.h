#pragma once

#include <string>

#include "absl/status/status.h"

namespace dondoc::gateway {

// Writes "http <port>\nmetrics <port>\n" to `path`, whole (rename), so that a reader never sees
// half of it. An empty path: nothing. kUnavailable names the file.
absl::Status WritePortFile(const std::string& path, int http_port, int metrics_port);

}  // namespace dondoc::gateway
