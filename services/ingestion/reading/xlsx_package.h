#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/xlsx_reader.h"
#include "services/ingestion/reading/xml_stream.h"

using zip_t = struct zip;

namespace dondoc::ingestion {

// The parts of a zip file, inflated as they are read, within limits. Not thread-safe.
class XlsxPackage {
 public:
  // `stop` as ReadXlsx has it.
  static absl::StatusOr<std::unique_ptr<XlsxPackage>> Open(int fd, const XlsxLimits& limits,
                                                           const std::atomic<bool>* stop);
  ~XlsxPackage();
  XlsxPackage(const XlsxPackage&) = delete;
  XlsxPackage& operator=(const XlsxPackage&) = delete;

  bool Has(const std::string& part) const;
  // Each piece of the part's bytes goes to `sink`; its error ends the reading.
  absl::Status Read(const std::string& part, int64_t bytes_max,
                    const std::function<absl::Status(absl::string_view)>& sink);
  // The part as XML.
  absl::Status ReadXml(const std::string& part, int64_t bytes_max, XmlStream::Handler& handler);
  const XlsxLimits& limits() const { return limits_; }

 private:
  XlsxPackage(zip_t* archive, int64_t file_bytes, const XlsxLimits& limits,
              const std::atomic<bool>* stop)
      : archive_(archive), file_bytes_(file_bytes), limits_(limits), stop_(stop) {}
  absl::Status Spend(int64_t bytes);

  zip_t* const archive_;
  const int64_t file_bytes_;
  const XlsxLimits limits_;
  const std::atomic<bool>* const stop_;
  int64_t inflated_bytes_ = 0;
};

}  // namespace dondoc::ingestion
