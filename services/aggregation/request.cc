#include "services/aggregation/request.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

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

absl::StatusOr<std::string> DecodeDefinitionId(const std::string& id) {
  ASSIGN_OR_RETURN(std::string definition_id, DecodeId("definition_id", id));
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
  ASSIGN_OR_RETURN(question.target,
                   DecodeTarget(request.target_percent(), request.target_operator()));
  ASSIGN_OR_RETURN(question.definition_id, DecodeDefinitionId(request.definition_id()));
  ASSIGN_OR_RETURN(question.asked, DecodeAsked(request));
  return question;
}

template <typename Request>
absl::StatusOr<Question> DecodeOfUnit(const Request& request) {
  if (request.unit_id().empty()) return Invalid("unit_id", "required");
  RETURN_IF_ERROR(DecodeId("unit_id", request.unit_id()).status());
  return DecodeCommon(request);
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
  } else {
    return Invalid("order_by", absl::StrCat(Quoted(order_by), " is not name, percent, total or ",
                                            "online, each with or without desc"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Question> DecodeRequest(const v1::GetSummaryRequest& request) {
  return DecodeCommon(request);
}

absl::StatusOr<RatiosQuestion> DecodeRequest(const v1::ListRatiosRequest& request) {
  RatiosQuestion question;
  ASSIGN_OR_RETURN(question.common, DecodeCommon(request));
  if (request.has_level()) {
    if (request.level() == v1::Level::UNSPECIFIED || !v1::Level::Value_IsValid(request.level())) {
      return Invalid("level", absl::StrCat(static_cast<int>(request.level()),
                                           " is not PROVINCE, DISTRICT or COMMUNE"));
    }
    question.level = request.level();
  }
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
                                        " is not DAY, WEEK, MONTH or QUARTER"));
  }
  return DecodeOfUnit(request);
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
