// Views to and from the chunks of a checkpoint.

#include <algorithm>

#include "services/common/status/macros.h"
#include "services/ingestion/ledger/revision_block.h"
#include "services/ingestion/ledger/views.h"

namespace dondoc::ingestion {

std::vector<int64_t> Views::CheckpointRecords(int64_t sequence) const {
  return {checkpoint_records_.begin(),
          std::upper_bound(checkpoint_records_.begin(), checkpoint_records_.end(), sequence)};
}

ledger::RevisionBlock Views::CheckpointDossiers(int64_t sequence, DossierId& next) const {
  RevisionBlockWriter writer(
      [this](uint32_t number) -> absl::string_view { return texts_.Text(number); });
  while (next < dossiers_.count() && writer.bytes() < kBlockBytesMax) {
    const DossierId id = next++;
    bool first = true;
    dossiers_.ForEachRevision(id, [&](const Revision& revision) {
      if (revision.sequence > sequence) return;
      writer.AddRevision(dossiers_.Code(id), first, revision);
      first = false;
    });
  }
  return writer.Take();
}

absl::Status Views::Restore(const ledger::CheckpointChunk& chunk) {
  commit_us_.insert(commit_us_.end(), chunk.commit_time_us().begin(), chunk.commit_time_us().end());
  head_ = planned();
  for (const ledger::LogRecord& record : chunk.records()) {
    if (record.sequence() < 1 || record.sequence() > head()) {
      return absl::DataLossError("a checkpoint repeats a record it does not reach");
    }
    RETURN_IF_ERROR(Apply(record));
  }
  std::vector<std::pair<absl::string_view, Revision>> revisions;
  revisions.reserve(static_cast<size_t>(chunk.dossiers().row_number_size()));
  RETURN_IF_ERROR(ForEachRevision(
      chunk.dossiers(), [&](absl::string_view text) { return texts_.Add(text); },
      [&](absl::string_view code, const Revision& revision) {
        // A further revision of the dossier before.
        revisions.emplace_back(code.empty() ? revisions.back().first : code, revision);
      }));
  for (const auto& [code, revision] : revisions) {
    if (revision.import >= imports_.size()) {
      return absl::DataLossError("a checkpoint names an import it does not hold");
    }
    if (revision.sequence < 1 || revision.sequence > head_) {
      return absl::DataLossError("a checkpoint holds a revision of a sequence it does not reach");
    }
  }
  ForEachLocated(
      dossiers_, revisions.size(), [&](size_t i) { return revisions[i].first; },
      [&](size_t i, const LocatedCode& code) {
        const std::optional<DossierId> known = dossiers_.Find(code);
        dossiers_.Insert(known ? *known : dossiers_.Add(code), revisions[i].second);
      });
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
