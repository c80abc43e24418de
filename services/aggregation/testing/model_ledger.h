#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "dondoc/v1/feed.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/day_range.h"
#include "services/common/metric/ratio.h"

namespace dondoc::aggregation::testing {

struct ModelCell {
  std::string unit_id;
  std::string procedure;
  int32_t day = 0;
  v1::Channel::Value channel = v1::Channel::ONLINE;
  v1::ServiceLevel::Value level = v1::ServiceLevel::FULL;
  v1::Status::Value status = v1::Status::RECEIVED;
  int64_t count = 1;  // change of it
};

struct ModelChange {
  std::vector<v1::Unit> units;
  std::vector<ModelCell> cells;
  std::vector<v1::CoverageClaim> claims;
  std::vector<v1::MetricDefinition> definitions;
  std::vector<v1::Procedure> procedures;
};

// A ledger as simple as it can be: a list of changes that every question reads from the start. What
// the cube says is compared with what this says. Not thread-safe.
class ModelLedger {
 public:
  explicit ModelLedger(std::string ledger_id) : ledger_id_(std::move(ledger_id)) {}

  // Returns its sequence. A claim with claim_sequence 0 is the sequence's own.
  int64_t Commit(ModelChange change);

  const std::string& ledger_id() const { return ledger_id_; }
  v1::Position PositionAt(int64_t sequence) const;
  v1::Position Head() const { return PositionAt(head()); }
  int64_t head() const { return static_cast<int64_t>(changes_.size()); }
  int64_t SequenceAt(absl::Time instant) const;
  // What was committed, for oracles of their own.
  const std::vector<ModelChange>& changes() const { return changes_; }

  // `sequence` as its events, of at most `cells_max` cells each; only the last is complete.
  std::vector<v1::FeedEvent> Events(int64_t sequence, int cells_max = 1000) const;
  std::vector<v1::SnapshotChunk> Snapshot(int64_t at, int cells_max = 1000) const;

  // Counted one dossier group at a time.
  Counts Recount(const std::string& unit_id, const DayRange& window,
                 const v1::MetricDefinition& definition, int64_t at) const;
  // Looked at one day at a time.
  v1::Basis::Value BasisOf(const std::string& unit_id, const DayRange& window,
                           const v1::MetricDefinition& definition, int64_t at) const;

 private:
  std::string ledger_id_;
  std::vector<ModelChange> changes_;
};

absl::Time CommitTimeOf(int64_t sequence);

v1::Unit MakeUnit(const std::string& unit_id, const std::string& name, v1::Level::Value level,
                  const std::string& parent_id = "", const std::string& valid_from = "",
                  const std::string& valid_to = "");
v1::CoverageClaim MakeClaim(const std::vector<std::string>& unit_ids, const std::string& from,
                            const std::string& to,
                            v1::Coverage::Extent::Value extent = v1::Coverage::Extent::COMPLETE,
                            int64_t claim_sequence = 0, bool live = true);
int32_t Day(const std::string& iso);
// The model's whole state at `at`, through the snapshot. Dies when it does not load.
Cube LoadCube(const ModelLedger& ledger, int64_t at, int cells_max = 1000);

}  // namespace dondoc::aggregation::testing
