#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

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

// The progress of a file among others; a name is only shown where there are others.
struct FileProgress {
  std::string name;
  ProgressState state;
};

// Shows the progress of files that are on their way together. On a terminal a line for each is
// drawn again and again; elsewhere plain lines are written now and then.
class ProgressBoard {
 public:
  // `width` is the terminal's; 0 = not a terminal.
  ProgressBoard(std::ostream& out, size_t width) : out_(out), width_(width) {}

  // Draws when enough time has passed since it last did; `elapsed` since the first file began.
  void Update(const std::vector<FileProgress>& files, absl::Duration elapsed);
  // Removes the lines from a terminal, so that something else can be written.
  void Clear();

 private:
  std::ostream& out_;
  const size_t width_;
  size_t lines_ = 0;  // on the terminal now
  std::optional<absl::Duration> drawn_at_;
};

}  // namespace dondoc::ctl
