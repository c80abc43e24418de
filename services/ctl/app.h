#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace dondoc::ctl {

// Where a run of dondocctl reads and writes.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  // Columns of the terminal that `err` is; 0 = it is none.
  size_t terminal_width = 0;
  // DONDOC_SERVER; empty = not set.
  std::string server;
};

// Runs one command line (argv without argv[0]) and returns its exit code (see commands.h).
int RunApp(const std::vector<std::string>& words, const Surroundings& surroundings);

}  // namespace dondoc::ctl
