#include "services/ctl/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace dondoc::ctl {

absl::Status FileError(int error_number, const std::string& what, const std::string& path) {
  const std::string message = absl::StrCat(what, " ", path, ": ", std::strerror(error_number));
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return FileError(errno, "không mở được tệp", path);
  std::string content;
  char buffer[1 << 16];
  size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof(buffer), file)) > 0 && content.size() <= bytes_max) {
    content.append(buffer, got);
  }
  const int error_number = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (error_number != 0) return FileError(error_number, "không đọc được tệp", path);
  if (content.size() > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("tệp ", path, " lớn hơn ", bytes_max, " byte"));
  }
  return content;
}

absl::Status WriteFile(const std::string& path, const std::string& content) {
  const std::string temporary = absl::StrCat(path, ".part");
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error_number = errno;
    std::remove(temporary.c_str());
    return FileError(error_number, "không ghi được tệp", path);
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ctl
