#include "services/ingestion/ledger/revision_block.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace dondoc::ingestion {
namespace {

constexpr uint32_t kHasReceived = 1;
constexpr uint32_t kHasUpdate = 2;
constexpr uint32_t kWithdrawn = 4;

// More than the numbers of a row can usually take in varints.
constexpr size_t kRowBytes = 40;

// What a google.protobuf.Timestamp may hold.
constexpr int64_t kSecondsMin = -62135596800;
constexpr int64_t kSecondsMax = 253402300799;

int64_t InstantUs(const google::protobuf::Timestamp& timestamp) {
  const int64_t seconds = std::clamp(timestamp.seconds(), kSecondsMin, kSecondsMax);
  return seconds * 1'000'000 + std::clamp(timestamp.nanos(), 0, 999'999'999) / 1000;
}

absl::Status CheckColumns(const ledger::RevisionBlock& block) {
  const int rows = block.row_number_size();
  if (block.code_bytes_size() != rows || block.unit_size() != rows ||
      block.handling_unit_size() != rows || block.procedure_size() != rows ||
      block.field_size() != rows || block.channel_size() != rows ||
      block.service_level_size() != rows || block.status_size() != rows ||
      block.flags_size() != rows || block.received_us_size() != rows ||
      block.update_us_size() != rows) {
    return absl::DataLossError("a block of revisions has columns of different lengths");
  }
  uint64_t code_bytes = 0;
  const auto texts = static_cast<uint32_t>(block.texts_size());
  for (int i = 0; i < rows; ++i) {
    code_bytes += block.code_bytes(i);
    if (block.unit(i) >= texts || block.handling_unit(i) >= texts || block.procedure(i) >= texts ||
        block.field(i) >= texts) {
      return absl::DataLossError("a block of revisions points to a text it does not hold");
    }
  }
  if (code_bytes != block.codes().size()) {
    return absl::DataLossError("a block of revisions has codes of another length than it says");
  }
  return absl::OkStatus();
}

// Reads the rows of a checked block one after the other.
class RowReader {
 public:
  RowReader(const ledger::RevisionBlock& block,
            absl::FunctionRef<uint32_t(absl::string_view)> number)
      : block_(block) {
    numbers_.reserve(static_cast<size_t>(block.texts_size()));
    for (const std::string& text : block.texts()) numbers_.push_back(number(text));
  }

  BlockRow Read(int i) {
    BlockRow row;
    row.code = absl::string_view(block_.codes()).substr(code_start_, block_.code_bytes(i));
    code_start_ += block_.code_bytes(i);
    const uint32_t flags = block_.flags(i);
    row.facts.withdrawn = (flags & kWithdrawn) != 0;
    if ((flags & kHasReceived) != 0) row.facts.received_us = block_.received_us(i);
    if ((flags & kHasUpdate) != 0) row.update_us = block_.update_us(i);
    row.facts.unit = numbers_[block_.unit(i)];
    row.facts.handling_unit = numbers_[block_.handling_unit(i)];
    row.facts.procedure = numbers_[block_.procedure(i)];
    row.facts.field = numbers_[block_.field(i)];
    row.facts.channel = static_cast<uint8_t>(block_.channel(i));
    row.facts.service_level = static_cast<uint8_t>(block_.service_level(i));
    row.facts.status = static_cast<uint8_t>(block_.status(i));
    row.row_number = block_.row_number(i);
    return row;
  }

 private:
  const ledger::RevisionBlock& block_;
  std::vector<uint32_t> numbers_;
  size_t code_start_ = 0;
};

}  // namespace

uint32_t RevisionBlockWriter::Index(uint32_t number) {
  const auto [place, added] =
      indexes_.try_emplace(number, static_cast<uint32_t>(block_.texts_size()));
  if (added) {
    const absl::string_view text = text_(number);
    block_.add_texts(text.data(), text.size());
    bytes_ += text.size() + 4;
  }
  return place->second;
}

void RevisionBlockWriter::Add(const BlockRow& row) {
  block_.mutable_codes()->append(row.code.data(), row.code.size());
  block_.add_code_bytes(static_cast<uint32_t>(row.code.size()));
  const Facts& facts = row.facts;
  block_.add_unit(Index(facts.unit));
  block_.add_handling_unit(Index(facts.handling_unit));
  block_.add_procedure(Index(facts.procedure));
  block_.add_field(Index(facts.field));
  block_.add_channel(facts.channel);
  block_.add_service_level(facts.service_level);
  block_.add_status(facts.status);
  const bool has_received = facts.received_us != kNoTime;
  const bool has_update = row.update_us != kNoTime;
  block_.add_flags((has_received ? kHasReceived : 0) | (has_update ? kHasUpdate : 0) |
                   (facts.withdrawn ? kWithdrawn : 0));
  block_.add_received_us(has_received ? facts.received_us : 0);
  block_.add_update_us(has_update ? row.update_us : 0);
  block_.add_row_number(row.row_number);
  bytes_ += row.code.size() + kRowBytes;
}

void RevisionBlockWriter::AddRevision(absl::string_view code, bool first,
                                      const Revision& revision) {
  Add({first ? code : absl::string_view(), revision.facts, revision.update_us,
       revision.row_number});
  block_.add_sequence(revision.sequence);
  block_.add_effective_us(revision.effective_us);
  block_.add_import(revision.import);
  bytes_ += 16;
}

ledger::RevisionBlock RevisionBlockWriter::Take() {
  ledger::RevisionBlock taken = std::move(block_);
  block_.Clear();
  indexes_.clear();
  bytes_ = 0;
  return taken;
}

Facts FactsOf(const v1::Dossier& dossier, absl::FunctionRef<uint32_t(absl::string_view)> number) {
  Facts facts;
  if (dossier.withdrawn()) {
    facts.withdrawn = true;
    return facts;
  }
  if (dossier.has_received_time()) facts.received_us = InstantUs(dossier.received_time());
  facts.unit = number(dossier.unit_id());
  facts.handling_unit = number(dossier.handling_unit_id());
  facts.procedure = number(dossier.procedure_code());
  facts.field = number(dossier.field());
  facts.channel = static_cast<uint8_t>(dossier.channel());
  facts.service_level = static_cast<uint8_t>(dossier.service_level());
  facts.status = static_cast<uint8_t>(dossier.status());
  return facts;
}

int64_t UpdateUsOf(const v1::Dossier& dossier) {
  return dossier.has_update_time() ? InstantUs(dossier.update_time()) : kNoTime;
}

absl::Status ForEachRow(const ledger::RevisionBlock& block,
                        absl::FunctionRef<uint32_t(absl::string_view)> number,
                        absl::FunctionRef<void(const BlockRow&)> visit) {
  if (absl::Status status = CheckColumns(block); !status.ok()) return status;
  RowReader reader(block, number);
  for (int i = 0; i < block.row_number_size(); ++i) visit(reader.Read(i));
  return absl::OkStatus();
}

absl::Status ForEachRevision(const ledger::RevisionBlock& block,
                             absl::FunctionRef<uint32_t(absl::string_view)> number,
                             absl::FunctionRef<void(absl::string_view, const Revision&)> visit) {
  if (absl::Status status = CheckColumns(block); !status.ok()) return status;
  const int rows = block.row_number_size();
  if (block.sequence_size() != rows || block.effective_us_size() != rows ||
      block.import_size() != rows || (rows > 0 && block.code_bytes(0) == 0)) {
    return absl::DataLossError("a checkpoint block has columns of different lengths");
  }
  RowReader reader(block, number);
  for (int i = 0; i < rows; ++i) {
    const BlockRow row = reader.Read(i);
    visit(row.code, {row.facts, block.effective_us(i), row.update_us, block.sequence(i),
                     row.row_number, block.import(i)});
  }
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
