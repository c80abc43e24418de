#include "services/ingestion/ledger/cells.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dondoc::ingestion {
namespace {

// More than a cell's numbers can take in varints.
constexpr size_t kCellBytesMax = 5 + 5 + 5 + 3 + 10;

}  // namespace

std::optional<CellKey> CellOf(const Facts& facts) {
  if (!facts.counted()) return std::nullopt;
  return CellKey{facts.unit,    facts.procedure,     ReceivedDay(facts.received_us),
                 facts.channel, facts.service_level, facts.status};
}

void AddToCell(CellCounts& cells, const CellKey& key, int64_t count) {
  if (count == 0) return;
  const auto [place, added] = cells.try_emplace(key, count);
  if (added) return;
  place->second += count;
  if (place->second == 0) cells.erase(place);
}

void SortAndAddUp(std::vector<std::pair<CellKey, int64_t>>& cells) {
  std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) {
    const auto order = [](const CellKey& key) {
      return std::tie(key.unit, key.procedure, key.day, key.channel, key.service_level, key.status);
    };
    return order(a.first) < order(b.first);
  });
  size_t kept = 0;
  for (size_t i = 0; i < cells.size();) {
    std::pair<CellKey, int64_t> sum = cells[i];
    for (++i; i < cells.size() && cells[i].first == sum.first; ++i) sum.second += cells[i].second;
    if (sum.second != 0) cells[kept++] = sum;
  }
  cells.resize(kept);
}

uint32_t CellBlockWriter::Index(absl::flat_hash_map<uint32_t, uint32_t>& known, uint32_t number,
                                const TextTable& table,
                                google::protobuf::RepeatedPtrField<std::string>& texts) {
  const auto [place, added] = known.try_emplace(number, static_cast<uint32_t>(texts.size()));
  if (added) {
    *texts.Add() = table.Text(number);
    bytes_ += table.Text(number).size() + 4;
  }
  return place->second;
}

void CellBlockWriter::Add(const CellKey& key, int64_t count, const TextTable& texts) {
  block_.add_unit_index(Index(units_, key.unit, texts, *block_.mutable_unit_ids()));
  block_.add_procedure_index(
      Index(procedures_, key.procedure, texts, *block_.mutable_procedure_codes()));
  block_.add_day(key.day);
  block_.add_channel(key.channel);
  block_.add_service_level(key.service_level);
  block_.add_status(key.status);
  block_.add_count(count);
  bytes_ += kCellBytesMax;
}

void CellBlockWriter::Add(absl::Span<const std::pair<CellKey, int64_t>> cells,
                          const TextTable& texts) {
  for (const auto& [key, count] : cells) {
    Add(key, count, texts);
    if (bytes_ >= kBlockBytesMax) full_.push_back(*TakeRest());
  }
}

std::optional<v1::CellBlock> CellBlockWriter::TakeFull() {
  if (full_.empty()) return std::nullopt;
  v1::CellBlock block = std::move(full_.front());
  full_.pop_front();
  return block;
}

std::optional<v1::CellBlock> CellBlockWriter::TakeRest() {
  if (bytes_ == 0) return std::nullopt;
  v1::CellBlock block = std::move(block_);
  block_.Clear();
  units_.clear();
  procedures_.clear();
  bytes_ = 0;
  return block;
}

absl::Status ForEachCell(const v1::CellBlock& block,
                         absl::FunctionRef<uint32_t(const std::string&)> number,
                         absl::FunctionRef<void(const CellKey&, int64_t)> visit) {
  const int cells = block.count_size();
  if (block.unit_index_size() != cells || block.procedure_index_size() != cells ||
      block.day_size() != cells || block.channel_size() != cells ||
      block.service_level_size() != cells || block.status_size() != cells) {
    return absl::DataLossError("a block of cells has columns of different lengths");
  }
  std::vector<uint32_t> units;
  for (const std::string& unit : block.unit_ids()) units.push_back(number(unit));
  std::vector<uint32_t> procedures;
  for (const std::string& procedure : block.procedure_codes()) {
    procedures.push_back(number(procedure));
  }
  for (int i = 0; i < cells; ++i) {
    if (block.unit_index(i) >= units.size() || block.procedure_index(i) >= procedures.size()) {
      return absl::DataLossError("a block of cells points to a text it does not hold");
    }
    visit(CellKey{units[block.unit_index(i)], procedures[block.procedure_index(i)], block.day(i),
                  static_cast<uint8_t>(block.channel(i)),
                  static_cast<uint8_t>(block.service_level(i)),
                  static_cast<uint8_t>(block.status(i))},
          block.count(i));
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
