#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "dondoc/v1/common.pb.h"
#include "dondoc/v1/directory.pb.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/feed.pb.h"
#include "dondoc/v1/imports.pb.h"
#include "dondoc/v1/statements.pb.h"
#include "services/ingestion/ledger/directory.h"

// The system of record (design §4). What it keeps is a log with one durable record per sequence;
// dossier states, cells, coverage, directory and import effects are views of that log and are never
// seen at different sequences.

namespace dondoc::ingestion {

// A dossier as one row states it. `dossier` is valid (see CheckDossier) and its unit is in the
// directory.
struct Row {
  v1::Dossier dossier;
  int64_t row_number = 0;  // as the spreadsheet shows it; for a push its index in the batch
};

// The changes a ledger knows. Each commits as at most one sequence.

// A push. Never reverted.
struct DossierBatch {
  absl::Span<const v1::Dossier> dossiers;
  std::optional<v1::Coverage> covers;
};

// Statements declared by a push, each valid (see CheckStatement). Never reverted.
struct StatementBatch {
  absl::Span<const v1::Statement> statements;
};

// The staged rows and statements of an import take effect. With COMPLETE coverage, covered dossiers
// that neither a staged row nor `rejected_codes` names are withdrawn as of the import's effective
// time, so a dossier the source changed later stays.
struct ImportApplication {
  std::string import_id;
  std::optional<v1::Coverage> coverage;
  std::optional<absl::Time> extracted_at;
  // Without it, withdrawing more than kWithdrawnPercentMax of the covered dossiers
  // is kFailedPrecondition.
  bool confirm_withdrawals = false;
  // Normal codes that rejected rows name: the source still has these dossiers.
  std::vector<std::string> rejected_codes = {};
};

// More staged rows of an import that is applied: its rejects that can be counted now.
struct ImportReplay {
  std::string import_id;
};

// An import with its replays leaves (live = false) or re-enters (live = true) the fold.
struct ImportLiveness {
  std::string import_id;
  bool live = false;
};

// Units created or replaced, all or none. kInvalidArgument as Directory::Check.
struct UnitsPut {
  std::vector<v1::Unit> units;
  bool correct_structure = false;  // see ImportUnitsRequest
  // The directory (Directory::sequence) that the units were made from: kAborted when a unit changed
  // since. nullopt = from none.
  std::optional<int64_t> made_from = std::nullopt;
  std::string author = "";  // see DirectoryChange
};

// The same for procedures; their codes are keys (see ProcedureKey). kInvalidArgument as
// CheckProcedure.
struct ProceduresPut {
  std::vector<v1::Procedure> procedures;
  std::optional<int64_t> made_from = std::nullopt;  // Catalogue::sequence
  std::string author = "";
};

// Definitions created, or new versions of them where they differ from the newest; the ledger counts
// the versions. kInvalidArgument as CheckDefinition.
struct DefinitionsPut {
  std::vector<v1::MetricDefinition> definitions;
  std::string author = "";
};

using Change = std::variant<DossierBatch, StatementBatch, ImportApplication, ImportReplay,
                            ImportLiveness, UnitsPut, ProceduresPut, DefinitionsPut>;

inline constexpr int64_t kWithdrawnPercentMax = 5;

struct CommitResult {
  // Where the change is: its own sequence, or the head it was compared with when it changed
  // nothing.
  v1::Position position;
  // True when it took a sequence.
  bool changed = false;

  // One per dossier of a DossierBatch or statement of a StatementBatch, in its order.
  std::vector<v1::Outcome::Value> outcomes;

  // For imports: rows by outcome.
  int64_t counted = 0;  // created or updated
  int64_t unchanged = 0;
  int64_t stale = 0;
  int64_t withdrawn = 0;  // dossiers a COMPLETE import withdraws
  int64_t covered = 0;    // dossiers in its coverage before, for the 5 % rule
  // What changes for each unit whose counts change, under the default definition over all days; in
  // unit_id order.
  struct UnitChange {
    std::string unit_id;
    dondoc::v1::Ratio before;
    dondoc::v1::Ratio after;
  };
  std::vector<UnitChange> unit_changes;
  // The first row whose code an earlier row of the same import put under another unit, and how
  // many.
  int64_t code_in_two_units = 0;
  int64_t code_in_two_units_first_row = 0;

  // For imports: rows that are statements.
  int64_t statements = 0;
  // What changes of the statements that stand, by unit_id, from and to.
  struct StatementChange {
    std::optional<v1::Statement> before;  // nullopt = nothing stood
    std::optional<v1::Statement> after;   // nullopt = nothing stands; never both
  };
  std::vector<StatementChange> statement_changes;

  // For UnitsPut, ProceduresPut and DefinitionsPut.
  int64_t entries_created = 0;
  int64_t entries_updated = 0;
  int64_t entries_unchanged = 0;
};

// What the log says of an import.
struct ImportEffect {
  int64_t sequence = 0;  // of its application
  bool live = false;
  std::vector<int64_t> replay_sequences;
  CommitResult result;  // of its application and replays added up; outcomes empty
};

struct DossierQuery {
  std::string unit_id;  // empty = all
  absl::CivilDay from;
  absl::CivilDay to;
  std::optional<v1::Channel::Value> channel;
  v1::MetricDefinition definition;
  int64_t as_of_sequence = 0;  // required
  std::string after_code;      // continue after this one; empty = from the start
  int page_size = 100;
};

struct DossierPage {
  std::vector<v1::Dossier> dossiers;  // in code order
  bool more = false;
  int64_t total_size = 0;
};

struct StatementQuery {
  std::string unit_id;  // empty = every unit
  // Only statements whose days all lie between; nullopt = no bound.
  std::optional<absl::CivilDay> from;
  std::optional<absl::CivilDay> to;
  int64_t as_of_sequence = 0;  // required
  int64_t offset = 0;          // so many are passed over
  int page_size = 100;
};

struct StatementPage {
  std::vector<v1::StatementRecord> statements;  // by unit_id, from and to
  bool more = false;
  int64_t total_size = 0;
};

struct DirectoryChangeQuery {
  v1::DirectoryKind::Value kind = v1::DirectoryKind::UNSPECIFIED;  // UNSPECIFIED = all
  std::string id;                                                  // empty = all
  int64_t from_sequence = 1;
  int64_t to_sequence = 0;  // required
  int64_t after_place = 0;  // DirectoryChangePage::next_place; 0 = from the start
  int page_size = 100;
};

struct DirectoryChangePage {
  std::vector<v1::DirectoryChange> changes;  // see ListDirectoryChangesResponse
  bool more = false;
  int64_t next_place = 0;
};

// Thread-safe. Times of the log are civil and never go back: commit_time = max(clock, last
// commit_time).
class Ledger {
 public:
  virtual ~Ledger() = default;

  virtual v1::Position Head() const = 0;

  // Returns the head once its sequence is beyond `after`, or after `timeout` (real time), whichever
  // is first.
  virtual v1::Position WaitBeyond(int64_t after, absl::Duration timeout) const = 0;

  // The last sequence committed at or before `instant`; 0 when there is none.
  virtual int64_t SequenceAt(absl::Time instant) const = 0;

  // Durable on OK. The same change again changes nothing and answers OK with changed = false (a
  // DossierBatch with UNCHANGED outcomes). With `dry_run` answers what Commit would, and changes
  // nothing. kNotFound: no such import staged or applied. kFailedPrecondition: the import's state
  // does not allow it, or the withdrawal guard. kUnavailable and kResourceExhausted (disk full):
  // nothing took effect, retry later.
  virtual absl::StatusOr<CommitResult> Commit(const Change& change, bool dry_run = false) = 0;

  // Feeds `sink` the events of the sequences after `after` up to the head, in order, each sequence
  // cut into events of at most kFeedBytesMax with only the last `complete`; stops after about
  // `events_max` at a sequence's end, or at once with the sink's error. `head` is left to the
  // caller. kOutOfRange when `after` is not in this log.
  virtual absl::Status ReadEvents(int64_t after, int events_max,
                                  const std::function<absl::Status(v1::FeedEvent)>& sink) const = 0;

  // Feeds `sink` the cells, units, definitions and live coverage as of `sequence`, see
  // SnapshotChunk. kOutOfRange when `sequence` is beyond the head.
  virtual absl::Status ReadSnapshot(
      int64_t sequence, const std::function<absl::Status(v1::SnapshotChunk)>& sink) const = 0;

  // kNotFound when no revision of `code` with a sequence up to `as_of_sequence` is known.
  virtual absl::StatusOr<v1::DossierHistory> FindDossier(const std::string& code,
                                                         int64_t as_of_sequence) const = 0;

  virtual absl::StatusOr<DossierPage> ListDossiers(const DossierQuery& query) const = 0;

  // The statements that stand at a position. kOutOfRange: beyond the head.
  virtual absl::StatusOr<StatementPage> ListStatements(const StatementQuery& query) const = 0;

  // All statements that an import and its replays brought, whether it is live or not, in row order.
  virtual std::vector<v1::StatementRecord> StatementsOfImport(
      const std::string& import_id) const = 0;

  // nullopt when the log does not know the import.
  virtual std::optional<ImportEffect> FindImportEffect(const std::string& import_id) const = 0;

  // The directory at the head; never changes once returned.
  virtual std::shared_ptr<const Directory> CurrentDirectory() const = 0;
  // The catalogue of procedures, likewise.
  virtual std::shared_ptr<const Catalogue> CurrentCatalogue() const = 0;
  // Definitions as of a position, by definition_id and version: the newest version of each, or with
  // `all_versions` those before it too.
  virtual std::vector<v1::MetricDefinition> DefinitionsAt(int64_t sequence,
                                                          bool all_versions) const = 0;
  virtual DirectoryChangePage ListDirectoryChanges(const DirectoryChangeQuery& query) const = 0;
};

inline constexpr size_t kFeedBytesMax = 1 << 20;

// Imports on their way: their description, staged rows and rejects. What took effect is the
// ledger's to say (FindImportEffect); here `state` is RUNNING, PREVIEWED, FAILED or CANCELLED, or
// what it was before it was applied. Thread-safe. Durable on OK.
class ImportStore {
 public:
  virtual ~ImportStore() = default;

  // kAlreadyExists when the id is known.
  virtual absl::Status CreateImport(const v1::Import& import) = 0;
  // kNotFound when the id is not known.
  virtual absl::Status UpdateImport(const v1::Import& import) = 0;
  // Forgets an import that never took effect, with its staged rows and rejects. kNotFound.
  virtual absl::Status RemoveImport(const std::string& import_id) = 0;
  virtual absl::StatusOr<v1::Import> FindImport(const std::string& import_id) const = 0;
  // Newest first, after the import `after_id` (empty = from the newest).
  virtual absl::StatusOr<std::vector<v1::Import>> ListImports(const std::string& after_id,
                                                              int limit) const = 0;

  // Adds rows to what the next Commit of this import takes in. Need not be durable before that
  // Commit.
  virtual absl::Status StageRows(const std::string& import_id, absl::Span<const Row> rows) = 0;
  // The same for statements: `statement` and `row_number` are read.
  virtual absl::Status StageStatements(const std::string& import_id,
                                       absl::Span<const v1::StatementRecord> statements) = 0;
  // Rows and statements.
  virtual absl::Status DropStagedRows(const std::string& import_id) = 0;

  // Adds, or replaces the rejects of the same row numbers.
  virtual absl::Status AddRejects(const std::string& import_id,
                                  absl::Span<const v1::Reject> rejects) = 0;
  virtual absl::Status RemoveRejects(const std::string& import_id,
                                     absl::Span<const int64_t> row_numbers) = 0;
  // In row order, after row `after_row` (0 = from the start).
  virtual absl::StatusOr<std::vector<v1::Reject>> ListRejects(const std::string& import_id,
                                                              int64_t after_row,
                                                              int limit) const = 0;
};

}  // namespace dondoc::ingestion
