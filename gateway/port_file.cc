#include "gateway/port_file.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace dondoc::gateway {

absl::Status WritePortFile(const std::string& path, int http_port, int metrics_port) {
  if (path.empty()) return absl::OkStatus();
  const std::string unfinished = absl::StrCat(path, ".", getpid());
  {
    std::ofstream file(unfinished, std::ios::trunc);
    file << "http " << http_port << "\nmetrics " << metrics_port << "\n";
    file.close();
    if (!file) {
      return absl::UnavailableError(absl::StrCat("port file ", unfinished, " cannot be written"));
    }
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    std::remove(unfinished.c_str());
    return absl::UnavailableError(absl::StrCat("port file ", path, " cannot be put in place"));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::gateway
