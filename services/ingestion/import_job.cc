#include "services/ingestion/import_job.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/status/macros.h"

namespace dondoc::ingestion {
namespace {

constexpr int kHeadersShownMax = 20;

// Row counts at which exports are known to be cut (domain: edge cases).
constexpr int64_t kPageLimits[] = {1'000,  2'000,  5'000,   10'000,    20'000,    50'000,
                                   65'535, 65'536, 100'000, 1'000'000, 1'048'575, 1'048'576};

void AddWarning(v1::Import& import, v1::ImportWarning::Kind::Value kind, int64_t rows,
                int64_t first_row_number, std::string message) {
  v1::ImportWarning& warning = *import.add_warnings();
  warning.set_kind(kind);
  warning.set_rows(rows);
  warning.set_first_row_number(first_row_number);
  warning.set_message(std::move(message));
}

SheetReader::Options FilesOf(const ImportJob::Reading& reading, const std::atomic<bool>& stop) {
  SheetReader::Options files = reading.files;
  files.stop = &stop;
  return files;
}

}  // namespace

void SetRejectCounts(const RejectCounts& counts, v1::Import& import) {
  std::vector<std::pair<int64_t, v1::RejectReason::Value>> order;
  for (const auto& [reason, rows] : counts) order.emplace_back(-rows, reason);
  std::sort(order.begin(), order.end());
  import.clear_rejects_by_reason();
  for (const auto& [rows, reason] : order) {
    v1::RejectCount& count = *import.add_rejects_by_reason();
    count.set_reason(reason);
    count.set_rows(-rows);
  }
}

void PlaceWarning(const std::vector<std::string>& sheets, v1::ImportWarning& warning) {
  const int64_t number = warning.first_row_number();
  if (number <= 0) return;
  warning.set_first_row_number(ShownRow(number));
  warning.set_sheet(std::string(SheetOf(sheets, number)));
  absl::StrAppend(warning.mutable_message(), " Dòng đầu tiên: ", RowName(sheets, number), ".");
}

ImportJob::ImportJob(ImportStore& store, std::shared_ptr<const Directory> directory,
                     ImportOptions options, const std::string& province, absl::Time now,
                     Limits limits, Reading reading)
    : store_(store),
      options_(std::move(options)),
      limits_(limits),
      reading_(std::move(reading)),
      now_(now),
      mapper_(directory, {options_.channel, province, now}),
      finder_({reading_.synonyms.get(), options_.unit_column},
              {[this](const ColumnPlan& plan) { return OnHeader(plan); },
               [this](const MeaningCells& cells, int64_t row_number, CsvRow::Problem problem) {
                 return OnDossier(cells, row_number, problem);
               },
               [this](const StatementRow& row) { return OnStatement(row); }}),
      reader_([this](absl::Span<const absl::string_view> cells) { return finder_.Score(cells); },
              [this](const SheetRow& row) { return OnRow(row); }, FilesOf(reading_, stop_)),
      digest_(EVP_MD_CTX_new()),
      directory_(std::move(directory)),
      province_(province) {
  EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr);
  if (options_.coverage.has_value()) {
    // The service has checked that both days can be read.
    covers_from_ = *ParseDay(options_.coverage->from());
    covers_to_ = *ParseDay(options_.coverage->to());
    covers_unit_ids_.insert(options_.coverage->unit_ids().begin(),
                            options_.coverage->unit_ids().end());
  }
}

ImportJob::~ImportJob() { EVP_MD_CTX_free(digest_); }

absl::Status ImportJob::Feed(absl::string_view bytes) {
  bytes_ += static_cast<int64_t>(bytes.size());
  if (bytes_ > limits_.bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("Tệp lớn quá ", NumberVi(limits_.bytes_max), " byte."));
  }
  EVP_DigestUpdate(digest_, bytes.data(), bytes.size());
  return reader_.Feed(bytes);
}

absl::Status ImportJob::Finish() {
  RETURN_IF_ERROR(reader_.Finish());
  RETURN_IF_ERROR(finder_.Finish());
  if (!finder_.found()) return NoHeader();
  if (finder_.has_statements() && rows_ == 0) {
    return absl::InvalidArgumentError("Bảng tổng hợp theo đơn vị không có đơn vị nào.");
  }
  if (rows_ == 0 && !options_.coverage.has_value()) {
    return absl::InvalidArgumentError(
        "Tệp chỉ có dòng tiêu đề, không có hồ sơ nào, và không khai phạm vi (từ ngày, đến ngày).");
  }
  RETURN_IF_ERROR(Flush());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest_, digest, &size);
  sha256_ = absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  return absl::OkStatus();
}

absl::Status ImportJob::OnRow(const SheetRow& row) {
  if (stop_.load(std::memory_order_relaxed)) return absl::CancelledError("stopped");
  return finder_.OnRow(row);
}

absl::Status ImportJob::CountRow() {
  if (++rows_ <= kImportRowsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Tệp có quá ", NumberVi(kImportRowsMax), " dòng."));
}

absl::Status ImportJob::OnHeader(const ColumnPlan& plan) {
  if (!plan_.has_value()) plan_ = plan;
  return absl::OkStatus();
}

absl::Status ImportJob::OnDossier(const MeaningCells& cells, int64_t row_number,
                                  CsvRow::Problem problem) {
  RETURN_IF_ERROR(CountRow());
  const bool shifted = problem == CsvRow::Problem::kShifted;
  if (problem != CsvRow::Problem::kNone && !shifted) {
    return Keep(MakeBadRow(cells, row_number, std::string(CsvProblemText(problem))));
  }
  std::variant<Row, v1::Reject> mapped = mapper_.Map(cells, row_number);
  if (auto* const reject = std::get_if<v1::Reject>(&mapped)) {
    // Which cell is whose is not known, and some may be personal.
    if (shifted) return Keep(MakeBadRow(cells, row_number, std::string(CsvProblemText(problem))));
    return Keep(std::move(*reject));
  }
  return Stage(std::get<Row>(std::move(mapped)));
}

absl::Status ImportJob::OnStatement(const StatementRow& row) {
  if (!statement_mapper_.has_value()) RETURN_IF_ERROR(BeginStatements(row));
  RETURN_IF_ERROR(CountRow());
  const SheetTitle& title = finder_.notes().title;
  if (row.from.has_value() && (row.from != title.from || row.to != title.to)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Các trang của tệp ghi kỳ khác nhau (", FormatDay(*title.from), " đến ",
                     FormatDay(*title.to), " và ", FormatDay(*row.from), " đến ",
                     FormatDay(*row.to), "). Hãy tải mỗi kỳ một tệp."));
  }
  if (rows_ > kImportStatementsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("Bảng tổng hợp có quá ", NumberVi(kImportStatementsMax), " dòng."));
  }
  StatementMapper::Mapped mapped = statement_mapper_->Map(row, finder_.statement_plan());
  if (auto* const reject = std::get_if<v1::Reject>(&mapped)) return Keep(std::move(*reject));
  staged_statements_.push_back(std::get<v1::StatementRecord>(std::move(mapped)));
  ++staged_count_;
  return staged_statements_.size() < kStagedRowsMax ? absl::OkStatus() : Flush();
}

// A sheet of totals is for one window, and says nothing of single dossiers.
absl::Status ImportJob::BeginStatements(const StatementRow&) {
  if (options_.coverage.has_value() &&
      options_.coverage->extent() == v1::Coverage::Extent::COMPLETE) {
    return absl::InvalidArgumentError(
        "Tệp là bảng tổng hợp theo đơn vị, không phải danh sách đủ hồ sơ. Hãy tải lại mà không "
        "khai đủ hồ sơ (complete).");
  }
  if (options_.channel.has_value() || !covers_unit_ids_.empty()) {
    return absl::InvalidArgumentError(
        "Tệp là bảng tổng hợp theo đơn vị; kênh (channel) và danh sách đơn vị (covers_unit_ids) "
        "chỉ dùng cho danh sách hồ sơ. Hãy tải lại mà không khai chúng.");
  }
  const SheetTitle& title = finder_.notes().title;
  if (options_.coverage.has_value()) {
    statement_window_ = {covers_from_, covers_to_};
  } else if (title.from.has_value()) {
    statement_window_ = {*title.from, *title.to};
  } else {
    return absl::InvalidArgumentError(
        "Tệp là bảng tổng hợp theo đơn vị nhưng tiêu đề không ghi kỳ (\"Từ ngày … đến ngày …\"). "
        "Hãy khai từ ngày (covers_from) và đến ngày (covers_to) khi tải lên.");
  }
  const absl::CivilDay today = DayOf(now_);
  RETURN_IF_ERROR(StatementMapper::CheckWindow(*statement_window_, today));
  statement_mapper_.emplace(directory_, province_, *statement_window_, today);
  return absl::OkStatus();
}

// Names the headers seen, so that the officer sees which one is spelled in a way we do not know. A
// row without a single known header is not shown: in a file without headers it is somebody's data.
absl::Status ImportJob::NoHeader() const {
  const std::optional<ColumnPlan>& best_title = finder_.best_title();
  if (!best_title.has_value() || best_title->recognised == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Không thấy dòng tiêu đề nào quen thuộc trong ", kCsvTitleRowsMax,
                     " dòng đầu; cần các cột mã hồ sơ, đơn vị tiếp nhận, ngày tiếp nhận. "
                     "Nếu tệp có tiêu đề, hãy lưu lại dạng .xlsx hoặc \"CSV UTF-8\"."));
  }
  std::vector<std::string> headers;
  for (const v1::ColumnMapping& column : best_title->columns) {
    if (column.header().empty()) continue;
    if (headers.size() == kHeadersShownMax) {
      headers.push_back("…");
      break;
    }
    headers.push_back(absl::StrCat("\"", column.header(), "\""));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Tệp thiếu cột ", absl::StrJoin(best_title->missing, ", "),
                   ". Các cột thấy được: ", absl::StrJoin(headers, ", "), "."));
}

absl::Status ImportJob::Stage(Row row) {
  NoteCoverage(row);
  staged_.push_back(std::move(row));
  ++staged_count_;
  return staged_.size() < kStagedRowsMax ? absl::OkStatus() : Flush();
}

absl::Status ImportJob::Keep(v1::Reject reject) {
  reject.set_sheet(std::string(SheetOf(finder_.notes().sheets, reject.row_number())));
  ++rejected_for_[static_cast<size_t>(reject.reason())];
  reject_bytes_ += static_cast<int64_t>(reject.ByteSizeLong());
  rejects_.push_back(std::move(reject));
  if (++rejected_ > limits_.rejects_max || reject_bytes_ > limits_.reject_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Quá nhiều dòng không đọc được (", NumberVi(rejected_),
        "); dòng gần nhất: ", RowName(finder_.notes().sheets, rejects_.back().row_number()), ": ",
        rejects_.back().message()));
  }
  return rejects_.size() < kRejectsAddedMax ? absl::OkStatus() : Flush();
}

absl::Status ImportJob::Flush() {
  if (!staged_.empty()) RETURN_IF_ERROR(store_.StageRows(options_.import_id, staged_));
  staged_.clear();
  if (!staged_statements_.empty()) {
    RETURN_IF_ERROR(store_.StageStatements(options_.import_id, staged_statements_));
  }
  staged_statements_.clear();
  if (!rejects_.empty()) RETURN_IF_ERROR(store_.AddRejects(options_.import_id, rejects_));
  rejects_.clear();
  return absl::OkStatus();
}

void ImportJob::NoteCoverage(const Row& row) {
  if (!row.dossier.has_received_time()) return;
  const absl::CivilDay day = DayOf(FromProto(row.dossier.received_time()));
  first_day_ = std::min(first_day_.value_or(day), day);
  last_day_ = std::max(last_day_.value_or(day), day);
  if (!options_.coverage.has_value()) {
    unit_ids_.insert(row.dossier.unit_id());
    return;
  }
  const bool inside =
      covers_from_ <= day && day <= covers_to_ &&
      (covers_unit_ids_.empty() || covers_unit_ids_.contains(row.dossier.unit_id()));
  if (inside) return;
  if (outside_++ == 0) outside_first_row_ = row.row_number;
}

void ImportJob::Describe(v1::Import& import) const {
  import.set_content_sha256(sha256_);
  import.set_bytes(bytes_);
  import.set_rows(rows_);
  import.set_rejected(rejected_);
  CountRejects(import);
  import.mutable_sheets()->Assign(finder_.notes().sheets.begin(), finder_.notes().sheets.end());
  import.clear_columns();
  const std::vector<v1::ColumnMapping>& columns =
      plan_.has_value() ? plan_->columns : finder_.statement_plan().columns;
  import.mutable_columns()->Assign(columns.begin(), columns.end());
  import.set_unit_column(options_.unit_column);
  const SheetTitle& title = finder_.notes().title;
  if (!import.has_extracted_at() && title.extracted.has_value()) {
    // What a title says must be possible to be believed.
    const absl::Time extracted = absl::FromCivil(*title.extracted, VietNamTime());
    if (extracted <= now_) *import.mutable_extracted_at() = ToProto(extracted);
  }
  if (statement_window_.has_value()) {
    import.clear_coverage();
    import.mutable_statement_window()->set_from(FormatDay(statement_window_->from));
    import.mutable_statement_window()->set_to(FormatDay(statement_window_->to));
  } else if (options_.coverage.has_value()) {
    *import.mutable_coverage() = *options_.coverage;
  } else if (first_day_.has_value()) {
    v1::Coverage& coverage = *import.mutable_coverage();
    coverage.Clear();
    coverage.mutable_unit_ids()->Assign(unit_ids_.begin(), unit_ids_.end());
    coverage.set_from(FormatDay(*first_day_));
    coverage.set_to(FormatDay(*last_day_));
    // The title knows of days without dossiers too.
    if (title.from.has_value() && *title.from <= *first_day_ && *last_day_ <= *title.to) {
      coverage.set_from(FormatDay(*title.from));
      coverage.set_to(FormatDay(std::min(*title.to, DayOf(now_))));
    }
    coverage.set_extent(v1::Coverage::Extent::PARTIAL);
  }
  import.clear_warnings();
  AddWarnings(import);
  PlaceWarnings(import);
}

void ImportJob::CountRejects(v1::Import& import) const {
  RejectCounts counts;
  for (size_t reason = 0; reason < rejected_for_.size(); ++reason) {
    const int64_t rows = rejected_for_[reason];
    if (rows > 0) counts[static_cast<v1::RejectReason::Value>(reason)] = rows;
  }
  SetRejectCounts(counts, import);
}

// Where the first row of each warning is, as the spreadsheet shows it.
void ImportJob::PlaceWarnings(v1::Import& import) const {
  const std::vector<std::string>& sheets = finder_.notes().sheets;
  for (v1::ImportWarning& warning : *import.mutable_warnings()) PlaceWarning(sheets, warning);
}

void ImportJob::AddWarnings(v1::Import& import) const {
  for (v1::ImportWarning& warning : mapper_.Warnings()) {
    *import.add_warnings() = std::move(warning);
  }
  using Kind = v1::ImportWarning::Kind;
  AddReadingWarnings(import);
  if (!options_.channel.has_value() && plan_.has_value() && plan_->column(Meaning::kChannel) < 0 &&
      rows_ > 0) {
    AddWarning(import, Kind::UNKNOWN_CHANNEL, rows_, 0,
               "Tệp không có cột kênh thực hiện và không khai kênh khi tải lên; mọi hồ sơ được đếm "
               "vào cột \"chưa rõ kênh\".");
  }
  if (outside_ > 0) {
    AddWarning(import, Kind::OUTSIDE_COVERAGE, outside_, outside_first_row_,
               absl::StrCat(NumberVi(outside_), " dòng nằm ngoài phạm vi đã khai; vẫn được đếm."));
  }
  if (!statement_window_.has_value() && std::find(std::begin(kPageLimits), std::end(kPageLimits),
                                                  rows_.load()) != std::end(kPageLimits)) {
    AddWarning(import, Kind::PAGE_LIMIT, rows_, 0,
               absl::StrCat("Tệp có đúng ", NumberVi(rows_),
                            " dòng: có thể hệ thống chỉ xuất đến giới hạn trang. Hãy xuất theo "
                            "từng khoảng ngày ngắn hơn."));
  }
}

void ImportJob::AddReadingWarnings(v1::Import& import) const {
  using Kind = v1::ImportWarning::Kind;
  const TableFinder::Notes& notes = finder_.notes();
  const XlsxNotes& workbook = reader_.xlsx_notes();
  if (notes.hidden_rows > 0) {
    AddWarning(import, Kind::HIDDEN_ROWS, notes.hidden_rows, notes.first_hidden_row,
               absl::StrCat(NumberVi(notes.hidden_rows),
                            " dòng đang bị ẩn trong bảng tính vẫn được đọc."));
  }
  const auto sheets = [&](const std::vector<std::string>& names, absl::string_view what) {
    if (names.empty()) return;
    const size_t shown = std::min<size_t>(names.size(), kHeadersShownMax);
    AddWarning(
        import, Kind::SHEETS, 0, 0,
        absl::StrCat("Bảng ở trang khác ", what, ": ",
                     absl::StrJoin(names.begin(), names.begin() + static_cast<int>(shown), ", "),
                     "."));
  };
  if (notes.sheets.size() > 1) {
    sheets({notes.sheets.begin() + 1, notes.sheets.end()}, "cũng được đọc");
  }
  sheets(notes.sheets_skipped, "thuộc loại khác, không được đọc");
  sheets(workbook.hidden_sheets, "đang bị ẩn, không được đọc");
  if (workbook.formulas_without_value > 0) {
    AddWarning(import, Kind::NO_VALUE, 0, workbook.first_formula_row,
               absl::StrCat(NumberVi(workbook.formulas_without_value),
                            " ô công thức không có sẵn kết quả, được coi là trống. Hãy mở bằng "
                            "Excel và lưu lại."));
  }
  const Encoding encoding = reader_.encoding().value_or(Encoding::kUtf8);
  const bool font_bytes = encoding == Encoding::kTcvn3 || encoding == Encoding::kVni;
  if (font_bytes || notes.legacy != Legacy::kNone) {
    AddWarning(import, Kind::ENCODING, 0, 0,
               absl::StrCat("Văn bản được chuyển từ ",
                            font_bytes ? EncodingName(encoding) : LegacyName(notes.legacy),
                            " sang Unicode; hãy xem lại tên đơn vị."));
  }
  if (notes.month_first) {
    AddWarning(import, Kind::DATES, 0, 0,
               "Ngày trong tệp ghi theo kiểu tháng/ngày/năm (cả cột cho thấy như vậy) và đã được "
               "đảo lại.");
  }
  if (options_.coverage.has_value() && notes.title.from.has_value() &&
      (*notes.title.from != covers_from_ || *notes.title.to != covers_to_)) {
    AddWarning(import, Kind::WINDOW, 0, 0,
               absl::StrCat("Tiêu đề trong tệp ghi từ ", FormatDay(*notes.title.from), " đến ",
                            FormatDay(*notes.title.to), ", khác phạm vi đã khai."));
  }
}

}  // namespace dondoc::ingestion
