#include "services/common/rpc/port_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace dondoc {

absl::Status WritePortFile(const std::string& path, absl::string_view protocol, int port,
                           int metrics_port) {
  if (path.empty()) return absl::OkStatus();
  const std::string unfinished = absl::StrCat(path, ".", getpid());
  {
    std::ofstream file(unfinished, std::ios::trunc);
    file << absl::StrCat(protocol, " ", port, "\nmetrics ", metrics_port, "\n");
    file.close();
    if (!file) {
      return absl::UnavailableError(absl::StrCat("port file ", unfinished, " cannot be written"));
    }
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    const int error = errno;
    std::remove(unfinished.c_str());
    return absl::UnavailableError(
        absl::StrCat("port file ", path, " cannot be put in place: ", std::strerror(error)));
  }
  return absl::OkStatus();
}

}  // namespace dondoc
