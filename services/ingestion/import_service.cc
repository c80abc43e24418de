#include "services/ingestion/import_service.h"

#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/broken_stream.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/coverage_check.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/reading/row_place.h"
#include "services/ingestion/reading/text_key.h"
#include "services/ingestion/rejects_csv.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 100;
constexpr int kPageSizeMax = 1'000;
constexpr size_t kImportIdBytesMax = 63;
constexpr size_t kUnitColumnBytesMax = 200;
constexpr size_t kPieceBytes = 64 << 10;

absl::Status CheckImportId(const std::string& import_id) {
  bool good = !import_id.empty() && import_id.size() <= kImportIdBytesMax;
  for (const char c : import_id) {
    good = good && (absl::ascii_islower(static_cast<unsigned char>(c)) ||
                    absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-');
  }
  return good ? absl::OkStatus()
              : Invalid("import_id", absl::StrCat(Quoted(import_id), " is not [a-z0-9-]{1,63}"));
}

std::string MakeImportId(absl::Time now) {
  std::random_device random;
  return absl::StrCat(absl::FormatTime("%Y%m%d-%H%M%S-", now, VietNamTime()),
                      absl::Hex((uint64_t{random()} << 32) | random(), absl::kZeroPad16));
}

}  // namespace

ImportService::ImportService(Imports& imports, const Ledger& ledger, const Clock& clock,
                             Metrics& metrics)
    : imports_(imports), ledger_(ledger), clock_(clock), metrics_(metrics) {}

grpc::Status ImportService::Answer(absl::string_view rpc, absl::StatusOr<v1::Import> result,
                                   v1::Import* response) {
  if (result.ok()) *response = *std::move(result);
  return metrics_.Answer(rpc, result.status());
}

grpc::Status ImportService::CreateImport(grpc::ServerContext* context,
                                         grpc::ServerReader<v1::CreateImportRequest>* reader,
                                         v1::Import* response) {
  return Answer("CreateImport", Receive(*context, *reader), response);
}

absl::StatusOr<v1::Import> ImportService::Receive(
    grpc::ServerContext& context, grpc::ServerReader<v1::CreateImportRequest>& reader) {
  v1::CreateImportRequest request;
  if (!reader.Read(&request)) return Invalid("import_id", "no message came");
  ASSIGN_OR_RETURN(const std::shared_ptr<Imports::Upload> upload, Open(context, request));
  absl::Status fed;
  int64_t unread_bytes = 0;
  do {
    if (fed.ok()) {
      fed = upload->Feed(request.body().data());
    } else {
      unread_bytes += static_cast<int64_t>(request.body().data().size());
    }
    if (!fed.ok() && (!absl::IsInvalidArgument(fed) || unread_bytes > kDrainBytesMax)) break;
  } while (reader.Read(&request));
  // A file of a declared size is whole when all of it has come, whatever became of the sender.
  const bool whole = upload->can_pause() && upload->missing_bytes() == 0;
  if (fed.ok() && !whole && upload->can_pause()) return upload->Pause();
  if (fed.ok() && !whole && BrokeOff(context)) {
    upload->Fail("Việc tải tệp lên bị ngắt giữa chừng, hãy tải lại.");
    return absl::CancelledError("the upload broke off");
  }
  if (!fed.ok() && !absl::IsInvalidArgument(fed)) {
    upload->Fail("Hệ thống không lưu được tệp lúc này, hãy tải lại sau.");
    return fed;
  }
  return upload->Finish();
}

// Begins an upload, or goes on with one.
absl::StatusOr<std::shared_ptr<Imports::Upload>> ImportService::Open(
    grpc::ServerContext& context, const v1::CreateImportRequest& first) {
  const auto interrupt = [&context] { context.TryCancel(); };
  if (first.offset() < 0) return Invalid("offset", "want 0 or more");
  if (first.total_bytes() < 0) return Invalid("total_bytes", "want 0 or more");
  if (first.total_bytes() > 0 && first.import_id().empty()) {
    return Invalid("import_id", "required with total_bytes");
  }
  if (first.offset() > 0) {
    if (first.import_id().empty()) return Invalid("import_id", "required with offset");
    return imports_.Resume(first.import_id(), first.offset(), interrupt);
  }
  ASSIGN_OR_RETURN(ImportOptions options, ReadOptions(first));
  return imports_.Begin(std::move(options), interrupt);
}

absl::StatusOr<ImportOptions> ImportService::ReadOptions(
    const v1::CreateImportRequest& first) const {
  ImportOptions options;
  const absl::Time now = clock_.Now();
  options.import_id = first.import_id().empty() ? MakeImportId(now) : first.import_id();
  RETURN_IF_ERROR(CheckImportId(options.import_id));
  if (first.filename().size() > kFilenameBytesMax) {
    return Invalid("filename",
                   absl::StrCat(first.filename().size(), " bytes, limit ", kFilenameBytesMax));
  }
  options.filename = first.filename();
  if (first.has_channel()) {
    if (!v1::Channel::Value_IsValid(first.channel())) {
      return Invalid("channel", absl::StrCat(static_cast<int>(first.channel()), " is no channel"));
    }
    options.channel = first.channel();
  }
  if (first.has_extracted_at()) {
    options.extracted_at = FromProto(first.extracted_at());
    if (*options.extracted_at > now ||
        *options.extracted_at < StartOf(absl::CivilDay(2000, 1, 1))) {
      return Invalid("extracted_at", absl::StrCat(FormatInstant(*options.extracted_at),
                                                  " is not between 2000 and now"));
    }
  }
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  if (directory->units().empty()) {
    return absl::FailedPreconditionError("the directory has no units yet; import them first");
  }
  const bool covers = !first.covers_from().empty() || !first.covers_to().empty();
  if (!covers && first.complete()) {
    return Invalid("complete", "needs covers_from and covers_to");
  }
  if (!covers && first.covers_unit_ids_size() > 0) {
    return Invalid("covers_unit_ids", "needs covers_from and covers_to");
  }
  if (covers) {
    v1::Coverage coverage;
    coverage.set_from(first.covers_from());
    coverage.set_to(first.covers_to());
    *coverage.mutable_unit_ids() = first.covers_unit_ids();
    coverage.set_extent(first.complete() ? v1::Coverage::Extent::COMPLETE
                                         : v1::Coverage::Extent::PARTIAL);
    RETURN_IF_ERROR(CheckCoverage(coverage, *directory, DayOf(options.extracted_at.value_or(now)),
                                  {"covers_from", "covers_to", "covers_unit_ids", "complete"}));
    options.coverage = std::move(coverage);
  }
  if (first.unit_column().size() > kUnitColumnBytesMax || !IsUtf8(first.unit_column())) {
    return Invalid("unit_column",
                   absl::StrCat("want \"receiving\", \"handling\" or a header of at most ",
                                kUnitColumnBytesMax, " bytes"));
  }
  options.unit_column = first.unit_column();
  options.total_bytes = first.total_bytes();
  options.preview = first.preview();
  options.confirm_withdrawals = first.confirm_withdrawals();
  return options;
}

grpc::Status ImportService::GetImport(grpc::ServerContext*, const v1::GetImportRequest* request,
                                      v1::Import* response) {
  return Answer("GetImport", imports_.Find(request->import_id()), response);
}

grpc::Status ImportService::ListImports(grpc::ServerContext*, const v1::ListImportsRequest* request,
                                        v1::ListImportsResponse* response) {
  return metrics_.Answer("ListImports", List(*request, *response));
}

absl::Status ImportService::List(const v1::ListImportsRequest& request,
                                 v1::ListImportsResponse& response) {
  ASSIGN_OR_RETURN(const int page_size,
                   CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  v1::ListImportsRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  std::string after_id;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(after_id, ReadPageToken(query, request.page_token()));
  }
  ASSIGN_OR_RETURN(std::vector<v1::Import> imports, imports_.List(after_id, page_size + 1));
  const bool more = imports.size() > static_cast<size_t>(page_size);
  if (more) imports.pop_back();
  for (v1::Import& import : imports) *response.add_imports() = std::move(import);
  if (more) {
    response.set_next_page_token(
        MakePageToken(query, response.imports(response.imports_size() - 1).import_id()));
  }
  return absl::OkStatus();
}

grpc::Status ImportService::ListRejects(grpc::ServerContext*, const v1::ListRejectsRequest* request,
                                        v1::ListRejectsResponse* response) {
  return metrics_.Answer("ListRejects", Rejects(*request, *response));
}

absl::Status ImportService::Rejects(const v1::ListRejectsRequest& request,
                                    v1::ListRejectsResponse& response) {
  ASSIGN_OR_RETURN(const int page_size,
                   CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  ASSIGN_OR_RETURN(const v1::Import import, imports_.Find(request.import_id()));
  v1::ListRejectsRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  int64_t after_row = 0;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const std::string position, ReadPageToken(query, request.page_token()));
    if (!absl::SimpleAtoi(position, &after_row)) return Invalid("page_token", "has no position");
  }
  ASSIGN_OR_RETURN(std::vector<v1::Reject> rejects,
                   imports_.ListRejects(request.import_id(), after_row, page_size + 1));
  const bool more = rejects.size() > static_cast<size_t>(page_size);
  if (more) rejects.pop_back();
  for (v1::Reject& reject : rejects) *response.add_rejects() = std::move(reject);
  response.set_total_size(import.rejected());
  if (more) {
    response.set_next_page_token(MakePageToken(
        query, absl::StrCat(response.rejects(response.rejects_size() - 1).row_number())));
  }
  for (v1::Reject& reject : *response.mutable_rejects()) {
    reject.set_row_number(ShownRow(reject.row_number()));
  }
  return absl::OkStatus();
}

grpc::Status ImportService::DownloadRejects(grpc::ServerContext*,
                                            const v1::DownloadRejectsRequest* request,
                                            grpc::ServerWriter<v1::RawBody>* writer) {
  return metrics_.Answer("DownloadRejects", Download(request->import_id(), *writer));
}

absl::Status ImportService::Download(const std::string& import_id,
                                     grpc::ServerWriter<v1::RawBody>& writer) {
  ASSIGN_OR_RETURN(const v1::Import import, imports_.Find(import_id));
  v1::RawBody piece;
  piece.set_content_type("text/csv; charset=utf-8");
  piece.set_filename(absl::StrCat("dong-loi-", import.import_id(), ".csv"));
  piece.set_data(RejectsCsvHeader());
  const auto send = [&] {
    const bool sent = writer.Write(piece);
    piece.Clear();
    return sent ? absl::OkStatus() : absl::CancelledError("the reader is gone");
  };
  int64_t after_row = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<v1::Reject> rejects,
                     imports_.ListRejects(import_id, after_row, kPageSizeMax));
    for (const v1::Reject& reject : rejects) {
      after_row = reject.row_number();
      piece.mutable_data()->append(RejectsCsvRow(reject));
      if (piece.data().size() >= kPieceBytes) RETURN_IF_ERROR(send());
    }
    if (rejects.size() < kPageSizeMax) break;
  }
  return piece.data().empty() ? absl::OkStatus() : send();
}

grpc::Status ImportService::ApplyImport(grpc::ServerContext*, const v1::ApplyImportRequest* request,
                                        v1::Import* response) {
  return Answer("ApplyImport", imports_.Apply(request->import_id(), request->confirm_withdrawals()),
                response);
}

grpc::Status ImportService::RevertImport(grpc::ServerContext*,
                                         const v1::RevertImportRequest* request,
                                         v1::Import* response) {
  return Answer("RevertImport", imports_.Revert(request->import_id()), response);
}

grpc::Status ImportService::ReplayImport(grpc::ServerContext*,
                                         const v1::ReplayImportRequest* request,
                                         v1::Import* response) {
  return Answer("ReplayImport", imports_.Replay(request->import_id()), response);
}

grpc::Status ImportService::CancelImport(grpc::ServerContext*,
                                         const v1::CancelImportRequest* request,
                                         v1::Import* response) {
  return Answer("CancelImport", imports_.Cancel(request->import_id()), response);
}

}  // namespace dondoc::ingestion
