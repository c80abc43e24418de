#include "services/ctl/sample/year.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "services/common/status/macros.h"
#include "services/ctl/sample/random.h"

namespace dondoc::sample {
namespace {

constexpr int kDays = static_cast<int>(kLastDay - kFirstDay) + 1;

// How often things happen, in 1/10000 of a unit's counted dossiers.
constexpr int64_t kPendingPer10000 = 150;
constexpr int64_t kRefusedPer10000 = 100;
constexpr int64_t kRepeatedPer10000 = 250;
constexpr int64_t kPostalPer10000 = 600;
constexpr int64_t kUnknownChannelPer10000 = 60;
constexpr int64_t kOnlineWithoutServicePer10000 = 15;
// Rows of each defect.
constexpr int kBadRows = 6;

struct Holiday {
  absl::CivilDay first, last;
};
// With the days given in their stead.
constexpr Holiday kHolidays[] = {
    {absl::CivilDay(2023, 1, 1), absl::CivilDay(2023, 1, 2)},
    {absl::CivilDay(2023, 1, 20), absl::CivilDay(2023, 1, 26)},  // Tết Quý Mão
    {absl::CivilDay(2023, 4, 29), absl::CivilDay(2023, 5, 3)},   // Giỗ Tổ, 30/4, 1/5
    {absl::CivilDay(2023, 9, 1), absl::CivilDay(2023, 9, 4)},    // Quốc khánh
};

bool IsHoliday(absl::CivilDay day) {
  return std::any_of(std::begin(kHolidays), std::end(kHolidays), [&](const Holiday& holiday) {
    return day >= holiday.first && day <= holiday.last;
  });
}

int64_t DayWeight(absl::CivilDay day) {
  if (IsHoliday(day)) return 0;
  switch (absl::GetWeekday(day)) {
    case absl::Weekday::monday:
      return 120;
    case absl::Weekday::friday:
      return 90;
    case absl::Weekday::saturday:
      return 5;
    case absl::Weekday::sunday:
      return 2;
    default:
      return 100;
  }
}

// Days of receipt; filing online grows over the year, filing at the counter recedes.
WeightedChoice DayChoice(bool online) {
  std::vector<int64_t> weights;
  for (int day = 0; day < kDays; ++day) {
    weights.push_back(DayWeight(kFirstDay + day) * (online ? 160 + day : 480 - day));
  }
  return WeightedChoice(weights);
}

// The first procedures of a unit are asked for far more often than the last.
WeightedChoice ProcedureChoice(const std::vector<Procedure>& procedures,
                               const std::vector<size_t>& of_unit, bool online_services_only) {
  std::vector<int64_t> weights;
  for (size_t i = 0; i < of_unit.size(); ++i) {
    const bool offered = procedures[of_unit[i]].service_level != v1::ServiceLevel::INFORMATION;
    weights.push_back(offered || !online_services_only ? 10'000 / static_cast<int64_t>(i + 2) : 0);
  }
  return WeightedChoice(weights);
}

v1::Status::Value DrawStatus(bool past_due, Random& random) {
  const int64_t draw = random.Below(100);
  if (past_due) {
    if (draw < 70) return v1::Status::RETURNED;
    if (draw < 95) return v1::Status::FINISHED;
    if (draw < 97) return v1::Status::WITHDRAWN;
    if (draw < 98) return v1::Status::STOPPED;
    return v1::Status::PROCESSING;
  }
  if (draw < 20) return v1::Status::RECEIVED;
  if (draw < 75) return v1::Status::PROCESSING;
  if (draw < 85) return v1::Status::SUPPLEMENT_REQUIRED;
  if (draw < 90) return v1::Status::PAYMENT_REQUIRED;
  return v1::Status::FINISHED;
}

v1::Channel::Value DrawOfflineChannel(Random& random) {
  if (random.Chance(kUnknownChannelPer10000)) return v1::Channel::UNKNOWN;
  return random.Chance(kPostalPer10000) ? v1::Channel::POSTAL : v1::Channel::COUNTER;
}

// Makes the rows of one year, unit after unit.
class RowMaker {
 public:
  RowMaker(Year& year, Random& random)
      : year_(year),
        random_(random),
        online_days_(DayChoice(true)),
        other_days_(DayChoice(false)),
        serials_(year.units.size(), std::vector<int>(kSerialDays, 0)) {}

  void AddUnit(size_t unit) {
    Select(unit);
    const UnitPlan& plan = year_.plan[unit];
    for (int64_t i = 0; i < plan.total; ++i) AddCounted(i < plan.online);
    const auto extra = [&](int64_t per_10000) {
      return (plan.total * per_10000 + random_.Below(10'000)) / 10'000;
    };
    for (int64_t left = extra(kPendingPer10000); left > 0; --left) AddPending();
    for (int64_t left = extra(kRefusedPer10000); left > 0; --left) AddRefused();
  }

  void AddDefect(Defect defect) {
    Select(static_cast<size_t>(random_.Below(static_cast<int64_t>(year_.units.size()))));
    Row row = Counted(random_.Chance(4000));
    row.defect = defect;
    if (defect == Defect::kMissingCode) row.code.clear();
    year_.rows.push_back(std::move(row));
  }

 private:
  // Days a code can carry: submissions begin before the window.
  static constexpr int kSerialDays = kDays + 30;

  // The unit whose dossiers are made from here on.
  void Select(size_t unit) {
    const std::vector<size_t>& offered = year_.catalogue.of_unit[unit];
    unit_ = unit;
    procedures_ = &offered;
    any_procedure_ = ProcedureChoice(year_.catalogue.procedures, offered, false);
    online_procedure_ = ProcedureChoice(year_.catalogue.procedures, offered, true);
  }

  absl::CivilSecond OfficeHours(absl::CivilDay day) {
    // 07:30–11:30 and 13:30–17:00.
    const int64_t minute = random_.Below(240 + 210);
    return absl::CivilSecond(day) + (minute < 240 ? 450 + minute : 810 + minute - 240) * 60;
  }

  std::string NewCode(absl::CivilDay day) {
    const int serial = ++serials_[unit_][static_cast<size_t>(day - kFirstDay + 20)];
    return absl::StrFormat("H34.99.%03d-%02d%02d%02d-%04d", unit_ + 1, day.year() % 100,
                           day.month(), day.day(), serial);
  }

  // A received dossier of the current unit in its newest state.
  Row Counted(bool online) {
    Row row;
    row.unit = unit_;
    row.channel = online ? v1::Channel::ONLINE : DrawOfflineChannel(random_);
    const absl::CivilDay day =
        kFirstDay + static_cast<int>((online ? online_days_ : other_days_).Pick(random_));
    row.received = OfficeHours(day);
    // Online dossiers wait for an officer, some over New Year.
    row.submitted = online ? *row.received - 60 * random_.Between(5, 3 * 24 * 60) : *row.received;
    const bool odd = random_.Chance(kOnlineWithoutServicePer10000);
    row.procedure =
        (*procedures_)[(online && !odd ? online_procedure_ : any_procedure_).Pick(random_)];
    row.due = absl::CivilSecond(day + random_.Between(1, 20)) + 17 * 3600;
    row.status = DrawStatus(row.due < kExtracted, random_);
    // Between two minutes after receipt and a minute before the export.
    const int64_t span =
        std::min<int64_t>(kExtracted - *row.received, (row.due - *row.received) * 2);
    row.updated = *row.received + 120 + random_.Below(span - 180);
    row.code = NewCode(absl::CivilDay(row.submitted));
    return row;
  }

  void AddCounted(bool online) {
    Row row = Counted(online);
    if (random_.Chance(kRepeatedPer10000)) AddOlderLine(row);
    year_.rows.push_back(std::move(row));
  }

  void AddPending() {
    Row row = Counted(true);
    row.status = v1::Status::NEW;
    // Most systems leave the day of receipt empty; some fill in the day of submission.
    if (!random_.Chance(1000)) row.received.reset();
    year_.rows.push_back(std::move(row));
  }

  void AddRefused() {
    Row row = Counted(random_.Chance(7000));
    row.status = v1::Status::REFUSED;
    if (random_.Chance(2000)) AddOlderLine(row);
    year_.rows.push_back(std::move(row));
  }

  // The same dossier as an earlier export had it, so that only its newest line may count.
  void AddOlderLine(const Row& newest) {
    Row row = newest;
    row.updated = *newest.received + random_.Below(newest.updated - *newest.received - 60);
    switch (random_.Below(6)) {
      case 0:  // had not been received
        row.status = v1::Status::NEW;
        row.received.reset();
        break;
      case 1:
      case 2:  // the channel was corrected
        row.channel =
            newest.channel == v1::Channel::ONLINE ? v1::Channel::COUNTER : v1::Channel::ONLINE;
        break;
      case 3:  // had been refused
        row.status = v1::Status::REFUSED;
        break;
      case 4:  // the line itself twice
        row = newest;
        break;
      default:
        row.status = v1::Status::PROCESSING;
        if (random_.Chance(1500)) {  // and was with another unit
          row.unit = static_cast<size_t>(random_.Below(static_cast<int64_t>(year_.units.size())));
        }
    }
    year_.rows.push_back(std::move(row));
  }

  Year& year_;
  Random& random_;
  const WeightedChoice online_days_;
  const WeightedChoice other_days_;
  size_t unit_ = 0;
  const std::vector<size_t>* procedures_ = nullptr;
  WeightedChoice any_procedure_{{1}};
  WeightedChoice online_procedure_{{1}};
  std::vector<std::vector<int>> serials_;  // codes given, by unit and day
};

// By day of submission, which is how exports list; lines of one day, repeated ones too, in any
// order, so that neither the first nor the last line of a dossier is the right one by its place.
void SortAsExported(std::vector<Row>& rows, Random& random) {
  random.Shuffle(rows);
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return absl::CivilDay(a.submitted) < absl::CivilDay(b.submitted);
  });
}

UnitShape ShapeOf(const v1::Unit& unit) {
  UnitShape shape;
  shape.level = unit.level();
  const bool town = absl::StartsWith(unit.name(), "Phường") ||
                    absl::StartsWith(unit.name(), "Thị trấn") ||
                    absl::StartsWith(unit.name(), "Thành phố");
  if (town) shape.size_per_mille = 2500;
  return shape;
}

}  // namespace

bool IsDayOff(absl::CivilDay day) {
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday == absl::Weekday::saturday || weekday == absl::Weekday::sunday || IsHoliday(day);
}

absl::StatusOr<Year> MakeYear(std::vector<v1::Unit> units, uint64_t seed) {
  Random random(seed);
  Year year;
  std::vector<UnitShape> shapes;
  for (const v1::Unit& unit : units) shapes.push_back(ShapeOf(unit));
  ASSIGN_OR_RETURN(year.plan, MakePlan(shapes, random));
  year.catalogue = MakeCatalogue(units);
  year.units = std::move(units);

  RowMaker maker(year, random);
  for (size_t unit = 0; unit < year.units.size(); ++unit) maker.AddUnit(unit);
  for (const Defect defect : {Defect::kUnknownUnit, Defect::kNoDate, Defect::kBadDate,
                              Defect::kFutureDate, Defect::kMissingCode}) {
    for (int i = 0; i < kBadRows; ++i) maker.AddDefect(defect);
  }
  SortAsExported(year.rows, random);
  return year;
}

}  // namespace dondoc::sample
