#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dondoc::ingestion {

// Merged cells of a sheet: rows come in ascending order, and each cell of an area gets the text of
// its first. Not thread-safe.
class Merges {
 public:
  struct Area {
    int first_column = 0, last_column = 0;
    int64_t first_row = 0, last_row = 0;
  };

  // Before the first row; areas that are upside down or beyond the columns read are dropped.
  void Add(const Area& area);
  void Sort();
  void Fill(int64_t row, std::vector<std::string>& cells);
  size_t size() const { return areas_.size(); }

 private:
  struct Open {
    Area area;
    std::string text;
  };
  std::vector<Area> areas_;
  size_t next_ = 0;
  std::vector<Open> open_;
};

}  // namespace dondoc::ingestion
