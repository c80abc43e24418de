#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "services/common/clock/civil.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/testing/ledger_testing.h"

namespace dondoc::ingestion::testing {

// Folds raw facts from scratch for every question. Written from the rules in views.h, sentence by
// sentence, and not from the code that it judges.
class LedgerOracle {
 public:
  struct Statement {
    std::string code;
    v1::Dossier facts;  // without code and update_time; of a withdrawal only `withdrawn`
    std::optional<absl::Time> update;
    absl::Time effective;
    int64_t sequence = 0;
    int64_t row = 0;
    std::string import_id;  // empty = a push
  };
  struct Import {
    absl::Time effective;
    std::vector<std::pair<int64_t, bool>> live_from;
  };

  int64_t head = 1;
  std::vector<Statement> kept;
  std::map<std::string, Import> imports;
  std::map<int64_t, std::pair<std::string, v1::Coverage>> claims;  // sequence → (import, claim)

  static v1::Dossier FactsOf(v1::Dossier dossier) {
    dossier.clear_code();
    dossier.clear_update_time();
    if (!dossier.withdrawn()) return dossier;
    return Withdrawal("");  // rule 5
  }
  template <typename Message>
  static bool Same(const Message& a, const Message& b) {
    return a.SerializeAsString() == b.SerializeAsString();
  }
  bool LiveAt(const std::string& import_id, int64_t sequence) const {  // rule 3
    bool live = import_id.empty();
    if (live) return true;
    for (const auto& [from, is_live] : imports.at(import_id).live_from) {
      if (from <= sequence) live = is_live;
    }
    return live;
  }
  const Statement* StateAt(const std::string& code, int64_t sequence) const {  // rules 2 and 4
    const auto order = [](const Statement& s) {
      return std::tuple(s.effective, s.sequence, s.row);
    };
    const Statement* last = nullptr;
    for (const Statement& s : kept) {
      if (s.code == code && s.sequence <= sequence && LiveAt(s.import_id, sequence) &&
          (last == nullptr || order(s) >= order(*last))) {
        last = &s;
      }
    }
    return last;
  }
  std::set<std::string> Codes() const {
    std::set<std::string> codes;
    for (const Statement& s : kept) codes.insert(s.code);
    return codes;
  }
  CellMap CellsAt(int64_t sequence) const {  // rule 4
    CellMap cells;
    for (const std::string& code : Codes()) {
      const Statement* state = StateAt(code, sequence);
      if (state == nullptr || state->facts.withdrawn() || !state->facts.has_received_time())
        continue;
      const v1::Dossier& f = state->facts;
      ++cells[{f.unit_id(), f.procedure_code(), DayNumber(DayOf(FromProto(f.received_time()))),
               f.channel(), f.service_level(), f.status()}];
    }
    return cells;
  }
  v1::Outcome::Value Keep(const Statement& statement) {  // rule 7
    const Statement* found = StateAt(statement.code, head + 1);
    const std::optional<Statement> before = found ? std::optional(*found) : std::nullopt;
    kept.push_back(statement);
    if (StateAt(statement.code, head + 1) != &kept.back()) return v1::Outcome::STALE;
    if (before ? Same(before->facts, statement.facts) : statement.facts.withdrawn()) {
      return v1::Outcome::UNCHANGED;
    }
    return !before || before->facts.withdrawn() ? v1::Outcome::CREATED : v1::Outcome::UPDATED;
  }
  // What a push answers; `changed` as in CommitResult.
  std::vector<v1::Outcome::Value> Push(const std::vector<v1::Dossier>& batch,
                                       const std::optional<v1::Coverage>& covers, absl::Time now,
                                       bool& changed) {
    std::vector<v1::Outcome::Value> outcomes;
    changed = false;
    for (size_t i = 0; i < batch.size(); ++i) {
      Statement s{batch[i].code(),
                  FactsOf(batch[i]),
                  std::nullopt,
                  now,
                  head + 1,
                  static_cast<int64_t>(i),
                  ""};
      if (batch[i].has_update_time()) s.effective = *(s.update = FromProto(batch[i].update_time()));
      const Statement* state = StateAt(s.code, head + 1);
      const bool repeated =  // rule 6
          std::any_of(kept.begin(), kept.end(), [&](const Statement& k) {
            return k.code == s.code && k.import_id.empty() && Same(k.facts, s.facts) &&
                   (s.update ? k.update == s.update : &k == state);
          });
      outcomes.push_back(repeated ? v1::Outcome::UNCHANGED : Keep(s));
      changed = changed || !repeated;
    }
    if (covers) {  // rule 8
      const bool known = std::any_of(claims.begin(), claims.end(), [&](const auto& claim) {
        return claim.second.first.empty() && Same(claim.second.second, *covers);
      });
      if (!known) claims[head + 1] = {"", *covers};
      changed = changed || !known;
    }
    if (changed) ++head;
    return outcomes;
  }
  // Rows of an import that was not applied, or of a replay; fills what CommitResult says of them.
  void Take(const std::string& import_id, const std::vector<Row>& rows, CommitResult& result) {
    const absl::Time effective = imports.at(import_id).effective;
    for (const Row& row : rows) {
      Statement s{row.dossier.code(), FactsOf(row.dossier), std::nullopt, effective,
                  head + 1,           row.row_number,       import_id};
      if (row.dossier.has_update_time()) {
        s.effective = *(s.update = FromProto(row.dossier.update_time()));
      }
      const v1::Outcome::Value outcome = Keep(s);
      result.counted += outcome == v1::Outcome::CREATED || outcome == v1::Outcome::UPDATED;
      result.unchanged += outcome == v1::Outcome::UNCHANGED;
      result.stale += outcome == v1::Outcome::STALE;
    }
  }
  CommitResult Apply(const ImportApplication& application, const std::vector<Row>& rows,
                     absl::Time now) {
    CommitResult result;
    const LedgerOracle before = *this;
    imports[application.import_id] = {application.extracted_at.value_or(now), {{head + 1, true}}};
    Take(application.import_id, rows, result);
    if (application.coverage) claims[head + 1] = {application.import_id, *application.coverage};
    if (application.coverage && application.coverage->extent() == v1::Coverage::Extent::COMPLETE) {
      int64_t row = 0;
      for (const Row& r : rows) row = std::max(row, r.row_number);
      for (const std::string& code : before.Codes()) {  // rule 9; a set is in code order
        const Statement* state = before.StateAt(code, head);
        if (state == nullptr || !Covers(*application.coverage, state->facts)) continue;
        ++result.covered;
        const bool named = std::any_of(rows.begin(), rows.end(),
                                       [&](const Row& r) { return r.dossier.code() == code; });
        if (named || imports.at(application.import_id).effective < state->effective) continue;
        ++result.withdrawn;
        Keep({code, Withdrawal(""), std::nullopt, imports.at(application.import_id).effective,
              head + 1, ++row, application.import_id});
      }
    }
    ++head;
    return result;
  }
  static bool Covers(const v1::Coverage& coverage, const v1::Dossier& facts) {
    if (facts.withdrawn() || !facts.has_received_time()) return false;
    const std::string day = FormatDay(DayOf(FromProto(facts.received_time())));
    const auto& units = coverage.unit_ids();
    return coverage.from() <= day && day <= coverage.to() &&
           (units.empty() || std::count(units.begin(), units.end(), facts.unit_id()) > 0);
  }
  void Relive(const std::string& import_id, bool live) {
    imports.at(import_id).live_from.emplace_back(++head, live);
  }
};

}  // namespace dondoc::ingestion::testing
