#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

// Every failure of the gateway leaves as application/problem+json (RFC 9457). This is the one place
// where a code becomes an HTTP status.

namespace dondoc::gateway {

// style §3.3; OK is 200. A code gRPC does not know is 500.
int HttpStatusOf(absl::StatusCode code);

// "Not Found"; "" for a status we never send.
absl::string_view ReasonOf(int http_status);

struct Problem {
  int http_status = 500;
  absl::StatusCode code = absl::StatusCode::kInternal;
  // English, for the caller. Never internal text.
  std::string detail;
  // Path of the request field at fault, in the caller's spelling; empty = none.
  std::string field;
  // For 405: the verbs the path has, as the Allow header writes them.
  std::string allow;
  // For 503: seconds after which trying again makes sense; 0 = no Retry-After header.
  int retry_after_seconds = 0;
};

// A kInvalidArgument "<path>: <what>" that carries its field path apart, so that a path with odd
// characters in it is still reported whole.
absl::Status FieldError(absl::string_view path, absl::string_view what);

// The problem that `status` (not OK) is. The text of kInternal, kUnknown and kDataLoss is replaced:
// the caller of this function logs it. `request`, when given, is the message that field paths at
// the start of a service's text are checked against ("dossiers[2].code: …").
Problem ProblemOf(const absl::Status& status, const google::protobuf::Descriptor* request);

// Whether ProblemOf replaces the text of this code.
bool HidesText(absl::StatusCode code);

// The JSON document.
std::string ProblemBody(const Problem& problem, absl::string_view request_id);

}  // namespace dondoc::gateway
