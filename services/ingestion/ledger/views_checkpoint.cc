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
  bool bad_import = false;
  RETURN_IF_ERROR(ForEachRevision(
      chunk.dossiers(), [&](absl::string_view text) { return texts_.Add(text); },
      [&](absl::string_view code, const Revision& revision) {
        bad_import = bad_import || revision.import >= imports_.size();
        if (!code.empty()) {
          const LocatedCode located = dossiers_.Locate(code);
          const std::optional<DossierId> known = dossiers_.Find(located);
          restored_last_ = known ? *known : dossiers_.Add(located);
        }
        dossiers_.Insert(restored_last_, revision);
      }));
  return bad_import ? absl::DataLossError("a checkpoint names an import it does not hold")
                    : absl::OkStatus();
}

}  // namespace dondoc::ingestion
