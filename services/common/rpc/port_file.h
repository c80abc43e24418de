#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dondoc {

// Writes "<protocol> <port>\nmetrics <metrics_port>\n" to `path`, renamed into place, so that a
// reader never sees half of it. An empty path: nothing. kUnavailable names the file.
absl::Status WritePortFile(const std::string& path, absl::string_view protocol, int port,
                           int metrics_port);

}  // namespace dondoc
