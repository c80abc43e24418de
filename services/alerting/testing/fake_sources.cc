#include "services/alerting/testing/fake_sources.h"

#include <algorithm>
#include <utility>

#include "services/common/clock/civil.h"
#include "services/common/metric/definition.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"

namespace dondoc::alerting::testing {
namespace {

struct Counted {
  Counts counts;
  v1::Basis::Value basis = v1::Basis::NONE;
};

Counted Count(const FakeUnit& unit, absl::CivilDay from, absl::CivilDay to) {
  Counted counted;
  for (const auto& [day, numbers] : unit.days) {
    if (day < from || day > to) continue;
    counted.counts.online += numbers.online;
    counted.counts.counter += numbers.total - numbers.online;
  }
  if (unit.last_covered.has_value() && *unit.last_covered >= to && !unit.partial) {
    counted.basis = v1::Basis::DOSSIERS;
  } else if (counted.counts.total() > 0) {
    counted.basis = v1::Basis::PARTIAL_DOSSIERS;
  }
  return counted;
}

absl::StatusOr<std::optional<Target>> TargetFrom(const std::string& percent,
                                                 v1::Operator::Value comparison) {
  if (percent.empty()) return std::optional<Target>();
  ASSIGN_OR_RETURN(const Target target, ParseTarget(percent, comparison));
  return std::optional<Target>(target);
}

void AddVerdict(const v1::Ratio& ratio, v1::LevelSummary& level) {
  level.set_units(level.units() + 1);
  if (ratio.basis() == v1::Basis::NONE) {
    level.set_no_data(level.no_data() + 1);
  } else if (ratio.total() == 0) {
    level.set_no_dossiers(level.no_dossiers() + 1);
  } else if (ratio.has_reached()) {
    ratio.reached() ? level.set_reached(level.reached() + 1) : level.set_below(level.below() + 1);
  }
}

}  // namespace

void FakeFigureSource::Put(const FakeUnit& unit) {
  MutexLock lock(mutex_);
  units_[unit.unit_id] = unit;
}

void FakeFigureSource::MoveTo(const std::string& ledger_id, int64_t sequence) {
  MutexLock lock(mutex_);
  ledger_id_ = ledger_id;
  sequence_ = sequence;
}

void FakeFigureSource::FailNextWith(absl::Status status) {
  MutexLock lock(mutex_);
  failure_ = std::move(status);
}

std::vector<v1::RegisterWindowRequest> FakeFigureSource::leases() const {
  MutexLock lock(mutex_);
  return leases_;
}

int FakeFigureSource::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

absl::Status FakeFigureSource::Enter(const std::string& call) {
  if (hook_) hook_(call);
  MutexLock lock(mutex_);
  ++calls_;
  return std::exchange(failure_, absl::OkStatus());
}

absl::StatusOr<v1::GetFreshnessResponse> FakeFigureSource::GetFreshness(
    const CallContext& /*context*/) {
  RETURN_IF_ERROR(Enter("GetFreshness"));
  MutexLock lock(mutex_);
  v1::GetFreshnessResponse response;
  response.set_ledger_id(ledger_id_);
  response.set_sequence(sequence_);
  std::optional<absl::CivilDay> latest;
  for (const auto& [unit_id, unit] : units_) {
    v1::UnitFreshness* fresh = response.add_units();
    fresh->set_unit_id(unit_id);
    if (!unit.last_covered.has_value()) continue;
    fresh->set_last_covered_day(FormatDay(*unit.last_covered));
    latest = std::max(latest.value_or(*unit.last_covered), *unit.last_covered);
  }
  if (latest.has_value()) response.set_last_covered_day(FormatDay(*latest));
  return response;
}

absl::StatusOr<v1::GetSummaryResponse> FakeFigureSource::GetSummary(
    const CallContext& /*context*/, const v1::GetSummaryRequest& request) {
  RETURN_IF_ERROR(Enter("GetSummary"));
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const absl::CivilDay from, ParseDay(request.from()));
  ASSIGN_OR_RETURN(const absl::CivilDay to, ParseDay(request.to()));
  ASSIGN_OR_RETURN(const std::optional<Target> target,
                   TargetFrom(request.target_percent(), request.target_operator()));
  v1::GetSummaryResponse response;
  response.set_ledger_id(ledger_id_);
  response.set_sequence(sequence_);
  response.set_definition_id(request.definition_id());
  response.set_definition_version(1);
  Counts overall;
  for (const auto level : {v1::Level::PROVINCE, v1::Level::DISTRICT, v1::Level::COMMUNE}) {
    v1::LevelSummary* summary = response.add_levels();
    summary->set_level(level);
    Counts pooled;
    for (const auto& [unit_id, unit] : units_) {
      if (unit.level != level) continue;
      const Counted counted = Count(unit, from, to);
      pooled += counted.counts;
      AddVerdict(ToProto(counted.counts, target, counted.basis), *summary);
    }
    *summary->mutable_ratio() = ToProto(pooled, target, v1::Basis::DOSSIERS);
    overall += pooled;
  }
  *response.mutable_overall() = ToProto(overall, target, v1::Basis::DOSSIERS);
  return response;
}

absl::StatusOr<v1::ListRatiosResponse> FakeFigureSource::ListRatios(const CallContext& /*context*/,
                                                                    v1::ListRatiosRequest request) {
  RETURN_IF_ERROR(Enter("ListRatios"));
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const absl::CivilDay from, ParseDay(request.from()));
  ASSIGN_OR_RETURN(const absl::CivilDay to, ParseDay(request.to()));
  ASSIGN_OR_RETURN(const std::optional<Target> target,
                   TargetFrom(request.target_percent(), request.target_operator()));
  v1::ListRatiosResponse response;
  response.set_ledger_id(ledger_id_);
  response.set_sequence(sequence_);
  for (const auto& [unit_id, unit] : units_) {
    if (unit.level != request.level()) continue;
    const Counted counted = Count(unit, from, to);
    v1::UnitRatio* ratio = response.add_ratios();
    ratio->set_unit_id(unit_id);
    ratio->set_name(unit.name);
    ratio->set_level(unit.level);
    ratio->set_parent_id(unit.parent_id);
    *ratio->mutable_ratio() = ToProto(counted.counts, target, counted.basis);
  }
  return response;
}

absl::StatusOr<v1::ListDailyCountsResponse> FakeFigureSource::ListDailyCounts(
    const CallContext& /*context*/, const v1::ListDailyCountsRequest& request) {
  RETURN_IF_ERROR(Enter("ListDailyCounts"));
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const absl::CivilDay from, ParseDay(request.from()));
  ASSIGN_OR_RETURN(const absl::CivilDay to, ParseDay(request.to()));
  v1::ListDailyCountsResponse response;
  response.set_ledger_id(ledger_id_);
  response.set_sequence(sequence_);
  for (const auto& [unit_id, unit] : units_) {
    v1::UnitDailyCounts* counts = response.add_units();
    counts->set_unit_id(unit_id);
    for (absl::CivilDay day = from; day <= to; ++day) {
      const auto found = unit.days.find(day);
      const DayCounts numbers = found == unit.days.end() ? DayCounts() : found->second;
      counts->add_total(numbers.total);
      counts->add_online(numbers.online);
    }
  }
  return response;
}

absl::Status FakeFigureSource::RegisterWindow(const CallContext& /*context*/,
                                              const v1::RegisterWindowRequest& request) {
  RETURN_IF_ERROR(Enter("RegisterWindow"));
  MutexLock lock(mutex_);
  leases_.push_back(request);
  return absl::OkStatus();
}

void FakeDirectorySource::Put(const std::string& unit_id, const std::vector<std::string>& emails) {
  MutexLock lock(mutex_);
  v1::Unit& unit = units_[unit_id];
  unit.set_unit_id(unit_id);
  unit.mutable_emails()->Assign(emails.begin(), emails.end());
}

void FakeDirectorySource::FailNextWith(absl::Status status) {
  MutexLock lock(mutex_);
  failure_ = std::move(status);
}

absl::StatusOr<std::vector<v1::Unit>> FakeDirectorySource::ListUnits(const CallContext& /*context*/,
                                                                     absl::CivilDay /*day*/) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(std::exchange(failure_, absl::OkStatus()));
  std::vector<v1::Unit> units;
  for (const auto& [unit_id, unit] : units_) units.push_back(unit);
  return units;
}

absl::StatusOr<std::vector<v1::MetricDefinition>> FakeDirectorySource::ListDefinitions(
    const CallContext& /*context*/) {
  return std::vector<v1::MetricDefinition>{DefaultDefinition()};
}

absl::StatusOr<std::vector<std::string>> FakeDirectorySource::ListRunningImports(
    const CallContext& /*context*/) {
  MutexLock lock(mutex_);
  return running_imports_;
}

void FakeDirectorySource::SetRunningImports(std::vector<std::string> import_ids) {
  MutexLock lock(mutex_);
  running_imports_ = std::move(import_ids);
}

}  // namespace dondoc::alerting::testing
