#include "services/alerting/bounce_intake.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/bounce.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

namespace fs = std::filesystem;

// Between looks.
constexpr absl::Duration kLookEvery = absl::Seconds(10);

}  // namespace

absl::StatusOr<std::vector<v1::Bounce>> BounceIntake::Take(absl::string_view message) {
  const absl::StatusOr<Notification> notification = ParseNotification(message);
  if (!notification.ok()) {
    metrics_.bounces_unreadable.Increment();
    return notification.status();
  }
  std::vector<v1::Bounce> bounces;
  for (const DeliveryReport& report : notification->reports) {
    v1::Bounce bounce;
    bounce.set_recipient(report.recipient);
    bounce.set_action(report.action);
    bounce.set_status(report.status);
    bounce.set_diagnostic(report.diagnostic);
    *bounce.mutable_create_time() = ToProto(clock_.Now());
    bounce.set_suppressed(report.action == "failed" && MeansNoMailbox(report.status));
    absl::StatusOr<v1::Bounce> stored = store_.SaveBounce(notification->message_id, bounce);
    if (absl::IsNotFound(stored.status())) {
      metrics_.bounces_unmatched.Increment();
      continue;
    }
    RETURN_IF_ERROR(stored.status());
    metrics_.bounces_matched.Increment();
    if (stored->suppressed()) metrics_.suppressions.Increment();
    bounces.push_back(*std::move(stored));
  }
  return bounces;
}

absl::Status BounceMaildir::Check(const std::string& folder) {
  for (const char* part : {"new", "cur"}) {
    std::error_code error;
    if (!fs::is_directory(fs::path(folder) / part, error)) {
      return absl::FailedPreconditionError(absl::StrCat(folder, " has no folder ", part));
    }
  }
  return absl::OkStatus();
}

BounceMaildir::BounceMaildir(BounceIntake& intake, std::string folder)
    : intake_(intake), folder_(std::move(folder)) {}

BounceMaildir::~BounceMaildir() { Stop(); }

void BounceMaildir::Start() {
  thread_ = std::thread([this] { Run(); });
}

void BounceMaildir::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void BounceMaildir::Run() {
  while (true) {
    if (const auto looked = Look(); !looked.ok()) {
      log::Error("bounces", {{"status", looked.status().ToString()}});
    }
    MutexLock lock(mutex_);
    if (!stopping_) wake_.WaitFor(mutex_, kLookEvery);
    if (stopping_) return;
  }
}

absl::StatusOr<int> BounceMaildir::Look() {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(fs::path(folder_) / "new", error), end;
       !error && entry != end && files.size() < kFilesMax; entry.increment(error)) {
    if (entry->is_regular_file(error)) files.push_back(entry->path());
  }
  if (error) return absl::UnavailableError(absl::StrCat(folder_, ": ", error.message()));
  std::sort(files.begin(), files.end());
  int moved = 0;
  for (const fs::path& file : files) {
    std::ifstream input(file, std::ios::binary);
    std::string message(kNotificationBytesMax + 1, '\0');
    input.read(message.data(), static_cast<std::streamsize>(message.size()));
    message.resize(static_cast<size_t>(std::max<std::streamsize>(input.gcount(), 0)));
    const absl::Status taken = intake_.Take(message).status();
    if (!taken.ok() && !absl::IsInvalidArgument(taken)) return taken;
    if (!taken.ok()) {
      log::Warning("no delivery status notification",
                   {{"file", file.filename().string()}, {"why", taken.message()}});
    }
    fs::rename(file, fs::path(folder_) / "cur" / absl::StrCat(file.filename().string(), ":2,S"),
               error);
    if (error) return absl::UnavailableError(absl::StrCat(folder_, ": ", error.message()));
    ++moved;
  }
  return moved;
}

}  // namespace dondoc::alerting
