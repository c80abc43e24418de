#include "tests/bench/cube_bench_data.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "services/common/metric/definition.h"

namespace dondoc::bench {
namespace {

constexpr char kLedger[] = "bench";
constexpr int kCellsPerChunk = 60'000;
constexpr int kProceduresOfUnit = 60;

std::string Procedure(uint32_t procedure) { return absl::StrCat("1.", 100'000 + procedure); }

}  // namespace

Data::Data(const DataOptions& options) : options_(options), random_(options.seed) {
  std::lognormal_distribution<double> size(0.0, 0.8);
  std::vector<double> weights;
  double sum = 0;
  for (int unit = 0; unit < options.units; ++unit) {
    weights.push_back(size(random_));
    sum += weights.back();
  }
  for (const double weight : weights) {
    dossiers_.push_back(std::llround(static_cast<double>(options.dossiers) * weight / sum));
  }
}

std::string Data::UnitId(int unit) const { return absl::StrCat("H", 10'000 + unit); }

Data::Facts Data::Dossier(int unit) {
  Facts facts{};
  // The procedures of a unit are a stretch of the catalogue; the first ones are the common ones.
  const double u = std::uniform_real_distribution<double>(0, 1)(random_);
  const auto nth = static_cast<uint32_t>(kProceduresOfUnit * u * u * u);
  facts.procedure =
      (static_cast<uint32_t>(unit) * 7 + nth) % static_cast<uint32_t>(options_.procedures);
  facts.day = kFirstDay + Pick(options_.days);
  static constexpr uint32_t kLevels[] = {v1::ServiceLevel::FULL, v1::ServiceLevel::PARTIAL,
                                         v1::ServiceLevel::INFORMATION};
  facts.level = kLevels[facts.procedure % 3];
  const int channel = Pick(100);
  facts.channel = channel < 45   ? v1::Channel::ONLINE
                  : channel < 97 ? v1::Channel::COUNTER
                                 : v1::Channel::POSTAL;
  facts.status = Pick(100) < 93 ? v1::Status::RETURNED : v1::Status::RECEIVED;
  return facts;
}

void Data::AddRow(v1::CellBlock& block, uint32_t unit, uint32_t procedure, const Facts& facts,
                  int64_t count) {
  block.add_unit_index(unit);
  block.add_procedure_index(procedure);
  block.add_day(facts.day);
  block.add_channel(facts.channel);
  block.add_service_level(facts.level);
  block.add_status(facts.status);
  block.add_count(count);
}

void Data::AddUnit(v1::CellBlock& block) {
  const int unit = next_unit_++;
  std::vector<Facts> all;
  for (int64_t i = 0; i < dossiers_[static_cast<size_t>(unit)]; ++i) all.push_back(Dossier(unit));
  std::sort(all.begin(), all.end());
  const auto unit_index = static_cast<uint32_t>(block.unit_ids_size());
  block.add_unit_ids(UnitId(unit));
  std::unordered_map<uint32_t, uint32_t> procedures;
  for (size_t i = 0; i < all.size();) {
    const Facts& facts = all[i];
    size_t end = i;
    while (end < all.size() && all[end] == facts) ++end;
    const auto [found, added] =
        procedures.emplace(facts.procedure, static_cast<uint32_t>(block.procedure_codes_size()));
    if (added) block.add_procedure_codes(Procedure(facts.procedure));
    AddRow(block, unit_index, found->second, facts, static_cast<int64_t>(end - i));
    ++cells_;
    i = end;
  }
}

void Data::FillFirst(v1::SnapshotChunk& chunk) const {
  chunk.mutable_position()->set_ledger_id(kLedger);
  chunk.mutable_position()->set_sequence(1);
  for (int i = 0; i < options_.units; ++i) {
    v1::Unit& unit = *chunk.add_units();
    unit.set_unit_id(UnitId(i));
    unit.set_name(absl::StrCat("Xã ", i));
    unit.set_level(i % 190 == 0 ? v1::Level::PROVINCE : v1::Level::COMMUNE);
    // Each unit's own claim, as its own system makes it; every tenth stopped in November.
    v1::CoverageClaim& claim = *chunk.add_coverage();
    claim.set_claim_sequence(i + 1);
    claim.set_live(true);
    claim.mutable_coverage()->set_from("2023-01-01");
    claim.mutable_coverage()->set_to(i % 10 == 0 ? "2023-11-20" : "2023-12-31");
    claim.mutable_coverage()->set_extent(v1::Coverage::Extent::COMPLETE);
    claim.mutable_coverage()->add_unit_ids(UnitId(i));
  }
  *chunk.add_definitions() = DefaultDefinition();
  v1::MetricDefinition other = DefaultDefinition();
  other.set_definition_id("online-services");
  other.set_only_online_services(true);
  *chunk.add_definitions() = other;
}

bool Data::NextChunk(std::string& text) {
  if (next_unit_ == options_.units) return false;
  v1::SnapshotChunk chunk;
  if (next_unit_ == 0) FillFirst(chunk);
  v1::CellBlock& block = *chunk.mutable_cells();
  while (next_unit_ < options_.units && block.count_size() < kCellsPerChunk) AddUnit(block);
  chunk.set_complete(next_unit_ == options_.units);
  chunk.SerializeToString(&text);
  return true;
}

v1::FeedEvent Data::Sequence(int64_t sequence, int changes, bool recent) {
  v1::FeedEvent event;
  event.set_sequence(sequence);
  event.set_complete(true);
  event.mutable_head()->set_ledger_id(kLedger);
  event.mutable_head()->set_sequence(sequence);
  v1::CellBlock& block = *event.mutable_deltas();
  // As ingestion cuts them: texts once, rows point to them.
  std::unordered_map<int, uint32_t> units;
  std::unordered_map<uint32_t, uint32_t> procedures;
  for (int i = 0; i < changes; ++i) {
    const int unit = Pick(options_.units);
    Facts facts = Dossier(unit);
    if (recent && Pick(10) > 0) {
      facts.day = kFirstDay + std::max(0, options_.days - 1 - Pick(30));
    }
    const auto of_unit = units.emplace(unit, static_cast<uint32_t>(block.unit_ids_size()));
    if (of_unit.second) block.add_unit_ids(UnitId(unit));
    const auto of_procedure =
        procedures.emplace(facts.procedure, static_cast<uint32_t>(block.procedure_codes_size()));
    if (of_procedure.second) block.add_procedure_codes(Procedure(facts.procedure));
    AddRow(block, of_unit.first->second, of_procedure.first->second, facts, 1);
  }
  return event;
}

}  // namespace dondoc::bench
