#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingestion/reading/xlsx_package.h"

namespace dondoc::ingestion {

// Texts that cells refer to by number, one after the other.
class SharedStrings {
 public:
  void Add(absl::string_view text) {
    texts_.append(text.data(), text.size());
    ends_.push_back(static_cast<uint32_t>(texts_.size()));
  }
  int64_t bytes() const { return static_cast<int64_t>(texts_.size()); }
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  absl::string_view at(size_t index) const {
    const size_t start = index == 0 ? 0 : ends_[index - 1];
    return absl::string_view(texts_).substr(start, ends_[index] - start);
  }

 private:
  std::string texts_;
  std::vector<uint32_t> ends_;
};

// What the sheets of a workbook share.
struct Workbook {
  struct Sheet {
    std::string name;
    std::string part;
    bool hidden = false;
  };
  std::vector<Sheet> sheets;  // worksheets, in the workbook's order
  bool epoch_1904 = false;
  std::vector<bool> date_styles;  // by a cell's style
  SharedStrings shared_strings;
};

absl::StatusOr<Workbook> ReadWorkbook(XlsxPackage& package);

}  // namespace dondoc::ingestion
