#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Text for a terminal: aligned by the columns it takes there, and harmless whatever it holds.

namespace dondoc::ctl {

// Columns of a terminal that UTF-8 `text` takes: combining marks none, wide characters two.
size_t DisplayWidth(absl::string_view text);

// `text` without control characters and invalid bytes (each becomes U+FFFD): a name from a file
// cannot move the cursor or colour the screen. Tabs and line ends become spaces.
std::string Printable(absl::string_view text);

std::string PadRight(absl::string_view text, size_t width);
std::string PadLeft(absl::string_view text, size_t width);

// At most `width` columns, the last one "…" when something was cut.
std::string CutTo(absl::string_view text, size_t width);

enum class Align { kLeft, kRight };

// A table for people: columns two spaces apart, a rule below the header.
class Table {
 public:
  struct Column {
    std::string header;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column; cells may be foreign text.
  void AddRow(std::vector<std::string> cells);
  // A rule before the next row.
  void AddRule() { rules_before_.push_back(rows_.size()); }
  bool empty() const { return rows_.empty(); }
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> rules_before_;
};

}  // namespace dondoc::ctl
