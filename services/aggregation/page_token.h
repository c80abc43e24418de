#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace dondoc::aggregation {

// Where a list goes on: only in the same query and at the same position, so that pages fit together
// whatever is written between them, on whichever replica.
struct PageToken {
  std::string ledger_id;
  int64_t sequence = 0;
  int64_t offset = 0;
};

// Opaque to callers; not a secret and not signed: a forged one can only ask for what its query may.
std::string EncodePageToken(const PageToken& token, const std::string& fingerprint);

// kInvalidArgument "page_token: …" when it is not a token, or of another query.
absl::StatusOr<PageToken> DecodePageToken(const std::string& text, const std::string& fingerprint);

}  // namespace dondoc::aggregation
