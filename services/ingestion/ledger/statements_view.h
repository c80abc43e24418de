#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dondoc/v1/statements.pb.h"
#include "services/ingestion/ledger/import_view.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"
#include "services/ingestion/ledger/revision.h"

// Statements fold as dossiers do (views.h, rules 1 to 7), with (unit, from, to) in place of the
// code and what is declared in place of the facts: the last in the order of revisions, of those
// live, is the state; it stands when it is not a withdrawal.

namespace dondoc::ingestion {

// What a statement is about; unit by unit, then by days.
struct StatementKey {
  std::string unit_id;
  int32_t from = 0;  // days since 1970-01-01
  int32_t to = 0;

  friend auto operator<=>(const StatementKey&, const StatementKey&) = default;
};

// What it declares.
struct StatementFacts {
  static constexpr int64_t kNotDeclared = -1;
  int64_t total = 0;
  int64_t online = 0;
  int64_t counter = kNotDeclared;
  int64_t postal = kNotDeclared;
  int64_t unknown = kNotDeclared;
  bool withdrawn = false;

  friend bool operator==(const StatementFacts&, const StatementFacts&) = default;
};

struct StatementRevision {
  StatementFacts facts;
  int64_t effective_us = 0;
  int64_t update_us = kNoTime;
  int64_t sequence = 0;
  int64_t row_number = 0;
  uint32_t import = kPush;
};
inline bool Before(const StatementRevision& a, const StatementRevision& b) {
  return std::tie(a.effective_us, a.sequence, a.row_number) <
         std::tie(b.effective_us, b.sequence, b.row_number);
}

// kInvalidArgument when its days cannot be read; everything else is its sender's to check, see
// CheckStatement.
absl::StatusOr<StatementKey> StatementKeyOf(const v1::Statement& statement);
StatementFacts StatementFactsOf(const v1::Statement& statement);
v1::Statement ToStatement(const StatementKey& key, const StatementFacts& facts, int64_t update_us);

// All statements with all their revisions. How they are kept is private to this class. Not
// thread-safe; const methods may run at the same time as each other.
class StatementsView {
 public:
  // `imports` are numbered as in StatementRevision::import, `commit_us` are the commit times of
  // sequence i + 1; both outlive this.
  StatementsView(const std::vector<ImportView>& imports, const std::vector<int64_t>& commit_us)
      : imports_(imports), commit_us_(commit_us) {}
  StatementsView(const StatementsView&) = delete;
  StatementsView& operator=(const StatementsView&) = delete;

  // Takes in the record's statements; `import` is the number of its import, kPush for none.
  absl::Status Apply(const ledger::LogRecord& record, uint32_t import);

  // The state at the head; nullptr when there is none. It may be a withdrawal.
  const StatementRevision* State(const StatementKey& key) const;
  // Whether a push of these facts with this update_time (kNoTime = none) was kept.
  bool HasPushed(const StatementKey& key, const StatementFacts& facts, int64_t update_us) const;
  // Each key that the import states, with its state now and with the import's liveness `live`.
  void ForEachOfImport(uint32_t import, bool live,
                       absl::FunctionRef<void(const StatementKey&, const StatementRevision*,
                                              const StatementRevision*)>
                           visit) const;

  // What stands, as of a sequence up to the head.
  std::vector<v1::StatementRecord> StandingAt(int64_t sequence) const;
  // What the record's sequence changed of it, `withdrawn` where nothing stands any more. `import`
  // is the number of the record's import.
  std::vector<v1::StatementRecord> ChangesOf(const ledger::LogRecord& record,
                                             uint32_t import) const;
  StatementPage List(const StatementQuery& query) const;
  // All that an import brought, live or not, in row order.
  std::vector<v1::StatementRecord> OfImport(uint32_t import) const;

  int64_t revision_count() const { return revision_count_; }

 private:
  using Revisions = std::vector<StatementRevision>;  // in their order

  const StatementRevision* StateAt(const Revisions& revisions, int64_t sequence) const;
  v1::StatementRecord ToRecord(const StatementKey& key, const StatementRevision& revision) const;

  const std::vector<ImportView>& imports_;
  const std::vector<int64_t>& commit_us_;
  std::map<StatementKey, Revisions> statements_;
  // What each import states. Elements of a map stay where they are.
  absl::flat_hash_map<uint32_t, std::vector<const std::pair<const StatementKey, Revisions>*>>
      of_import_;
  int64_t revision_count_ = 0;
};

}  // namespace dondoc::ingestion
