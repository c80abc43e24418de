#include "gateway/transcoder.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "dondoc/v1/options.pb.h"
#include "gateway/field_value.h"
#include "gateway/json_reader.h"
#include "gateway/json_text.h"
#include "gateway/problem.h"
#include "gateway/query.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "services/common/status/macros.h"

namespace dondoc::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kAnyBytes[] = "application/octet-stream";

// Sets variable `i` of the path in `request`.
absl::Status BindVariable(const Route& route, std::size_t i, absl::string_view raw,
                          Message& request) {
  const auto& variable = route.path.variables[i];
  const bool several = variable.last - variable.first > 1 ||
                       route.path.segments[variable.first].kind == PathTemplate::Kind::kRest;
  const auto value = PercentDecode(raw, /*keep_slashes=*/several, /*plus_is_space=*/false);
  if (!value.ok()) {
    return FieldError(variable.field_path, absl::StrCat("has ", value.status().message()));
  }
  const auto& fields = route.variable_fields[i];
  return SetFromText(variable.field_path, *fields.back(), *value, Descend(fields, request));
}

// Whether the innermost field of `fields` is absent or "" in `message`.
bool IsDefault(const std::vector<const FieldDescriptor*>& fields, const Message& message) {
  const Message* at = &message;
  for (const FieldDescriptor* field : fields) {
    if (!at->GetReflection()->HasField(*at, field)) return true;
    if (field != fields.back()) at = &at->GetReflection()->GetMessage(*at, field);
  }
  return false;
}

dondoc::v1::RawBody& MutableRawBody(const Route& route, Message& request) {
  return static_cast<dondoc::v1::RawBody&>(
      *request.GetReflection()->MutableMessage(&request, route.body_field));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Message>> BindUrl(const Route& route,
                                                 const std::vector<std::string>& values,
                                                 absl::string_view query) {
  std::unique_ptr<Message> request(route.request->New());
  for (std::size_t i = 0; i < values.size(); ++i) {
    RETURN_IF_ERROR(BindVariable(route, i, values[i], *request));
  }
  if (query.empty()) return request;
  if (route.body == Route::Body::kAll) {
    const absl::string_view name = query.substr(0, query.find_first_of("=&"));
    return FieldError(name, "all fields of this call are in its body, none in the query");
  }
  std::vector<std::string> bound = route.variable_paths;
  if (route.body_field != nullptr) bound.push_back(route.body_field->name());
  RETURN_IF_ERROR(BindQuery(query, bound, *request));
  return request;
}

absl::Status BindJsonBody(const Route& route, const std::vector<std::string>& values,
                          absl::string_view body, Message& request) {
  if (route.body == Route::Body::kField) {
    if (body.empty()) return FieldError(route.body_field->name(), "the body is empty");
    return ReadJson(body, route.body_field, request);
  }
  if (body.empty()) return absl::OkStatus();
  std::unique_ptr<Message> from_body(route.request->New());
  RETURN_IF_ERROR(ReadJson(body, nullptr, *from_body));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& fields = route.variable_fields[i];
    const bool absent = IsDefault(fields, *from_body);
    std::string before;
    if (!absent) before = from_body->SerializeAsString();
    RETURN_IF_ERROR(BindVariable(route, i, values[i], *from_body));
    if (!absent && before != from_body->SerializeAsString()) {
      return FieldError(route.variable_paths[i], "the body has another value than the path");
    }
  }
  request.GetReflection()->Swap(&request, from_body.get());
  return absl::OkStatus();
}

void SetRawBody(const Route& route, absl::string_view content_type, absl::string_view data,
                Message& request) {
  dondoc::v1::RawBody& raw = MutableRawBody(route, request);
  raw.set_content_type(std::string(content_type));
  raw.set_data(data.data(), data.size());
}

grpc::ByteBuffer Serialize(const Message& message) {
  const std::size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  // A slice of our own that nobody else sees yet; grpc::Slice only hands out const bytes.
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

absl::Status Parse(const grpc::ByteBuffer& buffer, Message& message) {
  grpc::ByteBuffer bytes = buffer;  // shares the slices; the reader wants one that is not const
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader)) {
    return absl::InternalError(
        absl::StrCat("the service's answer is not a ", message.GetDescriptor()->full_name()));
  }
  return absl::OkStatus();
}

std::string ContentDisposition(absl::string_view filename) {
  if (filename.empty()) return "inline";
  std::string plain;
  std::string encoded;
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : filename) {
    const auto byte = static_cast<unsigned char>(c);
    const bool bad = byte < 0x20 || byte == 0x7F || c == '/' || c == '\\';
    const char shown = bad ? '_' : c;
    if (byte < 0x80) {
      plain += shown == '"' || shown == '%' ? '_' : shown;
    } else if ((byte & 0xC0) != 0x80) {
      plain += '_';  // one for each character, not for each byte
    }
    if (absl::ascii_isalnum(static_cast<unsigned char>(shown)) || shown == '.' || shown == '-' ||
        shown == '_') {
      encoded += shown;
    } else {
      const auto code = static_cast<unsigned char>(shown);
      absl::StrAppend(&encoded, "%", std::string(1, kHex[code >> 4]),
                      std::string(1, kHex[code & 15]));
    }
  }
  if (!IsUtf8(filename)) return absl::StrCat("attachment; filename=\"", plain, "\"");
  return absl::StrCat("attachment; filename=\"", plain, "\"; filename*=UTF-8''", encoded);
}

std::string SafeContentType(absl::string_view content_type) {
  if (content_type.empty()) return kAnyBytes;
  for (const char c : content_type) {
    if (c < 0x20 || c >= 0x7F) return kAnyBytes;
  }
  return std::string(content_type);
}

}  // namespace dondoc::gateway
