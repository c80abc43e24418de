#include "services/ingestion/page_token.h"

#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/units.pb.h"
#include "gmock/gmock.h"
#include "services/common/testing/status_matchers.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::HasSubstr;

TEST(PageTokenTest, IsGoodForItsOwnQueryOnly) {
  v1::ListDossiersRequest query;
  query.set_from("2023-01-01");
  const std::string token = MakePageToken(query, "7|H34");
  EXPECT_EQ(*ReadPageToken(query, token), "7|H34");
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_token: "));
  v1::ListDossiersRequest other = query;
  other.set_from("2023-01-02");
  EXPECT_THAT(ReadPageToken(other, token), refused);
  EXPECT_THAT(ReadPageToken(v1::ListUnitsRequest(), token), refused);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string tampered = token;
    tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(ReadPageToken(query, tampered), refused) << i;
  }
  for (const std::string& text : {std::string("x"), std::string(1000, 'A'), token + "A"}) {
    EXPECT_THAT(ReadPageToken(query, text), refused) << text;
  }
}

TEST(PageTokenTest, PageSizesAreBounded) {
  EXPECT_EQ(*CheckPageSize(0, 100, 1000), 100);
  EXPECT_EQ(*CheckPageSize(1000, 100, 1000), 1000);
  for (const int size : {-1, 1001}) {
    EXPECT_THAT(CheckPageSize(size, 100, 1000),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_size: ")));
  }
}

}  // namespace
}  // namespace dondoc::ingestion
