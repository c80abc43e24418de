#include "services/ingestion/ledger/statements_view.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/common/clock/civil.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {
namespace {

bool Stands(const StatementRevision* state) { return state != nullptr && !state->facts.withdrawn; }

}  // namespace

absl::StatusOr<StatementKey> StatementKeyOf(const v1::Statement& statement) {
  const absl::StatusOr<absl::CivilDay> from = ParseDay(statement.from());
  const absl::StatusOr<absl::CivilDay> to = ParseDay(statement.to());
  if (!from.ok())
    return absl::InvalidArgumentError(absl::StrCat("from: ", from.status().message()));
  if (!to.ok()) return absl::InvalidArgumentError(absl::StrCat("to: ", to.status().message()));
  return StatementKey{statement.unit_id(), DayNumber(*from), DayNumber(*to)};
}

StatementFacts StatementFactsOf(const v1::Statement& statement) {
  StatementFacts facts;
  facts.withdrawn = statement.withdrawn();
  if (facts.withdrawn) return facts;
  facts.total = statement.total();
  facts.online = statement.online();
  if (statement.has_counter()) facts.counter = statement.counter();
  if (statement.has_postal()) facts.postal = statement.postal();
  if (statement.has_unknown()) facts.unknown = statement.unknown();
  return facts;
}

v1::Statement ToStatement(const StatementKey& key, const StatementFacts& facts, int64_t update_us) {
  v1::Statement statement;
  statement.set_unit_id(key.unit_id);
  statement.set_from(FormatDay(DayFromNumber(key.from)));
  statement.set_to(FormatDay(DayFromNumber(key.to)));
  statement.set_total(facts.total);
  statement.set_online(facts.online);
  if (facts.counter != StatementFacts::kNotDeclared) statement.set_counter(facts.counter);
  if (facts.postal != StatementFacts::kNotDeclared) statement.set_postal(facts.postal);
  if (facts.unknown != StatementFacts::kNotDeclared) statement.set_unknown(facts.unknown);
  statement.set_withdrawn(facts.withdrawn);
  if (update_us != kNoTime) *statement.mutable_update_time() = ToProto(FromUs(update_us));
  return statement;
}

absl::Status StatementsView::Apply(const ledger::LogRecord& record, uint32_t import) {
  for (const v1::StatementRecord& kept : record.statements()) {
    const absl::StatusOr<StatementKey> key = StatementKeyOf(kept.statement());
    if (!key.ok()) {
      return absl::DataLossError(absl::StrCat("a statement of log record ", record.sequence(), ": ",
                                              key.status().message()));
    }
    StatementRevision revision;
    revision.facts = StatementFactsOf(kept.statement());
    revision.effective_us = ToUs(FromProto(kept.effective_time()));
    if (kept.statement().has_update_time()) {
      revision.update_us = ToUs(FromProto(kept.statement().update_time()));
    }
    revision.sequence = record.sequence();
    revision.row_number = kept.row_number();
    revision.import = import;
    auto& statement = *statements_.try_emplace(*key).first;
    Revisions& revisions = statement.second;
    revisions.insert(std::upper_bound(revisions.begin(), revisions.end(), revision,
                                      [](const StatementRevision& a, const StatementRevision& b) {
                                        return Before(a, b);
                                      }),
                     revision);
    ++revision_count_;
    // Listed twice when the import states it twice, which who reads the list minds.
    if (import != kPush) of_import_[import].push_back(&statement);
  }
  return absl::OkStatus();
}

const StatementRevision* StatementsView::StateAt(const Revisions& revisions,
                                                 int64_t sequence) const {
  for (auto revision = revisions.rbegin(); revision != revisions.rend(); ++revision) {
    if (revision->sequence <= sequence &&
        (revision->import == kPush || imports_[revision->import].LiveAt(sequence))) {
      return &*revision;
    }
  }
  return nullptr;
}

const StatementRevision* StatementsView::State(const StatementKey& key) const {
  const auto found = statements_.find(key);
  if (found == statements_.end()) return nullptr;
  return StateAt(found->second, static_cast<int64_t>(commit_us_.size()));
}

bool StatementsView::HasPushed(const StatementKey& key, const StatementFacts& facts,
                               int64_t update_us) const {
  const auto found = statements_.find(key);
  if (found == statements_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const StatementRevision& revision) {
                       return revision.import == kPush && revision.update_us == update_us &&
                              revision.facts == facts;
                     });
}

void StatementsView::ForEachOfImport(
    uint32_t import, bool live,
    absl::FunctionRef<void(const StatementKey&, const StatementRevision*, const StatementRevision*)>
        visit) const {
  const auto found = of_import_.find(import);
  if (found == of_import_.end()) return;
  std::set<const StatementKey*> visited;
  for (const auto* statement : found->second) {
    if (!visited.insert(&statement->first).second) continue;
    const Revisions& revisions = statement->second;
    const auto after =
        std::find_if(revisions.rbegin(), revisions.rend(), [&](const StatementRevision& revision) {
          return revision.import == import
                     ? live
                     : revision.import == kPush || imports_[revision.import].live();
        });
    visit(statement->first, StateAt(revisions, static_cast<int64_t>(commit_us_.size())),
          after == revisions.rend() ? nullptr : &*after);
  }
}

v1::StatementRecord StatementsView::ToRecord(const StatementKey& key,
                                             const StatementRevision& revision) const {
  v1::StatementRecord record;
  *record.mutable_statement() = ToStatement(key, revision.facts, revision.update_us);
  record.set_sequence(revision.sequence);
  record.set_row_number(revision.row_number);
  record.set_import_id(imports_[revision.import].import_id);
  *record.mutable_effective_time() = ToProto(FromUs(revision.effective_us));
  *record.mutable_commit_time() =
      ToProto(FromUs(commit_us_[static_cast<size_t>(revision.sequence) - 1]));
  return record;
}

std::vector<v1::StatementRecord> StatementsView::StandingAt(int64_t sequence) const {
  std::vector<v1::StatementRecord> standing;
  for (const auto& [key, revisions] : statements_) {
    const StatementRevision* state = StateAt(revisions, sequence);
    if (Stands(state)) standing.push_back(ToRecord(key, *state));
  }
  return standing;
}

std::vector<v1::StatementRecord> StatementsView::ChangesOf(const ledger::LogRecord& record,
                                                           uint32_t import) const {
  std::set<StatementKey> touched;
  if (record.kind() == ledger::RecordKind::IMPORT_LIVENESS) {
    if (const auto found = of_import_.find(import); found != of_import_.end()) {
      for (const auto* statement : found->second) touched.insert(statement->first);
    }
  } else {
    for (const v1::StatementRecord& kept : record.statements()) {
      const absl::StatusOr<StatementKey> key = StatementKeyOf(kept.statement());
      if (key.ok()) touched.insert(*key);
    }
  }
  std::vector<v1::StatementRecord> changes;
  for (const StatementKey& key : touched) {
    const Revisions& revisions = statements_.at(key);
    const StatementRevision* before = StateAt(revisions, record.sequence() - 1);
    const StatementRevision* after = StateAt(revisions, record.sequence());
    if (before == after || (!Stands(before) && !Stands(after))) continue;
    if (Stands(after)) {
      changes.push_back(ToRecord(key, *after));
      continue;
    }
    StatementFacts nothing;
    nothing.withdrawn = true;
    *changes.emplace_back().mutable_statement() = ToStatement(key, nothing, kNoTime);
  }
  return changes;
}

StatementPage StatementsView::List(const StatementQuery& query) const {
  StatementPage page;
  StatementKey first{query.unit_id, std::numeric_limits<int32_t>::min(),
                     std::numeric_limits<int32_t>::min()};
  for (auto at = statements_.lower_bound(first); at != statements_.end(); ++at) {
    const auto& [key, revisions] = *at;
    if (!query.unit_id.empty() && key.unit_id != query.unit_id) break;
    if (query.from && key.from < DayNumber(*query.from)) continue;
    if (query.to && key.to > DayNumber(*query.to)) continue;
    const StatementRevision* state = StateAt(revisions, query.as_of_sequence);
    if (!Stands(state)) continue;
    if (page.total_size++ < query.offset) continue;
    if (static_cast<int>(page.statements.size()) < query.page_size) {
      page.statements.push_back(ToRecord(key, *state));
    } else {
      page.more = true;
    }
  }
  return page;
}

std::vector<v1::StatementRecord> StatementsView::OfImport(uint32_t import) const {
  std::vector<v1::StatementRecord> records;
  const auto found = of_import_.find(import);
  if (found == of_import_.end()) return records;
  std::set<const StatementKey*> visited;
  for (const auto* statement : found->second) {
    if (!visited.insert(&statement->first).second) continue;
    for (const StatementRevision& revision : statement->second) {
      if (revision.import == import) records.push_back(ToRecord(statement->first, revision));
    }
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.row_number() < b.row_number(); });
  return records;
}

}  // namespace dondoc::ingestion
