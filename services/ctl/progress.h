#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace dondoc::ctl {

// How far the import of one file is.
struct ProgressState {
  int64_t bytes_sent = 0;
  int64_t bytes_total = 0;
  // As the server last said; absent = it has not said yet.
  std::optional<int64_t> rows;
  std::optional<int64_t> rejected;
  absl::Duration elapsed;
};

// One line of at most `width` columns with a bar: share and size sent, rows, rows/s, rejects. The
// bar gives way first when the terminal is narrow.
std::string ProgressBarLine(const ProgressState& state, size_t width);

// The same as one plain line, for logs.
std::string ProgressPlainLine(const ProgressState& state);

// "25,1 MB"
std::string SizeText(int64_t bytes);

// Shows the progress of one file. On a terminal one line is drawn again and again; elsewhere a
// plain line is written now and then.
class ProgressPrinter {
 public:
  // `width` is the terminal's; 0 = not a terminal.
  ProgressPrinter(std::ostream& out, size_t width) : out_(out), width_(width) {}

  // Draws when enough time has passed since it last did.
  void Update(const ProgressState& state);
  // Removes the line from a terminal.
  void Finish();

 private:
  std::ostream& out_;
  const size_t width_;
  std::optional<absl::Duration> drawn_at_;
};

}  // namespace dondoc::ctl
