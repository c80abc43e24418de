#include "gateway/query.h"

#include <string>
#include <vector>

#include "gateway/testing/kitchen_sink.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::gateway {
namespace {

using ::dondoc::testing::IsOk;
using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Good {
  const char* query;
  const char* message;
};

TEST(QueryTest, BindsEveryKindOfField) {
  testing::KitchenSink sink;
  const std::vector<Good> cases = {
      {"", ""},
      {"name=a", "name: 'a'"},
      {"name=", ""},
      {"name=a+b%20c%2Bd", "name: 'a b c+d'"},
      {"name=Th%E1%BB%A7%20t%E1%BB%A5c", "name: 'Thủ tục'"},
      {"name=Thủ tục", "name: 'Thủ tục'"},
      {"name=a=b", "name: 'a=b'"},
      {"&&name=a&", "name: 'a'"},
      {"count=-2147483648", "count: -2147483648"},
      {"big_count=9223372036854775807", "big_count: 9223372036854775807"},
      {"bigCount=7", "big_count: 7"},
      {"big_size=18446744073709551615", "big_size: 18446744073709551615"},
      {"yes=true", "yes: true"},
      {"yes=false", ""},
      {"share=2.5", "share: 2.5"},
      {"share=1e-3", "share: 0.001"},
      {"blob=AAEC", "blob: '\\000\\001\\002'"},
      {"blob=_-8=", "blob: '\\377\\357'"},
      {"colour=RED", "colour: RED"},
      {"colour=dark_red", "colour: DARK_RED"},
      {"colour=5", "colour: DARK_RED"},
      {"inner.name=a&inner.count=2", "inner { name: 'a' count: 2 }"},
      {"inner.inner.big_count=1", "inner { inner { big_count: 1 } }"},
      {"names=a", "names: 'a'"},
      {"names=a&names=b,c", "names: 'a' names: 'b,c'"},
      {"counts=1&counts=-2", "counts: 1 counts: -2"},
      {"colours=red&colours=1", "colours: RED colours: RED"},
      {"time=2023-11-21T09:00:00%2B07:00", "time { seconds: 1700532000 }"},
      {"time=2023-11-21T09:00:00+07:00", "time { seconds: 1700532000 }"},
      {"time=2023-11-21T02:00:00.5Z", "time { seconds: 1700532000 nanos: 500000000 }"},
      {"took=3.5s", "took { seconds: 3 nanos: 500000000 }"},
      {"took=-3.5s", "took { seconds: -3 nanos: -500000000 }"},
      {"maybe=0", "maybe: 0"},
      {"wrapped=", "wrapped { }"},
      {"wrapped_count=12", "wrapped_count { value: 12 }"},
      {"wrapped_yes=true", "wrapped_yes { value: true }"},
      {"mask=name,inner.count", "mask { paths: 'name' paths: 'inner.count' }"},
      {"right=3", "right: 3"},
  };
  for (const Good& each : cases) {
    auto message = sink.New();
    ASSERT_THAT(BindQuery(each.query, {}, *message), IsOk()) << each.query;
    EXPECT_EQ(message->DebugString(), sink.FromText(each.message)->DebugString()) << each.query;
  }
}

struct Bad {
  const char* query;
  const char* starts;  // of the message: the field path
  const char* says;
};

TEST(QueryTest, RefusesWhatAFieldCannotHoldAndNamesIt) {
  testing::KitchenSink sink;
  const std::vector<Bad> cases = {
      {"nane=a", "nane:", "unknown query field"},
      {"inner.nane=a", "inner.nane:", "unknown query field"},
      {"name.x=a", "name.x:", "unknown query field"},
      {"=a", ":", "unknown query field"},
      {"name", "", ""},
      {"name=a&name=b", "name:", "given twice"},
      {"big_count=1&bigCount=1", "big_count:", "given twice"},
      {"count=", "count:", "32-bit integer"},
      {"count=a", "count:", "32-bit integer"},
      {"count=2147483648", "count:", "32-bit integer"},
      {"count=+1", "count:", "32-bit integer"},
      {"count=%2B1", "count:", "32-bit integer"},
      {"count=1.0", "count:", "32-bit integer"},
      {"count=0x10", "count:", "32-bit integer"},
      {"size=-1", "size:", "unsigned"},
      {"big_count=9223372036854775808", "big_count:", "64-bit integer"},
      {"big_size=-1", "big_size:", "unsigned 64-bit"},
      {"yes=1", "yes:", "true or false"},
      {"yes=TRUE", "yes:", "true or false"},
      {"yes", "yes:", "true or false"},
      {"share=nan", "share:", "a number"},
      {"share=1e999", "share:", "a number"},
      {"thin=1e39", "thin:", "float"},
      {"blob=%%", "blob:", "hex digits"},
      {"blob=a", "blob:", "base64"},
      {"colour=PIGEON", "colour:", "NONE, RED, DARK_RED"},
      {"colour=4", "colour:", "is not one of"},
      {"inner=a", "inner:", "object"},
      {"inners=a", "inners:", "object"},
      {"cells=a", "cells:", "object"},
      {"inners.name=a", "inners.name:", "unknown query field"},
      {"time=2023-11-21", "time:", "2023-11-21T09:00:00+07:00"},
      {"time=2023-11-21T09:00:00", "time:", "an instant"},
      {"time=2023-02-30T09:00:00Z", "time:", "an instant"},
      {"time=10000-01-01T00:00:00Z", "time:", "an instant"},
      {"time=0000-12-31T23:59:59Z", "time:", "an instant"},
      {"time=infinite-future", "time:", "an instant"},
      {"took=3", "took:", "duration"},
      {"took=1.1234567890s", "took:", "duration"},
      {"took=.5s", "took:", "duration"},
      {"name=%00", "name:", "NUL"},
      {"name=%ff", "name:", "UTF-8"},
      {"name=%C0%AF", "name:", "UTF-8"},
      {"name=%ED%A0%80", "name:", "UTF-8"},
      {"na%zzme=a", "a name in the query", "hex digits"},
      {"left=a&right=1", "right:", "only one field of side"},
  };
  for (const Bad& each : cases) {
    auto message = sink.New();
    const absl::Status status = BindQuery(each.query, {}, *message);
    if (*each.says == '\0') {
      EXPECT_THAT(status, IsOk()) << each.query;
      continue;
    }
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                                 ::testing::AllOf(StartsWith(each.starts), HasSubstr(each.says))))
        << each.query;
  }
}

TEST(QueryTest, RefusesAFieldThatPathOrBodyHasSet) {
  testing::KitchenSink sink;
  for (const char* query : {"name=a", "inner.name=a", "inner.inner.name=b"}) {
    auto message = sink.New();
    EXPECT_THAT(
        BindQuery(query, {"name", "inner"}, *message),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("set by the path or the body")))
        << query;
  }
  auto message = sink.New();
  EXPECT_THAT(BindQuery("inner.name=a&count=1", {"inner.count"}, *message), IsOk());
}

}  // namespace
}  // namespace dondoc::gateway
