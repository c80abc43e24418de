#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/files.h"
#include "services/ctl/folder_watch.h"
#include "services/ctl/import_text.h"
#include "services/ctl/import_upload.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

// Sends one file and says what became of it.
FolderWatch::Outcome TakeFile(Context& context, const std::string& path, std::string& import_id,
                              int& exit_code) {
  FolderWatch::Outcome outcome = FolderWatch::Outcome::kTaken;
  const auto done = [&](const std::string&, const UploadAnswer& answer) {
    if (answer.ok()) {
      import_id = answer->message.import_id();
      if (context.arguments.Bool("json")) {
        PrintJson(context, answer->json);
      } else {
        PrintImport(context, answer->message);
      }
      context.out.flush();
      const int own = ImportExitCode(answer->message);
      if (own == kExitFailed) outcome = FolderWatch::Outcome::kFailed;
      if (exit_code != kExitFailed && own != kExitOk) exit_code = own;
      return absl::OkStatus();
    }
    const bool refused = absl::IsInvalidArgument(answer.status()) ||
                         absl::IsPermissionDenied(answer.status()) ||
                         absl::IsUnauthenticated(answer.status());
    outcome = refused ? FolderWatch::Outcome::kRefused : FolderWatch::Outcome::kLater;
    exit_code = kExitFailed;
    context.err << "dondocctl: watch " << Printable(path) << ": "
                << Printable(answer.status().message()) << (refused ? "" : "; sẽ thử lại")
                << std::endl;
    return absl::OkStatus();
  };
  const absl::Status sent = UploadFiles(context, {path}, 1, done);
  return sent.ok() ? outcome : FolderWatch::Outcome::kLater;
}

// SIGTERM and SIGINT as something that can be polled; before any thread exists.
absl::StatusOr<int> SignalsToFd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return absl::InternalError("không chặn được tín hiệu");
  }
  const int fd = signalfd(-1, &signals, SFD_CLOEXEC);
  return fd < 0 ? FileError(errno, "signalfd", "") : absl::StatusOr<int>(fd);
}

absl::StatusOr<int> RunWatch(Context& context) {
  const Arguments& arguments = context.arguments;
  FolderWatch::Options options;
  options.folder = arguments.words[0];
  options.state_file = arguments.Has("state_file")
                           ? arguments.Text("state_file")
                           : (std::filesystem::path(options.folder) / ".dondoc-watch").string();
  options.done_folder = arguments.Text("done_dir");
  options.failed_folder = arguments.Text("failed_dir");
  options.settle = absl::Seconds(arguments.Integer("settle_seconds"));
  int exit_code = kExitOk;
  const auto take = [&](const std::string& path, std::string& import_id) {
    return TakeFile(context, path, import_id, exit_code);
  };
  ASSIGN_OR_RETURN(const int stop_fd, SignalsToFd());
  ASSIGN_OR_RETURN(const std::unique_ptr<FolderWatch> watch,
                   FolderWatch::Open(std::move(options), take, context.err));
  if (arguments.Bool("once")) {
    // Everything that does not change between two looks.
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(watch->Look(start).status());
    absl::SleepFor(absl::Seconds(arguments.Integer("settle_seconds")));
    RETURN_IF_ERROR(watch->Look(absl::Now()).status());
    close(stop_fd);
    return exit_code;
  }
  context.err << "dondocctl: watch " << Printable(arguments.words[0])
              << ": đang chờ tệp (Ctrl+C để dừng)" << std::endl;
  const absl::Status ran = watch->Run(stop_fd);
  close(stop_fd);
  RETURN_IF_ERROR(ran);
  return kExitOk;
}

}  // namespace

void AddWatchCommand(std::vector<CommandSpec>& commands) {
  CommandSpec watch;
  for (const CommandSpec& command : commands) {
    // How a file is read is said as for import.
    if (command.name == "import") watch.flags = command.flags;
  }
  std::erase_if(watch.flags, [](const FlagSpec& flag) {
    return flag.name == "import_id" || flag.name == "jobs" || flag.name == "extracted_at";
  });
  watch.name = "watch";
  watch.words = "THƯ_MỤC";
  watch.words_min = watch.words_max = 1;
  watch.summary = "nạp mọi tệp được đặt vào một thư mục, mỗi tệp một lần";
  watch.details =
      "Chờ đến khi tệp không lớn thêm nữa rồi nạp như lệnh import. Tệp đã nạp được nhớ theo nội\n"
      "dung trong --state_file, nên đổi tên hay chạy lại cũng không nạp lần nữa. Tệp nằm yên tại\n"
      "chỗ, trừ khi có --done_dir, --failed_dir. Máy chủ tắt thì thử lại. Tên bắt đầu bằng '.' "
      "hay\n"
      "'~', hoặc kết thúc bằng .part, .tmp … được bỏ qua. SIGTERM, Ctrl+C: nạp xong tệp đang gửi\n"
      "rồi dừng, mã thoát 0.";
  watch.examples = {"dondocctl watch /srv/xuat-mot-cua --done_dir=/srv/xuat-mot-cua/da-nap",
                    "dondocctl watch /srv/xuat-mot-cua --once"};
  watch.flags.push_back(
      {.name = "state_file", .help = "nhớ các tệp đã nạp ở đây (mặc định THƯ_MỤC/.dondoc-watch)"});
  watch.flags.push_back({.name = "done_dir", .help = "chuyển tệp đã nạp vào thư mục này"});
  watch.flags.push_back(
      {.name = "failed_dir", .help = "chuyển tệp không đọc được vào thư mục này"});
  watch.flags.push_back({.name = "settle_seconds",
                         .type = FlagType::kInteger,
                         .help = "tệp phải không đổi trong bao lâu",
                         .default_value = "2",
                         .minimum = 0,
                         .maximum = 3600});
  watch.flags.push_back({.name = "once",
                         .type = FlagType::kBool,
                         .help = "nạp những tệp đang có rồi thoát, mã thoát như import",
                         .default_value = "false"});
  watch.check = [](const Arguments& arguments) -> absl::Status {
    for (const CommandSpec& command : AllCommands()) {
      if (command.name == "import") return command.check(arguments);
    }
    return absl::OkStatus();
  };
  watch.run = &RunWatch;
  commands.push_back(std::move(watch));
}

}  // namespace dondoc::ctl
