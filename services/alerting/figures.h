#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/definitions.pb.h"
#include "dondoc/v1/ratios.pb.h"
#include "dondoc/v1/units.pb.h"

namespace dondoc::alerting {

// How far a call on behalf of somebody may go.
struct CallContext {
  absl::Time deadline;     // real clock
  std::string request_id;  // passed on for the logs; empty = none
};

// Where figures come from (aggregation). Thread-safe. kUnavailable and kDeadlineExceeded are safe
// to retry.
class FigureSource {
 public:
  virtual ~FigureSource() = default;
  virtual absl::StatusOr<v1::GetFreshnessResponse> GetFreshness(const CallContext& context) = 0;
  virtual absl::StatusOr<v1::GetSummaryResponse> GetSummary(
      const CallContext& context, const v1::GetSummaryRequest& request) = 0;
  // Every page of it; `ratios` holds them all.
  virtual absl::StatusOr<v1::ListRatiosResponse> ListRatios(const CallContext& context,
                                                            v1::ListRatiosRequest request) = 0;
  virtual absl::StatusOr<v1::ListDailyCountsResponse> ListDailyCounts(
      const CallContext& context, const v1::ListDailyCountsRequest& request) = 0;
  virtual absl::Status RegisterWindow(const CallContext& context,
                                      const v1::RegisterWindowRequest& request) = 0;
};

// Where units' mailboxes and the definitions' names come from (ingestion). Thread-safe.
class DirectorySource {
 public:
  virtual ~DirectorySource() = default;
  // Every unit that exists on `day`.
  virtual absl::StatusOr<std::vector<v1::Unit>> ListUnits(const CallContext& context,
                                                          absl::CivilDay day) = 0;
  virtual absl::StatusOr<std::vector<v1::MetricDefinition>> ListDefinitions(
      const CallContext& context) = 0;
  // Ids of the imports that are on their way; only the newest kImportsLookedAt are looked at.
  virtual absl::StatusOr<std::vector<std::string>> ListRunningImports(
      const CallContext& context) = 0;
};

inline constexpr int kImportsLookedAt = 200;

}  // namespace dondoc::alerting
