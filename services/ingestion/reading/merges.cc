#include "services/ingestion/reading/merges.h"

#include <algorithm>

#include "services/ingestion/reading/csv_reader.h"

namespace dondoc::ingestion {
namespace {

// Areas do not overlap, so that there are not more open ones than columns.
constexpr size_t kOpenMax = kCsvColumnsMax;
constexpr int kLastColumn = static_cast<int>(kCsvColumnsMax) - 1;
// A text merged over more is a title, and repeating it helps nobody.
constexpr size_t kTextBytesMax = 256;

}  // namespace

void Merges::Add(const Area& area) {
  Area kept = area;
  kept.last_column = std::min(kept.last_column, kLastColumn);
  if (kept.first_column > kept.last_column || kept.first_row > kept.last_row) return;
  areas_.push_back(kept);
}

void Merges::Sort() {
  std::sort(areas_.begin(), areas_.end(),
            [](const Area& a, const Area& b) { return a.first_row < b.first_row; });
}

void Merges::Fill(int64_t row, std::vector<std::string>& cells) {
  open_.erase(std::remove_if(open_.begin(), open_.end(),
                             [&](const Open& open) { return open.area.last_row < row; }),
              open_.end());
  for (; next_ < areas_.size() && areas_[next_].first_row <= row; ++next_) {
    const Area& area = areas_[next_];
    const size_t first = static_cast<size_t>(area.first_column);
    // Without a text in its first cell there is nothing to repeat.
    if (area.first_row < row || first >= cells.size() || cells[first].empty()) continue;
    if (cells[first].size() > kTextBytesMax || open_.size() >= kOpenMax) continue;
    open_.push_back({area, cells[first]});
  }
  for (const Open& open : open_) {
    const size_t last = static_cast<size_t>(open.area.last_column);
    if (cells.size() <= last) cells.resize(last + 1);
    for (size_t i = static_cast<size_t>(open.area.first_column); i <= last; ++i) {
      // A text that a merge hides stays in the file; nobody sees it.
      cells[i] = open.text;
    }
  }
}

}  // namespace dondoc::ingestion
