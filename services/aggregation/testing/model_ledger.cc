#include "services/aggregation/testing/model_ledger.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "gtest/gtest.h"
#include "services/common/clock/civil.h"

namespace dondoc::aggregation::testing {
namespace {

void AddCell(v1::CellBlock& block, const ModelCell& cell) {
  // Texts are repeated on purpose: the wire allows it.
  const int units = block.unit_ids_size();
  if (units == 0 || block.unit_ids(units - 1) != cell.unit_id) block.add_unit_ids(cell.unit_id);
  block.add_unit_index(static_cast<uint32_t>(block.unit_ids_size() - 1));
  const int procedures = block.procedure_codes_size();
  if (procedures == 0 || block.procedure_codes(procedures - 1) != cell.procedure) {
    block.add_procedure_codes(cell.procedure);
  }
  block.add_procedure_index(static_cast<uint32_t>(block.procedure_codes_size() - 1));
  block.add_day(cell.day);
  block.add_channel(static_cast<uint32_t>(cell.channel));
  block.add_service_level(static_cast<uint32_t>(cell.level));
  block.add_status(static_cast<uint32_t>(cell.status));
  block.add_count(cell.count);
}

bool Has(const google::protobuf::RepeatedField<int>& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

absl::Time CommitTimeOf(int64_t sequence) {
  return absl::FromUnixSeconds(1'700'000'000 + sequence * 60);
}

int64_t ModelLedger::Commit(ModelChange change) {
  const int64_t sequence = head() + 1;
  for (v1::CoverageClaim& claim : change.claims) {
    if (claim.claim_sequence() == 0) claim.set_claim_sequence(sequence);
    *claim.mutable_commit_time() = ToProto(CommitTimeOf(claim.claim_sequence()));
  }
  changes_.push_back(std::move(change));
  return sequence;
}

v1::Position ModelLedger::PositionAt(int64_t sequence) const {
  v1::Position position;
  position.set_ledger_id(ledger_id_);
  position.set_sequence(sequence);
  if (sequence > 0) *position.mutable_commit_time() = ToProto(CommitTimeOf(sequence));
  return position;
}

int64_t ModelLedger::SequenceAt(absl::Time instant) const {
  int64_t sequence = 0;
  while (sequence < head() && CommitTimeOf(sequence + 1) <= instant) ++sequence;
  return sequence;
}

std::vector<v1::FeedEvent> ModelLedger::Events(int64_t sequence, int cells_max) const {
  const ModelChange& change = changes_[static_cast<size_t>(sequence - 1)];
  std::vector<v1::FeedEvent> events(1);
  for (const ModelCell& cell : change.cells) {
    if (events.back().deltas().count_size() >= cells_max) events.emplace_back();
    AddCell(*events.back().mutable_deltas(), cell);
  }
  // The directory comes last of all: the order inside a sequence must not matter.
  for (const v1::Unit& unit : change.units) *events.back().add_units() = unit;
  for (const v1::CoverageClaim& claim : change.claims) *events.back().add_coverage() = claim;
  for (const v1::MetricDefinition& d : change.definitions) *events.back().add_definitions() = d;
  for (const v1::Procedure& p : change.procedures) *events.back().add_procedures() = p;
  for (v1::FeedEvent& event : events) {
    *event.mutable_head() = Head();
    event.set_sequence(sequence);
    *event.mutable_commit_time() = ToProto(CommitTimeOf(sequence));
  }
  events.back().set_complete(true);
  return events;
}

std::vector<v1::SnapshotChunk> ModelLedger::Snapshot(int64_t at, int cells_max) const {
  std::map<std::string, v1::Unit> units;
  std::map<std::string, v1::MetricDefinition> definitions;
  std::map<int64_t, v1::CoverageClaim> claims;
  std::map<std::string, v1::Procedure> procedures;
  std::map<std::tuple<std::string, std::string, int32_t, int, int, int>, ModelCell> cells;
  for (int64_t i = 0; i < at; ++i) {
    const ModelChange& change = changes_[static_cast<size_t>(i)];
    for (const v1::Unit& unit : change.units) units[unit.unit_id()] = unit;
    for (const v1::MetricDefinition& d : change.definitions) definitions[d.definition_id()] = d;
    for (const v1::CoverageClaim& claim : change.claims) claims[claim.claim_sequence()] = claim;
    for (const v1::Procedure& p : change.procedures) procedures[p.procedure_code()] = p;
    for (const ModelCell& cell : change.cells) {
      auto [found, added] = cells.emplace(std::make_tuple(cell.unit_id, cell.procedure, cell.day,
                                                          cell.channel, cell.level, cell.status),
                                          cell);
      if (!added) found->second.count += cell.count;
    }
  }
  std::vector<v1::SnapshotChunk> chunks(1);
  *chunks[0].mutable_position() = PositionAt(at);
  for (const auto& [id, unit] : units) *chunks[0].add_units() = unit;
  for (const auto& [id, definition] : definitions) *chunks[0].add_definitions() = definition;
  for (const auto& [id, claim] : claims) {
    if (claim.live()) *chunks[0].add_coverage() = claim;
  }
  for (const auto& [code, procedure] : procedures) *chunks[0].add_procedures() = procedure;
  for (const auto& [key, cell] : cells) {
    if (cell.count == 0) continue;
    if (chunks.back().cells().count_size() >= cells_max) chunks.emplace_back();
    AddCell(*chunks.back().mutable_cells(), cell);
  }
  chunks.back().set_complete(true);
  return chunks;
}

Counts ModelLedger::Recount(const std::string& unit_id, const DayRange& window,
                            const v1::MetricDefinition& definition, int64_t at) const {
  Counts counts;
  for (int64_t i = 0; i < at; ++i) {
    for (const ModelCell& cell : changes_[static_cast<size_t>(i)].cells) {
      if (cell.unit_id != unit_id || cell.day < window.first || cell.day > window.last) continue;
      if (!Has(definition.denominator_channels(), cell.channel)) continue;
      if (Has(definition.excluded_statuses(), cell.status)) continue;
      if (definition.only_online_services() && cell.level != v1::ServiceLevel::PARTIAL &&
          cell.level != v1::ServiceLevel::FULL) {
        continue;
      }
      if (Has(definition.numerator_channels(), cell.channel)) {
        counts.online += cell.count;
      } else if (cell.channel == v1::Channel::COUNTER) {
        counts.counter += cell.count;
      } else if (cell.channel == v1::Channel::POSTAL) {
        counts.postal += cell.count;
      } else {
        counts.unknown += cell.count;
      }
    }
  }
  return counts;
}

v1::Basis::Value ModelLedger::BasisOf(const std::string& unit_id, const DayRange& window,
                                      const v1::MetricDefinition& definition, int64_t at) const {
  std::map<int64_t, v1::CoverageClaim> claims;
  v1::Unit unit;
  for (int64_t i = 0; i < at; ++i) {
    const ModelChange& change = changes_[static_cast<size_t>(i)];
    for (const v1::CoverageClaim& claim : change.claims) claims[claim.claim_sequence()] = claim;
    for (const v1::Unit& put : change.units) {
      if (put.unit_id() == unit_id) unit = put;
    }
  }
  bool covered = true;
  for (int32_t day = window.first; day <= window.last && covered; ++day) {
    if (!unit.valid_from().empty() && day < Day(unit.valid_from())) continue;
    if (!unit.valid_to().empty() && day > Day(unit.valid_to())) continue;
    covered = false;
    for (const auto& [id, claim] : claims) {
      const v1::Coverage& coverage = claim.coverage();
      const auto& ids = coverage.unit_ids();
      covered =
          covered || (claim.live() && coverage.extent() == v1::Coverage::Extent::COMPLETE &&
                      Day(coverage.from()) <= day && day <= Day(coverage.to()) &&
                      (ids.empty() || std::find(ids.begin(), ids.end(), unit_id) != ids.end()));
    }
  }
  if (covered) return v1::Basis::DOSSIERS;
  return Recount(unit_id, window, definition, at).total() > 0 ? v1::Basis::PARTIAL_DOSSIERS
                                                              : v1::Basis::NONE;
}

v1::Unit MakeUnit(const std::string& unit_id, const std::string& name, v1::Level::Value level,
                  const std::string& parent_id, const std::string& valid_from,
                  const std::string& valid_to) {
  v1::Unit unit;
  unit.set_unit_id(unit_id);
  unit.set_name(name);
  unit.set_level(level);
  unit.set_parent_id(parent_id);
  unit.set_valid_from(valid_from);
  unit.set_valid_to(valid_to);
  return unit;
}

v1::CoverageClaim MakeClaim(const std::vector<std::string>& unit_ids, const std::string& from,
                            const std::string& to, v1::Coverage::Extent::Value extent,
                            int64_t claim_sequence, bool live) {
  v1::CoverageClaim claim;
  claim.set_claim_sequence(claim_sequence);
  claim.set_live(live);
  for (const std::string& unit_id : unit_ids) claim.mutable_coverage()->add_unit_ids(unit_id);
  claim.mutable_coverage()->set_from(from);
  claim.mutable_coverage()->set_to(to);
  claim.mutable_coverage()->set_extent(extent);
  return claim;
}

int32_t Day(const std::string& iso) { return DayNumber(ParseDay(iso).value()); }

Cube LoadCube(const ModelLedger& ledger, int64_t at, int cells_max) {
  Cube cube(ledger.ledger_id());
  for (const v1::SnapshotChunk& chunk : ledger.Snapshot(at, cells_max)) {
    const absl::Status status = cube.LoadChunk(chunk);
    EXPECT_TRUE(status.ok()) << status;
  }
  const absl::Status status = cube.FinishLoad();
  EXPECT_TRUE(status.ok()) << status;
  return cube;
}

}  // namespace dondoc::aggregation::testing
