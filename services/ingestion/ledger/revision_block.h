#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/dossiers.pb.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {

// A row of a block. `facts` carries numbers of texts: of the reader's table, or of the writer's.
struct BlockRow {
  absl::string_view code;
  Facts facts;
  int64_t update_us = kNoTime;
  int64_t row_number = 0;
};

// Builds a ledger::RevisionBlock.
class RevisionBlockWriter {
 public:
  using TextOf = std::function<absl::string_view(uint32_t)>;

  // `text` gives the text of a number in the rows.
  explicit RevisionBlockWriter(TextOf text) : text_(std::move(text)) {}

  void Add(const BlockRow& row);
  // With the checkpoint columns. `first` is false for further revisions of the code before.
  void AddRevision(absl::string_view code, bool first, const Revision& revision);

  // About what the block takes when it is written.
  size_t bytes() const { return bytes_; }
  int rows() const { return block_.row_number_size(); }
  // Leaves the writer empty.
  ledger::RevisionBlock Take();

 private:
  uint32_t Index(uint32_t number);

  TextOf text_;
  ledger::RevisionBlock block_;
  absl::flat_hash_map<uint32_t, uint32_t> indexes_;
  size_t bytes_ = 0;
};

// What a dossier states, its texts numbered by `number`. A withdrawal keeps nothing but that.
Facts FactsOf(const v1::Dossier& dossier, absl::FunctionRef<uint32_t(absl::string_view)> number);
// kNoTime when there is none.
int64_t UpdateUsOf(const v1::Dossier& dossier);

// Calls `visit` for each row in order, its texts numbered by `number`. kDataLoss when the columns
// do not fit together; then nothing was visited.
absl::Status ForEachRow(const ledger::RevisionBlock& block,
                        absl::FunctionRef<uint32_t(absl::string_view)> number,
                        absl::FunctionRef<void(const BlockRow&)> visit);

// The same for a checkpoint's block; a row's code is empty when it is that of the row before.
absl::Status ForEachRevision(const ledger::RevisionBlock& block,
                             absl::FunctionRef<uint32_t(absl::string_view)> number,
                             absl::FunctionRef<void(absl::string_view, const Revision&)> visit);

}  // namespace dondoc::ingestion
