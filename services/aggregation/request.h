#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/ratio.h"

// Requests as they must be: decoded and checked once, each error kInvalidArgument beginning with
// its field path ("from: …").

namespace dondoc::aggregation {

inline constexpr int kWindowDaysMax = 3660;      // last day at most this long after the first
inline constexpr int kDailyWindowDaysMax = 400;  // of ListDailyCounts
inline constexpr int kTrendStepsMax = 1000;
inline constexpr int kPageSizeMax = 20000;
inline constexpr int kPageSizeDefault = 1000;
inline constexpr size_t kIdBytesMax = 128;
inline constexpr int kNationPositionsMax = 256;
inline constexpr int32_t kStaleAfterDaysDefault = 7;
inline constexpr int64_t kLeaseSecondsMax = 8 * 24 * 3600;

// The position that is asked for.
struct Asked {
  std::optional<int64_t> as_of_sequence;
  std::optional<absl::Time> known_at;
  std::optional<int64_t> min_sequence;
};

// What most questions have in common.
struct Question {
  DayRange window;
  std::optional<Target> target;
  std::string definition_id;  // never empty
  Asked asked;
  // The figures beside the asked ones; empty = no other definition.
  bool with_online_services = false;
  std::string compare_definition_id;
  // Whose dossiers are in a figure: nullopt = at receipt.
  std::optional<int32_t> structure_day;
  bool roll_up = false;
  std::string province_id;

  // The planes that the answer is read from, the one of `definition_id` first.
  std::vector<std::string> PlaneIds() const;
};

enum class RatioOrder { kName, kPercent, kTotal, kOnline, kRank, kChange };

struct RatiosQuestion {
  Question common;
  std::optional<v1::Level::Value> level;
  std::string parent_id;
  RatioOrder order = RatioOrder::kName;
  bool descending = false;
  bool with_change = false;
  int page_size = kPageSizeDefault;
  // Everything that decides the list, for binding a page token to it.
  std::string fingerprint;
};

struct BreakdownQuestion {
  Question common;
  v1::Dimension::Value dimension = v1::Dimension::PROCEDURE;
  std::string unit_id;                    // empty = pooled
  std::optional<v1::Level::Value> level;  // of the units that are pooled
  int limit = kPageSizeDefault;
};

struct FreshnessQuestion {
  Asked asked;
  int32_t stale_after_days = kStaleAfterDaysDefault;
  std::optional<int32_t> on;
  bool only_stale = false;
  std::optional<v1::Level::Value> level;
  std::string province_id;
};

struct NationQuestion {
  Question common;
  // The sequence asked for, by province.
  std::map<std::string, int64_t> at;
};

absl::StatusOr<Question> DecodeRequest(const v1::GetSummaryRequest& request);
absl::StatusOr<RatiosQuestion> DecodeRequest(const v1::ListRatiosRequest& request);
absl::StatusOr<Question> DecodeRequest(const v1::GetUnitRatioRequest& request);
// The step UNSPECIFIED stands for MONTH.
absl::StatusOr<Question> DecodeRequest(const v1::ListTrendRequest& request);
absl::StatusOr<Question> DecodeRequest(const v1::ListDailyCountsRequest& request);
absl::StatusOr<BreakdownQuestion> DecodeRequest(const v1::GetBreakdownRequest& request);
absl::StatusOr<BreakdownQuestion> DecodeRequest(const v1::ListUnitProceduresRequest& request);
absl::StatusOr<NationQuestion> DecodeRequest(const v1::GetNationRequest& request);
absl::StatusOr<FreshnessQuestion> DecodeRequest(const v1::GetFreshnessRequest& request);
absl::StatusOr<Question> DecodeRequest(const v1::RegisterWindowRequest& request);

}  // namespace dondoc::aggregation
