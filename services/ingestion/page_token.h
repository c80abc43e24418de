#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace dondoc::ingestion {

// An opaque token for the page after `position`, good only for a request that is equal to `query`
// (page_token and page_size cleared by the caller).
std::string MakePageToken(const google::protobuf::Message& query, absl::string_view position);

// The position in `token`. kInvalidArgument "page_token: …" when it is not a token of `query`.
absl::StatusOr<std::string> ReadPageToken(const google::protobuf::Message& query,
                                          absl::string_view token);

// 1–`most`; 0 = `otherwise`. kInvalidArgument "page_size: …".
absl::StatusOr<int> CheckPageSize(int page_size, int otherwise, int most);

// Lower-case hex SHA-256.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace dondoc::ingestion
