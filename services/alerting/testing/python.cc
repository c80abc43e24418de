#include "services/alerting/testing/python.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dondoc::alerting::testing {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

constexpr char kParseProgram[] = R"python(
import email, email.header, email.policy, email.utils, sys
data = sys.stdin.buffer.read()
message = email.message_from_bytes(data, policy=email.policy.default)
legacy = email.message_from_bytes(data)
facts = {}
defects = list(message.defects)
for name, value in message.items():
    facts[name.lower()] = str(value)
    defects += value.defects
for name in ("from", "to"):
    address = message[name].addresses[0]
    # Python 3.11's new parser keeps the space between two encoded words of a name; RFC 2047 drops it, and so
    # does the old parser.
    name_words = email.utils.parseaddr(legacy[name])[0]
    facts[name + ".name"] = str(email.header.make_header(email.header.decode_header(name_words)))
    facts[name + ".address"] = address.addr_spec
    facts[name + ".count"] = str(len(message[name].addresses))
facts["date.iso"] = message["date"].datetime.isoformat()
for part in message.walk():
    defects += part.defects
    if part.get_content_maintype() == "text":
        facts[part.get_content_subtype()] = part.get_content()
facts["structure"] = " ".join(part.get_content_type() for part in message.walk())
facts["defects"] = "; ".join(repr(defect) for defect in defects)
for name, value in facts.items():
    sys.stdout.buffer.write(name.encode() + b"\0" + value.encode("utf-8", "surrogateescape") + b"\0")
)python";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> SinkCommand(const std::string& folder,
                                     const std::vector<std::string>& rules) {
  std::filesystem::create_directories(folder);
  std::vector<std::string> command = {kPython, DONDOC_SMTP_SINK, folder};
  command.insert(command.end(), rules.begin(), rules.end());
  return command;
}

}  // namespace

Child::Child(const std::vector<std::string>& command) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) return;
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

Child::~Child() {
  if (input_ >= 0) close(input_);
  if (output_ >= 0) close(output_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Child::Kill(int signal) { kill(pid_, signal); }

std::string Child::ReadLine() {
  std::string line;
  char c = 0;
  while (read(output_, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

std::string Child::Communicate(const std::string& input) {
  // Ours are small enough for the child to read before it writes.
  size_t written = 0;
  while (written < input.size()) {
    const ssize_t bytes = write(input_, input.data() + written, input.size() - written);
    if (bytes <= 0) break;
    written += static_cast<size_t>(bytes);
  }
  close(std::exchange(input_, -1));
  std::string output;
  char buffer[4096];
  for (ssize_t bytes = 0; (bytes = read(output_, buffer, sizeof buffer)) > 0;) {
    output.append(buffer, static_cast<size_t>(bytes));
  }
  return output;
}

std::map<std::string, std::string> ParseMail(const std::string& message) {
  Child python({kPython, "-c", kParseProgram});
  const std::vector<std::string> words =
      absl::StrSplit(python.Communicate(message), absl::ByChar('\0'));
  std::map<std::string, std::string> facts;
  for (size_t i = 0; i + 1 < words.size(); i += 2) facts[words[i]] = words[i + 1];
  return facts;
}

SmtpSink::SmtpSink(const std::string& folder, const std::vector<std::string>& rules)
    : folder_(folder), child_(SinkCommand(folder, rules)) {
  const std::vector<std::string> words = absl::StrSplit(child_.ReadLine(), ' ');
  if (words.size() == 2) static_cast<void>(absl::SimpleAtoi(words[1], &port_));
}

std::string SmtpSink::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::multimap<std::string, std::string> SmtpSink::Messages() const {
  std::multimap<std::string, std::string> messages;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() != ".eml") continue;
    // "00001-a@b.eml"
    messages.emplace(entry.path().stem().string().substr(6), ReadFile(entry.path()));
  }
  return messages;
}

std::vector<std::string> SmtpSink::Log() const {
  return absl::StrSplit(ReadFile(std::filesystem::path(folder_) / "log"), '\n', absl::SkipEmpty());
}

void SmtpSink::WaitUntilHanging() {
  while (child_.ReadLine() != "hanging") {
  }
}

}  // namespace dondoc::alerting::testing
