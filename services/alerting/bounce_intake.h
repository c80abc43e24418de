#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/alerting/metrics.h"
#include "services/alerting/store/mail_store.h"
#include "services/common/clock/clock.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting {

// Takes in what came back. Thread-safe.
class BounceIntake {
 public:
  BounceIntake(MailStore& store, const Clock& clock, Metrics& metrics)
      : store_(store), clock_(clock), metrics_(metrics) {}

  // What one notification says about mail of ours, stored. kInvalidArgument when it is none.
  // Safe to repeat.
  absl::StatusOr<std::vector<v1::Bounce>> Take(absl::string_view message);

 private:
  MailStore& store_;
  const Clock& clock_;
  Metrics& metrics_;
};

// Reads a maildir that the mail system delivers notifications to: every file of new/ is taken in
// and then moved to cur/, with the mark "seen"; what is no notification is moved as well. A store
// that fails leaves the file for the next look.
class BounceMaildir {
 public:
  // `folder` holds new/ and cur/. kFailedPrecondition when it does not.
  static absl::Status Check(const std::string& folder);

  BounceMaildir(BounceIntake& intake, std::string folder);
  ~BounceMaildir();
  void Start();
  void Stop();

  // One look, at most kFilesMax files; returns how many were moved.
  absl::StatusOr<int> Look();

 private:
  static constexpr int kFilesMax = 1000;
  void Run();

  BounceIntake& intake_;
  const std::string folder_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dondoc::alerting
