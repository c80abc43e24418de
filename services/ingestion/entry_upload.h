#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/sync_stream.h"
#include "services/common/rpc/broken_stream.h"
#include "services/common/status/macros.h"
#include "services/ingestion/entry_file.h"

namespace dondoc::ingestion {

// Reads a stream of `Request`s, whose `body` are the pieces of a file, into `file`; the first
// message, without its piece, is left in `first`.
template <typename Request>
absl::Status ReceiveEntryFile(grpc::ServerContext& context, grpc::ServerReader<Request>& reader,
                              EntryFile& file, Request& first) {
  Request request;
  if (!reader.Read(&request)) return absl::InvalidArgumentError("body: no message came");
  RETURN_IF_ERROR(file.Feed(request.body().data()));
  request.clear_body();
  first = request;
  while (reader.Read(&request)) RETURN_IF_ERROR(file.Feed(request.body().data()));
  return BrokeOff(context) ? absl::CancelledError("the upload broke off") : absl::OkStatus();
}

}  // namespace dondoc::ingestion
