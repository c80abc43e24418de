#include "services/aggregation/request.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/aggregation/cube.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/structure.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

absl::StatusOr<int32_t> DecodeDay(absl::string_view field, const std::string& text) {
  if (text.empty()) return Invalid(field, "required, a day like 2023-11-15");
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  if (!day.ok()) return Invalid(field, absl::StrCat(Quoted(text), " is not a day"));
  return DayNumber(*day);
}

absl::StatusOr<DayRange> DecodeWindow(const std::string& from, const std::string& to,
                                      int days_max) {
  DayRange window;
  ASSIGN_OR_RETURN(window.first, DecodeDay("from", from));
  ASSIGN_OR_RETURN(window.last, DecodeDay("to", to));
  if (window.last < window.first) {
    return Invalid("to", absl::StrCat(to, " is before from, ", from));
  }
  if (int64_t{window.last} - window.first > days_max) {
    return Invalid("to", absl::StrCat(int64_t{window.last} - window.first,
                                      " days after from, limit ", days_max));
  }
  return window;
}

absl::StatusOr<std::string> DecodeId(absl::string_view field, const std::string& id) {
  if (id.size() > kIdBytesMax) {
    return Invalid(field, absl::StrCat(id.size(), " bytes, limit ", kIdBytesMax));
  }
  return id;
}

// Ids of definitions have no semicolon; those of the planes made from them do.
absl::StatusOr<std::string> DecodeOtherDefinitionId(absl::string_view field,
                                                    const std::string& id) {
  if (id.find(';') != std::string::npos) {
    return Invalid(field, absl::StrCat(Quoted(id), " has a semicolon"));
  }
  return DecodeId(field, id);
}

absl::StatusOr<std::string> DecodeDefinitionId(const std::string& id) {
  ASSIGN_OR_RETURN(std::string definition_id, DecodeOtherDefinitionId("definition_id", id));
  return definition_id.empty() ? std::string(kDefaultDefinitionId) : definition_id;
}

absl::StatusOr<std::optional<Target>> DecodeTarget(const std::string& percent,
                                                   v1::Operator::Value comparison) {
  if (!v1::Operator::Value_IsValid(comparison)) {
    return Invalid("target_operator",
                   absl::StrCat(static_cast<int>(comparison), " is not GE or GT"));
  }
  if (percent.empty()) return std::optional<Target>();
  const absl::StatusOr<Target> target = ParseTarget(percent, comparison);
  if (!target.ok()) return Invalid("target_percent", target.status().message());
  return std::optional<Target>(*target);
}

absl::StatusOr<int64_t> DecodeSequence(absl::string_view field, int64_t sequence) {
  if (sequence < 0) return Invalid(field, absl::StrCat(sequence, " is below 0"));
  return sequence;
}

// Of a request with all three position fields.
template <typename Request>
absl::StatusOr<Asked> DecodeAsked(const Request& request) {
  Asked asked;
  if (request.has_as_of_sequence()) {
    ASSIGN_OR_RETURN(asked.as_of_sequence,
                     DecodeSequence("as_of_sequence", request.as_of_sequence()));
  }
  if constexpr (requires { request.has_known_at(); }) {
    if (request.has_known_at()) {
      const google::protobuf::Timestamp& at = request.known_at();
      // The range of google.protobuf.Timestamp: the years 1 to 9999.
      if (at.nanos() < 0 || at.nanos() > 999'999'999 || at.seconds() < -62'135'596'800 ||
          at.seconds() > 253'402'300'799) {
        return Invalid("known_at", "not an instant");
      }
      asked.known_at = FromProto(at);
    }
  }
  if (request.has_min_sequence()) {
    ASSIGN_OR_RETURN(asked.min_sequence, DecodeSequence("min_sequence", request.min_sequence()));
  }
  if (asked.as_of_sequence.has_value() && asked.known_at.has_value()) {
    return Invalid("known_at", "cannot be asked together with as_of_sequence");
  }
  if (asked.as_of_sequence.has_value() && asked.min_sequence.has_value() &&
      *asked.min_sequence > *asked.as_of_sequence) {
    return Invalid("min_sequence", absl::StrCat(*asked.min_sequence, " is after as_of_sequence, ",
                                                *asked.as_of_sequence));
  }
  return asked;
}

template <typename Request>
absl::StatusOr<Question> DecodeCommon(const Request& request) {
  Question question;
  ASSIGN_OR_RETURN(question.window, DecodeWindow(request.from(), request.to(), kWindowDaysMax));
  if constexpr (requires { request.target_percent(); }) {
    ASSIGN_OR_RETURN(question.target,
                     DecodeTarget(request.target_percent(), request.target_operator()));
  }
  ASSIGN_OR_RETURN(question.definition_id, DecodeDefinitionId(request.definition_id()));
  ASSIGN_OR_RETURN(question.asked, DecodeAsked(request));
  if constexpr (requires { request.compare_definition_id(); }) {
    question.with_online_services = request.with_online_services();
    ASSIGN_OR_RETURN(
        question.compare_definition_id,
        DecodeOtherDefinitionId("compare_definition_id", request.compare_definition_id()));
  }
  ASSIGN_OR_RETURN(question.structure_day, ParseStructure(request.structure()));
  if constexpr (requires { request.roll_up(); }) question.roll_up = request.roll_up();
  ASSIGN_OR_RETURN(question.province_id, DecodeId("province_id", request.province_id()));
  return question;
}

template <typename Request>
absl::StatusOr<std::optional<v1::Level::Value>> DecodeLevel(const Request& request) {
  if (!request.has_level()) return std::optional<v1::Level::Value>();
  if (request.level() == v1::Level::UNSPECIFIED || !v1::Level::Value_IsValid(request.level())) {
    return Invalid("level", absl::StrCat(static_cast<int>(request.level()),
                                         " is not PROVINCE, DISTRICT or COMMUNE"));
  }
  return std::optional<v1::Level::Value>(request.level());
}

template <typename Request>
absl::StatusOr<Question> DecodeOfUnit(const Request& request) {
  if (request.unit_id().empty()) return Invalid("unit_id", "required");
  RETURN_IF_ERROR(DecodeId("unit_id", request.unit_id()).status());
  return DecodeCommon(request);
}

absl::StatusOr<int> DecodeLimit(int32_t limit) {
  if (limit < 0 || limit > kPageSizeMax) {
    return Invalid("limit", absl::StrCat(limit, " is not 0 to ", kPageSizeMax));
  }
  return limit == 0 ? kPageSizeDefault : limit;
}

absl::Status DecodeOrder(const std::string& order_by, RatiosQuestion& question) {
  absl::string_view key = absl::StripAsciiWhitespace(order_by);
  if (absl::EndsWith(key, " desc")) {
    question.descending = true;
    key = absl::StripTrailingAsciiWhitespace(key.substr(0, key.size() - 5));
  }
  if (key == "name" || (key.empty() && !question.descending)) {
    question.order = RatioOrder::kName;
  } else if (key == "percent") {
    question.order = RatioOrder::kPercent;
  } else if (key == "total") {
    question.order = RatioOrder::kTotal;
  } else if (key == "online") {
    question.order = RatioOrder::kOnline;
  } else if (key == "rank" && question.with_change) {
    question.order = RatioOrder::kRank;
  } else if (key == "change" && question.with_change) {
    question.order = RatioOrder::kChange;
  } else {
    return Invalid("order_by", absl::StrCat(Quoted(order_by), " is not name, percent, total or ",
                                            "online (with_change: rank or change), each with or "
                                            "without desc"));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> Question::PlaneIds() const {
  std::vector<std::string> ids = {definition_id};
  if (with_online_services) ids.push_back(OnlineServicesPlane(definition_id));
  if (!compare_definition_id.empty()) ids.push_back(compare_definition_id);
  return ids;
}

absl::StatusOr<Question> DecodeRequest(const v1::GetSummaryRequest& request) {
  return DecodeCommon(request);
}

absl::StatusOr<RatiosQuestion> DecodeRequest(const v1::ListRatiosRequest& request) {
  RatiosQuestion question;
  ASSIGN_OR_RETURN(question.common, DecodeCommon(request));
  ASSIGN_OR_RETURN(question.level, DecodeLevel(request));
  question.with_change = request.with_change();
  ASSIGN_OR_RETURN(question.parent_id, DecodeId("parent_id", request.parent_id()));
  RETURN_IF_ERROR(DecodeOrder(request.order_by(), question));
  if (request.page_size() < 0 || request.page_size() > kPageSizeMax) {
    return Invalid("page_size", absl::StrCat(request.page_size(), " is not 0 to ", kPageSizeMax));
  }
  if (request.page_size() > 0) question.page_size = request.page_size();
  v1::ListRatiosRequest identity = request;
  identity.clear_page_size();
  identity.clear_page_token();
  identity.clear_min_sequence();
  question.fingerprint = identity.SerializeAsString();
  return question;
}

absl::StatusOr<Question> DecodeRequest(const v1::GetUnitRatioRequest& request) {
  return DecodeOfUnit(request);
}

absl::StatusOr<Question> DecodeRequest(const v1::ListTrendRequest& request) {
  if (!v1::TrendStep::Value_IsValid(request.step())) {
    return Invalid("step", absl::StrCat(static_cast<int>(request.step()),
                                        " is not DAY, WEEK, MONTH, QUARTER, HALF_YEAR, "
                                        "NINE_MONTHS or YEAR"));
  }
  RETURN_IF_ERROR(DecodeId("unit_id", request.unit_id()).status());
  ASSIGN_OR_RETURN(const std::optional<v1::Level::Value> level, DecodeLevel(request));
  if (level.has_value() && !request.unit_id().empty()) {
    return Invalid("level", "cannot be asked together with unit_id");
  }
  if (request.roll_up() && request.unit_id().empty()) {
    return Invalid("roll_up", "is for one unit; a level and the province are pooled already");
  }
  return DecodeCommon(request);
}

absl::StatusOr<BreakdownQuestion> DecodeRequest(const v1::GetBreakdownRequest& request) {
  BreakdownQuestion question;
  question.dimension = request.dimension();
  if (question.dimension == v1::Dimension::UNSPECIFIED ||
      !v1::Dimension::Value_IsValid(question.dimension)) {
    return Invalid("dimension", absl::StrCat(static_cast<int>(question.dimension),
                                             " is not PROCEDURE, FIELD, CHANNEL or "
                                             "SERVICE_LEVEL"));
  }
  ASSIGN_OR_RETURN(question.common, DecodeCommon(request));
  ASSIGN_OR_RETURN(question.unit_id, DecodeId("unit_id", request.unit_id()));
  ASSIGN_OR_RETURN(question.level, DecodeLevel(request));
  if (question.level.has_value() && !question.unit_id.empty()) {
    return Invalid("level", "cannot be asked together with unit_id");
  }
  if (question.common.roll_up && question.unit_id.empty()) {
    return Invalid("roll_up", "is for one unit; a level and the province are pooled already");
  }
  ASSIGN_OR_RETURN(question.limit, DecodeLimit(request.limit()));
  return question;
}

absl::StatusOr<BreakdownQuestion> DecodeRequest(const v1::ListUnitProceduresRequest& request) {
  BreakdownQuestion question;
  ASSIGN_OR_RETURN(question.common, DecodeOfUnit(request));
  question.unit_id = request.unit_id();
  ASSIGN_OR_RETURN(question.limit, DecodeLimit(request.limit()));
  return question;
}

absl::StatusOr<FreshnessQuestion> DecodeRequest(const v1::GetFreshnessRequest& request) {
  FreshnessQuestion question;
  ASSIGN_OR_RETURN(question.asked, DecodeAsked(request));
  if (request.has_stale_after_days()) question.stale_after_days = request.stale_after_days();
  if (question.stale_after_days < 0 || question.stale_after_days > kWindowDaysMax) {
    return Invalid("stale_after_days",
                   absl::StrCat(question.stale_after_days, " is not 0 to ", kWindowDaysMax));
  }
  if (!request.on().empty()) {
    ASSIGN_OR_RETURN(question.on, DecodeDay("on", request.on()));
  }
  question.only_stale = request.only_stale();
  ASSIGN_OR_RETURN(question.level, DecodeLevel(request));
  ASSIGN_OR_RETURN(question.province_id, DecodeId("province_id", request.province_id()));
  return question;
}

absl::StatusOr<NationQuestion> DecodeRequest(const v1::GetNationRequest& request) {
  NationQuestion question;
  Question& common = question.common;
  ASSIGN_OR_RETURN(common.window, DecodeWindow(request.from(), request.to(), kWindowDaysMax));
  ASSIGN_OR_RETURN(common.target,
                   DecodeTarget(request.target_percent(), request.target_operator()));
  ASSIGN_OR_RETURN(common.definition_id, DecodeDefinitionId(request.definition_id()));
  if (request.at_size() > kNationPositionsMax) {
    return Invalid("at",
                   absl::StrCat(request.at_size(), " positions, limit ", kNationPositionsMax));
  }
  for (int i = 0; i < request.at_size(); ++i) {
    const std::string& text = request.at(i);
    const size_t colon = text.rfind(':');
    int64_t sequence = 0;
    if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &sequence) ||
        sequence < 0) {
      return Invalid(absl::StrCat("at[", i, "]"),
                     absl::StrCat(Quoted(text), " is not province_id:sequence"));
    }
    if (!question.at.emplace(text.substr(0, colon), sequence).second) {
      return Invalid(absl::StrCat("at[", i, "]"), absl::StrCat(Quoted(text), " comes twice"));
    }
  }
  return question;
}

absl::StatusOr<Question> DecodeRequest(const v1::ListDailyCountsRequest& request) {
  Question question;
  ASSIGN_OR_RETURN(question.window,
                   DecodeWindow(request.from(), request.to(), kDailyWindowDaysMax));
  ASSIGN_OR_RETURN(question.definition_id, DecodeDefinitionId(request.definition_id()));
  ASSIGN_OR_RETURN(question.asked, DecodeAsked(request));
  return question;
}

absl::StatusOr<Question> DecodeRequest(const v1::RegisterWindowRequest& request) {
  Question question;
  ASSIGN_OR_RETURN(question.window, DecodeWindow(request.from(), request.to(), kWindowDaysMax));
  ASSIGN_OR_RETURN(question.definition_id, DecodeDefinitionId(request.definition_id()));
  if (request.lease_seconds() < 1 || request.lease_seconds() > kLeaseSecondsMax) {
    return Invalid("lease_seconds",
                   absl::StrCat(request.lease_seconds(), " is not 1 to ", kLeaseSecondsMax));
  }
  return question;
}

}  // namespace dondoc::aggregation
