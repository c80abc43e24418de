#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dondoc::ingestion {

// A file without a name: its bytes are gone with the process, however it ends. Not thread-safe.
class Spool {
 public:
  // In `folder`. kUnavailable: no file can be made there.
  static absl::StatusOr<Spool> Create(const std::string& folder);
  Spool(Spool&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Spool& operator=(Spool&& other) noexcept;
  ~Spool();

  // kResourceExhausted: no room.
  absl::Status Append(absl::string_view bytes);
  // Of the spool; closed with it.
  int fd() const { return fd_; }

 private:
  explicit Spool(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace dondoc::ingestion
