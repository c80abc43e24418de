#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/statements_view.h"

namespace dondoc::ingestion {

// Works out what a change does to the statements. Reads the view only. Plans one change.
class StatementPlanner {
 public:
  // The view outlives the planner. `sequence` and `commit_us` are what the change would get.
  StatementPlanner(const StatementsView& view, int64_t sequence, int64_t commit_us)
      : view_(view), sequence_(sequence), commit_us_(commit_us) {}

  // A push. What repeats one that was pushed is not kept, by rule 6 of views.h; returns the outcome
  // of each. kInvalidArgument: days that cannot be read.
  absl::StatusOr<std::vector<v1::Outcome::Value>> Push(absl::Span<const v1::Statement> statements);
  // Rows of an import, all of which are kept. kDataLoss: days that cannot be read.
  absl::Status Take(const std::vector<ledger::StatementChunk>& chunks, uint32_t import,
                    int64_t default_effective_us);
  // An import with this number leaves the fold or comes back.
  void Relive(uint32_t import, bool live);

  bool keeps_any() const { return kept_.statements_size() > 0; }
  // Puts what is kept into the record, and into its counts what it changes.
  void Finish(ledger::LogRecord& record);

 private:
  struct Pending {
    std::optional<StatementRevision> before;
    std::optional<StatementRevision> now;
    std::vector<std::pair<StatementFacts, int64_t>> pushed;
  };

  Pending& PendingOf(const StatementKey& key);
  v1::Outcome::Value Put(const v1::Statement& statement, Pending& pending,
                         const StatementRevision& revision);

  const StatementsView& view_;
  const int64_t sequence_;
  const int64_t commit_us_;
  std::map<StatementKey, Pending> pending_;
  ledger::StatementChunk kept_;
  int64_t rows_ = 0;
};

// What the record's counts say of statements, added to `result`.
void AddStatementCounts(const ledger::RowCounts& counts, CommitResult& result);

}  // namespace dondoc::ingestion
