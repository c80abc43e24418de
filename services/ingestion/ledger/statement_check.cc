#include "services/ingestion/ledger/statement_check.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::ingestion {
namespace {

constexpr absl::CivilDay kFirstDay(2000, 1, 1);

absl::StatusOr<absl::CivilDay> ReadDay(absl::string_view field, const std::string& text) {
  if (text.empty()) return Invalid(field, "required, e.g. 2023-01-01");
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  if (!day.ok()) return Invalid(field, day.status().message());
  return *day;
}

absl::Status CheckDays(const v1::Statement& statement, const v1::Unit& unit, absl::CivilDay today) {
  ASSIGN_OR_RETURN(const absl::CivilDay from, ReadDay("from", statement.from()));
  ASSIGN_OR_RETURN(const absl::CivilDay to, ReadDay("to", statement.to()));
  if (from < kFirstDay) return Invalid("from", absl::StrCat(statement.from(), " is before 2000"));
  if (to < from) {
    return Invalid("to", absl::StrCat(statement.to(), " is before from, ", statement.from()));
  }
  if (to - from >= kStatementDaysMax) {
    return Invalid("to", absl::StrCat(to - from + 1, " days, limit ", kStatementDaysMax));
  }
  if (to > today) {
    return Invalid("to", absl::StrCat(statement.to(), " is after today, ", FormatDay(today)));
  }
  const absl::StatusOr<absl::CivilDay> valid_from = ParseDay(unit.valid_from());
  const absl::StatusOr<absl::CivilDay> valid_to = ParseDay(unit.valid_to());
  if ((valid_from.ok() && to < *valid_from) || (valid_to.ok() && *valid_to < from)) {
    return Invalid("unit_id", absl::StrCat("unit ", Quoted(unit.unit_id()),
                                           " does not exist on any of the days"));
  }
  return absl::OkStatus();
}

absl::Status CheckCounts(const v1::Statement& statement) {
  struct Part {
    const char* name;
    std::optional<int64_t> count;
  };
  const Part parts[] = {
      {"total", statement.total()},
      {"online", statement.online()},
      {"counter", statement.has_counter() ? std::optional(statement.counter()) : std::nullopt},
      {"postal", statement.has_postal() ? std::optional(statement.postal()) : std::nullopt},
      {"unknown", statement.has_unknown() ? std::optional(statement.unknown()) : std::nullopt}};
  int64_t sum = 0;
  for (const Part& part : parts) {
    if (!part.count) continue;
    if (statement.withdrawn() && *part.count != 0) {
      return Invalid(part.name, "a withdrawn statement has no counts");
    }
    if (*part.count < 0 || *part.count > kStatementCountMax) {
      return Invalid(part.name,
                     absl::StrCat(*part.count, " is not between 0 and ", kStatementCountMax));
    }
    if (part.name != parts[0].name) sum += *part.count;
  }
  if (statement.withdrawn()) return absl::OkStatus();
  const int64_t total = statement.total();
  if (statement.online() > total) {
    return Invalid("online", absl::StrCat(statement.online(), " is more than total, ", total));
  }
  const bool all = statement.has_counter() && statement.has_postal();
  if (all ? sum != total : sum > total) {
    return Invalid("total", absl::StrCat("the parts add up to ", sum, ", not to ", total));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckStatement(const v1::Statement& statement, const Directory& directory,
                            absl::CivilDay today) {
  if (statement.unit_id().empty()) return Invalid("unit_id", "required");
  const v1::Unit* unit = directory.Find(statement.unit_id());
  if (unit == nullptr) {
    return Invalid("unit_id",
                   absl::StrCat(Quoted(statement.unit_id()), " is not in the directory"));
  }
  RETURN_IF_ERROR(CheckDays(statement, *unit, today));
  RETURN_IF_ERROR(CheckCounts(statement));
  if (statement.has_update_time()) {
    const absl::CivilDay day = DayOf(FromProto(statement.update_time()));
    if (day < kFirstDay || day > today + 1) {
      return Invalid("update_time", absl::StrCat(FormatDay(day), " cannot be"));
    }
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
