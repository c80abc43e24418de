#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace dondoc::gateway {

inline constexpr int kJsonDepthMax = 64;

// Reads a request body into `message`, or into its field `field` when that is given (then the body
// is the field's value: an object, or an array for a repeated field).
//
// RFC 8259 and proto3 JSON, to the letter: protobuf 3.21's own reader takes duplicate keys, single
// quotes, trailing commas and a scalar for a repeated field. Syntax is checked by Boost.JSON's
// event parser, which is strict by default about all of these, about UTF-8 and about surrogates,
// and feeds us in one pass: no tree is built, so a body costs its message and no more (nlohmann's
// event interface is looser on numbers and no faster). Deeper than kJsonDepthMax is refused.
//
// Field names are proto names or their lowerCamelCase form; enum names are read in any case; null
// means absent. kInvalidArgument begins with the field's path ("dossiers[2].code: …"), or says
// where the syntax breaks.
absl::Status ReadJson(absl::string_view json, const google::protobuf::FieldDescriptor* field,
                      google::protobuf::Message& message);

}  // namespace dondoc::gateway
