#include "services/ctl/import_upload.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/common/mutex/mutex.h"
#include "services/common/status/macros.h"
#include "services/ctl/files.h"
#include "services/ctl/progress.h"

namespace dondoc::ctl {
namespace {

constexpr absl::Duration kUploadTimeout = absl::Hours(1);
constexpr absl::Duration kAskProgressEvery = absl::Milliseconds(300);
constexpr absl::Duration kAskProgressTimeout = absl::Seconds(2);
constexpr absl::Duration kTick = absl::Milliseconds(100);
// Between tries to go on with a broken upload; doubled each time.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(250);

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct SourceFile {
  std::unique_ptr<std::FILE, CloseFile> file;
  int64_t bytes = 0;
};

absl::StatusOr<SourceFile> OpenFile(const std::string& path) {
  SourceFile source;
  source.file.reset(std::fopen(path.c_str(), "rb"));
  if (source.file == nullptr) return FileError(errno, "không mở được tệp", path);
  struct stat facts {};
  if (fstat(fileno(source.file.get()), &facts) != 0) {
    return FileError(errno, "không đọc được tệp", path);
  }
  if (!S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " không phải là một tệp thường"));
  }
  source.bytes = facts.st_size;
  return source;
}

std::string NewImportId() {
  std::random_device device;
  const uint64_t high = device();
  return absl::StrFormat("ctl-%08x%08x%08x", high, uint64_t{device()}, uint64_t{device()});
}

HttpRequest RequestOf(const Arguments& arguments, const std::string& path,
                      const std::string& import_id, const SourceFile& source) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/imports";
  request.query.emplace_back("import_id", import_id);
  request.query.emplace_back("filename", std::filesystem::path(path).filename().string());
  AddQuery(arguments, {"channel", "covers_from", "covers_to", "extracted_at", "unit_column"},
           request.query);
  for (const std::string& unit : arguments.List("covers_units")) {
    request.query.emplace_back("covers_unit_ids", unit);
  }
  for (const char* flag : {"complete", "preview", "confirm_withdrawals"}) {
    if (arguments.Bool(flag)) request.query.emplace_back(flag, "true");
  }
  // Makes it an upload that can be continued; an empty file is whole at once.
  if (source.bytes > 0) request.query.emplace_back("total_bytes", absl::StrCat(source.bytes));
  request.content_type =
      absl::EndsWithIgnoreCase(path, ".csv") ? "text/csv" : "application/octet-stream";
  request.body_file = source.file.get();
  request.body_bytes = source.bytes;
  return request;
}

// What the sending threads and the one that shows progress share.
struct Board {
  Mutex mutex;
  CondVar changed;
  size_t next ABSL_GUARDED_BY(mutex) = 0;  // the first file not begun
  bool stop ABSL_GUARDED_BY(mutex) = false;
};

// One file. What is not guarded is the sending thread's until `done`.
struct Transfer {
  std::string path;
  std::string import_id;
  std::atomic<int64_t> bytes_sent{0};
  std::atomic<int64_t> bytes_total{0};
  std::atomic<bool> begun{false};
  std::atomic<bool> done{false};
  UploadAnswer answer = absl::UnknownError("not sent");
  // The showing thread's.
  FileProgress progress;
  absl::Time begun_at;
};

class Sender {
 public:
  Sender(const Arguments& arguments, Board& board, Transfer& transfer)
      : arguments_(arguments), board_(board), transfer_(transfer) {}

  UploadAnswer Send() {
    ASSIGN_OR_RETURN(const SourceFile source, OpenFile(transfer_.path));
    transfer_.bytes_total = source.bytes;
    const HttpRequest whole = RequestOf(arguments_, transfer_.path, transfer_.import_id, source);
    int64_t offset = 0;
    for (int tries = 0;;) {
      UploadAnswer answer = SendFrom(whole, offset);
      const bool part = answer.ok() && answer->message.state() == v1::ImportState::RUNNING;
      if (answer.ok() && !part) return answer;
      if (!part && !MayGoOn(answer.status())) return answer;
      const int64_t before = offset;
      if (!WaitBeforeTry(tries)) return answer;
      UploadAnswer found = Find();
      if (found.ok() && found->message.state() != v1::ImportState::RUNNING) return found;
      if (found.ok()) offset = std::min(found->message.bytes(), source.bytes);
      if (absl::IsNotFound(found.status())) offset = 0;
      tries = offset > before ? 0 : tries + 1;
      if (tries >= kUploadTriesMax) return answer;
    }
  }

 private:
  UploadAnswer SendFrom(HttpRequest request, int64_t offset) {
    if (offset > 0) {
      request.query.emplace_back("offset", absl::StrCat(offset));
      request.body_start = offset;
      request.body_bytes -= offset;
    }
    request.on_sent = [this, offset](int64_t bytes) { transfer_.bytes_sent = offset + bytes; };
    HttpClient http(arguments_.Text("server"), kUploadTimeout);
    return ApiClient(http).Ask<v1::Import>(request);
  }

  UploadAnswer Find() {
    HttpClient http(arguments_.Text("server"), kAskProgressTimeout);
    return ApiClient(http).Get<v1::Import>(
        absl::StrCat("/v1/imports/", EscapeSegment(transfer_.import_id)));
  }

  // A server that never took a byte is not waited for.
  bool MayGoOn(const absl::Status& status) const {
    return transfer_.bytes_sent > 0 && (absl::IsUnavailable(status) || absl::IsOutOfRange(status));
  }

  // False when everything is to stop.
  bool WaitBeforeTry(int tries) {
    const absl::Time until = absl::Now() + kRetryAfter * (1 << tries);
    MutexLock lock(board_.mutex);
    while (!board_.stop && absl::Now() < until) {
      board_.changed.WaitFor(board_.mutex, until - absl::Now());
    }
    return !board_.stop;
  }

  const Arguments& arguments_;
  Board& board_;
  Transfer& transfer_;
};

// Sends one file after the other until there are no more.
void SendNext(const Arguments& arguments, Board& board,
              const std::vector<std::unique_ptr<Transfer>>& transfers) {
  while (true) {
    Transfer* transfer = nullptr;
    {
      MutexLock lock(board.mutex);
      if (board.stop || board.next == transfers.size()) return;
      transfer = transfers[board.next++].get();
    }
    transfer->begun = true;
    transfer->answer = Sender(arguments, board, *transfer).Send();
    transfer->done = true;
    MutexLock lock(board.mutex);
    board.changed.SignalAll();
  }
}

// Asks the server how far a file is. An import that the server does not know yet has no progress;
// the upload itself says what is wrong, if something is.
void AskProgress(ApiClient& api, Transfer& transfer) {
  const auto import =
      api.Get<v1::Import>(absl::StrCat("/v1/imports/", EscapeSegment(transfer.import_id)));
  if (!import.ok()) return;
  transfer.progress.state.rows = import->message.rows();
  transfer.progress.state.rejected = import->message.rejected();
}

// Shows the files on their way until `transfer` is done.
class Watcher {
 public:
  Watcher(Context& context, Board& board, const std::vector<std::unique_ptr<Transfer>>& transfers)
      : http_(context.arguments.Text("server"), kAskProgressTimeout),
        api_(http_),
        shown_(context.err, context.terminal_width),
        board_(board),
        transfers_(transfers) {}

  void WaitFor(const Transfer& transfer) {
    while (!transfer.done) {
      {
        MutexLock lock(board_.mutex);
        if (!transfer.done) board_.changed.WaitFor(board_.mutex, kTick);
      }
      if (!transfer.done) Show();
    }
    shown_.Clear();
  }

 private:
  void Show() {
    const absl::Time now = absl::Now();
    const bool ask = now - asked_ >= kAskProgressEvery;
    if (ask) asked_ = now;
    std::vector<FileProgress> files;
    for (const auto& transfer : transfers_) {
      if (!transfer->begun || transfer->done) continue;
      if (transfer->begun_at == absl::Time()) transfer->begun_at = now;
      if (ask) AskProgress(api_, *transfer);
      ProgressState& state = transfer->progress.state;
      state.bytes_sent = transfer->bytes_sent;
      state.bytes_total = transfer->bytes_total;
      state.elapsed = now - transfer->begun_at;
      if (transfers_.size() > 1) {
        transfer->progress.name = std::filesystem::path(transfer->path).filename().string();
      }
      files.push_back(transfer->progress);
    }
    shown_.Update(files, now - start_);
  }

  HttpClient http_;
  ApiClient api_;
  ProgressBoard shown_;
  Board& board_;
  const std::vector<std::unique_ptr<Transfer>>& transfers_;
  const absl::Time start_ = absl::Now();
  absl::Time asked_ = start_;
};

}  // namespace

absl::Status UploadFiles(
    Context& context, const std::vector<std::string>& paths, size_t jobs,
    const std::function<absl::Status(const std::string& path, const UploadAnswer& answer)>& done) {
  std::vector<std::unique_ptr<Transfer>> transfers;
  const std::string given_id = context.arguments.Text("import_id");
  for (const std::string& path : paths) {
    transfers.push_back(std::make_unique<Transfer>());
    transfers.back()->path = path;
    transfers.back()->import_id = given_id.empty() ? NewImportId() : given_id;
  }
  Board board;
  std::vector<std::thread> senders;
  for (size_t i = 0; i < std::min(jobs, paths.size()); ++i) {
    senders.emplace_back([&] { SendNext(context.arguments, board, transfers); });
  }
  Watcher watcher(context, board, transfers);
  absl::Status status;
  for (const auto& transfer : transfers) {
    watcher.WaitFor(*transfer);
    status = done(transfer->path, transfer->answer);
    if (!status.ok()) break;
  }
  {
    MutexLock lock(board.mutex);
    board.stop = !status.ok();
    board.changed.SignalAll();
  }
  for (std::thread& sender : senders) sender.join();
  return status;
}

}  // namespace dondoc::ctl
