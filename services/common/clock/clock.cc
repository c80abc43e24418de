#include "services/common/clock/clock.h"

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/mutex/mutex.h"
#include "services/common/status/macros.h"

namespace dondoc {
namespace {

constexpr std::chrono::milliseconds kFileReadAgainAfter{20};
constexpr std::streamsize kFileBytesMax = 256;

class SystemClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

// Starts at an instant and runs with the steady clock, so that a step of the machine's clock does
// not move it.
class ShiftedClock : public Clock {
 public:
  explicit ShiftedClock(absl::Time start)
      : start_(start), started_(std::chrono::steady_clock::now()) {}
  absl::Time Now() const override {
    return start_ + absl::FromChrono(std::chrono::steady_clock::now() - started_);
  }

 private:
  const absl::Time start_;
  const std::chrono::steady_clock::time_point started_;
};

absl::StatusOr<absl::Time> ReadInstantFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kFileBytesMax, '\0');
  file.read(bytes.data(), kFileBytesMax);
  // A folder opens and then cannot be read; a short file is at its end.
  if (!file.eof() && file.fail()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " cannot be read"));
  }
  bytes.resize(static_cast<size_t>(file.gcount()));
  const absl::string_view first_line =
      absl::StripAsciiWhitespace(absl::string_view(bytes).substr(0, bytes.find('\n')));
  absl::StatusOr<absl::Time> instant = ParseInstant(first_line);
  if (!instant.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", instant.status().message()));
  }
  return instant;
}

class FileClock : public Clock {
 public:
  FileClock(std::string path, absl::Time now) : path_(std::move(path)), now_(now) {}

  absl::Time Now() const override {
    MutexLock lock(mutex_);
    const auto real_now = std::chrono::steady_clock::now();
    if (real_now >= read_again_) {
      read_again_ = real_now + kFileReadAgainAfter;
      const absl::StatusOr<absl::Time> instant = ReadInstantFile(path_);
      // Time stands still while the file is away or half written; said once, not every 20 ms.
      if (!instant.ok() && readable_) {
        log::Warning("time stands still", {{"error", instant.status().message()}});
      }
      readable_ = instant.ok();
      if (instant.ok()) now_ = *instant;
    }
    return now_;
  }

 private:
  const std::string path_;
  mutable Mutex mutex_;
  mutable absl::Time now_ ABSL_GUARDED_BY(mutex_);
  mutable bool readable_ ABSL_GUARDED_BY(mutex_) = true;
  mutable std::chrono::steady_clock::time_point read_again_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Clock>> MakeClock(const std::string& now,
                                                 const std::string& now_file) {
  if (!now.empty() && !now_file.empty()) {
    return absl::InvalidArgumentError("--now and --now_file cannot both be given");
  }
  if (!now.empty()) {
    const absl::StatusOr<absl::Time> start = ParseInstant(now);
    if (!start.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--now: ", start.status().message()));
    }
    return std::make_unique<ShiftedClock>(*start);
  }
  if (!now_file.empty()) {
    const absl::StatusOr<absl::Time> instant = ReadInstantFile(now_file);
    if (!instant.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--now_file: ", instant.status().message()));
    }
    return std::make_unique<FileClock>(now_file, *instant);
  }
  return std::make_unique<SystemClock>();
}

}  // namespace dondoc
