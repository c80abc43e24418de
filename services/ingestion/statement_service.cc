#include "services/ingestion/statement_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/common/clock/civil.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/statement_check.h"
#include "services/ingestion/page_token.h"
#include "services/ingestion/reading/row_place.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 100;
constexpr int kPageSizeMax = 1'000;

absl::StatusOr<std::optional<absl::CivilDay>> ReadBound(absl::string_view field,
                                                        const std::string& text) {
  if (text.empty()) return std::nullopt;
  const absl::StatusOr<absl::CivilDay> day = ParseDay(text);
  if (!day.ok()) return Invalid(field, day.status().message());
  return *day;
}

}  // namespace

StatementService::StatementService(Ledger& ledger, const Clock& clock, Metrics& metrics)
    : ledger_(ledger), clock_(clock), metrics_(metrics) {}

grpc::Status StatementService::BatchWriteStatements(grpc::ServerContext*,
                                                    const v1::BatchWriteStatementsRequest* request,
                                                    v1::BatchWriteStatementsResponse* response) {
  return metrics_.Answer("BatchWriteStatements", Write(*request, *response));
}

grpc::Status StatementService::ListStatements(grpc::ServerContext*,
                                              const v1::ListStatementsRequest* request,
                                              v1::ListStatementsResponse* response) {
  return metrics_.Answer("ListStatements", List(*request, *response));
}

absl::Status StatementService::Write(const v1::BatchWriteStatementsRequest& request,
                                     v1::BatchWriteStatementsResponse& response) {
  if (request.statements_size() > kBatchStatementsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("statements: ", request.statements_size(), ", limit ", kBatchStatementsMax));
  }
  if (request.statements().empty()) return Invalid("statements", "required");
  const std::shared_ptr<const Directory> directory = ledger_.CurrentDirectory();
  const absl::CivilDay today = DayOf(clock_.Now());
  for (int i = 0; i < request.statements_size(); ++i) {
    const absl::Status checked = CheckStatement(request.statements(i), *directory, today);
    if (!checked.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("statements[", i, "].", checked.message()));
    }
  }
  const std::vector<v1::Statement> statements(request.statements().begin(),
                                              request.statements().end());
  const absl::Time start = absl::Now();
  absl::StatusOr<CommitResult> committed = ledger_.Commit(StatementBatch{statements});
  metrics_.ObserveCommit("push", absl::Now() - start);
  RETURN_IF_ERROR(committed.status());
  response.set_counted(committed->counted);
  response.set_unchanged(committed->unchanged);
  response.set_stale(committed->stale);
  response.set_ledger_id(committed->position.ledger_id());
  response.set_sequence(committed->position.sequence());
  return absl::OkStatus();
}

absl::Status StatementService::List(const v1::ListStatementsRequest& request,
                                    v1::ListStatementsResponse& response) const {
  StatementQuery query;
  query.unit_id = request.unit_id();
  if (!query.unit_id.empty() && ledger_.CurrentDirectory()->Find(query.unit_id) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("unit_id: ", Quoted(query.unit_id), " is not in the directory"));
  }
  ASSIGN_OR_RETURN(query.from, ReadBound("from", request.from()));
  ASSIGN_OR_RETURN(query.to, ReadBound("to", request.to()));
  if (query.from && query.to && *query.to < *query.from) {
    return Invalid("to", absl::StrCat(request.to(), " is before ", request.from()));
  }
  ASSIGN_OR_RETURN(query.page_size, CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  const v1::Position head = ledger_.Head();
  v1::ListStatementsRequest fields = request;
  fields.clear_page_size();
  fields.clear_page_token();
  query.as_of_sequence = request.has_as_of_sequence() ? request.as_of_sequence() : head.sequence();
  if (query.as_of_sequence < 0) return Invalid("as_of_sequence", "is negative");
  if (query.as_of_sequence > head.sequence()) {
    return absl::OutOfRangeError(absl::StrCat("as_of_sequence: ", query.as_of_sequence,
                                              " is beyond the head, ", head.sequence()));
  }
  if (!request.page_token().empty()) {
    // The first page's position goes on, so that all pages are of one list.
    ASSIGN_OR_RETURN(const std::string position, ReadPageToken(fields, request.page_token()));
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(position, absl::MaxSplits('|', 1));
    if (!absl::SimpleAtoi(parts.first, &query.as_of_sequence) ||
        !absl::SimpleAtoi(parts.second, &query.offset) || query.offset < 0 ||
        query.as_of_sequence > head.sequence()) {
      return Invalid("page_token", "is of another ledger");
    }
  }
  ASSIGN_OR_RETURN(StatementPage page, ledger_.ListStatements(query));
  for (v1::StatementRecord& record : page.statements) {
    if (!record.import_id().empty()) record.set_row_number(ShownRow(record.row_number()));
    *response.add_statements() = std::move(record);
  }
  if (page.more) {
    response.set_next_page_token(MakePageToken(
        fields,
        absl::StrCat(query.as_of_sequence, "|", query.offset + response.statements_size())));
  }
  response.set_total_size(page.total_size);
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(query.as_of_sequence);
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
