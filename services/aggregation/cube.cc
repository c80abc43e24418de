#include "services/aggregation/cube.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

namespace dondoc::aggregation {
namespace {

using Definitions = std::map<std::string, v1::MetricDefinition, std::less<>>;

constexpr absl::string_view kOnlineServicesSuffix = ";online_services";

absl::Status Bad(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("feed: ", what));
}

bool ValidLevel(uint32_t level) {
  return level < 8 && v1::ServiceLevel::Value_IsValid(static_cast<int>(level));
}

bool ValidStatus(uint32_t status) {
  return status < 16 && v1::Status::Value_IsValid(static_cast<int>(status));
}

// The key of row i, whose columns were checked.
uint64_t KeyOfRow(const v1::CellBlock& block, int i, uint32_t procedure) {
  return CellKey(procedure, block.day(i), block.channel(i), block.service_level(i),
                 block.status(i));
}

absl::Status CheckRow(const v1::CellBlock& block, int i) {
  if (block.unit_index(i) >= static_cast<uint32_t>(block.unit_ids_size()) ||
      block.procedure_index(i) >= static_cast<uint32_t>(block.procedure_codes_size())) {
    return Bad(absl::StrCat("cell ", i, ": index out of range"));
  }
  if (block.day(i) < -kDayBias || block.day(i) >= kDayBias) {
    return Bad(absl::StrCat("cell ", i, ": day ", block.day(i)));
  }
  if (block.count(i) < -kCellCountMax || block.count(i) > kCellCountMax) {
    return Bad(absl::StrCat("cell ", i, ": count ", block.count(i)));
  }
  if (block.channel(i) > 3 || !ValidLevel(block.service_level(i)) ||
      !ValidStatus(block.status(i))) {
    return Bad(absl::StrCat("cell ", i, ": channel ", block.channel(i), ", service level ",
                            block.service_level(i), ", status ", block.status(i)));
  }
  return absl::OkStatus();
}

absl::Status CheckBlock(const v1::CellBlock& block) {
  const int rows = block.count_size();
  if (block.unit_index_size() != rows || block.procedure_index_size() != rows ||
      block.day_size() != rows || block.channel_size() != rows ||
      block.service_level_size() != rows || block.status_size() != rows) {
    return Bad("cell columns of different lengths");
  }
  uint32_t levels = 0;
  uint32_t statuses = 0;
  for (uint32_t value = 0; value < 16; ++value) {
    if (ValidLevel(value)) levels |= 1u << value;
    if (ValidStatus(value)) statuses |= 1u << value;
  }
  const auto units = static_cast<uint32_t>(block.unit_ids_size());
  const auto procedures = static_cast<uint32_t>(block.procedure_codes_size());
  for (int i = 0; i < rows; ++i) {
    // One test for all: what exactly is wrong is only asked when something is.
    const bool good = (block.unit_index(i) < units) & (block.procedure_index(i) < procedures) &
                      (block.day(i) >= -kDayBias) & (block.day(i) < kDayBias) &
                      (block.channel(i) <= 3) & (block.service_level(i) < 32) &
                      ((levels >> (block.service_level(i) & 31) & 1) != 0) &
                      (block.status(i) < 32) & ((statuses >> (block.status(i) & 31) & 1) != 0) &
                      (block.count(i) >= -kCellCountMax) & (block.count(i) <= kCellCountMax);
    if (!good) return CheckRow(block, i);
  }
  return absl::OkStatus();
}

}  // namespace

const v1::MetricDefinition* CubeView::FindDefinition(absl::string_view definition_id) const {
  const auto found = definitions_->find(std::string(definition_id));
  return found == definitions_->end() ? nullptr : &found->second;
}

std::string OnlineServicesPlane(absl::string_view definition_id) {
  return absl::StrCat(definition_id, kOnlineServicesSuffix);
}

const DefinitionPlane* CubeView::FindPlane(absl::string_view plane_id) const {
  const auto found = planes_.find(plane_id);
  return found == planes_.end() ? nullptr : found->second.get();
}

Counts CubeView::UnitCounts(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  return plane.days.In(unit, window);
}

Figure CubeView::UnitFigure(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  return FigureOf(UnitCounts(plane, unit, window), unit,
                  Intersect(window, units_->facts(unit).validity), StatementsFor(plane));
}

bool CubeView::Concerns(const DefinitionPlane& plane, int unit, const DayRange& window) const {
  const UnitFacts& facts = units_->facts(unit);
  if (!facts.known) return false;
  return !Intersect(window, facts.validity).empty() || UnitCounts(plane, unit, window).total() > 0;
}

Figure RollUp::Result() const {
  Figure figure;
  figure.counts = counts_;
  if (none_.units == units_) {
    figure.basis = v1::Basis::NONE;
  } else if (none_.units + partial_.units > 0) {
    figure.basis = v1::Basis::PARTIAL_DOSSIERS;
  } else {
    figure.basis = statement_.units > 0 ? v1::Basis::STATEMENT : v1::Basis::DOSSIERS;
  }
  return figure;
}

v1::BasisCounts RollUp::ByBasis() const {
  v1::BasisCounts counts;
  counts.set_dossiers_units(units_ - statement_.units - partial_.units - none_.units);
  counts.set_dossiers_total(counts_.total() - statement_.total - partial_.total);
  counts.set_partial_dossiers_units(partial_.units);
  counts.set_partial_dossiers_total(partial_.total);
  counts.set_statement_units(statement_.units);
  counts.set_statement_total(statement_.total);
  counts.set_none_units(none_.units);
  return counts;
}

Cube::Cube(std::string ledger_id) {
  position_.set_ledger_id(std::move(ledger_id));
  auto definitions = std::make_shared<Definitions>();
  v1::MetricDefinition definition = DefaultDefinition();
  counted_[kDefaultDefinitionId].definition = definition;
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

absl::Status Cube::TakeStatement(const v1::StatementRecord& record) {
  const std::string& unit_id = record.statement().unit_id();
  if (const absl::Status put = statements_.Put(Intern(unit_id), record); !put.ok()) {
    return Bad(absl::StrCat("unit ", Quoted(unit_id), ": ", put.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Cube::BlockIndex> Cube::IndexBlock(const v1::CellBlock& block) {
  RETURN_IF_ERROR(CheckBlock(block));
  BlockIndex index;
  index.units.reserve(static_cast<size_t>(block.unit_ids_size()));
  for (const std::string& unit_id : block.unit_ids()) {
    const auto found = unit_index_.find(unit_id);
    if (found == unit_index_.end() || !entries_[static_cast<size_t>(found->second)].known) {
      return Bad(absl::StrCat("cells of unit ", Quoted(unit_id), ", which no directory has"));
    }
    index.units.push_back(found->second);
  }
  index.procedures.reserve(static_cast<size_t>(block.procedure_codes_size()));
  for (const std::string& code : block.procedure_codes()) {
    index.procedures.push_back(procedures_.Intern(code));
  }
  if (procedures_.size() > kProceduresMax) {
    return Bad(absl::StrCat(procedures_.size(), " procedures, limit ", kProceduresMax));
  }
  return index;
}

absl::Status Cube::LoadCells(const v1::CellBlock& block) {
  ASSIGN_OR_RETURN(const BlockIndex index, IndexBlock(block));
  for (int i = 0; i < block.count_size(); ++i) {
    const uint32_t procedure = index.procedures[block.procedure_index(i)];
    cells_[static_cast<size_t>(index.units[block.unit_index(i)])].Load(
        KeyOfRow(block, i, procedure), block.count(i));
  }
  return absl::OkStatus();
}

absl::Status Cube::TakeCells(const v1::CellBlock& block,
                             std::vector<std::vector<PlaneChange>>& changes) {
  ASSIGN_OR_RETURN(const BlockIndex index, IndexBlock(block));
  std::vector<Classifier> classifiers;
  if (block.count_size() > 0) {
    for (const auto& [id, counted] : counted_) classifiers.emplace_back(counted.definition);
  }
  for (int i = 0; i < block.count_size(); ++i) {
    const int unit = index.units[block.unit_index(i)];
    const uint32_t procedure = index.procedures[block.procedure_index(i)];
    const uint64_t key = KeyOfRow(block, i, procedure);
    cells_[static_cast<size_t>(unit)].Append(key, block.count(i));
    const size_t chunk = static_cast<size_t>(unit / kCellsChunkUnits);
    if (chunk < cells_shown_.size()) cells_shown_[chunk] = nullptr;
    for (size_t d = 0; d < classifiers.size(); ++d) {
      if (const auto column = classifiers[d](key, procedures_.offers(procedure))) {
        changes[d].push_back(PlaneChange::Of(unit, block.day(i), *column, block.count(i)));
      }
    }
  }
  return absl::OkStatus();
}

std::string Cube::NameOf(int unit) const {
  return Quoted(entries_[static_cast<size_t>(unit)].unit_id);
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
  RETURN_IF_ERROR(TakeProcedures(chunk.procedures()));
  for (const v1::CoverageClaim& claim : chunk.coverage())
    RETURN_IF_ERROR(TakeClaim(claim, nullptr));
  for (const v1::StatementRecord& statement : chunk.statements()) {
    RETURN_IF_ERROR(TakeStatement(statement));
  }
  return LoadCells(chunk.cells());
}

absl::Status Cube::FinishLoad() {
  if (!loading_) return Bad("an empty snapshot");
  loading_ = false;
  for (UnitCells& cells : cells_) cells.FinishLoad();
  for (auto& [id, counted] : counted_) RETURN_IF_ERROR(Recount(id, counted));
  return absl::OkStatus();
}

absl::Status Cube::TakeProcedures(
    const google::protobuf::RepeatedPtrField<v1::Procedure>& procedures) {
  for (const v1::Procedure& procedure : procedures) {
    const absl::Status put = procedures_.Put(procedure);
    if (!put.ok()) {
      return Bad(
          absl::StrCat("procedure ", Quoted(procedure.procedure_code()), ": ", put.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status Cube::Recount(const std::string& plane_id, Counted& counted) const {
  const bool only = absl::EndsWith(plane_id, kOnlineServicesSuffix);
  const absl::string_view id = absl::StripSuffix(plane_id, kOnlineServicesSuffix);
  const auto definition = definitions_->find(id);
  if (definition == definitions_->end()) {
    return absl::NotFoundError(absl::StrCat("definition_id: there is no ", Quoted(id)));
  }
  counted.definition = definition->second;
  if (only) counted.definition.set_only_online_services(true);
  ASSIGN_OR_RETURN(counted.days, Count(counted.definition));
  counted.shown = nullptr;
  return absl::OkStatus();
}

absl::Status Cube::Apply(absl::Span<const v1::FeedEvent> parts) {
  if (parts.empty() || !parts.back().complete()) return Bad("an incomplete sequence");
  const int64_t sequence = parts.back().sequence();
  if (sequence != position_.sequence() + 1) {
    return Bad(absl::StrCat("sequence ", sequence, " after ", position_.sequence()));
  }
  std::vector<std::vector<PlaneChange>> changes(counted_.size());
  // Units of any part before cells of any part: one sequence is one change, however it is cut.
  for (const v1::FeedEvent& part : parts) RETURN_IF_ERROR(TakeUnits(part.units()));
  for (const v1::FeedEvent& part : parts) {
    for (const v1::CoverageClaim& claim : part.coverage()) {
      const bool own = claim.claim_sequence() == sequence && parts.back().has_commit_time();
      RETURN_IF_ERROR(TakeClaim(claim, own ? &parts.back().commit_time() : nullptr));
    }
    for (const v1::StatementRecord& statement : part.statements()) {
      RETURN_IF_ERROR(TakeStatement(statement));
    }
    RETURN_IF_ERROR(TakeCells(part.deltas(), changes));
  }
  // After the cells: what the catalogue or a definition says now holds for all of them.
  bool catalogue_changed = false;
  std::set<std::string, std::less<>> redefined;
  for (const v1::FeedEvent& part : parts) {
    RETURN_IF_ERROR(TakeProcedures(part.procedures()));
    catalogue_changed = catalogue_changed || part.procedures_size() > 0;
    for (const v1::MetricDefinition& definition : part.definitions()) {
      TakeDefinition(definition);
      redefined.insert(definition.definition_id());
    }
  }
  const auto name = [this](int unit) { return NameOf(unit); };
  size_t d = 0;
  for (auto& [id, counted] : counted_) {
    std::vector<PlaneChange>& of_definition = changes[d++];
    if ((catalogue_changed && counted.definition.only_online_services()) ||
        redefined.contains(absl::StripSuffix(id, kOnlineServicesSuffix))) {
      RETURN_IF_ERROR(Recount(id, counted));
      continue;
    }
    if (of_definition.empty()) continue;
    const absl::Status added = counted.days.Add(std::move(of_definition), name);
    if (!added.ok()) return Bad(absl::StrCat("sequence ", sequence, ", ", added.message()));
    counted.shown = nullptr;
  }
  position_.set_sequence(sequence);
  *position_.mutable_commit_time() = parts.back().commit_time();
  return absl::OkStatus();
}

absl::StatusOr<DayPlane> Cube::Count(const v1::MetricDefinition& definition) const {
  const Classifier classifier(definition);
  const auto name = [this](int unit) { return NameOf(unit); };
  PlaneBuilder builder;
  for (size_t first = 0; first < cells_.size(); first += kChunkUnits) {
    for (int slot = 0; slot < kChunkUnits; ++slot) {
      const size_t unit = first + static_cast<size_t>(slot);
      if (unit >= cells_.size()) break;
      cells_[unit].ForEach([&](uint64_t key, int64_t count) {
        if (const auto column = classifier(key, procedures_.offers(ProcedureOf(key)))) {
          builder.Add(slot, DayOfKey(key), *column, count);
        }
      });
    }
    const absl::Status finished = builder.FinishChunk(static_cast<int>(first) / kChunkUnits, name);
    if (!finished.ok()) return Bad(finished.message());
  }
  return builder.Finish();
}

absl::Status Cube::Use(absl::string_view plane_id) {
  std::string id(plane_id);
  if (counted_.contains(id)) return absl::OkStatus();
  Counted counted;
  RETURN_IF_ERROR(Recount(id, counted));
  counted_.emplace(std::move(id), std::move(counted));
  return absl::OkStatus();
}

std::shared_ptr<const CubeView> Cube::View() {
  if (table_ == nullptr) table_ = std::make_shared<UnitTable>(entries_);
  auto view = std::make_shared<CubeView>();
  view->position_ = position_;
  view->units_ = table_;
  view->coverage_ = coverage_.Table();
  view->statements_ = statements_.Table();
  view->definitions_ = definitions_;
  for (auto& [id, counted] : counted_) {
    if (counted.shown == nullptr) {
      counted.shown = std::make_shared<const DefinitionPlane>(
          DefinitionPlane{counted.definition, counted.days.Freeze(), id == kDefaultDefinitionId});
    }
    view->planes_.emplace(id, counted.shown);
  }
  view->procedures_ = procedures_.Table();
  const size_t chunks = (cells_.size() + kCellsChunkUnits - 1) / kCellsChunkUnits;
  cells_shown_.resize(chunks);
  for (size_t chunk = 0; chunk < chunks; ++chunk) {
    if (cells_shown_[chunk] != nullptr) continue;
    auto shown = std::make_shared<CellsChunk>();
    const size_t first = chunk * kCellsChunkUnits;
    for (size_t unit = first; unit < std::min(first + kCellsChunkUnits, cells_.size()); ++unit) {
      (*shown)[unit - first] = cells_[unit].Freeze();
    }
    cells_shown_[chunk] = std::move(shown);
  }
  view->cells_ = cells_shown_;
  return view;
}

int64_t Cube::cell_entries() const {
  int64_t entries = 0;
  for (const UnitCells& cells : cells_) entries += static_cast<int64_t>(cells.entries());
  return entries;
}

}  // namespace dondoc::aggregation
