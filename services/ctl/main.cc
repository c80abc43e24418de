#include <curl/curl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "services/ctl/app.h"

namespace {

// Columns of the terminal on stderr; 0 = it is none, or one that cannot be drawn on.
size_t TerminalWidth() {
  const char* const kind = std::getenv("TERM");
  if (isatty(STDERR_FILENO) == 0 || kind == nullptr || std::string(kind) == "dumb") return 0;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

}  // namespace

int main(int argc, char** argv) {
  // A connection that breaks, or a reader that goes away (| head), is an error to report, not the
  // end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const char* const server = std::getenv("DONDOC_SERVER");
  const dondoc::ctl::Surroundings surroundings{std::cout, std::cerr, TerminalWidth(),
                                               server == nullptr ? "" : server};
  const int exit_code =
      dondoc::ctl::RunApp(std::vector<std::string>(argv + 1, argv + argc), surroundings);
  curl_global_cleanup();
  return exit_code;
}
