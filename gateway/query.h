#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/message.h"

namespace dondoc::gateway {

// Sets the fields of `message` that the query string (without '?') names:
// "a=1&b.c=2&list=x&list=y".
// '+' and %20 are blanks. `bound` are the field paths that the URL's path or the body have set.
// kInvalidArgument that begins with the field, for
//   a field that does not exist · one that the path or body has set · one that is not repeated
//   given twice · a value that its type cannot hold · a message or map, which a query cannot
//   express
absl::Status BindQuery(absl::string_view query, absl::Span<const std::string> bound,
                       google::protobuf::Message& message);

// The messages on the way to the last of `fields`, made where absent; returns the innermost.
google::protobuf::Message& Descend(
    const std::vector<const google::protobuf::FieldDescriptor*>& fields,
    google::protobuf::Message& message);

}  // namespace dondoc::gateway
