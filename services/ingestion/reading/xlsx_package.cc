#include "services/ingestion/reading/xlsx_package.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

absl::Status Damaged(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("Tệp Excel bị hỏng hoặc tải lên chưa trọn (", what,
                                                 "). Hãy mở bằng Excel, lưu lại rồi tải lại."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<XlsxPackage>> XlsxPackage::Open(int fd, const XlsxLimits& limits,
                                                               const std::atomic<bool>* stop) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return absl::UnavailableError("temporary file: fstat failed");
  const int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own_fd < 0) return absl::ResourceExhaustedError("no file descriptor left");
  lseek(own_fd, 0, SEEK_SET);
  int error = 0;
  zip_t* const archive = zip_fdopen(own_fd, 0, &error);
  if (archive == nullptr) {
    close(own_fd);
    return Damaged("mục lục zip");
  }
  std::unique_ptr<XlsxPackage> package(new XlsxPackage(archive, file.st_size, limits, stop));
  if (zip_get_num_entries(archive, 0) > limits.entries_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tệp Excel có quá ", NumberVi(limits.entries_max), " phần bên trong."));
  }
  return package;
}

XlsxPackage::~XlsxPackage() { zip_discard(archive_); }

bool XlsxPackage::Has(const std::string& part) const {
  return zip_name_locate(archive_, part.c_str(), ZIP_FL_NOCASE) >= 0;
}

absl::Status XlsxPackage::Spend(int64_t bytes) {
  inflated_bytes_ += bytes;
  const bool too_many = inflated_bytes_ > limits_.inflated_bytes_max;
  const bool too_dense = inflated_bytes_ > limits_.ratio_free_bytes &&
                         inflated_bytes_ / limits_.inflated_ratio_max > file_bytes_;
  if (!too_many && !too_dense) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "Tệp Excel bung ra lớn bất thường so với kích thước của nó; không đọc tiếp.");
}

absl::Status XlsxPackage::Read(const std::string& part, int64_t bytes_max,
                               const std::function<absl::Status(absl::string_view)>& sink) {
  const zip_int64_t index = zip_name_locate(archive_, part.c_str(), ZIP_FL_NOCASE);
  if (index < 0) return Damaged(absl::StrCat("thiếu ", part));
  zip_file_t* const file = zip_fopen_index(archive_, static_cast<zip_uint64_t>(index), 0);
  if (file == nullptr) return Damaged(part);
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> closer(file, &zip_fclose);
  std::vector<char> piece(kPieceBytes);
  int64_t bytes = 0;
  while (true) {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
      return absl::CancelledError("stopped");
    }
    const zip_int64_t read = zip_fread(file, piece.data(), piece.size());
    if (read < 0) return Damaged(part);
    if (read == 0) return absl::OkStatus();
    bytes += read;
    if (bytes > bytes_max) {
      return absl::InvalidArgumentError(
          absl::StrCat("Tệp Excel có phần ", part, " lớn quá ", NumberVi(bytes_max), " byte."));
    }
    RETURN_IF_ERROR(Spend(read));
    RETURN_IF_ERROR(sink(absl::string_view(piece.data(), static_cast<size_t>(read))));
  }
}

absl::Status XlsxPackage::ReadXml(const std::string& part, int64_t bytes_max,
                                  XmlStream::Handler& handler) {
  XmlStream xml(handler);
  RETURN_IF_ERROR(
      Read(part, bytes_max, [&xml](absl::string_view piece) { return xml.Feed(piece, false); }));
  return xml.Feed("", true);
}

}  // namespace dondoc::ingestion
