#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

// One value into one field: what paths, queries and JSON strings share.

namespace dondoc::gateway {

// How a field looks outside protobuf.
enum class FieldForm {
  kScalar,     // number, bool, string, bytes, enum
  kTimestamp,  // RFC 3339
  kDuration,   // "3.5s"
  kFieldMask,  // "a,b.c"
  kWrapper,    // google.protobuf.*Value: as the value in it
  kMessage,    // an object
  kForeign,    // Any, Struct, Value, ListValue: we have no routes with them, and refuse to start
};
FieldForm FormOf(const google::protobuf::FieldDescriptor& field);

// A bool, or a BoolValue.
bool TakesBool(const google::protobuf::FieldDescriptor& field);

// Sets `field` of `message` from text (adds, when it is repeated). `path` begins the error's text.
//   enum       its name in any case, or its number; unknown ones are refused
//   bool       true | false
//   integers   decimal digits, the whole range and not more
//   Timestamp  RFC 3339; a blank before the offset counts as '+', which is what an unescaped plus
//              in a query becomes
//   bytes      base64 or base64url
// kInvalidArgument "<path>: …" otherwise. Not for kMessage and kForeign.
absl::Status SetFromText(absl::string_view path, const google::protobuf::FieldDescriptor& field,
                         absl::string_view text, google::protobuf::Message& message);

// The same for a JSON number token, which only number and enum fields take; "1e3" and "10.0" are
// integers.
absl::Status SetFromNumber(absl::string_view path, const google::protobuf::FieldDescriptor& field,
                           absl::string_view token, google::protobuf::Message& message);

absl::Status SetFromBool(absl::string_view path, const google::protobuf::FieldDescriptor& field,
                         bool value, google::protobuf::Message& message);

// The field called `name`, by its proto name or its lowerCamelCase JSON name; null when none is.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& message,
                                                   absl::string_view name);

// The fields that `path` ("a.b.c") names in `message`; empty when it names none. All but the last
// are single messages of ours.
std::vector<const google::protobuf::FieldDescriptor*> FindFieldPath(
    const google::protobuf::Descriptor& message, absl::string_view path);

}  // namespace dondoc::gateway
