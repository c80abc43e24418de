#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/alerting/figures.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::alerting::testing {

struct DayCounts {
  int64_t total = 0;
  int64_t online = 0;
};

struct FakeUnit {
  std::string unit_id = "";
  std::string name = "";
  v1::Level::Value level = v1::Level::PROVINCE;
  std::string parent_id = "";
  std::optional<absl::CivilDay> last_covered = std::nullopt;  // nullopt = no data ever
  bool partial = false;
  std::map<absl::CivilDay, DayCounts> days = {};
};

// Aggregation in small: counts what its units hold, at one position. Thread-safe.
class FakeFigureSource : public FigureSource {
 public:
  void Put(const FakeUnit& unit);
  void MoveTo(const std::string& ledger_id, int64_t sequence);
  // The next call fails so; calls after it do not.
  void FailNextWith(absl::Status status);
  // Called before each call is answered, with its name.
  void OnCall(std::function<void(const std::string&)> hook) { hook_ = std::move(hook); }
  std::vector<v1::RegisterWindowRequest> leases() const;
  int calls() const;

  absl::StatusOr<v1::GetFreshnessResponse> GetFreshness(const CallContext& context) override;
  absl::StatusOr<v1::GetSummaryResponse> GetSummary(const CallContext& context,
                                                    const v1::GetSummaryRequest& request) override;
  absl::StatusOr<v1::ListRatiosResponse> ListRatios(const CallContext& context,
                                                    v1::ListRatiosRequest request) override;
  absl::StatusOr<v1::ListDailyCountsResponse> ListDailyCounts(
      const CallContext& context, const v1::ListDailyCountsRequest& request) override;
  absl::Status RegisterWindow(const CallContext& context,
                              const v1::RegisterWindowRequest& request) override;

 private:
  absl::Status Enter(const std::string& call);

  std::function<void(const std::string&)> hook_;
  mutable Mutex mutex_;
  std::map<std::string, FakeUnit> units_ ABSL_GUARDED_BY(mutex_);
  std::string ledger_id_ ABSL_GUARDED_BY(mutex_) = "ledger-1";
  int64_t sequence_ ABSL_GUARDED_BY(mutex_) = 7;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::RegisterWindowRequest> leases_ ABSL_GUARDED_BY(mutex_);
};

// Thread-safe.
class FakeDirectorySource : public DirectorySource {
 public:
  // Replaces the unit's mailboxes; none = the unit exists without a contact.
  void Put(const std::string& unit_id, const std::vector<std::string>& emails);
  void FailNextWith(absl::Status status);
  absl::StatusOr<std::vector<v1::Unit>> ListUnits(const CallContext& context,
                                                  absl::CivilDay day) override;
  absl::StatusOr<std::vector<v1::MetricDefinition>> ListDefinitions(
      const CallContext& context) override;
  absl::StatusOr<std::vector<std::string>> ListRunningImports(const CallContext& context) override;
  void SetRunningImports(std::vector<std::string> import_ids);

 private:
  Mutex mutex_;
  std::vector<std::string> running_imports_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Unit> units_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dondoc::alerting::testing
