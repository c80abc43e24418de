#include "services/ingestion/reading/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dondoc::ingestion {

absl::StatusOr<Spool> Spool::Create(const std::string& folder) {
  int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    // Not every file system makes files without a name.
    std::string name = folder + "/spool-XXXXXX";
    fd = mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) unlink(name.c_str());
  }
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("no temporary file in ", folder, ": ", std::strerror(errno)));
  }
  return Spool(fd);
}

Spool& Spool::operator=(Spool&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Spool::~Spool() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Spool::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      const std::string why = absl::StrCat("temporary file: ", std::strerror(errno));
      return errno == ENOSPC || errno == EDQUOT ? absl::ResourceExhaustedError(why)
                                                : absl::UnavailableError(why);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
