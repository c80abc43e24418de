#include "services/ctl/import_upload.h"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>
#include <utility>

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
  request.content_type =
      absl::EndsWithIgnoreCase(path, ".csv") ? "text/csv" : "application/octet-stream";
  request.body_file = source.file.get();
  request.body_bytes = source.bytes;
  return request;
}

// What the sending thread and the one that shows progress share.
struct Shared {
  std::atomic<int64_t> bytes_sent{0};
  Mutex mutex;
  CondVar changed;
  bool done ABSL_GUARDED_BY(mutex) = false;
};

bool WaitForEnd(Shared& shared) {
  MutexLock lock(shared.mutex);
  if (!shared.done) shared.changed.WaitFor(shared.mutex, kTick);
  return shared.done;
}

// Until the sending thread is done, asks the server how far it is and shows it.
void ShowProgress(Context& context, const std::string& import_id, int64_t bytes_total,
                  Shared& shared) {
  HttpClient http(context.arguments.Text("server"), kAskProgressTimeout);
  ApiClient api(http);
  ProgressPrinter printer(context.err, context.terminal_width);
  ProgressState state;
  state.bytes_total = bytes_total;
  const absl::Time start = absl::Now();
  absl::Time asked = start;
  while (!WaitForEnd(shared)) {
    if (absl::Now() - asked >= kAskProgressEvery) {
      // An import that the server does not know yet has no progress; the upload itself says what
      // is wrong, if something is.
      const auto import = api.Get<v1::Import>(absl::StrCat("/v1/imports/", import_id));
      if (import.ok()) {
        state.rows = import->message.rows();
        state.rejected = import->message.rejected();
      }
      asked = absl::Now();
    }
    state.bytes_sent = shared.bytes_sent;
    state.elapsed = absl::Now() - start;
    printer.Update(state);
  }
  printer.Finish();
}

}  // namespace

absl::StatusOr<Answer<v1::Import>> UploadFile(Context& context, const std::string& path) {
  ASSIGN_OR_RETURN(const SourceFile source, OpenFile(path));
  const std::string given_id = context.arguments.Text("import_id");
  const std::string import_id = given_id.empty() ? NewImportId() : given_id;
  Shared shared;
  HttpRequest request = RequestOf(context.arguments, path, import_id, source);
  request.on_sent = [&shared](int64_t bytes) { shared.bytes_sent = bytes; };

  absl::StatusOr<Answer<v1::Import>> answer = absl::UnknownError("not sent");
  std::thread sender([&] {
    HttpClient http(context.arguments.Text("server"), kUploadTimeout);
    answer = ApiClient(http).Ask<v1::Import>(request);
    MutexLock lock(shared.mutex);
    shared.done = true;
    shared.changed.SignalAll();
  });
  ShowProgress(context, import_id, source.bytes, shared);
  sender.join();
  return answer;
}

}  // namespace dondoc::ctl
