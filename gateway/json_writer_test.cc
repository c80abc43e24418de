#include "gateway/json_writer.h"

#include <boost/json/parse.hpp>
#include <string>
#include <vector>

#include "dondoc/v1/ratios.pb.h"
#include "gateway/json_reader.h"
#include "gateway/testing/kitchen_sink.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;

std::string Written(const google::protobuf::Message& message) {
  std::string json;
  WriteJson(message, json);
  return json;
}

const std::vector<const char*>& Messages() {
  static const std::vector<const char*> messages = {
      "",
      "name: 'a' count: -1 big_count: 9223372036854775807 size: 4294967295 yes: true",
      "big_size: 18446744073709551615 share: 0.1 thin: 2.5",
      "share: nan",
      "share: -inf thin: inf",
      "share: 1e300",
      "name: 'Thủ \\\"tục\\\" \\\\ / \\n\\t\\r\\001\\177 😀'",
      "blob: '\\000\\377abc'",
      "colour: DARK_RED colours: RED colours: NONE",
      "inner { } inners { } inners { name: 'x' inner { count: 1 } }",
      "names: '' names: 'b' counts: 0 counts: -1",
      "time { } took { }",
      "time { seconds: 1700532000 nanos: 500000000 } took { seconds: 3 nanos: 1000 }",
      "time { seconds: -1 nanos: 1 } took { seconds: -3 nanos: -500000000 }",
      "time { seconds: -62135596800 }",
      "time { seconds: 253402300799 nanos: 999999999 }",
      "took { nanos: -1 }",
      "maybe: 0",
      "maybe: 5",
      "wrapped { } wrapped_count { } wrapped_yes { }",
      "wrapped { value: 'x' } wrapped_count { value: 3 } wrapped_yes { value: true }",
      "left: ''",
      "right: 0",
      "cells { key: 'a' value: '1' }",
      "boxes { key: -7 value { name: 'x' } }",
      "body { content_type: 'text/csv' data: 'abc' }",
  };
  return messages;
}

// Nobody but protobuf's own printer decides what proto3 JSON is. This also shows that 3.21's
// always_print_primitive_fields leaves out an unset `optional`.
TEST(JsonWriterTest, WritesWhatProtobufsPrinterWrites) {
  testing::KitchenSink sink;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  for (const char* text : Messages()) {
    const auto message = sink.FromText(text);
    std::string expected;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(*message, &expected, options).ok());
    // As documents: protobuf writes optional fields last, and escapes more than it has to. Field
    // masks are the one difference in content (camel case there), and have a test of their own.
    EXPECT_EQ(boost::json::parse(Written(*message)), boost::json::parse(expected)) << text;
  }
}

TEST(JsonWriterTest, ReadsBackWhatItWrites) {
  testing::KitchenSink sink;
  for (const char* text : Messages()) {
    const auto message = sink.FromText(text);
    const auto again = sink.New();
    ASSERT_THAT(ReadJson(Written(*message), nullptr, *again), IsOk()) << text;
    EXPECT_EQ(again->DebugString(), message->DebugString());
  }
}

TEST(JsonWriterTest, WritesARatioAsTheContractSays) {
  v1::Ratio ratio;
  EXPECT_EQ(
      Written(ratio),
      R"({"total":"0","online":"0","counter":"0","postal":"0","unknown":"0","basis":"NONE"})");
  ratio.set_total(10);
  ratio.set_online(5);
  ratio.set_counter(5);
  ratio.set_percent("50.00");
  ratio.set_reached(false);
  ratio.set_basis(v1::Basis::DOSSIERS);
  EXPECT_EQ(Written(ratio),
            R"({"total":"10","online":"5","counter":"5","postal":"0","unknown":"0",)"
            R"("percent":"50.00","reached":false,"basis":"DOSSIERS"})");
}

TEST(JsonWriterTest, SortsMapsSoThatTheSameMessageIsTheSameText) {
  testing::KitchenSink sink;
  const auto message =
      sink.FromText("cells { key: 'b' value: '2' } cells { key: 'a' value: '1' } ");
  EXPECT_THAT(Written(*message), ::testing::HasSubstr(R"("cells":{"a":"1","b":"2"})"));
}

TEST(JsonWriterTest, KeepsANumberThatItsEnumDoesNotKnow) {
  testing::KitchenSink sink;
  const auto message = sink.New();
  message->GetReflection()->SetEnumValue(message.get(), sink.type().FindFieldByName("colour"), 42);
  EXPECT_THAT(Written(*message), ::testing::HasSubstr(R"("colour":42)"));
}

TEST(JsonWriterTest, WritesAFieldMaskWithProtoNames) {
  testing::KitchenSink sink;
  const auto message = sink.FromText("mask { paths: 'big_count' paths: 'inner.name' }");
  EXPECT_THAT(Written(*message), ::testing::HasSubstr(R"("mask":"big_count,inner.name")"));
}

TEST(JsonWriterTest, WritesOneFieldForAResponseBody) {
  testing::KitchenSink sink;
  const auto message = sink.FromText("names: 'a' inner { name: 'b' }");
  std::string json;
  WriteJsonField(*message, *sink.type().FindFieldByName("names"), json);
  EXPECT_EQ(json, R"(["a"])");
}

}  // namespace
}  // namespace dondoc::gateway
