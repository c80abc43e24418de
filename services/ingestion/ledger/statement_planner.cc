#include "services/ingestion/ledger/statement_planner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {
namespace {

int64_t UpdateUsOf(const v1::Statement& statement) {
  return statement.has_update_time() ? ToUs(FromProto(statement.update_time())) : kNoTime;
}

}  // namespace

StatementPlanner::Pending& StatementPlanner::PendingOf(const StatementKey& key) {
  const auto [place, added] = pending_.try_emplace(key);
  if (added) {
    const StatementRevision* state = view_.State(key);
    if (state != nullptr) place->second.before = place->second.now = *state;
  }
  return place->second;
}

v1::Outcome::Value StatementPlanner::Put(const v1::Statement& statement, Pending& pending,
                                         const StatementRevision& revision) {
  v1::StatementRecord& kept = *kept_.add_statements();
  *kept.mutable_statement() = statement;
  kept.set_row_number(revision.row_number);
  *kept.mutable_effective_time() = ToProto(FromUs(revision.effective_us));
  if (pending.now && Before(revision, *pending.now)) return v1::Outcome::STALE;
  const bool had_none = !pending.now || pending.now->facts.withdrawn;
  const bool same = pending.now ? pending.now->facts == revision.facts : revision.facts.withdrawn;
  pending.now = revision;
  if (same) return v1::Outcome::UNCHANGED;
  return had_none ? v1::Outcome::CREATED : v1::Outcome::UPDATED;
}

absl::StatusOr<std::vector<v1::Outcome::Value>> StatementPlanner::Push(
    absl::Span<const v1::Statement> statements) {
  std::vector<v1::Outcome::Value> outcomes;
  outcomes.reserve(statements.size());
  for (size_t i = 0; i < statements.size(); ++i) {
    const absl::StatusOr<StatementKey> key = StatementKeyOf(statements[i]);
    if (!key.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("statements[", i, "].", key.status().message()));
    }
    const StatementFacts facts = StatementFactsOf(statements[i]);
    const int64_t update_us = UpdateUsOf(statements[i]);
    Pending& pending = PendingOf(*key);
    const bool repeated =
        update_us == kNoTime
            ? pending.now && pending.now->import == kPush && pending.now->facts == facts
            : view_.HasPushed(*key, facts, update_us) ||
                  std::find(pending.pushed.begin(), pending.pushed.end(),
                            std::pair(facts, update_us)) != pending.pushed.end();
    if (repeated) {
      outcomes.push_back(v1::Outcome::UNCHANGED);
      continue;
    }
    pending.pushed.emplace_back(facts, update_us);
    StatementRevision revision{facts,
                               update_us == kNoTime ? commit_us_ : update_us,
                               update_us,
                               sequence_,
                               static_cast<int64_t>(i),
                               kPush};
    outcomes.push_back(Put(statements[i], pending, revision));
  }
  return outcomes;
}

absl::Status StatementPlanner::Take(const std::vector<ledger::StatementChunk>& chunks,
                                    uint32_t import, int64_t default_effective_us) {
  for (const ledger::StatementChunk& chunk : chunks) {
    for (const v1::StatementRecord& row : chunk.statements()) {
      const absl::StatusOr<StatementKey> key = StatementKeyOf(row.statement());
      if (!key.ok()) {
        return absl::DataLossError(absl::StrCat("a staged statement: ", key.status().message()));
      }
      const int64_t update_us = UpdateUsOf(row.statement());
      StatementRevision revision{StatementFactsOf(row.statement()),
                                 update_us == kNoTime ? default_effective_us : update_us,
                                 update_us,
                                 sequence_,
                                 row.row_number(),
                                 import};
      Put(row.statement(), PendingOf(*key), revision);
      ++rows_;
    }
  }
  return absl::OkStatus();
}

void StatementPlanner::Relive(uint32_t import, bool live) {
  view_.ForEachOfImport(import, live,
                        [this](const StatementKey& key, const StatementRevision* before,
                               const StatementRevision* after) {
                          Pending& pending = pending_[key];
                          if (before != nullptr) pending.before = *before;
                          if (after != nullptr) pending.now = *after;
                        });
}

void StatementPlanner::Finish(ledger::LogRecord& record) {
  *record.mutable_statements() = std::move(*kept_.mutable_statements());
  if (pending_.empty()) return;
  ledger::RowCounts& counts = *record.mutable_counts();
  counts.set_statements(rows_);
  for (const auto& [key, pending] : pending_) {
    const auto facts = [](const std::optional<StatementRevision>& state) {
      return state && !state->facts.withdrawn ? std::optional(state->facts) : std::nullopt;
    };
    if (facts(pending.before) == facts(pending.now)) continue;
    ledger::StatementChange& change = *counts.add_statement_changes();
    if (const auto before = facts(pending.before)) {
      *change.mutable_before() = ToStatement(key, *before, pending.before->update_us);
    }
    if (const auto after = facts(pending.now)) {
      *change.mutable_after() = ToStatement(key, *after, pending.now->update_us);
    }
  }
}

void AddStatementCounts(const ledger::RowCounts& counts, CommitResult& result) {
  result.statements += counts.statements();
  const auto key = [](const CommitResult::StatementChange& change) {
    const v1::Statement& statement = change.after ? *change.after : *change.before;
    return std::tuple(statement.unit_id(), statement.from(), statement.to());
  };
  for (const ledger::StatementChange& wire : counts.statement_changes()) {
    CommitResult::StatementChange change;
    if (wire.has_before()) change.before = wire.before();
    if (wire.has_after()) change.after = wire.after();
    const auto place =
        std::lower_bound(result.statement_changes.begin(), result.statement_changes.end(), change,
                         [&](const auto& a, const auto& b) { return key(a) < key(b); });
    if (place != result.statement_changes.end() && key(*place) == key(change)) {
      // A later change of the same import: from what stood first to what stands last.
      place->after = std::move(change.after);
      if (!place->before && !place->after) result.statement_changes.erase(place);
    } else {
      result.statement_changes.insert(place, std::move(change));
    }
  }
}

}  // namespace dondoc::ingestion
