#include "services/ingestion/directory_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/status/invalid.h"
#include "services/common/status/macros.h"
#include "services/ingestion/page_token.h"

namespace dondoc::ingestion {
namespace {

constexpr int kPageSize = 100;
constexpr int kPageSizeMax = 1'000;

}  // namespace

DirectoryService::DirectoryService(const Ledger& ledger, Metrics& metrics)
    : ledger_(ledger), metrics_(metrics) {}

grpc::Status DirectoryService::ListDirectoryChanges(grpc::ServerContext*,
                                                    const v1::ListDirectoryChangesRequest* request,
                                                    v1::ListDirectoryChangesResponse* response) {
  return metrics_.Answer("ListDirectoryChanges", List(*request, *response));
}

absl::Status DirectoryService::List(const v1::ListDirectoryChangesRequest& request,
                                    v1::ListDirectoryChangesResponse& response) const {
  const v1::Position head = ledger_.Head();
  DirectoryChangeQuery query;
  ASSIGN_OR_RETURN(query.page_size, CheckPageSize(request.page_size(), kPageSize, kPageSizeMax));
  if (!v1::DirectoryKind::Value_IsValid(request.kind())) {
    return Invalid("kind", absl::StrCat(static_cast<int>(request.kind()), " is no kind"));
  }
  if (request.from_sequence() < 0) return Invalid("from_sequence", "is negative");
  if (request.to_sequence() < 0) return Invalid("to_sequence", "is negative");
  if (request.to_sequence() != 0 && request.to_sequence() < request.from_sequence()) {
    return Invalid("to_sequence", "is before from_sequence");
  }
  query.kind = request.kind();
  query.id = request.id();
  query.from_sequence = request.from_sequence();
  query.to_sequence = request.to_sequence() == 0 ? head.sequence()
                                                 : std::min(request.to_sequence(), head.sequence());
  v1::ListDirectoryChangesRequest fields = request;
  fields.clear_page_size();
  fields.clear_page_token();
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const std::string place, ReadPageToken(fields, request.page_token()));
    if (!absl::SimpleAtoi(place, &query.after_place)) return Invalid("page_token", "has no place");
  }
  DirectoryChangePage page = ledger_.ListDirectoryChanges(query);
  for (v1::DirectoryChange& change : page.changes) *response.add_changes() = std::move(change);
  if (page.more) {
    response.set_next_page_token(MakePageToken(fields, absl::StrCat(page.next_place)));
  }
  response.set_ledger_id(head.ledger_id());
  response.set_sequence(head.sequence());
  return absl::OkStatus();
}

}  // namespace dondoc::ingestion
