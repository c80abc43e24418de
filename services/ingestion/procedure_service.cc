#include "services/ingestion/procedure_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/catalogue.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/entry_upload.h"
#include "services/ingestion/ledger/entry_checks.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/principal.h"
#include "services/ingestion/procedure_file.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 1'000;
constexpr int kPageSizeMax = 20'000;
// A file's change is made again when another change of the catalogue came between.
constexpr int kAttemptsMax = 8;

absl::Status CheckOptionalDay(const char* field, const std::string& day) {
  if (day.empty()) return absl::OkStatus();
  const absl::StatusOr<absl::CivilDay> read = ParseDay(day);
  return read.ok() ? absl::OkStatus() : Invalid(field, read.status().message());
}

// Whether it has an online service on the day.
bool IsOnline(const v1::Procedure& procedure, int32_t day) {
  ProcedureOffers offers;
  return ProcedureOffers::Read(procedure, offers).ok() &&
         HasOnlineService(offers.LevelOn(day, v1::ServiceLevel::UNKNOWN));
}

}  // namespace

ProcedureService::ProcedureService(Ledger& ledger, Metrics& metrics, std::string spool_folder)
    : ledger_(ledger), metrics_(metrics), spool_folder_(std::move(spool_folder)) {}

grpc::Status ProcedureService::ListProcedures(grpc::ServerContext*,
                                              const v1::ListProceduresRequest* request,
                                              v1::ListProceduresResponse* response) {
  return metrics_.Answer("ListProcedures", List(*request, *response));
}

absl::Status ProcedureService::List(const v1::ListProceduresRequest& request,
                                    v1::ListProceduresResponse& response) const {
  ASSIGN_OR_RETURN(const int page_size,
                   CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  RETURN_IF_ERROR(CheckOptionalDay("online_on", request.online_on()));
  const int32_t online_on =
      request.online_on().empty() ? 0 : DayNumber(*ParseDay(request.online_on()));
  v1::ListProceduresRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  // The position is before the catalogue, which may then only be newer than it says.
  const v1::Position head = ledger_.Head();
  const std::shared_ptr<const Catalogue> catalogue = ledger_.CurrentCatalogue();
  auto next = catalogue->procedures.begin();
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const std::string after, ReadPageToken(query, request.page_token()));
    next = catalogue->procedures.upper_bound(after);
  }
  for (; next != catalogue->procedures.end(); ++next) {
    const v1::Procedure& procedure = next->second;
    if (!request.field().empty() && procedure.field() != request.field()) continue;
    if (!request.online_on().empty() && !IsOnline(procedure, online_on)) continue;
    if (response.procedures_size() == page_size) {
      response.set_next_page_token(
          MakePageToken(query, response.procedures(page_size - 1).procedure_code()));
      break;
    }
    *response.add_procedures() = procedure;
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(head.sequence());
  return absl::OkStatus();
}

grpc::Status ProcedureService::GetProcedure(grpc::ServerContext*,
                                            const v1::GetProcedureRequest* request,
                                            v1::Procedure* response) {
  return metrics_.Answer("GetProcedure", Get(*request, *response));
}

absl::Status ProcedureService::Get(const v1::GetProcedureRequest& request,
                                   v1::Procedure& response) const {
  const std::shared_ptr<const Catalogue> catalogue = ledger_.CurrentCatalogue();
  const auto found =
      catalogue->procedures.find(std::string(ProcedureKey(Trim(request.procedure_code()))));
  if (found == catalogue->procedures.end()) {
    return absl::NotFoundError(absl::StrCat("procedure_code: ", Quoted(request.procedure_code()),
                                            " is not in the catalogue"));
  }
  response = found->second;
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> ProcedureService::Commit(const ProceduresPut& put) {
  const absl::Time start = absl::Now();
  absl::StatusOr<CommitResult> result = ledger_.Commit(put);
  metrics_.ObserveCommit("procedures", absl::Now() - start);
  return result;
}

grpc::Status ProcedureService::ImportProcedures(grpc::ServerContext* context,
                                                const v1::ImportProceduresRequest* request,
                                                v1::ImportProceduresResponse* response) {
  return metrics_.Answer("ImportProcedures", Put(*request, PrincipalOf(*context), *response));
}

absl::Status ProcedureService::Put(const v1::ImportProceduresRequest& request,
                                   const std::string& author,
                                   v1::ImportProceduresResponse& response) {
  if (request.procedures_size() > kProceduresPutMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("procedures: ", request.procedures_size(), ", limit ", kProceduresPutMax));
  }
  if (request.procedures_size() == 0) return Invalid("procedures", "none given");
  ProceduresPut put;
  put.procedures.assign(request.procedures().begin(), request.procedures().end());
  for (v1::Procedure& procedure : put.procedures) {
    procedure.set_procedure_code(std::string(ProcedureKey(Trim(procedure.procedure_code()))));
    procedure.set_name(ToNfc(Trim(procedure.name())));
    procedure.set_field(ToNfc(Trim(procedure.field())));
  }
  put.author = author;
  ASSIGN_OR_RETURN(const CommitResult result, Commit(put));
  response.set_created(result.entries_created);
  response.set_updated(result.entries_updated);
  response.set_unchanged(result.entries_unchanged);
  response.set_ledger_id(result.position.ledger_id());
  response.set_sequence(result.position.sequence());
  return absl::OkStatus();
}

grpc::Status ProcedureService::ImportProceduresFile(
    grpc::ServerContext* context, grpc::ServerReader<v1::ImportProceduresFileRequest>* reader,
    v1::ImportProceduresFileResponse* response) {
  return metrics_.Answer("ImportProceduresFile", PutFile(*context, *reader, *response));
}

absl::Status ProcedureService::PutFile(grpc::ServerContext& context,
                                       grpc::ServerReader<v1::ImportProceduresFileRequest>& reader,
                                       v1::ImportProceduresFileResponse& response) {
  EntryFile file(ProcedureFileForms(), spool_folder_);
  v1::ImportProceduresFileRequest first;
  RETURN_IF_ERROR(ReceiveEntryFile(context, reader, file, first));
  RETURN_IF_ERROR(CheckOptionalDay("valid_from", first.valid_from()));
  RETURN_IF_ERROR(CheckOptionalDay("valid_to", first.valid_to()));
  ASSIGN_OR_RETURN(const EntryTable table, file.Finish());
  CommitResult result;
  for (int attempt = 1;; ++attempt) {
    const std::shared_ptr<const Catalogue> catalogue = ledger_.CurrentCatalogue();
    ProceduresPut put;
    ASSIGN_OR_RETURN(put.procedures,
                     ReadProcedureFile(table, *catalogue, first.valid_from(), first.valid_to()));
    put.made_from = catalogue->sequence;
    put.author = PrincipalOf(context);
    absl::StatusOr<CommitResult> committed = Commit(put);
    if (absl::IsAborted(committed.status()) && attempt < kAttemptsMax) continue;
    RETURN_IF_ERROR(committed.status());
    result = *std::move(committed);
    break;
  }
  response.set_rows(static_cast<int64_t>(table.rows.size()));
  response.set_created(result.entries_created);
  response.set_updated(result.entries_updated);
  response.set_unchanged(result.entries_unchanged);
  response.mutable_columns()->Assign(table.columns.begin(), table.columns.end());
  response.set_ledger_id(result.position.ledger_id());
  response.set_sequence(result.position.sequence());
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
