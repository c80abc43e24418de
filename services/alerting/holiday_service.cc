#include "services/alerting/holiday_service.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "services/alerting/calendar/ical_holidays.h"
#include "services/alerting/campaign.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/broken_stream.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting {
namespace {

absl::StatusOr<std::string> CheckDay(absl::string_view field, const std::string& text) {
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  if (day.ok()) return FormatDay(*day);
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", day.status().message()));
}

}  // namespace

absl::Status LoadCalendar(const HolidayStore& store, CalendarSource& calendar) {
  ASSIGN_OR_RETURN(const std::vector<v1::Holiday> holidays, store.ListHolidays());
  std::set<absl::CivilDay> off;
  std::set<absl::CivilDay> worked;
  for (const v1::Holiday& holiday : holidays) {
    ASSIGN_OR_RETURN(const absl::CivilDay day, ParseDay(holiday.day()));
    (holiday.kind() == v1::HolidayKind::WORKED ? worked : off).insert(day);
  }
  calendar.Set(WorkingCalendar(std::move(off), std::move(worked)));
  return absl::OkStatus();
}

absl::Status HolidayServiceHandler::Store(const std::vector<v1::Holiday>& holidays) {
  RETURN_IF_ERROR(store_.PutHolidays(holidays));
  RETURN_IF_ERROR(LoadCalendar(store_, calendar_));
  changed_();
  return absl::OkStatus();
}

grpc::Status HolidayServiceHandler::ListHolidays(grpc::ServerContext* /*context*/,
                                                 const v1::ListHolidaysRequest* request,
                                                 v1::ListHolidaysResponse* response) {
  for (const auto& [field, text] :
       {std::pair("from", &request->from()), std::pair("to", &request->to())}) {
    if (text->empty()) continue;
    if (const auto day = CheckDay(field, *text); !day.ok()) return ToGrpc(day.status());
  }
  const auto holidays = store_.ListHolidays();
  if (!holidays.ok()) return ToGrpc(holidays.status());
  for (const v1::Holiday& holiday : *holidays) {
    // ISO days compare as texts.
    if (!request->from().empty() && holiday.day() < request->from()) continue;
    if (!request->to().empty() && holiday.day() > request->to()) continue;
    *response->add_holidays() = holiday;
  }
  return grpc::Status::OK;
}

absl::StatusOr<v1::Holiday> HolidayServiceHandler::Put(const v1::PutHolidayRequest& request) {
  v1::Holiday holiday;
  ASSIGN_OR_RETURN(*holiday.mutable_day(), CheckDay("day", request.day()));
  if (request.kind() != v1::HolidayKind::DAY_OFF && request.kind() != v1::HolidayKind::WORKED) {
    return absl::InvalidArgumentError("kind: is not DAY_OFF or WORKED");
  }
  RETURN_IF_ERROR(CheckLine("name", request.name(), 0, kHolidayNameBytesMax));
  RETURN_IF_ERROR(CheckAuthor(request.author()));
  holiday.set_kind(request.kind());
  holiday.set_name(request.name());
  holiday.set_author(request.author());
  *holiday.mutable_update_time() = ToProto(clock_.Now());
  RETURN_IF_ERROR(Store({holiday}));
  return holiday;
}

grpc::Status HolidayServiceHandler::PutHoliday(grpc::ServerContext* /*context*/,
                                               const v1::PutHolidayRequest* request,
                                               v1::Holiday* response) {
  return Answer(Put(*request), response);
}

grpc::Status HolidayServiceHandler::DeleteHoliday(grpc::ServerContext* /*context*/,
                                                  const v1::DeleteHolidayRequest* request,
                                                  v1::DeleteHolidayResponse* /*response*/) {
  const auto day = CheckDay("day", request->day());
  if (!day.ok()) return ToGrpc(day.status());
  if (const absl::Status deleted = store_.DeleteHoliday(*day); !deleted.ok()) {
    return ToGrpc(deleted);
  }
  const absl::Status loaded = LoadCalendar(store_, calendar_);
  if (loaded.ok()) changed_();
  return ToGrpc(loaded);
}

absl::StatusOr<v1::ImportHolidaysResponse> HolidayServiceHandler::Import(const std::string& author,
                                                                         const std::string& until,
                                                                         const std::string& text) {
  RETURN_IF_ERROR(CheckAuthor(author));
  const absl::CivilDay today = DayOf(clock_.Now());
  absl::CivilDay last(today.year() + kHolidayYearsDefault, 12, 31);
  if (!until.empty()) {
    ASSIGN_OR_RETURN(const std::string checked, CheckDay("until", until));
    ASSIGN_OR_RETURN(last, ParseDay(checked));
    if (last.year() > today.year() + kHolidayYearsMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("until: ", until, " is more than ", kHolidayYearsMax, " years ahead"));
    }
  }
  ASSIGN_OR_RETURN(const IcalHolidays read, ReadIcalHolidays(text, last));
  v1::ImportHolidaysResponse response;
  for (const IcalDay& one : read.days) {
    v1::Holiday* holiday = response.add_holidays();
    holiday->set_day(FormatDay(one.day));
    holiday->set_kind(one.worked ? v1::HolidayKind::WORKED : v1::HolidayKind::DAY_OFF);
    holiday->set_name(one.name);
    holiday->set_author(author);
    *holiday->mutable_update_time() = ToProto(clock_.Now());
  }
  response.mutable_skipped()->Assign(read.skipped.begin(), read.skipped.end());
  RETURN_IF_ERROR(
      Store(std::vector<v1::Holiday>(response.holidays().begin(), response.holidays().end())));
  return response;
}

grpc::Status HolidayServiceHandler::ImportHolidays(
    grpc::ServerContext* context, grpc::ServerReader<v1::ImportHolidaysRequest>* reader,
    v1::ImportHolidaysResponse* response) {
  v1::ImportHolidaysRequest piece;
  std::string author;
  std::string until;
  std::string text;
  for (bool first = true; reader->Read(&piece); first = false) {
    if (first) {
      author = piece.author();
      until = piece.until();
    }
    if (text.size() + piece.body().data().size() > kIcalBytesMax) {
      return ToGrpc(
          absl::InvalidArgumentError(absl::StrCat("body: more than ", kIcalBytesMax, " bytes")));
    }
    text += piece.body().data();
  }
  if (BrokeOff(*context)) return ToGrpc(absl::CancelledError("the upload broke off"));
  return Answer(Import(author, until, text), response);
}

}  // namespace dondoc::alerting
