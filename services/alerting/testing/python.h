#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

// Debian's Python beside the tests: an independent reader of mail, and a real SMTP server.

namespace dondoc::alerting::testing {

// A child process with its standard input and output as pipes. Killed at the end of its scope.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next line of its output without the newline; empty at the end.
  std::string ReadLine();
  // Writes all of it and closes the input, then reads all of the output.
  std::string Communicate(const std::string& input);
  void Kill(int signal);

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

// What Python's email package makes of a message: header → decoded value ("Subject", "To", …),
// "from.name", "from.address", "to.name", "to.address", "date" (ISO), "plain", "html",
// "content-type", and "defects" (empty when there are none).
std::map<std::string, std::string> ParseMail(const std::string& message);

// smtp_sink.py with `rules`, writing into `folder`.
class SmtpSink {
 public:
  SmtpSink(const std::string& folder, const std::vector<std::string>& rules);
  std::string address() const;
  // The messages it took, by recipient.
  std::multimap<std::string, std::string> Messages() const;
  // Lines of its log, e.g. "rcpt a@b".
  std::vector<std::string> Log() const;
  // Blocks until it says that it hangs on a final dot.
  void WaitUntilHanging();

 private:
  std::string folder_;
  Child child_;
  int port_ = 0;
};

}  // namespace dondoc::alerting::testing
