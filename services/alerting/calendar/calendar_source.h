#pragma once

#include <memory>
#include <utility>

#include "services/alerting/calendar/working_calendar.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting {

// The calendar in use; replaced as a whole when holidays change, so that whoever took it keeps one
// that does not move under it. Thread-safe.
class CalendarSource {
 public:
  explicit CalendarSource(WorkingCalendar calendar = WorkingCalendar())
      : current_(std::make_shared<const WorkingCalendar>(std::move(calendar))) {}

  std::shared_ptr<const WorkingCalendar> Current() const {
    MutexLock lock(mutex_);
    return current_;
  }
  void Set(WorkingCalendar calendar) {
    auto next = std::make_shared<const WorkingCalendar>(std::move(calendar));
    MutexLock lock(mutex_);
    current_ = std::move(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const WorkingCalendar> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::alerting
