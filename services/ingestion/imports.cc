#include "services/ingestion/imports.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/log/log.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/reading/header_map.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageRows = 1'000;
constexpr char kInterrupted[] = "Bị ngắt giữa chừng, hãy tải lại.";
constexpr char kNotStored[] = "Hệ thống không lưu được tệp lúc này, hãy tải lại sau.";

// What makes two imports the same: the bytes and the options that change what they mean.
std::string ContentKey(const v1::Import& import) {
  std::string key = absl::StrCat(import.content_sha256(), "|");
  if (import.has_channel()) absl::StrAppend(&key, import.channel());
  absl::StrAppend(&key, "|");
  if (!import.coverage_inferred() && import.has_coverage()) {
    const v1::Coverage& coverage = import.coverage();
    std::vector<std::string> unit_ids(coverage.unit_ids().begin(), coverage.unit_ids().end());
    std::sort(unit_ids.begin(), unit_ids.end());
    absl::StrAppend(&key, coverage.from(), ",", coverage.to(), ",", coverage.extent());
    for (const std::string& unit_id : unit_ids) absl::StrAppend(&key, ",", unit_id);
  }
  absl::StrAppend(&key, "|");
  if (import.has_extracted_at()) {
    absl::StrAppend(&key, import.extracted_at().seconds(), ".", import.extracted_at().nanos());
  }
  absl::StrAppend(&key, "|", import.unit_column());
  if (import.has_statement_window()) {
    absl::StrAppend(&key, "|", import.statement_window().from(), ",",
                    import.statement_window().to());
  }
  return key;
}

bool WithdrawsMany(const CommitResult& result) {
  return result.withdrawn * 100 > result.covered * kWithdrawnPercentMax;
}

void DropWarnings(v1::Import& import, v1::ImportWarning::Kind::Value kind) {
  auto& warnings = *import.mutable_warnings();
  warnings.erase(std::remove_if(warnings.begin(), warnings.end(),
                                [&](const auto& warning) { return warning.kind() == kind; }),
                 warnings.end());
}

// Changes of units added up by level; UNSPECIFIED = all of them.
class LevelSums {
 public:
  void Add(v1::Level::Value level, const CommitResult::UnitChange& change) {
    Sum& sum = sums_[level];
    ++sum.units;
    sum.before += CountsOf(change.before);
    sum.after += CountsOf(change.after);
  }
  void Fill(v1::Import& import) const {
    import.clear_level_changes();
    for (const auto& [level, sum] : sums_) {
      if (level != v1::Level::UNSPECIFIED) FillOne(level, sum, *import.add_level_changes());
    }
    const auto all = sums_.find(v1::Level::UNSPECIFIED);
    if (all != sums_.end()) FillOne(all->first, all->second, *import.add_level_changes());
  }

 private:
  struct Sum {
    int64_t units = 0;
    Counts before;
    Counts after;
  };
  static Counts CountsOf(const v1::Ratio& ratio) {
    return {ratio.online(), ratio.counter(), ratio.postal(), ratio.unknown()};
  }
  static void FillOne(v1::Level::Value level, const Sum& sum, v1::LevelChange& filled) {
    filled.set_level(level);
    filled.set_units(sum.units);
    *filled.mutable_before() = ToProto(sum.before, std::nullopt, v1::Basis::DOSSIERS);
    *filled.mutable_after() = ToProto(sum.after, std::nullopt, v1::Basis::DOSSIERS);
  }
  std::map<v1::Level::Value, Sum> sums_;
};

int64_t CountedRejects(const v1::Import& import) {
  int64_t rows = 0;
  for (const v1::RejectCount& count : import.rejects_by_reason()) rows += count.rows();
  return rows;
}

absl::Status WrongState(const v1::Import& import, absl::string_view wanted) {
  return absl::FailedPreconditionError(
      absl::StrCat("import_id: import ", import.import_id(), " is ",
                   v1::ImportState::Value_Name(import.state()), ", not ", wanted));
}

}  // namespace

Imports::Imports(Ledger& ledger, ImportStore& store, const Clock& clock, Metrics& metrics,
                 Config config)
    : ledger_(ledger),
      store_(store),
      clock_(clock),
      metrics_(metrics),
      config_(std::move(config)) {}

Imports::~Imports() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    ending_changed_.SignalAll();
  }
  if (pauses_.joinable()) pauses_.join();
}

absl::Status Imports::Recover() {
  MutexLock lock(change_mutex_);
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Import> page, store_.ListImports(after, kPageRows));
    for (const v1::Import& import : page) {
      after = import.import_id();
      if (ledger_.FindImportEffect(import.import_id()).has_value()) {
        by_content_[ContentKey(import)].push_back(import.import_id());
        // A replay that was cut off has counted rows that are still seen as rejects.
        if (CountedRejects(import) != Merge(import).rejected()) {
          RETURN_IF_ERROR(RecountRejects(import.import_id()));
        }
        continue;
      }
      if (import.state() != v1::ImportState::RUNNING) continue;
      log::Warning("an import was cut off by a stop", {{"import_id", import.import_id()}});
      v1::Import failed = import;
      failed.set_state(v1::ImportState::FAILED);
      failed.set_error(kInterrupted);
      RETURN_IF_ERROR(store_.UpdateImport(failed));
      RETURN_IF_ERROR(store_.DropStagedRows(import.import_id()));
    }
    if (page.size() < kPageRows) break;
  }
  pauses_ = std::thread([this] { EndOldPauses(); });
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Imports::Upload>> Imports::Begin(ImportOptions options,
                                                                std::function<void()> interrupt) {
  v1::Import import;
  import.set_import_id(options.import_id);
  import.set_state(v1::ImportState::RUNNING);
  import.set_filename(options.filename);
  import.set_coverage_inferred(!options.coverage.has_value());
  if (options.coverage.has_value()) *import.mutable_coverage() = *options.coverage;
  if (options.extracted_at.has_value()) {
    *import.mutable_extracted_at() = ToProto(*options.extracted_at);
  }
  if (options.channel.has_value()) import.set_channel(*options.channel);
  import.set_total_bytes(options.total_bytes);
  const absl::Time now = clock_.Now();
  *import.mutable_create_time() = ToProto(now);
  const std::string import_id = options.import_id;
  auto job = std::make_unique<ImportJob>(store_, ledger_.CurrentDirectory(), std::move(options),
                                         config_.province, now, config_.limits, config_.reading);
  // make_shared cannot reach the private constructor.
  std::shared_ptr<Upload> upload(new Upload(*this, import, std::move(job), std::move(interrupt)));
  {
    MutexLock lock(mutex_);
    if (running_.size() >= kImportsRunningMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("imports on their way: ", running_.size(), ", limit ", kImportsRunningMax));
    }
    if (!running_.emplace(import_id, upload).second) {
      return absl::AlreadyExistsError(absl::StrCat("import_id: ", import_id, " is taken"));
    }
  }
  if (absl::Status created = store_.CreateImport(import); !created.ok()) {
    Forget(import_id);
    if (absl::IsAlreadyExists(created)) {
      return absl::AlreadyExistsError(absl::StrCat("import_id: ", import_id, " is taken"));
    }
    return created;
  }
  metrics_.imports_running.Increment();
  log::Info("import started", {{"import_id", import_id}});
  return upload;
}

void Imports::Forget(const std::string& import_id) {
  MutexLock lock(mutex_);
  running_.erase(import_id);
  metrics_.imports_running.Set(static_cast<double>(running_.size()));
}

void Imports::EndFailed(v1::Import import, const std::string& reason) {
  import.set_state(v1::ImportState::FAILED);
  import.set_error(reason);
  absl::Status stored = store_.UpdateImport(import);
  if (absl::Status dropped = store_.DropStagedRows(import.import_id()); stored.ok()) {
    stored = dropped;
  }
  // Left RUNNING, it becomes FAILED at the next start.
  if (!stored.ok()) log::Error("failed import not stored", {{"error", stored.message()}});
  metrics_.CountImport(v1::ImportState::Value_Name(v1::ImportState::FAILED));
  log::Info("import failed", {{"import_id", import.import_id()}});
}

absl::StatusOr<v1::Import> Imports::EndUpload(Upload& upload) {
  // A workbook's rows are read now, and that may still be cancelled.
  const absl::Status read = upload.unreadable_.ok() ? upload.job_->Finish() : upload.unreadable_;
  if (!upload.BeginEnd()) {
    if (absl::Status dropped = store_.DropStagedRows(upload.import_.import_id()); !dropped.ok()) {
      log::Warning("staged rows of a cancelled import not dropped", {{"error", dropped.message()}});
    }
    return absl::CancelledError("the import was cancelled");
  }
  v1::Import import = upload.import_;
  import.set_bytes(upload.job_->bytes());
  if (absl::IsInvalidArgument(read)) {
    EndFailed(import, std::string(read.message()));
    return store_.FindImport(import.import_id());
  }
  if (!read.ok()) {
    EndFailed(import, kNotStored);
    return read;
  }
  upload.job_->Describe(import);
  metrics_.import_rows.Increment(static_cast<double>(import.rows()));
  metrics_.import_rejects.Increment(static_cast<double>(import.rejected()));
  MutexLock lock(change_mutex_);
  absl::StatusOr<v1::Import> settled = Settle(import, upload.job_->options());
  if (settled.ok()) {
    // One that repeats another has come to nothing of its own.
    const bool repeats = settled->import_id() != import.import_id();
    metrics_.CountImport(
        v1::ImportState::Value_Name(repeats ? v1::ImportState::CANCELLED : settled->state()));
    log::Info("import ended", {{"import_id", settled->import_id()},
                               {"state", v1::ImportState::Value_Name(settled->state())},
                               {"rows", settled->rows()},
                               {"rejected", settled->rejected()},
                               {"sequence", settled->sequence()}});
    return settled;
  }
  // Neither applied nor kept as a preview: it must not look as if it were still on its way.
  const absl::StatusOr<v1::Import> stored = Find(import.import_id());
  if (stored.ok() && stored->state() == v1::ImportState::RUNNING) EndFailed(import, kNotStored);
  return settled;
}

// The file is read and staged: it takes effect, waits, or repeats what is applied.
absl::StatusOr<v1::Import> Imports::Settle(v1::Import import, const ImportOptions& options) {
  const std::string content_key = ContentKey(import);
  ASSIGN_OR_RETURN(const std::string repeated, FindApplied(content_key));
  if (!repeated.empty()) {
    RETURN_IF_ERROR(store_.RemoveImport(import.import_id()));
    return Find(repeated);
  }
  // Everything but what the log will say is stored before the commit: a crash right after it leaves
  // an import that is APPLIED and complete.
  RETURN_IF_ERROR(store_.UpdateImport(import));
  const bool complete = import.coverage().extent() == v1::Coverage::Extent::COMPLETE;
  if (options.preview || (complete && !options.confirm_withdrawals)) {
    ASSIGN_OR_RETURN(const ImportApplication application, ApplicationOf(import, true));
    ASSIGN_OR_RETURN(const CommitResult result, ledger_.Commit(application, /*dry_run=*/true));
    const bool withdraws_many = complete && WithdrawsMany(result);
    if (options.preview || withdraws_many) return KeepAsPreview(import, result, withdraws_many);
  }
  absl::StatusOr<v1::Import> applied = TakeEffect(import, options.confirm_withdrawals);
  if (applied.ok()) return applied;
  // It was read to its end and is staged: as a preview it can be applied once the cause is gone. In
  // between, dossiers may have come that it would withdraw.
  ASSIGN_OR_RETURN(const ImportApplication application, ApplicationOf(import, true));
  ASSIGN_OR_RETURN(const CommitResult result, ledger_.Commit(application, /*dry_run=*/true));
  absl::StatusOr<v1::Import> kept = KeepAsPreview(import, result, WithdrawsMany(result));
  if (absl::IsFailedPrecondition(applied.status())) return kept;
  return applied;
}

absl::StatusOr<v1::Import> Imports::KeepAsPreview(v1::Import import, const CommitResult& result,
                                                  bool withdraws_many) {
  import.set_state(v1::ImportState::PREVIEWED);
  FillResult(result, import);
  if (withdraws_many) {
    v1::ImportWarning& warning = *import.add_warnings();
    warning.set_kind(v1::ImportWarning::Kind::WITHDRAWS_MANY);
    warning.set_rows(result.withdrawn);
    warning.set_message(absl::StrCat("Tệp sẽ rút ", NumberVi(result.withdrawn), " trong ",
                                     NumberVi(result.covered), " hồ sơ thuộc phạm vi đã khai, quá ",
                                     kWithdrawnPercentMax, " %. Hãy kiểm tra rồi xác nhận."));
  }
  RETURN_IF_ERROR(store_.UpdateImport(import));
  return import;
}

absl::StatusOr<ImportApplication> Imports::ApplicationOf(const v1::Import& import,
                                                         bool confirm_withdrawals) const {
  ImportApplication application;
  application.import_id = import.import_id();
  if (import.has_coverage()) application.coverage = import.coverage();
  if (import.has_extracted_at()) application.extracted_at = FromProto(import.extracted_at());
  application.confirm_withdrawals = confirm_withdrawals;
  if (import.coverage().extent() != v1::Coverage::Extent::COMPLETE) return application;
  int64_t after_row = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Reject> rejects,
                     store_.ListRejects(import.import_id(), after_row, kPageRows));
    for (const v1::Reject& reject : rejects) {
      after_row = reject.row_number();
      const auto code = reject.cells().find(std::string(MeaningName(Meaning::kCode)));
      if (code == reject.cells().end()) continue;
      application.rejected_codes.push_back(
          absl::AsciiStrToUpper(absl::StripAsciiWhitespace(code->second)));
    }
    if (rejects.size() < kPageRows) return application;
  }
}

absl::StatusOr<v1::Import> Imports::TakeEffect(const v1::Import& import, bool confirm_withdrawals) {
  ASSIGN_OR_RETURN(const ImportApplication application, ApplicationOf(import, confirm_withdrawals));
  RETURN_IF_ERROR(Commit("import", application).status());
  by_content_[ContentKey(import)].push_back(import.import_id());
  return Merge(import);
}

absl::StatusOr<std::string> Imports::FindApplied(const std::string& content_key) {
  const auto found = by_content_.find(content_key);
  if (found == by_content_.end()) return "";
  for (const std::string& import_id : found->second) {
    const std::optional<ImportEffect> effect = ledger_.FindImportEffect(import_id);
    if (effect.has_value() && effect->live) return import_id;
  }
  return "";
}

absl::StatusOr<v1::Import> Imports::Find(const std::string& import_id) const {
  absl::StatusOr<v1::Import> import = store_.FindImport(import_id);
  if (absl::IsNotFound(import.status())) {
    return absl::NotFoundError(absl::StrCat("import_id: ", Quoted(import_id), " is not known"));
  }
  RETURN_IF_ERROR(import.status());
  return Merge(*std::move(import));
}

absl::StatusOr<std::vector<v1::Import>> Imports::List(const std::string& after_id,
                                                      int limit) const {
  ASSIGN_OR_RETURN(std::vector<v1::Import> imports, store_.ListImports(after_id, limit));
  for (v1::Import& import : imports) import = Merge(std::move(import));
  return imports;
}

absl::StatusOr<std::vector<v1::Reject>> Imports::ListRejects(const std::string& import_id,
                                                             int64_t after_row, int limit) const {
  return store_.ListRejects(import_id, after_row, limit);
}

v1::Import Imports::Merge(v1::Import import) const {
  import.set_ledger_id(ledger_.Head().ledger_id());
  const std::optional<ImportEffect> effect = ledger_.FindImportEffect(import.import_id());
  if (effect.has_value()) {
    import.set_state(effect->live ? v1::ImportState::APPLIED : v1::ImportState::REVERTED);
    import.clear_error();
    import.set_sequence(effect->sequence);
    import.mutable_replay_sequences()->Assign(effect->replay_sequences.begin(),
                                              effect->replay_sequences.end());
    DropWarnings(import, v1::ImportWarning::Kind::WITHDRAWS_MANY);
    FillResult(effect->result, import);
    import.set_rejected(import.rows() - import.counted() - import.unchanged() - import.stale() -
                        import.statements());
    return import;
  }
  if (import.state() != v1::ImportState::RUNNING) return import;
  MutexLock lock(mutex_);
  const auto running = running_.find(import.import_id());
  if (running == running_.end()) return import;
  const ImportJob& job = *running->second->job_;
  import.set_bytes(job.bytes());
  import.set_rows(job.rows());
  import.set_counted(job.staged());
  import.set_rejected(job.rejected());
  job.CountRejects(import);
  return import;
}

void Imports::FillResult(const CommitResult& result, v1::Import& import) const {
  import.set_counted(result.counted);
  import.set_unchanged(result.unchanged);
  import.set_stale(result.stale);
  import.set_withdrawn(result.withdrawn);
  import.set_statements(result.statements);
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  import.clear_changes();
  LevelSums sums;
  for (const CommitResult::UnitChange& change : result.unit_changes) {
    v1::UnitChange& filled = *import.add_changes();
    filled.set_unit_id(change.unit_id);
    const v1::Unit* const unit = directory->Find(change.unit_id);
    if (unit != nullptr) filled.set_name(unit->name());
    *filled.mutable_before() = change.before;
    *filled.mutable_after() = change.after;
    sums.Add(v1::Level::UNSPECIFIED, change);
    if (unit != nullptr) sums.Add(unit->level(), change);
  }
  sums.Fill(import);
  import.clear_statement_changes();
  for (const CommitResult::StatementChange& change : result.statement_changes) {
    v1::StatementChange& filled = *import.add_statement_changes();
    const v1::Statement& any = change.after.has_value() ? *change.after : *change.before;
    filled.set_unit_id(any.unit_id());
    const v1::Unit* const unit = directory->Find(any.unit_id());
    if (unit != nullptr) filled.set_name(unit->name());
    filled.mutable_window()->set_from(any.from());
    filled.mutable_window()->set_to(any.to());
    if (change.before.has_value()) *filled.mutable_before() = *change.before;
    if (change.after.has_value()) *filled.mutable_after() = *change.after;
  }
  DropWarnings(import, v1::ImportWarning::Kind::CODE_IN_TWO_UNITS);
  if (result.code_in_two_units == 0) return;
  v1::ImportWarning& warning = *import.add_warnings();
  warning.set_kind(v1::ImportWarning::Kind::CODE_IN_TWO_UNITS);
  warning.set_rows(result.code_in_two_units);
  warning.set_first_row_number(result.code_in_two_units_first_row);
  warning.set_message(absl::StrCat(NumberVi(result.code_in_two_units),
                                   " dòng có mã hồ sơ đã ghi cho đơn vị khác trong cùng tệp; "
                                   "trạng thái mới nhất được đếm, một lần."));
  PlaceWarning({import.sheets().begin(), import.sheets().end()}, warning);
}

absl::StatusOr<CommitResult> Imports::Commit(absl::string_view kind, const Change& change) {
  const absl::Time start = absl::Now();
  absl::StatusOr<CommitResult> result = ledger_.Commit(change);
  metrics_.ObserveCommit(kind, absl::Now() - start);
  return result;
}

absl::StatusOr<v1::Import> Imports::Apply(const std::string& import_id, bool confirm_withdrawals) {
  MutexLock lock(change_mutex_);
  ASSIGN_OR_RETURN(const v1::Import import, Find(import_id));
  switch (import.state()) {
    case v1::ImportState::PREVIEWED:
      return TakeEffect(import, confirm_withdrawals);
    case v1::ImportState::REVERTED:
      RETURN_IF_ERROR(Commit("liveness", ImportLiveness{import_id, true}).status());
      return Find(import_id);
    case v1::ImportState::APPLIED:
      return import;  // a retry
    default:
      return WrongState(import, "PREVIEWED or REVERTED");
  }
}

absl::StatusOr<v1::Import> Imports::Revert(const std::string& import_id) {
  MutexLock lock(change_mutex_);
  ASSIGN_OR_RETURN(const v1::Import import, Find(import_id));
  if (import.state() == v1::ImportState::REVERTED) return import;  // a retry
  if (import.state() != v1::ImportState::APPLIED) return WrongState(import, "APPLIED");
  RETURN_IF_ERROR(Commit("liveness", ImportLiveness{import_id, false}).status());
  return Find(import_id);
}

absl::StatusOr<v1::Import> Imports::Replay(const std::string& import_id) {
  MutexLock lock(change_mutex_);
  ASSIGN_OR_RETURN(const v1::Import import, Find(import_id));
  if (import.state() != v1::ImportState::APPLIED) return WrongState(import, "APPLIED");
  std::vector<int64_t> counted_rows;
  absl::StatusOr<bool> staged = import.has_statement_window()
                                    ? StageStatementReplay(import, counted_rows)
                                    : StageReplay(import, counted_rows);
  absl::Status status = staged.status();
  if (status.ok() && *staged) status = Commit("replay", ImportReplay{import_id}).status();
  if (!status.ok()) {
    if (absl::Status dropped = store_.DropStagedRows(import_id); !dropped.ok()) {
      log::Error("staged rows of a failed replay not dropped", {{"error", dropped.message()}});
    }
    return status;
  }
  RETURN_IF_ERROR(store_.RemoveRejects(import_id, counted_rows));
  RETURN_IF_ERROR(RecountRejects(import_id));
  return Find(import_id);
}

absl::Status Imports::RecountRejects(const std::string& import_id) {
  RejectCounts counts;
  int64_t after_row = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Reject> rejects,
                     store_.ListRejects(import_id, after_row, kPageRows));
    for (const v1::Reject& reject : rejects) {
      after_row = reject.row_number();
      ++counts[reject.reason()];
    }
    if (rejects.size() < kPageRows) break;
  }
  ASSIGN_OR_RETURN(v1::Import import, store_.FindImport(import_id));
  SetRejectCounts(counts, import);
  return store_.UpdateImport(import);
}

// Stages the kept rejects that can be counted now, and lists them in `counted_rows` together with
// those that an earlier replay counted but was stopped before it could remove them.
absl::StatusOr<bool> Imports::StageReplay(const v1::Import& import,
                                          std::vector<int64_t>& counted_rows) {
  std::optional<v1::Channel::Value> channel;
  if (import.has_channel()) channel = import.channel();
  RowMapper mapper(ledger_.CurrentDirectory(), {channel, config_.province, clock_.Now()});
  const int64_t head = ledger_.Head().sequence();
  // Left behind by a replay that was cut off.
  RETURN_IF_ERROR(store_.DropStagedRows(import.import_id()));
  bool any = false;
  int64_t after_row = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Reject> rejects,
                     store_.ListRejects(import.import_id(), after_row, kPageRows));
    std::vector<Row> rows;
    std::vector<v1::Reject> still_rejects;
    for (const v1::Reject& reject : rejects) {
      after_row = reject.row_number();
      // Its cells are not the row's.
      if (reject.reason() == v1::RejectReason::BAD_ROW) continue;
      std::variant<Row, v1::Reject> mapped = mapper.Map(CellsOf(reject), reject.row_number());
      if (auto* const again = std::get_if<v1::Reject>(&mapped)) {
        again->set_sheet(reject.sheet());
        if (again->message() != reject.message()) still_rejects.push_back(std::move(*again));
        continue;
      }
      counted_rows.push_back(reject.row_number());
      Row& row = std::get<Row>(mapped);
      const auto history = ledger_.FindDossier(row.dossier.code(), head);
      const bool counted_before =
          history.ok() && std::any_of(history->revisions().begin(), history->revisions().end(),
                                      [&](const v1::DossierRevision& revision) {
                                        return revision.import_id() == import.import_id() &&
                                               revision.row_number() == reject.row_number();
                                      });
      if (!counted_before) rows.push_back(std::move(row));
    }
    if (!rows.empty()) {
      RETURN_IF_ERROR(store_.StageRows(import.import_id(), rows));
      any = true;
    }
    if (!still_rejects.empty()) {
      RETURN_IF_ERROR(store_.AddRejects(import.import_id(), still_rejects));
    }
    if (rejects.size() < kPageRows) return any;
  }
}

// The same for a file that states totals: what a better directory can mend is the unit.
absl::StatusOr<bool> Imports::StageStatementReplay(const v1::Import& import,
                                                   std::vector<int64_t>& counted_rows) {
  ASSIGN_OR_RETURN(const absl::CivilDay from, ParseDay(import.statement_window().from()));
  ASSIGN_OR_RETURN(const absl::CivilDay to, ParseDay(import.statement_window().to()));
  std::map<std::string, int64_t> stated;
  std::set<int64_t> stated_rows;
  for (const v1::StatementRecord& record : ledger_.StatementsOfImport(import.import_id())) {
    stated.emplace(record.statement().unit_id(), record.row_number());
    stated_rows.insert(record.row_number());
  }
  StatementMapper mapper(ledger_.CurrentDirectory(), config_.province, {from, to},
                         DayOf(clock_.Now()), std::move(stated));
  RETURN_IF_ERROR(store_.DropStagedRows(import.import_id()));
  std::vector<v1::StatementRecord> statements;
  int64_t after_row = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Reject> rejects,
                     store_.ListRejects(import.import_id(), after_row, kPageRows));
    std::vector<v1::Reject> still_rejects;
    for (const v1::Reject& reject : rejects) {
      after_row = reject.row_number();
      if (stated_rows.contains(reject.row_number())) {
        counted_rows.push_back(reject.row_number());
        continue;
      }
      std::optional<StatementMapper::Mapped> mapped = mapper.MapAgain(reject);
      if (!mapped.has_value()) continue;
      if (auto* const again = std::get_if<v1::Reject>(&*mapped)) {
        again->set_sheet(reject.sheet());
        if (again->message() != reject.message()) still_rejects.push_back(std::move(*again));
        continue;
      }
      counted_rows.push_back(reject.row_number());
      statements.push_back(std::get<v1::StatementRecord>(*std::move(mapped)));
    }
    if (!still_rejects.empty()) {
      RETURN_IF_ERROR(store_.AddRejects(import.import_id(), still_rejects));
    }
    if (rejects.size() < kPageRows) break;
  }
  RETURN_IF_ERROR(store_.StageStatements(import.import_id(), statements));
  return !statements.empty();
}

absl::StatusOr<v1::Import> Imports::Cancel(const std::string& import_id) {
  std::shared_ptr<Upload> upload;
  {
    MutexLock lock(mutex_);
    const auto running = running_.find(import_id);
    if (running != running_.end()) upload = running->second;
  }
  // The upload's own thread drops its staged rows once it notices; a paused one has none.
  bool paused = false;
  const bool interrupted = upload != nullptr && upload->RequestCancel(paused);
  MutexLock lock(change_mutex_);
  ASSIGN_OR_RETURN(v1::Import import, Find(import_id));
  if (import.state() == v1::ImportState::CANCELLED) return import;  // a retry
  if (!interrupted && import.state() != v1::ImportState::PREVIEWED) {
    return WrongState(import, "RUNNING or PREVIEWED");
  }
  import.set_state(v1::ImportState::CANCELLED);
  RETURN_IF_ERROR(store_.UpdateImport(import));
  if (!interrupted || paused) RETURN_IF_ERROR(store_.DropStagedRows(import_id));
  if (paused) Forget(import_id);
  metrics_.CountImport(v1::ImportState::Value_Name(v1::ImportState::CANCELLED));
  return import;
}

}  // namespace dondoc::ingestion
