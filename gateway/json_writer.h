#pragma once

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace dondoc::gateway {

// Appends `message` as proto3 JSON with proto field names: every field present, zero, false, "" and
// [] included, except fields that know whether they are set (`optional`, messages, oneofs), which
// are absent when they are not. 64-bit integers are strings, enums their names, instants RFC 3339.
//
// Written by hand because protobuf 3.21's printer goes through a type resolver and takes several
// times as long; a test holds the two to the same output (JsonWriterTest).
void WriteJson(const google::protobuf::Message& message, std::string& out);

// The same for one field's value: a response_body.
void WriteJsonField(const google::protobuf::Message& message,
                    const google::protobuf::FieldDescriptor& field, std::string& out);

}  // namespace dondoc::gateway
