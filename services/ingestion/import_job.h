#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "dondoc/v1/imports.pb.h"
#include "services/ingestion/ledger/directory.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/row_mapper.h"
#include "services/ingestion/reading/sheet_reader.h"
#include "services/ingestion/reading/table_finder.h"
#include "services/ingestion/statement_mapper.h"

using evp_md_ctx = struct evp_md_ctx_st;

namespace dondoc::ingestion {

inline constexpr size_t kStagedRowsMax = 10'000;  // rows staged at once
inline constexpr size_t kRejectsAddedMax = 1'000;
// Rejects kept of one file; a file with more is refused as a whole.
inline constexpr int64_t kRejectsMax = 100'000;
inline constexpr int64_t kRejectBytesMax = 64 << 20;
inline constexpr int64_t kImportRowsMax = 20'000'000;

// What the caller says about a file. Checked by the service.
struct ImportOptions {
  std::string import_id;
  std::string filename;
  std::optional<v1::Channel::Value> channel;
  std::optional<v1::Coverage> coverage;  // declared
  std::optional<absl::Time> extracted_at;
  bool preview = false;
  bool confirm_withdrawals = false;
  std::string unit_column;  // as CreateImportRequest has it
  int64_t total_bytes = 0;  // of the whole file; 0 = not declared
};

// Rejected rows by reason, as Import has them.
using RejectCounts = std::map<v1::RejectReason::Value, int64_t>;
void SetRejectCounts(const RejectCounts& counts, v1::Import& import);

// `warning`'s first row, so far a number of row_place.h, as people see it: its row, its sheet, and
// both at the end of the message. Once for a warning.
void PlaceWarning(const std::vector<std::string>& sheets, v1::ImportWarning& warning);

// One file as it streams in: its rows are mapped, staged and, where they cannot be counted, kept as
// rejects. Nothing takes effect here. Feed and Finish belong to one thread; the counters may be
// read by any.
class ImportJob {
 public:
  struct Limits {
    int64_t bytes_max = int64_t{4} << 30;
    int64_t rejects_max = kRejectsMax;
    int64_t reject_bytes_max = kRejectBytesMax;
  };

  // How files are read.
  struct Reading {
    SheetReader::Options files;
    std::shared_ptr<const ColumnSynonyms> synonyms;  // the user's own; may be null
  };

  ImportJob(ImportStore& store, std::shared_ptr<const Directory> directory, ImportOptions options,
            const std::string& province, absl::Time now, Limits limits, Reading reading = {});
  ~ImportJob();
  ImportJob(const ImportJob&) = delete;
  ImportJob& operator=(const ImportJob&) = delete;

  // kInvalidArgument with a Vietnamese message: the file cannot be read or goes beyond a limit;
  // nothing of it may take effect. kCancelled after Stop. Other errors are the store's.
  absl::Status Feed(absl::string_view bytes);
  absl::Status Finish();

  // From any thread: what is being read, or is read next, ends with kCancelled.
  void Stop() { stop_ = true; }

  // Once finished: what the file holds, and its coverage, declared or inferred.
  void Describe(v1::Import& import) const;

  const ImportOptions& options() const { return options_; }
  int64_t bytes() const { return bytes_; }
  int64_t rows() const { return rows_; }
  int64_t rejected() const { return rejected_; }
  int64_t staged() const { return staged_count_; }
  // Rejected rows by reason, into `import`.
  void CountRejects(v1::Import& import) const;

 private:
  absl::Status OnRow(const SheetRow& row);
  absl::Status CountRow();
  absl::Status OnHeader(const ColumnPlan& plan);
  absl::Status OnDossier(const MeaningCells& cells, int64_t row_number, CsvRow::Problem problem);
  absl::Status OnStatement(const StatementRow& row);
  absl::Status BeginStatements(const StatementRow& first);
  absl::Status NoHeader() const;
  absl::Status Stage(Row row);
  absl::Status Keep(v1::Reject reject);
  absl::Status Flush();
  void NoteCoverage(const Row& row);
  void AddWarnings(v1::Import& import) const;
  void PlaceWarnings(v1::Import& import) const;
  void AddReadingWarnings(v1::Import& import) const;

  ImportStore& store_;
  const ImportOptions options_;
  const Limits limits_;
  const Reading reading_;
  const absl::Time now_;
  RowMapper mapper_;
  std::atomic<bool> stop_{false};
  TableFinder finder_;
  SheetReader reader_;
  evp_md_ctx* digest_;
  std::string sha256_;

  std::optional<ColumnPlan> plan_;  // of the first table

  // Of a file that states totals.
  const std::shared_ptr<const Directory> directory_;
  const std::string province_;
  std::optional<StatementMapper::Window> statement_window_;
  std::optional<StatementMapper> statement_mapper_;
  std::vector<v1::StatementRecord> staged_statements_;

  std::vector<Row> staged_;
  std::vector<v1::Reject> rejects_;
  int64_t reject_bytes_ = 0;
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> rejected_{0};
  std::atomic<int64_t> staged_count_{0};
  std::array<std::atomic<int64_t>, v1::RejectReason::Value_ARRAYSIZE> rejected_for_{};

  // What the staged rows are about; for a declared coverage, how many lie outside it.
  std::set<std::string> unit_ids_;
  std::optional<absl::CivilDay> first_day_;
  std::optional<absl::CivilDay> last_day_;
  absl::CivilDay covers_from_;
  absl::CivilDay covers_to_;
  std::set<std::string> covers_unit_ids_;
  int64_t outside_ = 0;
  int64_t outside_first_row_ = 0;
};

}  // namespace dondoc::ingestion
