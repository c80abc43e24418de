#include "services/ctl/folder_watch.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/status/macros.h"
#include "services/ctl/files.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kStateBytesMax = 64 << 20;
constexpr size_t kPieceBytes = 256 << 10;
constexpr char kTaken[] = "taken";
constexpr char kFailed[] = "failed";

// Names that programs give to what they have not finished.
bool IsTemporaryName(absl::string_view name) {
  if (absl::StartsWith(name, ".") || absl::StartsWith(name, "~")) return true;
  for (const char* end : {".part", ".tmp", ".crdownload", ".partial", ".filepart"}) {
    if (absl::EndsWithIgnoreCase(name, end)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> HashFile(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return FileError(errno, "không mở được tệp", path);
  EVP_MD_CTX* const digest = EVP_MD_CTX_new();
  EVP_DigestInit_ex(digest, EVP_sha256(), nullptr);
  std::vector<char> piece(kPieceBytes);
  size_t got = 0;
  while ((got = std::fread(piece.data(), 1, piece.size(), file)) > 0) {
    EVP_DigestUpdate(digest, piece.data(), got);
  }
  const int error_number = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest, bytes, &size);
  EVP_MD_CTX_free(digest);
  if (error_number != 0) return FileError(error_number, "không đọc được tệp", path);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), size));
}

FolderWatch::FolderWatch(Options options, Take take, std::ostream& err)
    : options_(std::move(options)), take_(std::move(take)), err_(err) {}

FolderWatch::~FolderWatch() {
  if (events_fd_ >= 0) close(events_fd_);
  if (state_fd_ >= 0) close(state_fd_);  // gives the lock back
}

absl::StatusOr<std::unique_ptr<FolderWatch>> FolderWatch::Open(Options options, Take take,
                                                               std::ostream& err) {
  for (const std::string& folder : {options.folder, options.done_folder, options.failed_folder}) {
    if (folder.empty()) continue;
    struct stat facts {};
    if (stat(folder.c_str(), &facts) != 0) {
      return FileError(errno, "không mở được thư mục", folder);
    }
    if (!S_ISDIR(facts.st_mode)) return FileError(ENOTDIR, "không phải thư mục:", folder);
  }
  std::unique_ptr<FolderWatch> watch(new FolderWatch(std::move(options), std::move(take), err));
  RETURN_IF_ERROR(watch->LoadState());
  watch->events_fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (watch->events_fd_ >= 0 &&
      inotify_add_watch(watch->events_fd_, watch->options_.folder.c_str(),
                        IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0) {
    close(watch->events_fd_);
    watch->events_fd_ = -1;  // looking now and then does as well
  }
  return watch;
}

absl::Status FolderWatch::LoadState() {
  const std::string& path = options_.state_file;
  state_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (state_fd_ < 0) return FileError(errno, "không mở được tệp", path);
  if (flock(state_fd_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("một dondocctl watch khác đang dùng ", path));
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kStateBytesMax));
  // A last line that a crash cut short is not a line, and the next one must not continue it.
  const size_t end = text.rfind('\n') + 1;
  if (end != text.size() && ftruncate(state_fd_, static_cast<off_t>(end)) != 0) {
    return FileError(errno, "không sửa được tệp", path);
  }
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text).substr(0, end), '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, '\t');
    if (fields.size() < 2) {
      return absl::UnavailableError(absl::StrCat(path, " không phải là tệp của dondocctl watch"));
    }
    taken_hashes_[std::string(fields[0])] = std::string(fields[1]);
  }
  return absl::OkStatus();
}

absl::Status FolderWatch::Remember(const std::string& hash, const std::string& outcome,
                                   const std::string& import_id, const std::string& name) {
  // The name is for people only.
  const std::string line =
      absl::StrCat(hash, "\t", outcome, "\t", import_id, "\t", Printable(name), "\n");
  if (write(state_fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      fdatasync(state_fd_) != 0) {
    return FileError(errno, "không ghi được tệp", options_.state_file);
  }
  taken_hashes_[hash] = outcome;
  return absl::OkStatus();
}

absl::StatusOr<bool> FolderWatch::Look(absl::Time now) {
  std::error_code error;
  std::set<std::string> there;
  fs::directory_iterator entry(options_.folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!IsTemporaryName(name) && there.size() < kWatchedFilesMax) there.insert(name);
  }
  if (error) return FileError(error.value(), "không đọc được thư mục", options_.folder);
  bool awaited = false;
  for (const std::string& name : there) {
    const std::string path = (fs::path(options_.folder) / name).string();
    struct stat facts {};
    if (lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    if (path == options_.state_file) continue;
    const Facts now_so = {
        facts.st_size, facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec, facts.st_ino};
    const auto [found, is_new] = files_.try_emplace(name);
    Seen& seen = found->second;
    if (is_new || !(seen.facts == now_so)) seen = {now_so, now, absl::InfinitePast(), false};
    if (seen.over) continue;
    if (now - seen.since < options_.settle || now < seen.not_before) {
      awaited = true;
      continue;
    }
    RETURN_IF_ERROR(TakeOne(name, seen, now));
    awaited = awaited || !seen.over;
  }
  for (auto file = files_.begin(); file != files_.end();) {
    file = there.count(file->first) == 0 ? files_.erase(file) : std::next(file);
  }
  return awaited;
}

absl::Status FolderWatch::TakeOne(const std::string& name, Seen& seen, absl::Time now) {
  const std::string path = (fs::path(options_.folder) / name).string();
  const absl::StatusOr<std::string> hash = HashFile(path);
  if (!hash.ok()) {
    err_ << "dondocctl: watch: " << Printable(hash.status().message()) << "\n";
    seen.not_before = now + options_.retry_after;
    return absl::OkStatus();
  }
  const auto known = taken_hashes_.find(*hash);
  if (known != taken_hashes_.end()) {
    seen.over = true;
    MoveTo(known->second == kFailed ? options_.failed_folder : options_.done_folder, name);
    return absl::OkStatus();
  }
  std::string import_id;
  switch (take_(path, import_id)) {
    case Outcome::kTaken:
      RETURN_IF_ERROR(Remember(*hash, kTaken, import_id, name));
      MoveTo(options_.done_folder, name);
      seen.over = true;
      break;
    case Outcome::kFailed:
      RETURN_IF_ERROR(Remember(*hash, kFailed, import_id, name));
      MoveTo(options_.failed_folder, name);
      seen.over = true;
      break;
    case Outcome::kRefused:
      seen.over = true;
      break;
    case Outcome::kLater:
      seen.not_before = now + options_.retry_after;
      break;
  }
  return absl::OkStatus();
}

void FolderWatch::MoveTo(const std::string& folder, const std::string& name) {
  if (folder.empty()) return;
  const fs::path from = fs::path(options_.folder) / name;
  fs::path to = fs::path(folder) / name;
  for (int number = 2; fs::exists(fs::symlink_status(to)) && number < 10'000; ++number) {
    to = fs::path(folder) /
         absl::StrCat(from.stem().string(), "-", number, from.extension().string());
  }
  // RENAME_NOREPLACE is not everywhere; the folder is this program's.
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    err_ << "dondocctl: watch: "
         << Printable(FileError(errno, "không chuyển được tệp tới", to.string()).message()) << "\n";
  }
}

void FolderWatch::DrainEvents() const {
  if (events_fd_ < 0) return;
  char buffer[16 << 10];
  while (read(events_fd_, buffer, sizeof(buffer)) > 0) {
  }
}

absl::Status FolderWatch::Run(int stop_fd) {
  while (true) {
    ASSIGN_OR_RETURN(const bool awaited, Look(absl::Now()));
    const absl::Duration wait =
        awaited ? std::min(options_.settle / 2 + absl::Milliseconds(10), options_.look_every)
                : options_.look_every;
    pollfd fds[2] = {{stop_fd, POLLIN, 0}, {events_fd_, POLLIN, 0}};
    const int ready =
        poll(fds, events_fd_ < 0 ? 1 : 2, static_cast<int>(absl::ToInt64Milliseconds(wait)));
    if (ready < 0 && errno != EINTR) return FileError(errno, "poll", options_.folder);
    if ((fds[0].revents & POLLIN) != 0) return absl::OkStatus();
    DrainEvents();
  }
}

}  // namespace dondoc::ctl
