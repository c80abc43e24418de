#include "gateway/testing/kitchen_sink.h"

#include "absl/strings/str_cat.h"
#include "dondoc/v1/options.pb.h"
#include "gmock/gmock.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/wrappers.pb.h"

namespace dondoc::gateway::testing {
namespace {

constexpr char kFile[] = R"pb(
  name: "test/sink.proto"
  package: "test"
  syntax: "proto3"
  dependency: "google/api/annotations.proto"
  dependency: "dondoc/v1/options.proto"
  dependency: "google/protobuf/timestamp.proto"
  dependency: "google/protobuf/duration.proto"
  dependency: "google/protobuf/wrappers.proto"
  dependency: "google/protobuf/field_mask.proto"
  dependency: "google/protobuf/struct.proto"
  message_type {
    name: "Sink"
    field { name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "count" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 }
    field {
      name: "big_count"
      number: 3
      label: LABEL_OPTIONAL
      type: TYPE_INT64
      json_name: "bigCount"
    }
    field { name: "size" number: 4 label: LABEL_OPTIONAL type: TYPE_UINT32 }
    field {
      name: "big_size"
      number: 5
      label: LABEL_OPTIONAL
      type: TYPE_UINT64
      json_name: "bigSize"
    }
    field { name: "yes" number: 6 label: LABEL_OPTIONAL type: TYPE_BOOL }
    field { name: "share" number: 7 label: LABEL_OPTIONAL type: TYPE_DOUBLE }
    field { name: "thin" number: 8 label: LABEL_OPTIONAL type: TYPE_FLOAT }
    field { name: "blob" number: 9 label: LABEL_OPTIONAL type: TYPE_BYTES }
    field {
      name: "colour"
      number: 10
      label: LABEL_OPTIONAL
      type: TYPE_ENUM
      type_name: ".test.Colour"
    }
    field {
      name: "inner"
      number: 11
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".test.Sink"
    }
    field { name: "names" number: 12 label: LABEL_REPEATED type: TYPE_STRING }
    field { name: "counts" number: 13 label: LABEL_REPEATED type: TYPE_INT64 }
    field {
      name: "inners"
      number: 14
      label: LABEL_REPEATED
      type: TYPE_MESSAGE
      type_name: ".test.Sink"
    }
    field {
      name: "time"
      number: 15
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.Timestamp"
    }
    field {
      name: "took"
      number: 16
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.Duration"
    }
    field {
      name: "maybe"
      number: 17
      label: LABEL_OPTIONAL
      type: TYPE_INT64
      oneof_index: 1
      proto3_optional: true
    }
    field {
      name: "wrapped"
      number: 18
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.StringValue"
    }
    field {
      name: "wrapped_count"
      number: 19
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.Int64Value"
      json_name: "wrappedCount"
    }
    field {
      name: "wrapped_yes"
      number: 20
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.BoolValue"
      json_name: "wrappedYes"
    }
    field {
      name: "mask"
      number: 21
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.FieldMask"
    }
    field { name: "left" number: 22 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
    field { name: "right" number: 23 label: LABEL_OPTIONAL type: TYPE_INT32 oneof_index: 0 }
    field {
      name: "cells"
      number: 24
      label: LABEL_REPEATED
      type: TYPE_MESSAGE
      type_name: ".test.Sink.CellsEntry"
    }
    field {
      name: "boxes"
      number: 25
      label: LABEL_REPEATED
      type: TYPE_MESSAGE
      type_name: ".test.Sink.BoxesEntry"
    }
    field {
      name: "body"
      number: 26
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".dondoc.v1.RawBody"
    }
    field {
      name: "colours"
      number: 27
      label: LABEL_REPEATED
      type: TYPE_ENUM
      type_name: ".test.Colour"
    }
    oneof_decl { name: "side" }
    oneof_decl { name: "_maybe" }
    nested_type {
      name: "CellsEntry"
      field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
      field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
      options { map_entry: true }
    }
    nested_type {
      name: "BoxesEntry"
      field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
      field {
        name: "value"
        number: 2
        label: LABEL_OPTIONAL
        type: TYPE_MESSAGE
        type_name: ".test.Sink"
      }
      options { map_entry: true }
    }
  }
  message_type {
    name: "Foreign"
    field {
      name: "any"
      number: 1
      label: LABEL_OPTIONAL
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.Struct"
    }
  }
  enum_type {
    name: "Colour"
    value { name: "NONE" number: 0 }
    value { name: "RED" number: 1 }
    value { name: "DARK_RED" number: 5 }
  }
)pb";

}  // namespace

KitchenSink::KitchenSink(const std::string& methods)
    : pool_(google::protobuf::DescriptorPool::generated_pool()) {
  factory_.SetDelegateToGeneratedFactory(true);
  // Descriptors that the file depends on are registered when their code is linked.
  google::api::http.number();
  v1::RawBody::descriptor();
  google::protobuf::Timestamp::descriptor();
  google::protobuf::Duration::descriptor();
  google::protobuf::StringValue::descriptor();
  google::protobuf::FieldMask::descriptor();
  google::protobuf::Struct::descriptor();
  google::protobuf::FileDescriptorProto file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(kFile, "service { name: \"Sinks\" ", methods, " }"), &file));
  file_ = pool_.BuildFile(file);
}

std::unique_ptr<google::protobuf::Message> KitchenSink::FromText(const std::string& text) {
  auto message = New();
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
  return message;
}

}  // namespace dondoc::gateway::testing
