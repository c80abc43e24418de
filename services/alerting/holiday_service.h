#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dondoc/v1/holidays.grpc.pb.h"
#include "services/alerting/calendar/calendar_source.h"
#include "services/alerting/calls.h"
#include "services/alerting/store/alert_store.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

// How far ahead an iCalendar's yearly rules are followed.
inline constexpr int kHolidayYearsDefault = 5;
inline constexpr int kHolidayYearsMax = 10;

// Puts the stored holidays into `calendar`.
absl::Status LoadCalendar(const HolidayStore& store, CalendarSource& calendar);

// The API of holidays: decode and check, call, encode. Thread-safe.
class HolidayServiceHandler final : public v1::HolidayService::Service {
 public:
  // `changed` is called after days changed.
  HolidayServiceHandler(HolidayStore& store, CalendarSource& calendar, const Clock& clock,
                        std::function<void()> changed)
      : store_(store), calendar_(calendar), clock_(clock), changed_(std::move(changed)) {}

  grpc::Status ListHolidays(grpc::ServerContext* context, const v1::ListHolidaysRequest* request,
                            v1::ListHolidaysResponse* response) override;
  grpc::Status PutHoliday(grpc::ServerContext* context, const v1::PutHolidayRequest* request,
                          v1::Holiday* response) override;
  grpc::Status DeleteHoliday(grpc::ServerContext* context, const v1::DeleteHolidayRequest* request,
                             v1::DeleteHolidayResponse* response) override;
  grpc::Status ImportHolidays(grpc::ServerContext* context,
                              grpc::ServerReader<v1::ImportHolidaysRequest>* reader,
                              v1::ImportHolidaysResponse* response) override;

 private:
  absl::StatusOr<v1::Holiday> Put(const v1::PutHolidayRequest& request);
  absl::Status Store(const std::vector<v1::Holiday>& holidays);
  absl::StatusOr<v1::ImportHolidaysResponse> Import(const std::string& author,
                                                    const std::string& until,
                                                    const std::string& text);

  HolidayStore& store_;
  CalendarSource& calendar_;
  const Clock& clock_;
  const std::function<void()> changed_;
};

}  // namespace dondoc::alerting
