#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/routes.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

// Between an HTTP request and a protobuf message, and back. Pure functions.

namespace dondoc::gateway {

// The request message with what the path and the query say. `values` are RouteMatch::values.
// kInvalidArgument names the field.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> BindUrl(
    const Route& route, const std::vector<std::string>& values, absl::string_view query);

// Adds a JSON body to a message that BindUrl made. An empty body is allowed where the rule is
// body: "*", and means {}. A field that the path has set may be repeated in the body with the same
// value, and not with another.
absl::Status BindJsonBody(const Route& route, const std::vector<std::string>& values,
                          absl::string_view body, google::protobuf::Message& request);

// Puts a piece of a raw body into the route's RawBody field.
void SetRawBody(const Route& route, absl::string_view content_type, absl::string_view data,
                google::protobuf::Message& request);

grpc::ByteBuffer Serialize(const google::protobuf::Message& message);
// kInternal when the bytes are not the message.
absl::Status Parse(const grpc::ByteBuffer& buffer, google::protobuf::Message& message);

// Content-Disposition of a download, RFC 6266: an ASCII name for old readers and the UTF-8 one.
// `filename` is hostile: no quote, control character or path separator gets out.
std::string ContentDisposition(absl::string_view filename);

// `content_type` when it is safe in a header, else application/octet-stream.
std::string SafeContentType(absl::string_view content_type);

}  // namespace dondoc::gateway
