#include "gateway/json_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/testing/kitchen_sink.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

struct Good {
  const char* json;
  const char* message;
};

TEST(JsonReaderTest, ReadsEveryKindOfField) {
  testing::KitchenSink sink;
  const std::vector<Good> cases = {
      {"{}", ""},
      {" \t\r\n{ }\n", ""},
      {R"({"name":"a"})", "name: 'a'"},
      {R"({"name":"\u0041\n\"\\\/\u00e9"})", "name: 'A\\n\"\\\\/é'"},
      {R"({"name":"\ud83d\ude00"})", "name: '😀'"},
      {R"({"name":null,"count":null,"inner":null,"names":null,"time":null})", ""},
      {R"({"count":-5,"size":7,"big_count":"9223372036854775807","big_size":18446744073709551615})",
       "count: -5 size: 7 big_count: 9223372036854775807 big_size: 18446744073709551615"},
      {R"({"big_count":9223372036854775807})", "big_count: 9223372036854775807"},
      {R"({"big_count":-9223372036854775808})", "big_count: -9223372036854775808"},
      {R"({"bigCount":"12"})", "big_count: 12"},
      {R"({"count":1e3})", "count: 1000"},
      {R"({"count":10.0})", "count: 10"},
      {R"({"share":0.1,"thin":"NaN"})", "share: 0.1 thin: nan"},
      {R"({"share":"-Infinity"})", "share: -inf"},
      {R"({"yes":true})", "yes: true"},
      {R"({"blob":"AAEC"})", "blob: '\\000\\001\\002'"},
      {R"({"colour":"dark_Red","colours":["RED",5,0]})",
       "colour: DARK_RED colours: RED colours: DARK_RED colours: NONE"},
      {R"({"inner":{"inner":{"name":"x"}}})", "inner { inner { name: 'x' } }"},
      {R"({"names":[],"counts":["1",2],"inners":[{},{"name":"b"}]})",
       "counts: 1 counts: 2 inners { } inners { name: 'b' }"},
      {R"({"time":"2023-11-21T09:00:00+07:00","took":"1.000000001s"})",
       "time { seconds: 1700532000 } took { seconds: 1 nanos: 1 }"},
      {R"({"time":"1969-12-31T23:59:59.25Z"})", "time { seconds: -1 nanos: 250000000 }"},
      {R"({"maybe":0})", "maybe: 0"},
      {R"({"wrapped":"","wrapped_count":"3","wrappedYes":false})",
       "wrapped { } wrapped_count { value: 3 } wrapped_yes { }"},
      {R"({"mask":"name,count"})", "mask { paths: 'name' paths: 'count' }"},
      {R"({"left":"x"})", "left: 'x'"},
      {R"({"cells":{"a":"1","b":""}})",
       "cells { key: 'a' value: '1' } cells { key: 'b' value: '' }"},
      {R"({"boxes":{"7":{"name":"x"}}})", "boxes { key: 7 value { name: 'x' } }"},
  };
  for (const Good& each : cases) {
    auto message = sink.New();
    ASSERT_THAT(ReadJson(each.json, nullptr, *message), IsOk()) << each.json;
    EXPECT_EQ(message->DebugString(), sink.FromText(each.message)->DebugString()) << each.json;
  }
}

struct Bad {
  std::string json;
  const char* says;
};

TEST(JsonReaderTest, RefusesWhatIsNotStrictJson) {
  testing::KitchenSink sink;
  // What protobuf 3.21's reader takes is marked lax; the rest is RFC 8259.
  const std::vector<Bad> cases = {
      {"", "not JSON"},
      {" ", "not JSON"},
      {"{", "not JSON"},
      {"{}}", "not JSON"},
      {"{} {}", "not JSON"},
      {R"({"name":"a"} x)", "not JSON"},
      {R"({"name":"a",})", "not JSON"},     // lax: trailing comma
      {R"({"names":["a",]})", "not JSON"},  // lax
      {R"({'name':'a'})", "not JSON"},      // lax: single quotes
      {R"({name:"a"})", "not JSON"},        // lax: bare key
      {R"({"name":"a" /* c */})", "not JSON"},
      {"{\"name\":\"a\nb\"}", "not JSON"},
      {R"({"name":"\x41"})", "not JSON"},
      {R"({"name":"\ud800"})", "not JSON"},  // lone surrogate
      {R"({"name":"\ud800\u0041"})", "not JSON"},
      {R"({"name":"\udc00"})", "not JSON"},
      {"{\"name\":\"\xff\"}", "not JSON"},          // not UTF-8
      {"{\"name\":\"\xc0\xaf\"}", "not JSON"},      // overlong
      {"{\"name\":\"\xed\xa0\x80\"}", "not JSON"},  // a surrogate in UTF-8
      {"\xef\xbb\xbf{}", "not JSON"},               // a byte order mark
      {R"({"count":01})", "not JSON"},
      {R"({"count":+1})", "not JSON"},
      {R"({"count":1.})", "not JSON"},
      {R"({"count":.5})", "not JSON"},
      {R"({"share":NaN})", "not JSON"},
      {R"({"count":0x1})", "not JSON"},
      {R"({"yes":True})", "not JSON"},
      {"nul", "not JSON"},
      {std::string("{}\0", 3), "not JSON"},
  };
  for (const Bad& each : cases) {
    auto message = sink.New();
    EXPECT_THAT(ReadJson(each.json, nullptr, *message),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.says)))
        << each.json;
  }
}

TEST(JsonReaderTest, RefusesWhatDoesNotFitTheMessageAndNamesTheField) {
  testing::KitchenSink sink;
  const std::vector<Bad> cases = {
      {"[]", "an object is expected"},
      {"null", "an object is expected"},
      {"5", "an object is expected"},
      {"\"x\"", "an object is expected"},
      {"true", "an object is expected"},
      {R"({"nane":"a"})", "nane: unknown field"},
      {R"({"":"a"})", ": unknown field"},
      {R"({"inners":[{},{"inner":{"nane":1}}]})", "inners[1].inner.nane: unknown field"},
      {R"({"name":"a","name":"b"})", "name: given twice"},  // lax: the last one won
      {R"({"big_count":1,"bigCount":1})", "big_count: given twice"},
      {R"({"cells":{"a":"1","a":"2"}})", "cells[a]: given twice"},
      {R"({"names":"a"})", "names: a string, where an array"},  // lax: scalar for a list
      {R"({"counts":5})", "counts: a number, where an array"},
      {R"({"inners":{}})", "inners: an object, where an array"},
      {R"({"names":[["a"]]})", "names[0]: an array"},
      {R"({"names":["a",null]})", "names[1]: null"},
      {R"({"name":["a"]})", "name: an array"},
      {R"({"name":{}})", "name: an object"},
      {R"({"name":5})", "name: a number, where a string"},
      {R"({"name":true})", "name: true"},
      {R"({"count":"a"})", "count: 'a' is not"},
      {R"({"count":1.5})", "count: '1.5' is not"},
      {R"({"count":2147483648})", "count: "},
      {R"({"count":true})", "count: true"},
      {R"({"size":-1})", "size: '-1'"},
      {R"({"big_count":9223372036854775808})", "big_count: "},
      {R"({"big_count":1e19})", "big_count: "},
      {R"({"big_count":9007199254740993.0})", "big_count: "},
      {R"({"yes":"true"})", "yes: a string, where true or false"},
      {R"({"yes":1})", "yes: a number, where true or false"},
      {R"({"wrapped_yes":"true"})", "wrapped_yes: "},
      {R"({"blob":"***"})", "blob: '***' is not base64"},
      {R"({"colour":"PIGEON"})", "colour: 'PIGEON' is not one of"},
      {R"({"colour":9})", "colour: '9' is not one of"},
      {R"({"inner":"x"})", "inner: a string, where an object"},
      {R"({"inner":[]})", "inner: an array, where an object"},
      {R"({"time":"hôm qua"})", "time: 'hôm qua' is not an instant"},
      {R"({"time":5})", "time: a number"},
      {R"({"time":{"seconds":1}})", "time: an object"},
      {R"({"left":"a","right":1})", "right: only one field of side"},
      {R"({"cells":[]})", "cells: an array, where an object"},
      {R"({"cells":"a"})", "cells: a string, where an object"},
      {R"({"cells":{"a":1}})", "cells[a]: a number"},
      {R"({"boxes":{"x":{}}})", "boxes[x]: 'x' is not"},
      {R"({"boxes":{"1":5}})", "boxes[1]: a number, where an object"},
  };
  for (const Bad& each : cases) {
    auto message = sink.New();
    EXPECT_THAT(ReadJson(each.json, nullptr, *message),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(each.says)))
        << each.json;
  }
}

TEST(JsonReaderTest, BoundsTheDepthBeforeTheStackDoes) {
  testing::KitchenSink sink;
  const auto nested = [](int levels) {
    std::string json;
    for (int i = 0; i < levels - 1; ++i) json += "{\"inner\":";
    json += "{}";
    return json + std::string(static_cast<size_t>(levels - 1), '}');
  };
  auto message = sink.New();
  EXPECT_THAT(ReadJson(nested(kJsonDepthMax), nullptr, *message), IsOk());
  message = sink.New();
  EXPECT_THAT(ReadJson(nested(kJsonDepthMax + 1), nullptr, *message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper than 64")));
  message = sink.New();
  EXPECT_THAT(ReadJson(std::string(1 << 20, '['), nullptr, *message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("array")));
}

TEST(JsonReaderTest, ReadsTheBodyIntoAFieldWhenTheRuleSaysSo) {
  testing::KitchenSink sink;
  const auto field = [&](const char* name) { return sink.type().FindFieldByName(name); };
  auto message = sink.FromText("name: 'kept'");
  ASSERT_THAT(ReadJson(R"({"count":2})", field("inner"), *message), IsOk());
  ASSERT_THAT(ReadJson(R"([{"name":"a"}])", field("inners"), *message), IsOk());
  ASSERT_THAT(ReadJson("7", field("count"), *message), IsOk());
  ASSERT_THAT(ReadJson(R"({"a":"b"})", field("cells"), *message), IsOk());
  EXPECT_EQ(message->DebugString(),
            sink.FromText("name: 'kept' inner { count: 2 } inners { name: 'a' } count: 7 "
                          "cells { key: 'a' value: 'b' }")
                ->DebugString());
  EXPECT_THAT(ReadJson(R"({"nane":1})", field("inner"), *message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inner.nane: unknown")));
  EXPECT_THAT(ReadJson("[1]", field("inner"), *message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inner: an array")));
}

TEST(JsonReaderTest, SaysWhereTheSyntaxBreaks) {
  testing::KitchenSink sink;
  auto message = sink.New();
  EXPECT_THAT(ReadJson("{\n  \"name\": \"a\",\n  oops\n}", nullptr, *message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 3, byte 3")));
}

}  // namespace
}  // namespace dondoc::gateway
