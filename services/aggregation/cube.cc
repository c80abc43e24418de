#include "services/aggregation/cube.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

using Definitions = std::map<std::string, v1::MetricDefinition, std::less<>>;

constexpr int kDayShift = 9;
constexpr int kProcedureShift = 32;

uint64_t CellKey(uint32_t procedure, int32_t day, uint32_t channel, uint32_t level,
                 uint32_t status) {
  return (uint64_t{procedure} << kProcedureShift) |
         (uint64_t{static_cast<uint32_t>(day + kDayBias)} << kDayShift) | (channel << 7) |
         (level << 4) | status;
}

struct CellFacts {
  int32_t day;
  v1::Channel::Value channel;
  v1::ServiceLevel::Value level;
  v1::Status::Value status;
};

CellFacts FactsOf(uint64_t key) {
  return {static_cast<int32_t>((key >> kDayShift) & 0x7fffff) - kDayBias,
          static_cast<v1::Channel::Value>((key >> 7) & 3),
          static_cast<v1::ServiceLevel::Value>((key >> 4) & 7),
          static_cast<v1::Status::Value>(key & 15)};
}

// What a cell is worth under a definition. The numerator is `online` whatever channels make it up
// (one definition in use counts the post as online); an ONLINE dossier that a definition leaves out
// of its numerator but counts has no column of its own and is shown as unknown.
bool CountCell(const DefinitionPredicate& predicate, const CellFacts& facts, int64_t count,
               Counts& counts) {
  if (!predicate.Counts(facts.channel, facts.level, facts.status)) return false;
  if (predicate.Online(facts.channel)) {
    counts.online += count;
  } else if (facts.channel == v1::Channel::ONLINE) {
    counts.unknown += count;
  } else {
    counts.Add(facts.channel, count);
  }
  return true;
}

absl::Status Bad(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("feed: ", what));
}

absl::Status CheckBlock(const v1::CellBlock& block) {
  const int rows = block.count_size();
  if (block.unit_index_size() != rows || block.procedure_index_size() != rows ||
      block.day_size() != rows || block.channel_size() != rows ||
      block.service_level_size() != rows || block.status_size() != rows) {
    return Bad("cell columns of different lengths");
  }
  const auto units = static_cast<uint32_t>(block.unit_ids_size());
  const auto procedures = static_cast<uint32_t>(block.procedure_codes_size());
  for (int i = 0; i < rows; ++i) {
    if (block.unit_index(i) >= units || block.procedure_index(i) >= procedures) {
      return Bad(absl::StrCat("cell ", i, ": index out of range"));
    }
    if (block.day(i) < -kDayBias || block.day(i) >= kDayBias) {
      return Bad(absl::StrCat("cell ", i, ": day ", block.day(i)));
    }
    if (block.channel(i) > 3 || block.service_level(i) > 7 || block.status(i) > 15 ||
        !v1::ServiceLevel::Value_IsValid(static_cast<int>(block.service_level(i))) ||
        !v1::Status::Value_IsValid(static_cast<int>(block.status(i)))) {
      return Bad(absl::StrCat("cell ", i, ": channel ", block.channel(i), ", service level ",
                              block.service_level(i), ", status ", block.status(i)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const v1::MetricDefinition* CubeView::FindDefinition(absl::string_view definition_id) const {
  const auto found = definitions_->find(std::string(definition_id));
  return found == definitions_->end() ? nullptr : &found->second;
}

const DefinitionPlane* CubeView::FindPlane(absl::string_view definition_id) const {
  const auto found = planes_.find(std::string(definition_id));
  return found == planes_.end() ? nullptr : found->second.get();
}

Counts CubeView::UnitCounts(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  const size_t index = static_cast<size_t>(unit);
  // A plane is only as long as the directory was when it was last changed.
  if (index >= plane.units.size() || plane.units[index] == nullptr) return {};
  return plane.units[index]->In(window);
}

Figure CubeView::UnitFigure(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  Figure figure;
  figure.counts = UnitCounts(plane, unit, window);
  const bool covered = coverage_.Complete(unit, Intersect(window, (*units_)[unit].validity));
  if (covered) {
    figure.basis = v1::Basis::DOSSIERS;
  } else if (figure.counts.total() > 0) {
    figure.basis = v1::Basis::PARTIAL_DOSSIERS;
  }
  return figure;
}

bool CubeView::Concerns(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  const UnitEntry& entry = (*units_)[unit];
  if (!entry.known) return false;
  return !Intersect(window, entry.validity).empty() || UnitCounts(plane, unit, window).total() > 0;
}

void RollUp::Add(const Figure& figure) {
  counts_ += figure.counts;
  ++units_;
  if (figure.basis == v1::Basis::DOSSIERS) ++complete_;
  if (figure.basis == v1::Basis::NONE) ++none_;
}

Figure RollUp::Result() const {
  Figure figure;
  figure.counts = counts_;
  if (none_ == units_) {
    figure.basis = v1::Basis::NONE;
  } else if (complete_ == units_) {
    figure.basis = v1::Basis::DOSSIERS;
  } else {
    figure.basis = v1::Basis::PARTIAL_DOSSIERS;
  }
  return figure;
}

Cube::Cube(std::string ledger_id) {
  position_.set_ledger_id(std::move(ledger_id));
  auto definitions = std::make_shared<Definitions>();
  v1::MetricDefinition definition = DefaultDefinition();
  auto plane = std::make_shared<DefinitionPlane>();
  plane->definition = definition;
  planes_.emplace(kDefaultDefinitionId, std::move(plane));
  definitions->emplace(kDefaultDefinitionId, std::move(definition));
  definitions_ = std::move(definitions);
}

int Cube::Intern(const std::string& unit_id) {
  const auto [found, added] = unit_index_.emplace(unit_id, static_cast<int>(entries_.size()));
  if (added) {
    entries_.emplace_back().unit_id = unit_id;
    cells_.emplace_back();
    table_ = nullptr;
  }
  return found->second;
}

absl::Status Cube::TakeUnits(const google::protobuf::RepeatedPtrField<v1::Unit>& units) {
  for (const v1::Unit& unit : units) {
    absl::StatusOr<UnitEntry> entry = MakeUnitEntry(unit);
    if (!entry.ok()) {
      return Bad(absl::StrCat("unit ", Quoted(unit.unit_id()), ": ", entry.status().message()));
    }
    entries_[static_cast<size_t>(Intern(unit.unit_id()))] = *std::move(entry);
    table_ = nullptr;
  }
  if (entries_.size() > kUnitsMax) {
    return Bad(absl::StrCat(entries_.size(), " units, limit ", kUnitsMax));
  }
  return absl::OkStatus();
}

void Cube::TakeDefinition(const v1::MetricDefinition& definition) {
  auto definitions = std::make_shared<Definitions>(*definitions_);
  (*definitions)[definition.definition_id()] = definition;
  definitions_ = std::move(definitions);
}

absl::Status Cube::TakeClaim(const v1::CoverageClaim& wire,
                             const google::protobuf::Timestamp* commit_time) {
  Claim claim;
  claim.sequence = wire.claim_sequence();
  claim.live = wire.live();
  claim.complete = wire.coverage().extent() == v1::Coverage::Extent::COMPLETE;
  const absl::StatusOr<absl::CivilDay> from = ParseDay(wire.coverage().from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(wire.coverage().to());
  if (!from.ok() || !to.ok() || *to < *from) {
    return Bad(absl::StrCat("claim ", claim.sequence, ": days ", Quoted(wire.coverage().from()),
                            " to ", Quoted(wire.coverage().to())));
  }
  claim.days = {DayNumber(*from), DayNumber(*to)};
  if (wire.has_commit_time()) {
    claim.commit_time = FromProto(wire.commit_time());
  } else if (commit_time != nullptr) {
    claim.commit_time = FromProto(*commit_time);
  }
  claim.every_unit = wire.coverage().unit_ids().empty();
  for (const std::string& unit_id : wire.coverage().unit_ids()) {
    claim.units.push_back(Intern(unit_id));
  }
  // A claim may name a unit twice; it counts once.
  std::sort(claim.units.begin(), claim.units.end());
  claim.units.erase(std::unique(claim.units.begin(), claim.units.end()), claim.units.end());
  coverage_.Put(std::move(claim));
  return absl::OkStatus();
}

absl::Status Cube::CheckUnitsKnown(const v1::CellBlock& block) const {
  for (const std::string& unit_id : block.unit_ids()) {
    const auto found = unit_index_.find(unit_id);
    if (found == unit_index_.end() || !entries_[static_cast<size_t>(found->second)].known) {
      return Bad(absl::StrCat("cells of unit ", Quoted(unit_id), ", which no directory has"));
    }
  }
  return absl::OkStatus();
}

absl::Status Cube::TakeCells(const v1::CellBlock& block, std::vector<Changes>* changes) {
  RETURN_IF_ERROR(CheckBlock(block));
  RETURN_IF_ERROR(CheckUnitsKnown(block));
  std::vector<size_t> units;
  for (const std::string& unit_id : block.unit_ids()) {
    units.push_back(static_cast<size_t>(unit_index_.at(unit_id)));
  }
  std::vector<uint32_t> procedures;
  for (const std::string& code : block.procedure_codes()) {
    procedures.push_back(
        procedure_index_.emplace(code, static_cast<uint32_t>(procedure_index_.size()))
            .first->second);
  }
  if (procedure_index_.size() > kProceduresMax) {
    return Bad(absl::StrCat(procedure_index_.size(), " procedures, limit ", kProceduresMax));
  }
  std::vector<DefinitionPredicate> predicates;
  if (changes != nullptr) {
    for (const auto& [id, plane] : planes_) predicates.emplace_back(plane->definition);
  }
  for (int i = 0; i < block.count_size(); ++i) {
    const size_t unit = units[block.unit_index(i)];
    const uint64_t key = CellKey(procedures[block.procedure_index(i)], block.day(i),
                                 block.channel(i), block.service_level(i), block.status(i));
    cells_[unit].log.push_back({key, block.count(i)});
    for (size_t p = 0; p < predicates.size(); ++p) {
      DayCounts change;
      change.day = block.day(i);
      if (CountCell(predicates[p], FactsOf(key), block.count(i), change.counts)) {
        (*changes)[p][unit].push_back(change);
      }
    }
    UnitCells& cells = cells_[unit];
    if (!loading_ && cells.log.size() > 2 * cells.compacted_size + 1024) Compact(cells);
  }
  return absl::OkStatus();
}

void Cube::Compact(UnitCells& cells) {
  std::vector<Cell>& log = cells.log;
  std::sort(log.begin(), log.end(), [](const Cell& a, const Cell& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < log.size();) {
    Cell sum = log[i++];
    while (i < log.size() && log[i].key == sum.key) sum.count += log[i++].count;
    if (sum.count != 0) log[kept++] = sum;
  }
  log.resize(kept);
  log.shrink_to_fit();
  cells.compacted_size = kept;
}

absl::Status Cube::LoadChunk(const v1::SnapshotChunk& chunk) {
  if (!loading_) {
    if (!chunk.has_position() || chunk.position().ledger_id().empty()) {
      return Bad("a snapshot that does not begin with its position");
    }
    loading_ = true;
    position_ = chunk.position();
  }
  RETURN_IF_ERROR(TakeUnits(chunk.units()));
  for (const v1::MetricDefinition& definition : chunk.definitions()) TakeDefinition(definition);
  for (const v1::CoverageClaim& claim : chunk.coverage())
    RETURN_IF_ERROR(TakeClaim(claim, nullptr));
  return TakeCells(chunk.cells(), nullptr);
}

absl::Status Cube::FinishLoad() {
  if (!loading_) return Bad("an empty snapshot");
  loading_ = false;
  // A snapshot has each cell once, so there is nothing to add up, only room to give back.
  for (UnitCells& cells : cells_) {
    cells.log.shrink_to_fit();
    cells.compacted_size = cells.log.size();
  }
  for (auto& [id, plane] : planes_) {
    ASSIGN_OR_RETURN(plane, Count(definitions_->at(id)));
  }
  return absl::OkStatus();
}

absl::Status Cube::Apply(absl::Span<const v1::FeedEvent> parts) {
  if (parts.empty() || !parts.back().complete()) return Bad("an incomplete sequence");
  const int64_t sequence = parts.back().sequence();
  if (sequence != position_.sequence() + 1) {
    return Bad(absl::StrCat("sequence ", sequence, " after ", position_.sequence()));
  }
  std::vector<Changes> changes(planes_.size());
  // Units of any part before cells of any part: one sequence is one change, however it is cut.
  for (const v1::FeedEvent& part : parts) RETURN_IF_ERROR(TakeUnits(part.units()));
  for (const v1::FeedEvent& part : parts) {
    for (const v1::CoverageClaim& claim : part.coverage()) {
      const bool own = claim.claim_sequence() == sequence && parts.back().has_commit_time();
      RETURN_IF_ERROR(TakeClaim(claim, own ? &parts.back().commit_time() : nullptr));
    }
    RETURN_IF_ERROR(TakeCells(part.deltas(), &changes));
  }
  size_t p = 0;
  for (auto& [id, plane] : planes_) {
    Changes& of_definition = changes[p++];
    if (of_definition.empty()) continue;
    auto changed = std::make_shared<DefinitionPlane>(*plane);
    changed->units.resize(entries_.size());
    for (auto& [unit, days] : of_definition) {
      absl::StatusOr<std::shared_ptr<const UnitPlane>> made =
          UnitPlane::Make(changed->units[unit].get(), std::move(days));
      if (!made.ok()) {
        return Bad(absl::StrCat("sequence ", sequence, ", unit ", Quoted(entries_[unit].unit_id),
                                ": ", made.status().message()));
      }
      changed->units[unit] = *std::move(made);
    }
    plane = std::move(changed);
  }
  for (const v1::FeedEvent& part : parts) {
    for (const v1::MetricDefinition& definition : part.definitions()) {
      TakeDefinition(definition);
      const auto used = planes_.find(definition.definition_id());
      if (used != planes_.end()) {
        ASSIGN_OR_RETURN(used->second, Count(definition));
      }
    }
  }
  position_.set_sequence(sequence);
  *position_.mutable_commit_time() = parts.back().commit_time();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const DefinitionPlane>> Cube::Count(
    const v1::MetricDefinition& definition) const {
  const DefinitionPredicate predicate(definition);
  auto plane = std::make_shared<DefinitionPlane>();
  plane->definition = definition;
  plane->units.resize(entries_.size());
  for (size_t unit = 0; unit < cells_.size(); ++unit) {
    // Added up by day first: a unit has far more cells than days.
    absl::flat_hash_map<int32_t, Counts> by_day;
    for (const Cell& cell : cells_[unit].log) {
      const CellFacts facts = FactsOf(cell.key);
      Counts counts;
      if (CountCell(predicate, facts, cell.count, counts)) by_day[facts.day] += counts;
    }
    std::vector<DayCounts> days;
    days.reserve(by_day.size());
    for (const auto& [day, counts] : by_day) days.push_back({day, counts});
    absl::StatusOr<std::shared_ptr<const UnitPlane>> made =
        UnitPlane::Make(nullptr, std::move(days));
    if (!made.ok()) {
      return Bad(
          absl::StrCat("unit ", Quoted(entries_[unit].unit_id), ": ", made.status().message()));
    }
    plane->units[unit] = *std::move(made);
  }
  return std::shared_ptr<const DefinitionPlane>(std::move(plane));
}

absl::Status Cube::Use(absl::string_view definition_id) {
  const std::string id(definition_id);
  if (planes_.contains(id)) return absl::OkStatus();
  const auto definition = definitions_->find(id);
  if (definition == definitions_->end()) {
    return absl::NotFoundError(absl::StrCat("definition_id: there is no ", Quoted(id)));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const DefinitionPlane> plane, Count(definition->second));
  planes_.emplace(id, std::move(plane));
  return absl::OkStatus();
}

std::shared_ptr<const CubeView> Cube::View() {
  if (table_ == nullptr) table_ = std::make_shared<UnitTable>(entries_);
  auto view = std::make_shared<CubeView>();
  view->position_ = position_;
  view->units_ = table_;
  view->coverage_ = coverage_.Table(table_->size());
  view->definitions_ = definitions_;
  view->planes_ = planes_;
  return view;
}

int64_t Cube::cell_entries() const {
  int64_t entries = 0;
  for (const UnitCells& cells : cells_) entries += static_cast<int64_t>(cells.log.size());
  return entries;
}

}  // namespace dondoc::aggregation
