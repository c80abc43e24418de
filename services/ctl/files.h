#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dondoc::ctl {

// The whole of a small file. kNotFound or kPermissionDenied name the path and the reason;
// kResourceExhausted when it is larger than `bytes_max`.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);

// Replaces the file whole: a reader sees the old or the new one.
absl::Status WriteFile(const std::string& path, const std::string& content);

// What errno says of `path`, as a status.
absl::Status FileError(int error_number, const std::string& what, const std::string& path);

}  // namespace dondoc::ctl
